//! The tile in pieces of four rows x 16 lanes: eight accumulators, two vectors and a broadcast fit 16 registers.

use super::{LANES, Product, ROWS, TILE};
use std::arch::x86_64::{
    _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
};

const PIECE: usize = 4;

/// As [`super::Kernel::accumulate`], on the first `pairs` times 16 lanes.
///
/// # Safety
/// The CPU has AVX2 and FMA, and [`Product::check`] holds.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn accumulate(product: &Product<'_>, pairs: usize, fresh: bool, tile: &mut [f32; TILE]) {
    for first in (0..ROWS).step_by(PIECE) {
        for pair in 0..pairs.min(LANES / 16) {
            let at = |row: usize, v: usize| (first + row) * LANES + 16 * pair + 8 * v;
            let mut sums = [[_mm256_setzero_ps(); 2]; PIECE];
            if !fresh {
                for (row, sums) in sums.iter_mut().enumerate() {
                    for (v, sum) in sums.iter_mut().enumerate() {
                        // SAFETY: rows below ROWS and lanes below LANES lie inside the tile.
                        *sum = unsafe { _mm256_loadu_ps(tile.as_ptr().add(at(row, v))) };
                    }
                }
            }
            let rows: [*const f32; PIECE] = std::array::from_fn(|r| {
                product.scalars.as_ptr().wrapping_add(product.rows[first + r] as usize)
            });
            let mut vectors = product.vectors.as_ptr().wrapping_add(16 * pair);
            for &offset in product.offsets.table {
                // SAFETY: the vector of every step lies inside the slice.
                let (low, high) = unsafe { (_mm256_loadu_ps(vectors), _mm256_loadu_ps(vectors.add(8))) };
                for (row, sums) in rows.iter().zip(&mut sums) {
                    // SAFETY: row + offset lies inside the slice for every row and step.
                    let scalar = unsafe { _mm256_set1_ps(*row.add(offset as usize)) };
                    sums[0] = _mm256_fmadd_ps(scalar, low, sums[0]);
                    sums[1] = _mm256_fmadd_ps(scalar, high, sums[1]);
                }
                vectors = vectors.wrapping_add(product.step);
            }
            for (row, sums) in sums.iter().enumerate() {
                for (v, sum) in sums.iter().enumerate() {
                    // SAFETY: rows below ROWS and lanes below LANES lie inside the tile.
                    unsafe { _mm256_storeu_ps(tile.as_mut_ptr().add(at(row, v)), *sum) };
                }
            }
        }
    }
}
