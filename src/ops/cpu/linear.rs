//! The fully connected layer's three products, `x (batch, inputs)`, `weight (outputs, inputs)`,
//! `y (batch, outputs)`, all row by row.
//!
//! A convolution whose kernel covers its whole unpadded input is the same thing.

use super::convolution::Fused;
use super::micro::{Kernel, LANES, Offsets, Product, ROWS, TILE};
use super::scratch::with_scratch;
use super::transpose::{Target, transpose, transpose_into};
use rayon::prelude::*;

/// The sizes of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinearShape {
    /// Rows of `x` and `y`.
    pub batch: usize,
    /// Columns of `x`.
    pub inputs: usize,
    /// Columns of `y`.
    pub outputs: usize,
}

/// Multiply-adds that are worth another thread.
const TASK: usize = 1 << 17;

/// `y = activation(x weight^T + bias)`; overwrites all of `y`.
pub fn forward(shape: &LinearShape, x: &[f32], weight: &[f32], fused: &Fused<'_>, y: &mut [f32]) {
    let &LinearShape { batch, inputs, outputs } = shape;
    let offsets: Vec<u32> = (0..inputs as u32).collect();
    let offsets = Offsets::new(&offsets);
    let kernel = Kernel::best();
    let plain = Fused { after: fused.after, ..Fused::default() };
    let target = Target::new(y);
    // The weights are the scalars, which need no packing, and 32 rows of the batch the vectors.
    for first in (0..batch).step_by(LANES) {
        let lanes = LANES.min(batch - first);
        with_scratch(inputs * LANES, |turned| {
            transpose_into(&x[first * inputs..], inputs, lanes, inputs, turned, |k| k * LANES);
            let turned = &*turned;
            let least = (TASK / (ROWS * LANES * inputs.max(1))).max(1);
            (0..outputs.div_ceil(ROWS)).into_par_iter().with_min_len(least).for_each(|tile_index| {
                let output = tile_index * ROWS;
                let count = ROWS.min(outputs - output);
                let rows = std::array::from_fn(|r| ((output + r.min(count - 1)) * inputs) as u32);
                let mut tile = [0.0; TILE];
                if let Some(bias) = fused.bias {
                    for (row, &bias) in tile.chunks_exact_mut(LANES).zip(&bias[output..]) {
                        row.fill(bias);
                    }
                }
                let product = Product { scalars: weight, rows, offsets, vectors: turned, step: LANES };
                kernel.accumulate(&product, lanes, false, &mut tile);
                // SAFETY: every task has outputs of its own, and `y` outlives the loop.
                unsafe {
                    transpose(&tile, LANES, count, lanes, &plain, target, |lane| {
                        (first + lane) * outputs + output
                    });
                }
            });
        });
    }
}

/// `dx = dy weight`; overwrites all of `dx`.
pub fn input_gradient(shape: &LinearShape, dy: &[f32], weight: &[f32], dx: &mut [f32]) {
    let &LinearShape { batch, inputs, outputs } = shape;
    product(dy, (outputs, 1), batch, outputs, weight, inputs, dx);
}

/// `dweight = dy^T x`; overwrites all of `dweight`.
pub fn weight_gradient(shape: &LinearShape, x: &[f32], dy: &[f32], dweight: &mut [f32]) {
    let &LinearShape { batch, inputs, outputs } = shape;
    product(dy, (1, outputs), outputs, batch, x, inputs, dweight);
}

/// `out (rows, columns) = a b`, where `a[row, k]` lies at `row * steps.0 + k * steps.1` and `b (depth, columns)`
/// row by row.
fn product(
    a: &[f32],
    (row_step, depth_step): (usize, usize),
    rows: usize,
    depth: usize,
    b: &[f32],
    columns: usize,
    out: &mut [f32],
) {
    let offsets: Vec<u32> = (0..depth).map(|k| (k * depth_step) as u32).collect();
    let offsets = Offsets::new(&offsets);
    let (whole, rest) = (columns / LANES, columns % LANES);
    let kernel = Kernel::best();
    let target = Target::new(out);
    // The vectors are read where they lie, save the last columns, which do not fill a vector.
    with_scratch(if rest == 0 { 0 } else { depth * LANES }, |last| {
        if rest > 0 {
            for (row, last) in b.chunks_exact(columns).zip(last.chunks_exact_mut(LANES)) {
                last[..rest].copy_from_slice(&row[whole * LANES..]);
                last[rest..].fill(0.0);
            }
        }
        let last = &*last;
        let tiles = rows.div_ceil(ROWS);
        let blocks = whole + usize::from(rest > 0);
        let least = (TASK / (TILE * depth.max(1))).max(1);
        // Rows change fastest, so that a thread goes on with the vectors that it has in its cache.
        (0..tiles * blocks).into_par_iter().with_min_len(least).for_each(|task| {
            let (block, first) = (task / tiles, task % tiles * ROWS);
            let count = ROWS.min(rows - first);
            let (vectors, step, lanes) = if block < whole {
                (&b[(block * LANES).min(b.len())..], columns, LANES)
            } else {
                (last, LANES, rest)
            };
            let rows = std::array::from_fn(|r| ((first + r.min(count - 1)) * row_step) as u32);
            let mut tile = [0.0; TILE];
            kernel.accumulate(&Product { scalars: a, rows, offsets, vectors, step }, lanes, true, &mut tile);
            for (r, row) in tile.chunks_exact(LANES).enumerate().take(count) {
                // SAFETY: every task has rows and columns of its own, and `out` outlives the loop.
                unsafe { target.write((first + r) * columns + block * LANES, &row[..lanes]) };
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(length: usize, seed: usize) -> Vec<f32> {
        (0..length).map(|i| ((i * 7919 + seed * 31) % 1009) as f32 / 504.5 - 1.0).collect()
    }

    fn assert_close(got: &[f32], expected: impl Fn(usize) -> f64, what: &str) {
        for (i, &got) in got.iter().enumerate() {
            let expected = expected(i);
            assert!((f64::from(got) - expected).abs() < 1e-4, "{what} [{i}]: {got} {expected}");
        }
    }

    #[test]
    fn all_three_follow_their_definition() {
        for (batch, inputs, outputs) in
            [(1, 1, 1), (3, 5, 7), (8, 276, 70), (64, 256, 20), (70, 33, 64), (2, 40, 1)]
        {
            let shape = LinearShape { batch, inputs, outputs };
            let (x, w, dy) =
                (values(batch * inputs, 1), values(outputs * inputs, 2), values(batch * outputs, 3));
            let bias = values(outputs, 4);
            let (mut y, mut dx, mut dw) =
                (vec![f32::NAN; dy.len()], vec![f32::NAN; x.len()], vec![f32::NAN; w.len()]);
            forward(
                &shape,
                &x,
                &w,
                &Fused { bias: Some(&bias), after: Some(0.2), ..Fused::default() },
                &mut y,
            );
            input_gradient(&shape, &dy, &w, &mut dx);
            weight_gradient(&shape, &x, &dy, &mut dw);
            let sum = |n: usize, f: &dyn Fn(usize) -> (f32, f32)| {
                (0..n).map(|k| f64::from(f(k).0) * f64::from(f(k).1)).sum::<f64>()
            };
            assert_close(
                &y,
                |i| {
                    let (n, o) = (i / outputs, i % outputs);
                    let y = f64::from(bias[o]) + sum(inputs, &|k| (x[n * inputs + k], w[o * inputs + k]));
                    if y > 0.0 { y } else { 0.2 * y }
                },
                "y",
            );
            let at = |i: usize| (i / inputs, i % inputs);
            assert_close(
                &dx,
                |i| sum(outputs, &|o| (dy[at(i).0 * outputs + o], w[o * inputs + at(i).1])),
                "dx",
            );
            assert_close(
                &dw,
                |i| sum(batch, &|n| (dy[n * outputs + at(i).0], x[n * inputs + at(i).1])),
                "dw",
            );
        }
    }
}
