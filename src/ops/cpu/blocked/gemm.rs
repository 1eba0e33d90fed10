//! The micro-kernel: a tile of pixels times a few blocks of outputs, summed in registers.

use super::super::lanes::Lanes;

/// Accumulators: `PIXELS` pixels times `COLUMNS` blocks of sixteen outputs.
pub(crate) type Tile<L, const PIXELS: usize, const COLUMNS: usize> = [[L; COLUMNS]; PIXELS];

/// Where the pixels of a tile lie: rows of `WIDTH` pixels (a constant of [`accumulate`]).
#[derive(Clone, Copy)]
pub(crate) struct Pixels {
    /// Values from one pixel to the next in a row.
    pub stride: usize,
    /// Values from one row to the next.
    pub row_stride: usize,
}

/// A tile of zeros.
///
/// # Safety
/// The processor has the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn zeros<L: Lanes, const PIXELS: usize, const COLUMNS: usize>() -> Tile<L, PIXELS, COLUMNS>
{
    // SAFETY: the caller's promise.
    [[unsafe { L::splat(0.0) }; COLUMNS]; PIXELS]
}

/// `tile[p][q] += sum over k < depth of input[p][k] * weights[k][q]`, with the weights of one `k` side by side.
///
/// # Safety
/// The processor has the instructions of `L`; `input` is readable at every pixel of the tile and `depth` values
/// from there; `weights` holds `depth * COLUMNS * 16` values.
#[inline(always)]
pub(crate) unsafe fn accumulate<L: Lanes, const PIXELS: usize, const WIDTH: usize, const COLUMNS: usize>(
    mut tile: Tile<L, PIXELS, COLUMNS>,
    input: *const f32,
    pixels: Pixels,
    weights: *const f32,
    depth: usize,
) -> Tile<L, PIXELS, COLUMNS> {
    // SAFETY: the caller's promise, term by term.
    unsafe {
        for k in 0..depth {
            let mut columns = [L::splat(0.0); COLUMNS];
            for (q, column) in columns.iter_mut().enumerate() {
                *column = L::load(weights.add((k * COLUMNS + q) * 16));
            }
            for p in 0..PIXELS {
                let at = (p / WIDTH) * pixels.row_stride + (p % WIDTH) * pixels.stride + k;
                let value = L::splat(*input.add(at));
                for q in 0..COLUMNS {
                    tile[p][q] = value.mul_add(columns[q], tile[p][q]);
                }
            }
        }
        tile
    }
}
