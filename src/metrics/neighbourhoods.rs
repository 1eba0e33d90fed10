//! Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020): whose pictures lie within the
//! neighbourhoods of whose.

use std::sync::atomic::{AtomicU16, Ordering};

use rayon::prelude::*;

use crate::base::Pool;

use super::described::{DescribedPair, GROUPS};
use super::products::{Walk, part};
use super::{MetricError, Score, Watch};

/// Pictures of each kind when not said (that of Naeem et al.).
pub const NEIGHBOUR_PICTURES: usize = 10_000;

/// The neighbour whose distance is the radius of a neighbourhood of precision and recall.
const OF_PRECISION: usize = 3;
/// The same of density and coverage.
const OF_DENSITY: usize = 5;
/// Neighbours that are remembered, so that enough remain where a part is left out.
const REMEMBERED: usize = 24;
/// Nothing left out, and each part left out.
const CHOICES: usize = GROUPS + 1;

/// Squared radii by what is left out, `[choice]`, where nothing is first.
type Radii = [f32; CHOICES];

/// Precision, how many of the drawn pictures lie within three neighbours' reach of a real one; recall, how many real ones within
/// that of a drawn one; density, how many real pictures' reach of five neighbours a drawn one lies within, a fifth of that; and
/// coverage, how many real pictures have a drawn one within that reach. Reach is told in the features that are kept, and depends
/// on how many pictures there are: compare only values of equally many.
///
/// The intervals are the jackknife's over leaving out one of ten parts of each kind.
///
/// # Errors
/// When there are fewer than six pictures of a kind, or the watch stops it.
pub fn neighbourhoods(
    pair: &DescribedPair,
    pool: &Pool,
    watch: &mut Watch<'_>,
) -> Result<[Score; 4], MetricError> {
    let counts = [pair.real.rows(), pair.drawn.rows()];
    if counts.iter().any(|&count| count <= OF_DENSITY) {
        return Err(MetricError::request(format!(
            "{} looks at the fifth neighbour of each picture, so there must be six real and six drawn ones at least",
            watch.metric()
        )));
    }
    let mut walk = Walk::new(pool, watch, 2 * counts[0] + counts[1]);
    let found = measure(pair, &mut walk)?;
    let is_few = counts.iter().any(|&count| count < 2 * GROUPS);
    Ok([0, 1, 2, 3].map(|metric| {
        let values: Vec<f64> = found.iter().map(|choice| choice[metric]).collect();
        let range = [0.0, if metric == 2 { f64::MAX } else { 1.0 }];
        match is_few {
            true => Score::spread(values[0], f64::INFINITY, range),
            false => Score::jackknife(values[0], &values[1..], range),
        }
    }))
}

/// Precision, recall, density and coverage by what is left out.
fn measure(pair: &DescribedPair, walk: &mut Walk<'_, '_>) -> Result<[[f64; 4]; CHOICES], MetricError> {
    let dims = pair.real.dims;
    let centre = centre(&pair.real.features, dims);
    // Products of numbers about 0 keep the digits that differences need.
    let [real, drawn] = [&pair.real, &pair.drawn].map(|kind| moved(&kind.features, &centre));
    let (of_real, of_drawn) = (squares(&real, dims), squares(&drawn, dims));
    let [real_small, real_wide] = radii(walk, &real, &of_real, dims)?;
    let [drawn_small, _] = radii(walk, &drawn, &of_drawn, dims)?;
    let (rows, others) = (of_real.len(), of_drawn.len());
    // A bit for each choice in which a picture lies within a neighbourhood.
    let precise: Vec<AtomicU16> = (0..others).map(|_| AtomicU16::new(0)).collect();
    let largest = |radii: &Radii| radii.iter().copied().fold(0.0, f32::max);
    let drawn_largest: Vec<f32> = drawn_small.iter().map(largest).collect();
    let (mut recalled, mut covered) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    let mut within = [0u64; CHOICES];
    walk.over(&real, &drawn, dims, |at, products| {
        let of_row = |(row, products): (usize, &[f32])| {
            let (own, small, wide) = (of_real[row], &real_small[row], &real_wide[row]);
            let reach = largest(small).max(largest(wide));
            let (mut recalled, mut covered, mut within) = (0u16, 0u16, [0u64; CHOICES]);
            let row_part = part(row, rows);
            for (other, &product) in products.iter().enumerate() {
                let distance = (own + of_drawn[other] - 2.0 * product).max(0.0);
                if distance > reach && distance > drawn_largest[other] {
                    continue;
                }
                let mut is_precise = 0u16;
                let other_part = part(other, others);
                for choice in 0..CHOICES {
                    if choice == row_part + 1 || choice == other_part + 1 {
                        continue;
                    }
                    let bit = 1 << choice;
                    is_precise |= if distance <= small[choice] { bit } else { 0 };
                    recalled |= if distance <= drawn_small[other][choice] { bit } else { 0 };
                    if distance < wide[choice] {
                        covered |= bit;
                        within[choice] += 1;
                    }
                }
                precise[other].fetch_or(is_precise, Ordering::Relaxed);
            }
            (recalled, covered, within)
        };
        let found: Vec<(u16, u16, [u64; CHOICES])> =
            at.into_par_iter().zip(products.par_chunks_exact(others)).map(of_row).collect();
        for (recall, cover, more) in found {
            recalled.push(recall);
            covered.push(cover);
            within.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
    })?;
    let precise: Vec<u16> = precise.into_iter().map(AtomicU16::into_inner).collect();
    Ok(std::array::from_fn(|choice| {
        let count = |all: usize| (0..all).filter(|&row| part(row, all) + 1 != choice).count() as f64;
        let share = |bits: &[u16]| {
            let set = bits.iter().filter(|bits| **bits >> choice & 1 == 1).count();
            set as f64 / count(bits.len())
        };
        let density = within[choice] as f64 / (OF_DENSITY as f64 * count(others));
        [share(&precise), share(&recalled), density, share(&covered)]
    }))
}

/// The squared radii of the neighbourhoods of precision and of density around each row of `features`, whose squared lengths
/// these are; unknown where too few neighbours remain, and then nothing lies within.
fn radii(
    walk: &mut Walk<'_, '_>,
    features: &[f32],
    squares: &[f32],
    dims: usize,
) -> Result<[Vec<Radii>; 2], MetricError> {
    let rows = squares.len();
    let mut all = [Vec::with_capacity(rows), Vec::with_capacity(rows)];
    walk.over(features, features, dims, |at, products| {
        let of_row = |(row, products): (usize, &[f32])| {
            let distance = |(other, &product): (usize, &f32)| {
                ((squares[row] + squares[other] - 2.0 * product).max(0.0), other)
            };
            let mut near: Vec<(f32, usize)> =
                products.iter().enumerate().filter(|(other, _)| *other != row).map(distance).collect();
            let kept = REMEMBERED.min(near.len());
            if kept < near.len() {
                near.select_nth_unstable_by(kept, |a, b| a.0.total_cmp(&b.0));
                near.truncate(kept);
            }
            near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            [OF_PRECISION, OF_DENSITY].map(|wanted| -> Radii {
                std::array::from_fn(|choice| {
                    let left = near.iter().filter(|(_, other)| part(*other, rows) + 1 != choice);
                    left.map(|(distance, _)| *distance).nth(wanted - 1).unwrap_or(-1.0)
                })
            })
        };
        let found: Vec<[Radii; 2]> =
            at.into_par_iter().zip(products.par_chunks_exact(rows)).map(of_row).collect();
        for [small, wide] in found {
            all[0].push(small);
            all[1].push(wide);
        }
    })?;
    Ok(all)
}

fn centre(features: &[f32], dims: usize) -> Vec<f32> {
    let mut sums = vec![0.0f64; dims];
    for row in features.chunks_exact(dims) {
        sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    let rows = (features.len() / dims.max(1)).max(1) as f64;
    sums.iter().map(|sum| (sum / rows) as f32).collect()
}

fn moved(features: &[f32], centre: &[f32]) -> Vec<f32> {
    let rows = features.chunks_exact(centre.len());
    rows.flat_map(|row| row.iter().zip(centre).map(|(value, centre)| value - centre)).collect()
}

/// The squared length of each row.
fn squares(features: &[f32], dims: usize) -> Vec<f32> {
    features.chunks_exact(dims).map(|row| row.iter().map(|value| value * value).sum()).collect()
}
