//! dSprites and its coloured, noisy and painted variants (paper table A.1), drawn by the program or read from
//! the published file.

mod mask;
mod painting;
mod shapes;
mod source;

use std::path::Path;

use self::mask::SIDE;
use self::painting::Painting;
pub(super) use self::shapes::DRAWING;
use self::source::SpriteSource;
use super::dataset::nuisance;
use super::factors::combinations;
use super::{DataError, Dataset, Factor, OpenOptions};

/// Which of the four sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    /// White on black, one channel.
    Plain,
    /// The sprite in a random colour of 8 levels a channel, on black.
    Colour,
    /// A white sprite on uniform noise.
    Noisy,
    /// A crop of a painting, blended with a random colour, inverted where the sprite is.
    Scream,
}

/// Sprites with five known factors, 64x64, or smaller by whole pixels.
pub(super) struct Sprites {
    side: usize,
    spec: String,
    source: SpriteSource,
    factors: Vec<Factor>,
    look: Look,
}

/// A variant with what it needs.
enum Look {
    Plain,
    Colour,
    Noisy,
    Scream(Painting),
}

impl Sprites {
    /// Opens a variant on the sprites of the published `file`, or on those that the program draws, with pictures of `side`
    /// pixels each way, which divides 64.
    pub(super) fn open(
        spec: &str,
        variant: Variant,
        file: Option<&Path>,
        side: usize,
        options: &OpenOptions,
    ) -> Result<Self, DataError> {
        let look = match variant {
            Variant::Plain => Look::Plain,
            Variant::Colour => Look::Colour,
            Variant::Noisy => Look::Noisy,
            Variant::Scream => Look::Scream(match &options.picture {
                Some(path) => Painting::open(path, options.background)?,
                None => Painting::own(),
            }),
        };
        let (source, factors) = match file {
            Some(path) => SpriteSource::published(path, options)?,
            None => SpriteSource::procedural(),
        };
        Ok(Self { side, spec: spec.to_owned(), source, factors, look })
    }

    /// Draws picture `index` at its full size.
    fn draw(&self, index: usize, draw: u64, out: &mut [f32]) -> Result<(), DataError> {
        let sprite = self.source.sprite(index)?;
        match &self.look {
            Look::Plain => {
                out.fill(0.0);
                sprite.paint(out, 1.0);
            }
            Look::Colour => {
                out.fill(0.0);
                let mut stream = nuisance("color-dsprites", index, draw);
                for plane in planes(out) {
                    sprite.paint(plane, stream.below(8) as f32 / 7.0);
                }
            }
            Look::Noisy => {
                let mut stream = nuisance("noisy-dsprites", index, draw);
                for plane in planes(out) {
                    plane.fill_with(|| stream.uniform());
                    sprite.paint(plane, 1.0);
                }
            }
            Look::Scream(painting) => {
                let mut stream = nuisance("scream-dsprites", index, draw);
                painting.crop(&mut stream, out);
                for plane in planes(out) {
                    let colour = stream.uniform();
                    for value in &mut *plane {
                        *value = (*value + colour) / 2.0;
                    }
                    sprite.each_pixel(plane, |value| *value = 1.0 - *value);
                }
            }
        }
        Ok(())
    }
}

impl Dataset for Sprites {
    fn spec(&self) -> &str {
        &self.spec
    }

    fn len(&self) -> usize {
        combinations(&self.factors)
    }

    fn picture_shape(&self) -> [usize; 3] {
        [if matches!(self.look, Look::Plain) { 1 } else { 3 }, self.side, self.side]
    }

    fn factors(&self) -> &[Factor] {
        &self.factors
    }

    fn read(&self, index: usize, draw: u64, out: &mut [f32]) -> Result<(), DataError> {
        if self.side == SIDE {
            return self.draw(index, draw, out);
        }
        let mut whole = vec![0.0; self.picture_shape()[0] * SIDE * SIDE];
        self.draw(index, draw, &mut whole)?;
        nearest(&whole, self.side, out);
        Ok(())
    }
}

/// Takes the pixel under the centre of each of `side * side` pixels of `out`, channel by channel, as Pillow's nearest does.
fn nearest(whole: &[f32], side: usize, out: &mut [f32]) {
    let step = SIDE / side;
    let planes = whole.chunks_exact(SIDE * SIDE).zip(out.chunks_exact_mut(side * side));
    for (whole, out) in planes {
        for (y, row) in out.chunks_exact_mut(side).enumerate() {
            let from = &whole[(y * step + step / 2) * SIDE..][..SIDE];
            row.iter_mut().enumerate().for_each(|(x, value)| *value = from[x * step + step / 2]);
        }
    }
}

fn planes(out: &mut [f32]) -> impl Iterator<Item = &mut [f32]> {
    out.chunks_exact_mut(SIDE * SIDE)
}

#[cfg(test)]
mod tests;
