//! Sixteen accumulators of 16 values: per step two vector loads, eight broadcasts, sixteen multiply-adds.

use super::{LANES, Product, ROWS, TILE};
use std::arch::x86_64::{
    __m512, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

/// As [`super::Kernel::accumulate`], on the first `16 * VECTORS` lanes.
///
/// # Safety
/// The CPU has AVX-512F, and [`Product::check`] holds.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn accumulate<const VECTORS: usize>(
    product: &Product<'_>,
    fresh: bool,
    tile: &mut [f32; TILE],
) {
    let mut sums = [[_mm512_setzero_ps(); VECTORS]; ROWS];
    if !fresh {
        for row in 0..ROWS {
            for v in 0..VECTORS {
                // SAFETY: the tile has ROWS rows of LANES >= 16 * VECTORS values.
                sums[row][v] = unsafe { _mm512_loadu_ps(tile.as_ptr().add(row * LANES + 16 * v)) };
            }
        }
    }
    let rows: [*const f32; ROWS] =
        std::array::from_fn(|r| product.scalars.as_ptr().wrapping_add(product.rows[r] as usize));
    let mut vectors = product.vectors.as_ptr();
    for &offset in product.offsets.table {
        let mut v = [_mm512_setzero_ps(); VECTORS];
        for (i, v) in v.iter_mut().enumerate() {
            // SAFETY: the vector of every step lies inside the slice.
            *v = unsafe { _mm512_loadu_ps(vectors.add(16 * i)) };
        }
        for row in 0..ROWS {
            // SAFETY: row + offset lies inside the slice for every row and step.
            let scalar: __m512 = unsafe { _mm512_set1_ps(*rows[row].add(offset as usize)) };
            for i in 0..VECTORS {
                sums[row][i] = _mm512_fmadd_ps(scalar, v[i], sums[row][i]);
            }
        }
        vectors = vectors.wrapping_add(product.step);
    }
    for row in 0..ROWS {
        for v in 0..VECTORS {
            // SAFETY: the tile has ROWS rows of LANES >= 16 * VECTORS values.
            unsafe { _mm512_storeu_ps(tile.as_mut_ptr().add(row * LANES + 16 * v), sums[row][v]) };
        }
    }
}
