//! The micro-kernel: a tile of pixels times a few blocks of outputs, summed in registers.

use super::super::element::Element;
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

/// `tile[p][q] += sum over k < depth of input[p][k] * weights[k][q]`, with the weights of one step (see [`weight_at`])
/// side by side.
///
/// # Safety
/// The processor has the instructions of `L`; `depth` is a multiple of the element's step; `input` is readable at every
/// pixel of the tile and `depth` values from there; `weights` holds `depth * COLUMNS * 16` values.
#[inline(always)]
pub(crate) unsafe fn accumulate<
    L: Lanes,
    E: Element,
    const PIXELS: usize,
    const WIDTH: usize,
    const COLUMNS: usize,
>(
    mut tile: Tile<L, PIXELS, COLUMNS>,
    input: *const E,
    pixels: Pixels,
    weights: *const E,
    depth: usize,
) -> Tile<L, PIXELS, COLUMNS> {
    // SAFETY: the caller's promise, term by term.
    unsafe {
        for k in (0..depth).step_by(E::STEP) {
            let weights = weights.add(k * COLUMNS * 16);
            let columns: [_; COLUMNS] =
                std::array::from_fn(|q| E::operands::<L>(weights.add(q * 16 * E::STEP)));
            for p in 0..PIXELS {
                let at = (p / WIDTH) * pixels.row_stride + (p % WIDTH) * pixels.stride + k;
                let value = E::splat::<L>(input.add(at));
                for q in 0..COLUMNS {
                    tile[p][q] = E::multiply_add(tile[p][q], value, columns[q]);
                }
            }
        }
        tile
    }
}

/// Where the weight of input `k` and output `lane` lies among those of `width` outputs: steps one behind the other, and in
/// each the inputs of one output side by side.
pub(crate) fn weight_at<E: Element>(k: usize, lane: usize, width: usize) -> usize {
    k / E::STEP * E::STEP * width + lane * E::STEP + k % E::STEP
}
