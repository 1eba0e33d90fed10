use ab_glyph::InvalidFont;

use crate::base::Picture;

use super::text::{Text, Typeface, blend};

/// Colour of what is read first.
pub(super) const INK: [u8; 3] = [24, 24, 27];
/// Colour of what is read when looked for.
pub(super) const FAINT: [u8; 3] = [113, 113, 122];
/// Behind everything.
pub(super) const PAPER: [u8; 4] = [255, 255, 255, 255];

/// A figure as shapes on white, in pixels from its upper left corner: what becomes a raster picture, or is printed sharp at any
/// size.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Width and height.
    pub size: [f32; 2],
    /// From the lowest to the uppermost.
    pub shapes: Vec<Shape>,
}

/// Something on a [`Page`].
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// From one point to another, with a width.
    Line([f32; 2], [f32; 2], f32, [u8; 3]),
    /// A filled rectangle: its upper left corner, and its width and height.
    Rect([f32; 2], [f32; 2], [u8; 3]),
    /// Around a middle, with a radius; a quarter of what lies below shines through when printed.
    Disc([f32; 2], f32, [u8; 3]),
    /// The same without its inside.
    Ring([f32; 2], f32, [u8; 3]),
    /// One line of text.
    Text(Text),
    /// A picture with its upper left corner, one pixel each.
    Picture([f32; 2], Picture),
}

impl Page {
    /// The page in pixels.
    ///
    /// # Errors
    /// When the built-in typeface cannot be read.
    pub fn picture(&self) -> Result<Picture, InvalidFont> {
        let typeface = Typeface::new()?;
        let mut picture = Picture::filled(self.size[0] as usize, self.size[1] as usize, PAPER);
        self.shapes.iter().for_each(|shape| shape.paint(&mut picture, &typeface));
        Ok(picture)
    }

    /// The same with `factor` times as many pixels to every side; pictures stay as they are, so it is for pages without.
    #[must_use]
    pub fn scaled(&self, factor: f32) -> Self {
        let by = |values: [f32; 2]| values.map(|value| value * factor);
        let scaled = |shape: &Shape| match shape.clone() {
            Shape::Line(from, to, width, colour) => Shape::Line(by(from), by(to), width * factor, colour),
            Shape::Rect(at, size, colour) => Shape::Rect(by(at), by(size), colour),
            Shape::Disc(at, radius, colour) => Shape::Disc(by(at), radius * factor, colour),
            Shape::Ring(at, radius, colour) => Shape::Ring(by(at), radius * factor, colour),
            Shape::Text(text) => Shape::Text(Text { at: by(text.at), size: text.size * factor, ..text }),
            Shape::Picture(at, picture) => Shape::Picture(by(at), picture),
        };
        Self { size: by(self.size), shapes: self.shapes.iter().map(scaled).collect() }
    }
}

impl Shape {
    /// Lays it over `picture`.
    pub(super) fn paint(&self, picture: &mut Picture, typeface: &Typeface) {
        match *self {
            Self::Line(from, to, width, colour) => {
                paint(picture, [from, to], width, colour, |p| 0.5 * width - distance_to_line(p, from, to));
            }
            Self::Rect([x, y], [width, height], colour) => {
                let (right, bottom) = (x + width, y + height);
                paint(picture, [[x, y], [right, bottom]], 0.0, colour, |[px, py]| {
                    (px - x).min(right - px).min(py - y).min(bottom - py)
                });
            }
            Self::Disc(at, radius, colour) => {
                paint(picture, [at, at], radius, colour, |p| radius - distance(p, at));
            }
            Self::Ring(at, radius, colour) => {
                paint(picture, [at, at], radius, colour, |p| 1.0 - (distance(p, at) - radius).abs());
            }
            Self::Text(ref text) => typeface.draw(picture, text),
            Self::Picture([x, y], ref other) => picture.paste(other, x as usize, y as usize),
        }
    }
}

/// Covers every pixel around `corners` by how far it lies inside, `depth` in pixels.
fn paint(
    picture: &mut Picture,
    corners: [[f32; 2]; 2],
    margin: f32,
    colour: [u8; 3],
    depth: impl Fn([f32; 2]) -> f32,
) {
    let range = |axis: usize, end: usize| {
        let (a, b) = (corners[0][axis], corners[1][axis]);
        let low = (a.min(b) - margin - 2.0).max(0.0) as usize;
        low..((a.max(b) + margin + 2.0).max(0.0) as usize).min(end)
    };
    for py in range(1, picture.height()) {
        for px in range(0, picture.width()) {
            let coverage = depth([px as f32 + 0.5, py as f32 + 0.5]) + 0.5;
            if coverage > 0.0 {
                blend(picture, px as i64, py as i64, coverage, colour);
            }
        }
    }
}

fn distance(p: [f32; 2], q: [f32; 2]) -> f32 {
    (p[0] - q[0]).hypot(p[1] - q[1])
}

fn distance_to_line(p: [f32; 2], from: [f32; 2], to: [f32; 2]) -> f32 {
    let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
    let along = ((p[0] - from[0]) * dx + (p[1] - from[1]) * dy) / (dx * dx + dy * dy).max(1e-9);
    let along = along.clamp(0.0, 1.0);
    distance(p, [from[0] + along * dx, from[1] + along * dy])
}
