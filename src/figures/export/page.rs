use std::io::Write;
use std::path::Path;

use crate::base::{FileError, write_atomic};
use crate::figures::drawing::{Page, Typeface};

use super::{ExportError, Length, Provenance, pdf, svg};

/// Writes a page as an SVG document of this `width` (96 pixels an inch when left out), with its provenance in it. The same page
/// is the same file.
///
/// # Errors
/// When the built-in typeface cannot be read or the file cannot be written; nothing is left behind then.
pub fn write_svg(
    path: &Path,
    page: &Page,
    width: Option<Length>,
    provenance: &Provenance,
) -> Result<(), ExportError> {
    let document = svg::document(page, &Typeface::new()?, width, provenance);
    write(path, document.map_err(|error| FileError::new(error, path))?.as_bytes())
}

/// The same as a PDF.
///
/// # Errors
/// As [`write_svg`], and when the page has no size.
pub fn write_pdf(
    path: &Path,
    page: &Page,
    width: Option<Length>,
    provenance: &Provenance,
) -> Result<(), ExportError> {
    write(path, &pdf::document(page, &Typeface::new()?, width, provenance)?)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ExportError> {
    write_atomic(path, |writer| writer.write_all(bytes).map_err(|error| FileError::new(error, path).into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Picture;
    use crate::figures::drawing::{Align, Shape, Text};

    fn page() -> Page {
        let words = "azimuth < 90\u{b0} & up".to_owned();
        let text = Text { words, at: [4.0, 4.0], size: 14.0, align: Align::Left, colour: [10, 20, 30] };
        let picture = Picture::filled(8, 6, [200, 100, 50, 255]);
        let shapes = vec![
            Shape::Text(text),
            Shape::Picture([20.0, 30.0], picture),
            Shape::Line([0.0, 0.0], [50.0, 50.0], 2.0, [1, 2, 3]),
            Shape::Disc([60.0, 20.0], 5.0, [0, 0, 255]),
            Shape::Ring([60.0, 40.0], 5.0, [0, 255, 0]),
        ];
        Page { size: [100.0, 60.0], shapes }
    }

    fn provenance() -> Provenance {
        let command = ["idgan", "traverse", "wört mit Raum"].map(str::to_owned).to_vec();
        Provenance { command, ..Provenance::default() }
    }

    fn written(write: impl Fn(&Path) -> Result<(), ExportError>) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let files = ["a", "b"].map(|name| {
            let path = folder.path().join(name);
            write(&path).expect("writes");
            std::fs::read(path).expect("reads")
        });
        assert_eq!(files[0], files[1], "the same page is the same file");
        let [first, _] = files;
        first
    }

    #[test]
    fn an_svg_holds_text_pictures_command_and_size() {
        let width = "170mm".parse().ok();
        let bytes = written(|path| write_svg(path, &page(), width, &provenance()));
        let text = String::from_utf8(bytes).expect("text");
        assert!(text.contains(">azimuth &lt; 90\u{b0} &amp; up</text>"), "{text}");
        assert!(text.contains("<desc>idgan traverse 'wört mit Raum'</desc>"), "{text}");
        assert!(text.contains("width=\"481.89pt\" height=\"289.13pt\""), "{text}");
        assert_eq!(text.matches("<image x=\"20\" y=\"30\" width=\"8\" height=\"6\"").count(), 1);
        assert_eq!(text.matches("<circle").count(), 2);
    }

    #[test]
    fn a_pdf_has_its_size_a_font_of_its_own_and_no_date() {
        let width = "1in".parse().ok();
        let bytes = written(|path| write_pdf(path, &page(), width, &provenance()));
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.starts_with("%PDF-"));
        assert!(text.contains("/MediaBox[0 0 72 43.2]"), "{text}");
        assert!(text.contains("/ToUnicode") && text.contains("/FontFile"), "a search finds its text");
        assert!(!text.contains("CreationDate"));
    }

    #[test]
    fn a_page_without_a_size_is_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let page = Page { size: [0.0, 10.0], shapes: Vec::new() };
        assert!(write_pdf(&folder.path().join("a.pdf"), &page, None, &provenance()).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 0);
    }
}
