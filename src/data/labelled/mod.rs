//! Sets of small labelled pictures that come in a file or two, held in memory: MNIST and those in its format, SVHN.

mod idx;
mod mnist;
mod svhn;

use std::borrow::Cow;

use image::GrayImage;
use image::imageops::{FilterType, resize};

use super::{DataError, Dataset, PictureLabels};

pub(super) use mnist::Part;

/// The smallest and the largest side of a picture.
const SIDES: std::ops::RangeInclusive<usize> = 8..=2048;

/// The most bytes that the pictures of a file may unpack to.
const MOST_BYTES: u64 = 256 << 20;

/// Square pictures of 8 bits a channel with a label each.
pub(super) struct LabelledPictures {
    spec: String,
    /// Side of the pictures as they are given.
    size: usize,
    held: Held,
    labels: PictureLabels,
}

/// What the files hold.
struct Held {
    channels: usize,
    /// Side of the pictures in the files.
    side: usize,
    /// `(pictures, channels, side, side)`.
    pixels: Vec<u8>,
}

impl LabelledPictures {
    fn new(spec: &str, size: Option<usize>, held: Held, labels: PictureLabels) -> Result<Self, DataError> {
        let size = size.unwrap_or(held.side);
        if !SIDES.contains(&size) {
            return Err(DataError::Spec(format!("pictures are scaled to 8 to 2048 pixels, not {size}")));
        }
        Ok(Self { spec: spec.to_owned(), size, held, labels })
    }
}

impl Dataset for LabelledPictures {
    fn spec(&self) -> &str {
        &self.spec
    }

    fn len(&self) -> usize {
        self.held.pixels.len() / (self.held.channels * self.held.side.pow(2))
    }

    fn picture_shape(&self) -> [usize; 3] {
        [self.held.channels, self.size, self.size]
    }

    fn labels(&self) -> Option<&PictureLabels> {
        Some(&self.labels)
    }

    fn read(&self, index: usize, _draw: u64, out: &mut [f32]) -> Result<(), DataError> {
        let Held { channels, side, pixels } = &self.held;
        let own = side * side;
        let planes = pixels[index * channels * own..][..channels * own].chunks_exact(own);
        for (plane, out) in planes.zip(out.chunks_exact_mut(self.size * self.size)) {
            for (value, &level) in out.iter_mut().zip(scaled(plane, *side, self.size).iter()) {
                *value = f32::from(level) / 255.0;
            }
        }
        Ok(())
    }
}

/// A plane of `side` pixels each way brought to `size`, by the filter that photographs are scaled with.
fn scaled(plane: &[u8], side: usize, size: usize) -> Cow<'_, [u8]> {
    if size == side {
        return Cow::Borrowed(plane);
    }
    match GrayImage::from_raw(side as u32, side as u32, plane.to_vec()) {
        Some(picture) => {
            Cow::Owned(resize(&picture, size as u32, size as u32, FilterType::Lanczos3).into_raw())
        }
        None => Cow::Borrowed(plane),
    }
}

#[cfg(test)]
mod tests;
