use image::imageops::{FilterType, resize};
use image::{GrayImage, RgbImage};

use crate::base::Pool;
use crate::data::DataError;
use crate::data::factor_table::KnownFactors;

/// Published files that pictures are read from, once and in their order.
pub(super) trait Source {
    /// Pictures in all, at least one.
    fn pictures(&self) -> usize;

    /// The factors and the classes of each picture, as many as there are.
    ///
    /// # Errors
    /// When the labels cannot be read or are no classes.
    fn known(&self) -> Result<KnownFactors, DataError>;

    /// Hands all pictures to `each`, some at a time; what can be unpacked side by side is, on `pool`'s threads.
    ///
    /// # Errors
    /// When the files are damaged or end early, and what `each` reports.
    fn stream(
        &self,
        pool: &Pool,
        each: &mut dyn FnMut(Block<'_>) -> Result<(), DataError>,
    ) -> Result<(), DataError>;
}

/// Pictures one after another, rows from the top, channels together.
pub(super) struct Block<'a> {
    pub(super) pixels: &'a [u8],
    /// Side of each.
    pub(super) side: usize,
}

impl Block<'_> {
    /// One of its pictures at another size, by the filter that photographs are scaled with.
    pub(super) fn scaled(&self, pixels: &[u8], channels: usize, size: usize) -> Vec<u8> {
        let (side, size, pixels) = (self.side as u32, size as u32, pixels.to_vec());
        let scaled = match channels {
            1 => GrayImage::from_raw(side, side, pixels)
                .map(|picture| resize(&picture, size, size, FilterType::Lanczos3).into_raw()),
            _ => RgbImage::from_raw(side, side, pixels)
                .map(|picture| resize(&picture, size, size, FilterType::Lanczos3).into_raw()),
        };
        scaled.unwrap_or_default()
    }
}
