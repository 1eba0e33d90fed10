use ab_glyph::{Font, FontRef, GlyphId, InvalidFont, PxScale, ScaleFont, point};

use crate::base::Picture;

/// The typeface of every figure: light, clear at small sizes, with tabular figures.
pub(in crate::figures) struct Typeface(FontRef<'static>);

/// Where a text's `x` lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// At its beginning.
    Left,
    /// In its middle.
    Centre,
    /// At its end.
    Right,
}

/// One line of text.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// What it says.
    pub words: String,
    /// Its top, and what `align` says of its length.
    pub at: [f32; 2],
    /// Height of the line in pixels.
    pub size: f32,
    /// Which point of it lies at `at`.
    pub align: Align,
    /// Red, green, blue.
    pub colour: [u8; 3],
}

impl Typeface {
    /// The font file.
    pub(in crate::figures) const FILE: &[u8] = epaint_default_fonts::UBUNTU_LIGHT;

    pub(in crate::figures) fn new() -> Result<Self, InvalidFont> {
        FontRef::try_from_slice(Self::FILE).map(Self)
    }

    /// What printers call the size of a font whose lines are `size` high, in the same unit.
    pub(in crate::figures) fn font_size(&self, size: f32) -> f32 {
        size * self.0.units_per_em().unwrap_or(1.0) / self.0.height_unscaled()
    }

    /// Where text begins, in `x`, and its baseline.
    pub(in crate::figures) fn origin(&self, text: &Text) -> [f32; 2] {
        let width = || self.width(&text.words, text.size);
        let x = match text.align {
            Align::Left => text.at[0],
            Align::Centre => text.at[0] - 0.5 * width(),
            Align::Right => text.at[0] - width(),
        };
        [x, text.at[1] + self.0.as_scaled(PxScale::from(text.size)).ascent()]
    }

    /// Width of `text` in pixels at `size`, the height of a line in pixels.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        let font = self.0.as_scaled(PxScale::from(size));
        let (mut width, mut last) = (0.0, None);
        for id in text.chars().map(|c| self.0.glyph_id(c)) {
            width += self.kerning(size, last, id) + font.h_advance(id);
            last = Some(id);
        }
        width
    }

    /// Draws one line of text.
    ///
    /// Glyphs are placed at fractions of a pixel, so that letters keep their distances at small sizes.
    pub(super) fn draw(&self, picture: &mut Picture, text: &Text) {
        let Text { ref words, size, colour, .. } = *text;
        let font = self.0.as_scaled(PxScale::from(size));
        let [mut pen, baseline] = self.origin(text);
        // Whole pixels for the baseline keep the stems of a line equally sharp.
        let baseline = baseline.round();
        let mut last = None;
        for id in words.chars().map(|c| self.0.glyph_id(c)) {
            pen += self.kerning(size, last, id);
            let glyph = id.with_scale_and_position(PxScale::from(size), point(pen, baseline));
            pen += font.h_advance(id);
            last = Some(id);
            let Some(outline) = self.0.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            outline.draw(|dx, dy, coverage| {
                blend(
                    picture,
                    corner.x as i64 + i64::from(dx),
                    corner.y as i64 + i64::from(dy),
                    coverage,
                    colour,
                );
            });
        }
    }

    fn kerning(&self, size: f32, last: Option<GlyphId>, next: GlyphId) -> f32 {
        last.map_or(0.0, |last| self.0.as_scaled(PxScale::from(size)).kern(last, next))
    }
}

/// Lays `colour` over a pixel; outside the picture nothing happens.
pub(super) fn blend(picture: &mut Picture, x: i64, y: i64, coverage: f32, colour: [u8; 3]) {
    let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
    if x >= picture.width() || y >= picture.height() {
        return;
    }
    let coverage = coverage.clamp(0.0, 1.0);
    let mut pixel = picture.pixel(x, y);
    for (below, ink) in pixel.iter_mut().zip(colour) {
        *below = (f32::from(*below) * (1.0 - coverage) + f32::from(ink) * coverage).round() as u8;
    }
    picture.set_pixel(x, y, pixel);
}

/// Numbers for a row of captions: as few decimals as tell them apart as they are, at most two, and a real minus.
pub fn captions(values: &[f32]) -> Vec<String> {
    let exact = |decimals: i32| {
        let scale = 10f32.powi(decimals);
        values.iter().all(|value| ((value * scale).round() / scale - value).abs() < 1e-4)
    };
    let decimals = (0..2).find(|&decimals| exact(decimals)).unwrap_or(2) as usize;
    values.iter().map(|value| signed(&format!("{value:.decimals$}"))).collect()
}

/// The hyphen of a printed number as a minus; "-0.00" without it.
fn signed(number: &str) -> String {
    match number.strip_prefix('-') {
        Some(digits) if digits.chars().all(|c| matches!(c, '0' | '.')) => digits.to_owned(),
        Some(digits) => format!("\u{2212}{digits}"),
        None => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_use_the_decimals_they_need() {
        assert_eq!(captions(&[-3.0, 0.0, 3.0]), ["\u{2212}3", "0", "3"]);
        assert_eq!(captions(&[-0.5, 0.0]), ["\u{2212}0.5", "0.0"]);
        assert_eq!(captions(&[1.0 / 3.0, -0.0001]), ["0.33", "0.00"]);
    }

    #[test]
    fn text_lies_where_it_is_aligned() {
        let typeface = Typeface::new().expect("the typeface is built in");
        let inked = |align, x: f32| {
            let mut picture = Picture::filled(200, 30, [255; 4]);
            let text = Text { words: "azimuth".into(), at: [x, 5.0], size: 18.0, align, colour: [0; 3] };
            typeface.draw(&mut picture, &text);
            let columns: Vec<usize> =
                (0..200).filter(|&x| (0..30).any(|y| picture.pixel(x, y)[0] < 200)).collect();
            (columns[0] as f32, columns[columns.len() - 1] as f32)
        };
        let width = typeface.width("azimuth", 18.0);
        assert!((45.0..75.0).contains(&width), "{width}");
        let (left, right) = inked(Align::Left, 20.0);
        assert!((left - 20.0).abs() < 3.0 && (right - 20.0 - width).abs() < 3.0, "{left} {right} {width}");
        let (left, right) = inked(Align::Right, 150.0);
        assert!((right - 150.0).abs() < 3.0 && (left - 150.0 + width).abs() < 3.0);
        let (left, right) = inked(Align::Centre, 100.0);
        assert!((left + right - 200.0).abs() < 4.0);
    }

    #[test]
    fn text_over_the_edge_is_cut_off() {
        let typeface = Typeface::new().expect("the typeface is built in");
        let mut picture = Picture::filled(10, 10, [255; 4]);
        let (words, at) = ("wide text".to_owned(), [-5.0, -5.0]);
        typeface.draw(&mut picture, &Text { words, at, size: 20.0, align: Align::Left, colour: [0; 3] });
    }

    #[test]
    fn the_typeface_has_what_captions_need() {
        let typeface = Typeface::new().expect("the typeface is built in");
        for c in "0123456789.,\u{2212}×…–²αβμσ".chars() {
            assert_ne!(typeface.0.glyph_id(c).0, 0, "{c}");
        }
    }
}
