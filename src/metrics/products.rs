//! Inner products of all pairs of rows, some at a time, so that no table of them lies in memory.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use crate::base::Pool;

use super::{MetricError, Watch};

/// Rows whose products with all others are found at a time.
const ROWS: usize = 256;

/// How far a walk over several tables of products has come.
pub(super) struct Walk<'a, 'b> {
    pool: &'a Pool,
    watch: &'a mut Watch<'b>,
    done: usize,
    total: usize,
}

impl<'a, 'b> Walk<'a, 'b> {
    /// Before the first of `total` rows.
    pub(super) fn new(pool: &'a Pool, watch: &'a mut Watch<'b>, total: usize) -> Self {
        Self { pool, watch, done: 0, total }
    }

    /// Hands the inner products of some rows of `a` with all rows of `b`, both `(N, dims)`, to `look`: the numbers of the rows,
    /// and `(rows, rows of b)` products. That runs on the pool.
    ///
    /// # Errors
    /// When the watch stops it.
    pub(super) fn over(
        &mut self,
        a: &[f32],
        b: &[f32],
        dims: usize,
        mut look: impl FnMut(Range<usize>, &[f32]) + Send,
    ) -> Result<(), MetricError> {
        let (rows, others) = (a.len() / dims.max(1), b.len() / dims.max(1));
        let mut products = vec![0.0; ROWS.min(rows) * others];
        let right = MatRef::from_row_major_slice(b, others, dims).transpose();
        for start in (0..rows).step_by(ROWS) {
            let at = start..rows.min(start + ROWS);
            self.watch.step(self.done, self.total)?;
            let products = &mut products[..at.len() * others];
            let left = MatRef::from_row_major_slice(&a[at.start * dims..at.end * dims], at.len(), dims);
            self.done += at.len();
            self.pool.run(|| {
                let out = MatMut::from_row_major_slice_mut(products, at.len(), others);
                matmul(out, Accum::Replace, left, right, 1.0, Par::rayon(0));
                look(at, products);
            });
        }
        Ok(())
    }
}

/// The part of ten that row `row` of `rows` is of.
pub(super) fn part(row: usize, rows: usize) -> usize {
    row * super::described::GROUPS / rows.max(1)
}
