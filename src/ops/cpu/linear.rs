//! The fully connected layer's three products, `x (batch, inputs)`, `weight (outputs, inputs)`,
//! `y (batch, outputs)`, all row by row.
//!
//! A convolution whose kernel covers its whole unpadded input is the same thing.

use super::fused::Fused;
use super::isa::Isa;
use super::micro::{LANES, Offsets, Product, ROWS, TILE, accumulate, accumulate_apart, position, positions};
use super::scratch::with_scratch;
use super::sizes::product;
use super::transpose::{Destination, transpose, transpose_into};
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// The sizes of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinearShape {
    /// Rows of `x` and `y`.
    pub batch: usize,
    /// Columns of `x`.
    pub inputs: usize,
    /// Columns of `y`.
    pub outputs: usize,
}

/// Multiply-adds that are worth another thread.
const TASK: usize = 1 << 17;
/// Tiles that a task multiplies the same vectors with.
const BAND: usize = 16;
/// Inputs that a task of [`forward`] turns.
const TURNED: usize = 1024;
/// The most blocks of columns that a task takes.
const MOST_SIDE: usize = 4;
/// Blocks for each thread from which on a task takes so many.
const ENOUGH: usize = 8;

impl LinearShape {
    /// Compares the sizes with the three arrays' lengths.
    fn check(&self, x: usize, weight: usize, y: usize) {
        let Self { batch, inputs, outputs } = *self;
        let lengths = (product([batch, inputs]), product([outputs, inputs]), product([batch, outputs]));
        assert!(lengths == (x, weight, y), "{x}, {weight} and {y} values do not fit {self:?}");
    }
}

/// `y = activation(x weight^T + bias)` in all of `y`.
///
/// # Panics
/// When the lengths do not fit; so do the other two.
pub(crate) fn forward<'r>(
    shape: &LinearShape,
    x: &[f32],
    weight: &[f32],
    fused: &Fused<'_>,
    y: &'r mut [MaybeUninit<f32>],
) -> &'r mut [f32] {
    let &LinearShape { batch, inputs, outputs } = shape;
    shape.check(x.len(), weight.len(), y.len());
    assert!(fused.bias.is_none_or(|bias| bias.len() == outputs), "the bias has another size");
    let offsets: Vec<u32> = (0..inputs).map(position).collect();
    let offsets = Offsets::new(&offsets);
    let tiles = positions(outputs, |output| output * inputs);
    let isa = Isa::detect();
    let plain = Fused { after: fused.after, ..Fused::default() };
    let target = Destination::new(y);
    // The weights are the scalars, which need no packing, and 32 rows of the batch the vectors.
    for first in (0..batch).step_by(LANES) {
        let lanes = LANES.min(batch - first);
        with_scratch(inputs * LANES, |turned| {
            turned.par_chunks_mut(TURNED * LANES).enumerate().for_each(|(part, turned)| {
                let (x, columns) = (&x[first * inputs + part * TURNED..], turned.len() / LANES);
                transpose_into(isa, x, inputs, lanes, columns, turned, |k| k * LANES);
            });
            let turned = &*turned;
            let least = (TASK / (ROWS * LANES * inputs.max(1))).max(1);
            tiles.par_iter().enumerate().with_min_len(least).for_each(|(tile_index, &rows)| {
                let output = tile_index * ROWS;
                let count = ROWS.min(outputs - output);
                let mut tile = [0.0; TILE];
                if let Some(bias) = fused.bias {
                    for (row, &bias) in tile.chunks_exact_mut(LANES).zip(&bias[output..]) {
                        row.fill(bias);
                    }
                }
                let product = Product { scalars: weight, rows, offsets, vectors: turned, step: LANES };
                accumulate(isa, &product, lanes, false, &mut tile);
                // SAFETY: every task has outputs of its own.
                unsafe {
                    transpose(isa, &tile, LANES, count, lanes, &plain, target, |lane| {
                        (first + lane) * outputs + output
                    });
                }
            });
        });
    }
    // SAFETY: the loop goes over all rows of the batch and the tasks over all outputs, so that every value of every
    // row was written; `check` has seen that there are no others.
    unsafe { y.assume_init_mut() }
}

/// `dx = dy weight` in all of `dx`.
pub(crate) fn input_gradient<'r>(
    shape: &LinearShape,
    dy: &[f32],
    weight: &[f32],
    dx: &'r mut [MaybeUninit<f32>],
) -> &'r mut [f32] {
    let &LinearShape { batch, inputs, outputs } = shape;
    shape.check(dx.len(), weight.len(), dy.len());
    multiply(dy, (outputs, 1), batch, outputs, weight, inputs, dx)
}

/// `dweight = dy^T x` in all of `dweight`.
pub(crate) fn weight_gradient<'r>(
    shape: &LinearShape,
    x: &[f32],
    dy: &[f32],
    dweight: &'r mut [MaybeUninit<f32>],
) -> &'r mut [f32] {
    let &LinearShape { batch, inputs, outputs } = shape;
    shape.check(x.len(), dweight.len(), dy.len());
    multiply(dy, (1, outputs), outputs, batch, x, inputs, dweight)
}

/// `out (rows, columns) = a b`, where `a[row, k]` lies at `row * steps.0 + k * steps.1` and `b (depth, columns)`
/// row by row.
fn multiply<'r>(
    a: &[f32],
    (row_step, depth_step): (usize, usize),
    rows: usize,
    depth: usize,
    b: &[f32],
    columns: usize,
    out: &'r mut [MaybeUninit<f32>],
) -> &'r mut [f32] {
    assert_eq!(out.len(), product([rows, columns]));
    let offsets: Vec<u32> = (0..depth).map(|k| position(k * depth_step)).collect();
    let offsets = Offsets::new(&offsets);
    let positions = positions(rows, |row| row * row_step);
    let isa = Isa::detect();
    let target = Destination::new(out);
    let tiles = positions.len();
    let blocks = columns.div_ceil(LANES);
    // As many rows a task as make copying the vectors cheap beside multiplying them.
    let bands = tiles.div_ceil(BAND);
    // Blocks that lie side by side in one task: rows of b and of the result are far apart, each on a page of its own.
    let side = if blocks >= ENOUGH * rayon::current_num_threads() { MOST_SIDE } else { 1 };
    let groups = blocks.div_ceil(side);
    let least = (TASK / (TILE * side * BAND.min(tiles).max(1) * depth.max(1))).max(1);
    (0..bands * groups).into_par_iter().with_min_len(least).for_each(|task| {
        let (group, band) = (task / bands, task % bands);
        let first_column = group * side * LANES;
        let width = (side * LANES).min(columns - first_column);
        with_scratch(width.div_ceil(LANES) * depth * LANES, |packed| {
            // Copied, since a cache holds few rows at a time that lie a power of two apart.
            for (k, row) in b.chunks_exact(columns).enumerate() {
                let row = &row[first_column..][..width];
                for (block, row) in row.chunks(LANES).enumerate() {
                    let vector = &mut packed[(block * depth + k) * LANES..][..LANES];
                    match row.as_array::<LANES>() {
                        Some(row) => vector.copy_from_slice(row),
                        None => {
                            vector[..row.len()].copy_from_slice(row);
                            vector[row.len()..].fill(0.0);
                        }
                    }
                }
            }
            for tile_index in band * BAND..tiles.min((band + 1) * BAND) {
                let first = tile_index * ROWS;
                let mut sums = [0.0; MOST_SIDE * TILE];
                for (block, vectors) in packed.chunks_exact((depth * LANES).max(1)).enumerate() {
                    let rows = positions[tile_index];
                    let product = Product { scalars: a, rows, offsets, vectors, step: LANES };
                    let lanes = LANES.min(width - block * LANES);
                    let tile = &mut sums[block * LANES..];
                    accumulate_apart(isa, &product, lanes, true, (tile, MOST_SIDE * LANES));
                }
                for (r, row) in sums.chunks_exact(MOST_SIDE * LANES).enumerate().take(ROWS.min(rows - first))
                {
                    // SAFETY: every task has rows and columns of its own.
                    unsafe { target.write((first + r) * columns + first_column, &row[..width]) };
                }
            }
        });
    });
    // SAFETY: the tasks go over all rows and all columns, so that every value was written; the line at the top has
    // seen that there are no others.
    unsafe { out.assume_init_mut() }
}

#[cfg(test)]
mod tests {
    use super::super::filled_vec::filled_vec;
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
            let fused = Fused { bias: Some(&bias), after: Some(0.2), ..Fused::default() };
            let y = filled_vec(dy.len(), |y| forward(&shape, &x, &w, &fused, y));
            let dx = filled_vec(x.len(), |dx| input_gradient(&shape, &dy, &w, dx));
            let dw = filled_vec(w.len(), |dw| weight_gradient(&shape, &x, &dy, dw));
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
