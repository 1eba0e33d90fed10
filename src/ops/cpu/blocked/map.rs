//! Where a pixel lies in memory, and what happens to a value before it is stored there.

use super::lanes::Lanes;
use super::storage::Shared;

/// Channels that lie side by side.
pub const BLOCK: usize = 16;

/// Pixels behind a map that kernels may read (and ignore) past its last row.
const SLACK: usize = 16;

/// The size of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapShape {
    /// Feature maps, not rounded up to whole blocks.
    pub channels: usize,
    /// Rows without the border.
    pub height: usize,
    /// Columns without the border.
    pub width: usize,
}

impl MapShape {
    /// A map of `channels` times `height` times `width`.
    pub fn new(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width }
    }

    /// Blocks of sixteen channels, the last one padded.
    pub fn blocks(&self) -> usize {
        self.channels.div_ceil(BLOCK)
    }

    /// Values from one row to the next.
    #[inline(always)]
    pub fn row_len(&self) -> usize {
        (self.width + 2) * BLOCK
    }

    /// Values from one block of channels to the next.
    #[inline(always)]
    pub fn plane_len(&self) -> usize {
        (self.height + 2) * self.row_len()
    }

    /// Values in all, border and slack included.
    pub fn len(&self) -> usize {
        self.blocks() * self.plane_len() + SLACK * BLOCK
    }

    /// Whether the map has no pixels.
    pub fn is_empty(&self) -> bool {
        self.channels * self.height * self.width == 0
    }

    /// The first channel of pixel (`y`, `x`) in `block`; the border has coordinates -1.
    #[inline(always)]
    pub fn at(&self, block: usize, y: usize, x: usize) -> usize {
        block * self.plane_len() + (y + 1) * self.row_len() + (x + 1) * BLOCK
    }
}

/// A map that is added to a convolution's result.
#[derive(Clone, Copy)]
pub struct Residual<'a> {
    /// Its values.
    pub map: &'a [f32],
    /// Its size: the output's, or half of it when `upsampled`.
    pub shape: MapShape,
    /// Whether each of its pixels stands for 2x2 of the output (nearest upsampling).
    pub upsampled: bool,
}

/// What is done with each value of a layer before it is stored.
///
/// Result = convolution + bias + residual; it goes to `raw` as it is and to `active` through the leaky
/// rectifier, to either or both.
#[derive(Clone, Copy)]
pub struct Epilogue<'a> {
    /// A map to add.
    pub residual: Option<Residual<'a>>,
    /// The result.
    pub raw: Option<Shared<'a, f32>>,
    /// The result after the leaky rectifier.
    pub active: Option<Shared<'a, f32>>,
    /// The rectifier's slope below zero: 0 to 1.
    pub slope: f32,
}

impl Epilogue<'_> {
    /// The part for picture number `picture`, where all maps hold one picture after the other; outputs have `shape`.
    ///
    /// # Panics
    /// When a map does not hold that many.
    #[inline(always)]
    pub(crate) fn of_picture(&self, picture: usize, shape: &MapShape) -> Self {
        let of = |len: usize| picture * len..(picture + 1) * len;
        Self {
            residual: self
                .residual
                .as_ref()
                .map(|residual| Residual { map: &residual.map[of(residual.shape.len())], ..*residual }),
            raw: self.raw.as_ref().map(|map| map.narrow(of(shape.len()))),
            active: self.active.as_ref().map(|map| map.narrow(of(shape.len()))),
            slope: self.slope,
        }
    }

    /// Checks once, so that [`Epilogue::store`] need not, that everything fits maps of `shape`.
    pub(crate) fn check(&self, shape: &MapShape) {
        for map in [&self.raw, &self.active].into_iter().flatten() {
            assert!(map.len() >= shape.len());
        }
        if let Some(residual) = &self.residual {
            let scale = if residual.upsampled { 2 } else { 1 };
            assert!(residual.map.len() >= residual.shape.len());
            assert!(residual.shape.blocks() >= shape.blocks());
            assert!(residual.shape.height * scale >= shape.height);
            assert!(residual.shape.width * scale >= shape.width);
        }
    }

    /// Finishes and stores sixteen channels of one pixel.
    ///
    /// # Safety
    /// The processor has the instructions of `L`; `check` passed for `shape`; the pixel lies in it; no other
    /// thread touches this pixel.
    #[inline(always)]
    pub(crate) unsafe fn store<L: Lanes>(
        &self,
        shape: &MapShape,
        block: usize,
        y: usize,
        x: usize,
        value: L,
    ) {
        // SAFETY: `check` compared the lengths of all maps with the shapes that `at` computes with.
        unsafe {
            let mut value = value;
            if let Some(residual) = &self.residual {
                let shift = u32::from(residual.upsampled);
                let at = residual.shape.at(block, y >> shift, x >> shift);
                value = value.add(L::load(residual.map.as_ptr().add(at)));
            }
            let at = shape.at(block, y, x);
            if let Some(raw) = &self.raw {
                value.store(raw.start().add(at));
            }
            if let Some(active) = &self.active {
                value.leaky(L::splat(self.slope)).store(active.start().add(at));
            }
        }
    }
}
