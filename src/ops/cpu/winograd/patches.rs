//! From pictures to transformed patches.

use super::super::blocked::transforms::{F4, MOST, Transform};
use super::super::isa::{Isa, Kernel};
use super::super::lanes::Lanes;
use super::super::scratch::with_scratch;
use super::super::sizes::{fits, product};
use super::super::transpose::transpose_into;
use super::{BLOCK, Chunk, POINTS, TILE_EDGE, Tiling};

/// Points along one axis.
const EDGE: usize = 6;

/// What becomes of the pixels of a tile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Role {
    /// Patches of 6x6, after a leaky ReLU of some slope: what a kernel is multiplied with.
    Input(Option<f32>),
    /// The tile's own 4x4: the gradient of a result.
    Result,
}

/// Transforms all tiles of a chunk of `source (batch, channels, height, width)` to `[point][block][slot][BLOCK]`.
pub(super) fn transform(
    isa: Isa,
    tiling: &Tiling,
    chunk: &Chunk,
    role: Role,
    source: &[f32],
    channels: usize,
    patches: &mut [f32],
) {
    let (width, plane) = (tiling.width, tiling.height * tiling.width);
    // One pixel more on every side than the tiles have.
    let rows = chunk.rows.len() * TILE_EDGE + 2;
    let row_length = (width + 2) * BLOCK;
    let top = (chunk.rows.start * TILE_EDGE) as isize - 1;
    with_scratch(rows * row_length, |strip| {
        // The border; pixels are overwritten for every block.
        strip.fill(0.0);
        for block in 0..channels / BLOCK {
            for (index, image) in chunk.images.clone().enumerate() {
                let source = &source[(image * channels + block * BLOCK) * plane..][..BLOCK * plane];
                for (row, line) in strip.chunks_exact_mut(row_length).enumerate() {
                    let row = top + row as isize;
                    if row >= 0 && row < tiling.height as isize {
                        let source = &source[row as usize * width..];
                        transpose_into(isa, source, plane, BLOCK, width, &mut line[BLOCK..], |x| x * BLOCK);
                    }
                }
                let tiles = chunk.rows.len() * tiling.across;
                isa.run(Strip {
                    tiling,
                    role,
                    rows: chunk.rows.len(),
                    strip,
                    patches,
                    first: (block * tiling.slots + index * tiles) * BLOCK,
                    point_length: tiling.point_length(channels),
                });
            }
        }
    });
}

/// The tiles of one block of channels of one image.
struct Strip<'a> {
    tiling: &'a Tiling,
    role: Role,
    /// Rows of tiles.
    rows: usize,
    strip: &'a [f32],
    patches: &'a mut [f32],
    /// Where the first tile's first point goes.
    first: usize,
    point_length: usize,
}

impl Kernel for Strip<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        // SAFETY: the caller's promise.
        unsafe {
            match self.role {
                Role::Input(None) => self.tiles::<L, 0>(0.0),
                Role::Input(Some(slope)) => self.tiles::<L, 1>(slope),
                Role::Result => self.tiles::<L, 2>(0.0),
            }
        }
    }
}

impl Strip<'_> {
    /// `ROLE` is 0 for patches, 1 for patches after a leaky ReLU, 2 for results.
    ///
    /// # Safety
    /// The processor has the instructions of `L`.
    #[inline(always)]
    unsafe fn tiles<L: Lanes, const ROLE: usize>(self, slope: f32) {
        let across = self.tiling.across;
        let row_length = (self.tiling.width + 2) * BLOCK;
        // The pixels read of each tile, and where they begin in it.
        let (pixels, begin) = if ROLE == 2 { (TILE_EDGE, row_length + BLOCK) } else { (EDGE, 0) };
        assert!(across * TILE_EDGE <= self.tiling.width);
        assert!(self.strip.len() >= product([self.rows * TILE_EDGE + 2, row_length]));
        let tiles = product([self.rows, across, BLOCK]);
        assert!(fits(POINTS, self.point_length, self.first + tiles, self.patches.len()));
        for tile in 0..self.rows * across {
            let (ty, tx) = (tile / across, tile % across);
            // SAFETY: the lengths were compared above with what the tiles read and write.
            unsafe {
                let slope = L::splat(slope);
                let from =
                    self.strip.as_ptr().add(ty * TILE_EDGE * row_length + tx * TILE_EDGE * BLOCK + begin);
                let mut rows = [[L::splat(0.0); MOST]; MOST];
                for x in 0..pixels {
                    let mut column = [L::splat(0.0); MOST];
                    for (y, value) in column.iter_mut().enumerate().take(pixels) {
                        *value = L::load(from.add(y * row_length + x * BLOCK));
                        if ROLE == 1 {
                            *value = value.leaky(slope);
                        }
                    }
                    let column = if ROLE == 2 { spread(column) } else { F4::input(column) };
                    for (row, value) in rows.iter_mut().zip(column) {
                        row[x] = value;
                    }
                }
                let to = self.patches.as_mut_ptr().add(self.first + tile * BLOCK);
                for (y, row) in rows.into_iter().enumerate() {
                    let row = if ROLE == 2 { spread(row) } else { F4::input(row) };
                    for (x, value) in row.into_iter().enumerate() {
                        value.store(to.add((y * EDGE + x) * self.point_length));
                    }
                }
            }
        }
    }
}

/// `A y` of one column or row of four: the adjoint of [`F4::output`].
///
/// # Safety
/// The processor has the instructions of `L`.
#[inline(always)]
unsafe fn spread<L: Lanes>(y: [L; MOST]) -> [L; MOST] {
    // SAFETY: the caller's promise.
    unsafe {
        let (two, four) = (L::splat(2.0), L::splat(4.0));
        let (even, odd) = (y[0].add(y[2]), y[1].add(y[3]));
        let (far_even, far_odd) = (y[2].mul_add(four, y[0]), y[3].mul_add(four, y[1]).mul(two));
        [y[0], even.add(odd), even.sub(odd), far_even.add(far_odd), far_even.sub(far_odd), y[3]]
    }
}
