//! The mutual information gap (Chen et al. 2018), on encoder means in equal-width bins as disentanglement_lib
//! computes it.

use crate::base::Array;
use crate::data::Factor;

use super::score::half_samples;
use super::{CodeSample, MetricError, Score};

/// Bins of each dimension when not said.
pub const MIG_BINS: usize = 20;
/// Halves of the pictures that tell the deviation.
const REPETITIONS: usize = 100;

/// The mean over factors of the gap between the two dimensions that know most about the factor, each in units of the
/// factor's entropy; the parts are the factors' gaps. Factors with one class count for nothing.
///
/// The bins lie between the least and the greatest mean of the pictures that happen to be looked at, and how they fall on
/// the classes of a factor matters more than which pictures there are. With `ends`, the least and the greatest mean of each
/// dimension over all pictures, the interval is that of the value on all pictures: of these pictures in bins between those
/// ends, freed of the bias that halves of the pictures show. Without them it comes from halves of the pictures, each in bins
/// of its own, and tells how the value would vary with other pictures, as many.
///
/// # Errors
/// When the data has no factors that vary.
pub fn mig(
    sample: &CodeSample,
    factors: &[Factor],
    bins: usize,
    ends: Option<&[[f32; 2]]>,
    seed: u64,
) -> Result<Score, MetricError> {
    let classes = sample.classes(factors);
    let mut varying = Vec::new();
    for (factor, classes) in factors.iter().zip(&classes) {
        if factor.values.len() > 1 {
            varying.push((factor.name.clone(), classes.as_slice(), factor.values.len()));
        }
    }
    if varying.is_empty() {
        return Err(MetricError::request("the mutual information gap needs data with known factors"));
    }
    let gaps = |rows: &[usize], ends: Option<&[[f32; 2]]>| -> Vec<f64> {
        let binned = binned(&sample.mu, bins, rows, ends);
        let of = |&(_, classes, count): &(String, &[usize], usize)| {
            let classes: Vec<usize> = rows.iter().map(|&row| classes[row]).collect();
            gap(&binned, bins, &classes, count)
        };
        varying.iter().map(of).collect()
    };
    let mean = |gaps: &[f64]| gaps.iter().sum::<f64>() / gaps.len() as f64;
    let halves = half_samples(sample.len(), REPETITIONS, seed, |rows| mean(&gaps(rows, ends)));
    let all: Vec<usize> = (0..sample.len()).collect();
    let own = gaps(&all, None);
    let score = match ends {
        None => Score::around(mean(&own), halves.deviation, [0.0, 1.0]),
        Some(_) => {
            let centre = 2.0 * mean(&gaps(&all, ends)) - halves.mean;
            Score::beside(mean(&own), centre, halves.deviation, [0.0, 1.0])
        }
    };
    Ok(score.with_parts(varying.iter().map(|(name, ..)| name.clone()), &own))
}

/// The bin of each of `rows`, `[dim][place in rows]`: `bins` equal ones of a dimension of `mu` `(N, code_dim)`, between its
/// `ends` or, without them, between the least and the greatest of these values.
fn binned(mu: &Array, bins: usize, rows: &[usize], ends: Option<&[[f32; 2]]>) -> Vec<Vec<usize>> {
    let one = |dim: usize| {
        let column: Vec<f64> = rows.iter().map(|&row| f64::from(mu.row(row)[dim])).collect();
        let [low, high] = match ends {
            Some(ends) => ends[dim].map(f64::from),
            None => [
                column.iter().copied().fold(f64::INFINITY, f64::min),
                column.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            ],
        };
        // Edges as numpy.histogram lays them, so that a value on an edge falls on the same side.
        let step = (high - low) / bins as f64;
        let edges: Vec<f64> = (1..bins).map(|k| low + step * k as f64).collect();
        let bin = |value: f64| if high > low { edges.partition_point(|&edge| edge <= value) } else { 0 };
        column.into_iter().map(bin).collect()
    };
    (0..mu.row_len()).map(one).collect()
}

/// The gap of one factor; 0 where it does not vary.
fn gap(binned: &[Vec<usize>], bins: usize, classes: &[usize], count: usize) -> f64 {
    let mut information: Vec<f64> =
        binned.iter().map(|column| mutual_information(column, bins, classes, count)).collect();
    information.sort_by(|a, b| b.total_cmp(a));
    let second = information.get(1).copied().unwrap_or(0.0);
    let mut counts = vec![0usize; count];
    classes.iter().for_each(|&class| counts[class] += 1);
    let entropy = entropy(&counts, classes.len());
    if entropy > 0.0 { (information.first().copied().unwrap_or(0.0) - second) / entropy } else { 0.0 }
}

/// Mutual information in nats between the bins `a` and the `b` of equally many pictures.
fn mutual_information(a: &[usize], bins: usize, b: &[usize], classes: usize) -> f64 {
    let mut joint = vec![0usize; bins * classes];
    let (mut first, mut second) = (vec![0usize; bins], vec![0usize; classes]);
    for (&bin, &class) in a.iter().zip(b) {
        joint[bin * classes + class] += 1;
        first[bin] += 1;
        second[class] += 1;
    }
    let total = a.len();
    (entropy(&first, total) + entropy(&second, total) - entropy(&joint, total)).max(0.0)
}

/// Entropy in nats of a table of counts.
fn entropy(counts: &[usize], total: usize) -> f64 {
    let total = total as f64;
    let term = |&count: &usize| match count {
        0 => 0.0,
        count => -(count as f64 / total) * (count as f64 / total).ln(),
    };
    counts.iter().map(term).sum()
}
