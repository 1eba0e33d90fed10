//! The tile in pieces of four rows x 8 lanes, which compilers keep in registers of 128 bits.

use super::{LANES, Product, ROWS, TILE};

const PIECE: usize = 4;
const WIDTH: usize = 8;

/// As [`super::Kernel::accumulate`], on the first `eights` times 8 lanes.
pub(super) fn accumulate(product: &Product<'_>, eights: usize, fresh: bool, tile: &mut [f32; TILE]) {
    for first in (0..ROWS).step_by(PIECE) {
        for eight in 0..eights.min(LANES / WIDTH) {
            let at = |row: usize| (first + row) * LANES + WIDTH * eight;
            let mut sums = [[0.0_f32; WIDTH]; PIECE];
            if !fresh {
                for (row, sums) in sums.iter_mut().enumerate() {
                    sums.copy_from_slice(&tile[at(row)..][..WIDTH]);
                }
            }
            let rows: [&[f32]; PIECE] =
                std::array::from_fn(|r| &product.scalars[product.rows[first + r] as usize..]);
            for (k, &offset) in product.offsets.table.iter().enumerate() {
                let vector = &product.vectors[k * product.step + WIDTH * eight..][..WIDTH];
                for (row, sums) in rows.iter().zip(&mut sums) {
                    let scalar = row[offset as usize];
                    for (sum, &v) in sums.iter_mut().zip(vector) {
                        *sum += scalar * v;
                    }
                }
            }
            for (row, sums) in sums.iter().enumerate() {
                tile[at(row)..][..WIDTH].copy_from_slice(sums);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Kernel, LANES, Offsets, Product, ROWS, TILE};

    #[test]
    fn every_kernel_follows_the_definition() {
        let number = |i: usize| ((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0;
        let scalars: Vec<f32> = (0..3000).map(number).collect();
        let vectors: Vec<f32> = (5000..5000 + 200 * 48).map(number).collect();
        for (steps, step) in [(0, 32), (1, 32), (7, 40), (200, 48)] {
            let rows = std::array::from_fn(|r| (r * 37 % 300) as u32);
            let offsets: Vec<u32> = (0..steps).map(|k| (k * 13 % 2700) as u32).collect();
            let product =
                Product { scalars: &scalars, rows, offsets: Offsets::new(&offsets), vectors: &vectors, step };
            for (lanes, fresh) in [(1, true), (16, false), (17, true), (32, false)] {
                for kernel in Kernel::available() {
                    let mut tile = [if fresh { f32::NAN } else { 0.5 }; TILE];
                    kernel.accumulate(&product, lanes, fresh, &mut tile);
                    for (row, lane) in (0..ROWS).flat_map(|r| (0..lanes).map(move |l| (r, l))) {
                        let mut expected = if fresh { 0.0 } else { 0.5 };
                        for (k, offset) in offsets.iter().enumerate() {
                            let scalar = f64::from(scalars[(rows[row] + offset) as usize]);
                            expected += scalar * f64::from(vectors[k * step + lane]);
                        }
                        let got = f64::from(tile[row * LANES + lane]);
                        assert!((got - expected).abs() < 1e-5, "{kernel:?} {steps} {got} {expected}");
                    }
                }
            }
        }
    }
}
