use ab_glyph::InvalidFont;

use super::FigureError;
use super::drawing::{Canvas, Page, PictureTable, Typeface};
use super::export::{
    Colour, FigureTarget, Length, Points, Provenance, TargetKind, check_size, points_per_pixel, write_pdf,
    write_png_for, write_svg,
};
use super::words::Words;

/// Pixels to the inch of a page of shapes that becomes a PNG.
const DOTS: f32 = 300.0;

/// How a figure is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Print {
    /// How wide; when left out 96 pixels make an inch.
    pub width: Option<Length>,
    /// Size of the type of its titles; what suits the pictures when left out.
    pub font_size: Option<Points>,
}

impl Print {
    pub(super) fn say(self, words: &mut Words) {
        words.optional("width", self.width);
        words.optional("font-size", self.font_size);
    }

    /// Refuses to print what has no size on paper.
    pub(super) fn check(self, target: &FigureTarget) -> Result<(), FigureError> {
        let is_printed = matches!(target.kind, TargetKind::Png | TargetKind::Svg | TargetKind::Pdf);
        if is_printed || self == Self::default() {
            return Ok(());
        }
        Err(FigureError::Request(format!(
            "a width and a size of type on paper are for a .png, .svg or .pdf: {}",
            target.path.display()
        )))
    }

    /// The table with its type in the size that was asked for.
    pub(super) fn lettered(self, mut table: PictureTable) -> Result<PictureTable, InvalidFont> {
        let Some(size) = self.font_size else { return Ok(table) };
        let typeface = Typeface::new()?;
        // Larger type makes the figure wider, of which the same paper shows each pixel smaller: this settles soon.
        for _ in 0..8 {
            let point = points_per_pixel(self.width, table.size()?[0] as f32);
            table.line = Some(size.number() / point / typeface.font_size(1.0));
        }
        Ok(table)
    }

    /// How wide a page of shapes is in pixels whose titles' lines are `line` high, and how wide that is on paper: `usual`
    /// pixels, unless type and paper have sizes of their own.
    ///
    /// # Errors
    /// When the built-in typeface cannot be read.
    pub fn page_width(self, usual: f32, line: f32) -> Result<(f32, Length), InvalidFont> {
        let paper = self.width.unwrap_or_else(|| Length::of_points(points_per_pixel(None, usual) * usual));
        let typeface = Typeface::new()?;
        let width = |size: Points| paper.points() * typeface.font_size(line) / size.number();
        Ok((self.font_size.map_or(usual, width), paper))
    }

    /// Writes a page of shapes as wide as `paper`; as a PNG with 300 pixels to the inch.
    ///
    /// # Errors
    /// When it has no size or is too large, or the file cannot be written.
    pub fn write_page(
        page: &Page,
        paper: Length,
        target: &FigureTarget,
        provenance: &Provenance,
    ) -> Result<(), FigureError> {
        let path = &target.path;
        Ok(match target.kind {
            TargetKind::Svg => write_svg(path, page, Some(paper), provenance),
            TargetKind::Pdf => write_pdf(path, page, Some(paper), provenance),
            _ => {
                let page = page.scaled(paper.points() / 72.0 * DOTS / page.size[0]);
                check_size(page.size.map(|side| side as usize))?;
                write_png_for(path, &page.picture()?, Colour::Rgb, Some(paper), provenance)
            }
        }?)
    }

    /// Writes a figure.
    pub(super) fn write(
        self,
        canvas: &Canvas,
        target: &FigureTarget,
        provenance: &Provenance,
    ) -> Result<(), FigureError> {
        let path = &target.path;
        Ok(match target.kind {
            TargetKind::Svg => write_svg(path, &canvas.page(), self.width, provenance),
            TargetKind::Pdf => write_pdf(path, &canvas.page(), self.width, provenance),
            _ => write_png_for(path, canvas.picture(), Colour::Rgb, self.width, provenance),
        }?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::drawing::{Band, Shape};
    use super::*;

    #[test]
    fn a_page_has_as_many_pixels_as_its_type_needs_on_its_paper() {
        let typeface = Typeface::new().expect("the typeface is built in");
        let print = Print { width: "170mm".parse().ok(), font_size: "8".parse().ok() };
        let (pixels, paper) = print.page_width(760.0, 15.0).expect("measures");
        assert!((typeface.font_size(15.0) * paper.points() / pixels - 8.0).abs() < 1e-3);
        let (pixels, paper) = Print::default().page_width(760.0, 15.0).expect("measures");
        assert_eq!((pixels, paper.points().round()), (760.0, 570.0), "96 pixels to the inch");
    }

    #[test]
    fn type_is_as_large_on_paper_as_asked_for() {
        let band = Band { title: "azimuth".into(), tags: vec![String::new()], ..Band::default() };
        let table = PictureTable { cell: [64, 64], columns: 5, bands: vec![band; 3], line: None };
        let typeface = Typeface::new().expect("the typeface is built in");
        for width in [None, "170mm".parse().ok(), "80mm".parse().ok()] {
            for size in ["6", "8", "14"] {
                let print = Print { width, font_size: size.parse().ok() };
                let canvas = print.lettered(table.clone()).and_then(|table| table.canvas()).expect("draws");
                let page = canvas.page();
                let Some(Shape::Text(title)) = page.shapes.first() else { panic!("a title") };
                let points = typeface.font_size(title.size) * points_per_pixel(width, page.size[0]);
                let asked: f32 = size.parse().expect("a number");
                assert!((points / asked - 1.0).abs() < 0.02, "{width:?} {size}: {points}");
            }
        }
    }
}
