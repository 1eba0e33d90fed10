use ab_glyph::InvalidFont;

use super::FigureError;
use super::drawing::{Canvas, PictureTable, Typeface};
use super::export::{
    Colour, FigureTarget, Length, Points, Provenance, TargetKind, points_per_pixel, write_pdf, write_png_for,
    write_svg,
};
use super::words::Words;

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
            "--width and --font-size are for what is printed, a .png, .svg or .pdf: {}",
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
