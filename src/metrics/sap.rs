//! The separated attribute predictability score (Kumar et al. 2018) of factors with classes, as disentanglement_lib computes
//! it.

use rayon::prelude::*;

use crate::base::Pool;

use super::halves::half_samples_of_two;
use super::support_vectors::LinearClassifier;
use super::{Labels, MetricError, Score, SplitCodes, Watch};

/// The weight of a row against the length of the line's numbers (scikit-learn's `C`).
const STRENGTH: f64 = 0.01;
/// Halves of the pictures that tell the deviation.
const REPETITIONS: usize = 100;

/// How much better the best dimension tells a factor than the second best: accuracies on the test codes of linear support
/// vector machines on one dimension, averaged over factors. The parts are the factors' gaps. A line separates few of many
/// classes that lie in a row, so even a perfect code scores low where factors have many.
///
/// The more pictures there are to learn from, the less the lines are held back, so the value is one of so many; the interval
/// tells how it varies with other pictures. Half of the pictures count twice there.
///
/// # Errors
/// When the data has no factors that vary, or the watch stops it.
pub fn sap(codes: &SplitCodes, seed: u64, pool: &Pool, watch: &mut Watch<'_>) -> Result<Score, MetricError> {
    codes.train.require_factors("the SAP score")?;
    let mean = |gaps: &[f64]| gaps.iter().sum::<f64>() / gaps.len() as f64;
    let own = pool.run(|| gaps(&accuracies(codes, STRENGTH)));
    let [halves] = half_samples_of_two(codes.rows(), REPETITIONS, seed, |repetition, rows| {
        watch.step(repetition, REPETITIONS)?;
        Ok([mean(&pool.run(|| gaps(&accuracies(&codes.pick(rows), 2.0 * STRENGTH))))])
    })?;
    Ok(halves.on_others(mean(&own), [0.0, 1.0]).with_parts(codes.train.names(), &own))
}

/// How often the classifier on each dimension alone tells each factor's class: `[dimension][factor]`.
fn accuracies(codes: &SplitCodes, strength: f64) -> Vec<Vec<f64>> {
    let of_dim = |(train, test): (&Vec<f64>, &Vec<f64>)| {
        let mut order: Vec<usize> = (0..train.len()).collect();
        order.sort_by(|&a, &b| train[a].total_cmp(&train[b]));
        let of_factor = |(known, asked): (&Labels, &Labels)| {
            let classifier = LinearClassifier::fit(train, &order, known, strength);
            let right = test.iter().zip(&asked.classes).filter(|&(&x, class)| classifier.class(x) == *class);
            right.count() as f64 / test.len().max(1) as f64
        };
        codes.train.factors.iter().zip(&codes.test.factors).map(of_factor).collect()
    };
    codes.train.dims.par_iter().zip(&codes.test.dims).map(of_dim).collect()
}

/// The gap between the two best dimensions of each factor.
fn gaps(accuracies: &[Vec<f64>]) -> Vec<f64> {
    let factors = accuracies.first().map_or(0, Vec::len);
    let gap = |factor: usize| {
        let mut column: Vec<f64> = accuracies.iter().map(|row| row[factor]).collect();
        column.sort_by(|a, b| b.total_cmp(a));
        column.first().copied().unwrap_or(0.0) - column.get(1).copied().unwrap_or(0.0)
    };
    (0..factors).map(gap).collect()
}
