//! KID: the squared maximum mean discrepancy between features of real and of drawn pictures (Binkowski et al. 2018).

use rayon::prelude::*;

use crate::base::Pool;

use super::described::{DescribedPair, GROUPS};
use super::products::{Walk, part};
use super::{MetricError, Score, Watch};

/// It is told in thousandths, as usual.
const UNIT: f64 = 1000.0;

/// Sums of kernels between parts, `[part][part]`.
type Sums = [[f64; GROUPS]; GROUPS];

/// The unbiased estimate of the squared maximum mean discrepancy with the kernel (x·y / dims + 1)³, in thousandths, over all
/// pairs of the pictures whose features are kept: what the mean over subsets, as published, tends to with ever more of them.
/// It may lie below 0, and does not depend on how many pictures there are.
///
/// The interval is the jackknife's over leaving out one of ten parts of each kind.
///
/// # Errors
/// When there are fewer than two pictures of a kind, or the watch stops it.
pub fn kid(pair: &DescribedPair, pool: &Pool, watch: &mut Watch<'_>) -> Result<Score, MetricError> {
    let (real, drawn) = (&pair.real, &pair.drawn);
    let counts = [real.rows(), drawn.rows()];
    if counts.iter().any(|&count| count < 2) {
        return Err(MetricError::request("kid needs at least two real and two drawn pictures"));
    }
    let mut walk = Walk::new(pool, watch, 2 * counts[0] + counts[1]);
    let dims = real.dims;
    let among_real = sums(&mut walk, &real.features, &real.features, dims, true)?;
    let among_drawn = sums(&mut walk, &drawn.features, &drawn.features, dims, true)?;
    let between = sums(&mut walk, &real.features, &drawn.features, dims, false)?;
    let discrepancy = |left_out: Option<usize>| {
        let left = counts.map(|count| {
            let kept = (0..count).filter(|&row| Some(part(row, count)) != left_out).count();
            kept as f64
        });
        let sum = |sums: &Sums| {
            let kept = |place: usize| Some(place) != left_out;
            let rows = sums.iter().enumerate().filter(|(place, _)| kept(*place));
            rows.flat_map(|(_, row)| row.iter().enumerate().filter(|(place, _)| kept(*place)))
                .map(|(_, sum)| sum)
                .sum::<f64>()
        };
        UNIT * (sum(&among_real) / (left[0] * (left[0] - 1.0))
            + sum(&among_drawn) / (left[1] * (left[1] - 1.0))
            - 2.0 * sum(&between) / (left[0] * left[1]))
    };
    let (value, range) = (discrepancy(None), [f64::MIN, f64::MAX]);
    if counts.iter().any(|&count| count < 2 * GROUPS) {
        return Ok(Score::spread(value, f64::INFINITY, range));
    }
    let without: Vec<f64> = (0..GROUPS).map(|part| discrepancy(Some(part))).collect();
    Ok(Score::jackknife(value, &without, range))
}

/// The kernels of all pairs of rows of `a` and `b`, summed by the parts that both are of; without those of a row with itself
/// where both are the `same` rows.
fn sums(walk: &mut Walk<'_, '_>, a: &[f32], b: &[f32], dims: usize, same: bool) -> Result<Sums, MetricError> {
    let (rows, others) = (a.len() / dims, b.len() / dims);
    let mut all = [[0.0; GROUPS]; GROUPS];
    walk.over(a, b, dims, |at, products| {
        let of_row = |(row, products): (usize, &[f32])| {
            let mut sums = [0.0; GROUPS];
            for (other, &product) in products.iter().enumerate() {
                if !(same && other == row) {
                    sums[part(other, others)] += (f64::from(product) / dims as f64 + 1.0).powi(3);
                }
            }
            sums
        };
        // Summed in order, so that equal seeds give equal results however many threads there are.
        let found: Vec<[f64; GROUPS]> =
            at.clone().into_par_iter().zip(products.par_chunks_exact(others)).map(of_row).collect();
        for (row, sums) in at.zip(found) {
            let into = &mut all[part(row, rows)];
            into.iter_mut().zip(sums).for_each(|(sum, more)| *sum += more);
        }
    })?;
    Ok(all)
}
