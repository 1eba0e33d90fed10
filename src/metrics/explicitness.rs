//! Explicitness (Ridgeway and Mozer 2018), as disentanglement_lib computes it.

use crate::base::Pool;

use super::halves::half_samples_of_two;
use super::logistic::{Logistic, LogisticOptions};
use super::{Labels, MetricError, Score, SplitCodes, Watch};

/// Halves of the pictures that tell the deviation.
const REPETITIONS: usize = 20;
/// scikit-learn's default.
const OPTIONS: LogisticOptions = LogisticOptions { strength: 1.0, is_balanced: false };
/// Of halves, in which each row stands for two, so that the weights are held back as much.
const OF_HALVES: LogisticOptions = LogisticOptions { strength: 2.0, ..OPTIONS };

/// How well logistic regression on the standardised code tells each class of a factor from the others: the area under the
/// ROC curve, averaged over the classes and then the factors; 0.5 is chance. The parts are the factors'.
///
/// # Errors
/// When the data has no factors that vary, or the watch stops it.
pub fn explicitness(
    codes: &SplitCodes,
    seed: u64,
    pool: &Pool,
    watch: &mut Watch<'_>,
) -> Result<Score, MetricError> {
    codes.train.require_factors("explicitness")?;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    watch.step(0, REPETITIONS + 1)?;
    let own = pool.run(|| of_factors(codes, OPTIONS));
    let [halves] = half_samples_of_two(codes.rows(), REPETITIONS, seed, |repetition, rows| {
        watch.step(repetition + 1, REPETITIONS + 1)?;
        Ok([mean(&pool.run(|| of_factors(&codes.pick(rows), OF_HALVES)))])
    })?;
    Ok(halves.on_others(mean(&own), [0.0, 1.0]).with_parts(codes.train.names(), &own))
}

/// The explicitness of each factor.
fn of_factors(codes: &SplitCodes, options: LogisticOptions) -> Vec<f64> {
    let (mut train, mut test) = (codes.train.dims.clone(), codes.test.dims.clone());
    for (train, test) in train.iter_mut().zip(&mut test) {
        standardise(train, test);
    }
    let pairs = codes.train.factors.iter().zip(&codes.test.factors);
    let of_factor = |(known, asked): (&Labels, &Labels)| {
        let fitted = Logistic::fit(&train, known, options);
        let probabilities = fitted.probabilities(&test);
        let width = fitted.classes().len();
        let areas = fitted.classes().iter().enumerate().filter_map(|(place, class)| {
            let of_class: Vec<f64> = probabilities.iter().skip(place).step_by(width).copied().collect();
            area_under_roc(&of_class, |row| asked.classes[row] == *class)
        });
        let areas: Vec<f64> = areas.collect();
        areas.iter().sum::<f64>() / areas.len().max(1) as f64
    };
    pairs.map(of_factor).collect()
}

/// Shifts and scales both columns to mean 0 and variance 1 of the first; one that does not vary becomes 0.
pub(super) fn standardise(column: &mut [f64], other: &mut [f64]) {
    let count = column.len().max(1) as f64;
    let mean = column.iter().sum::<f64>() / count;
    let deviation = (column.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    let scale = if deviation > 0.0 { 1.0 / deviation } else { 0.0 };
    for value in column.iter_mut().chain(other) {
        *value = (*value - mean) * scale;
    }
}

/// The chance that `scores` puts a row that `is_one` above one that is not, half where they are equal; `None` where all rows
/// are alike.
fn area_under_roc(scores: &[f64], is_one: impl Fn(usize) -> bool) -> Option<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let (mut below, mut area, mut ones) = (0usize, 0.0, 0usize);
    for equal in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let hits = equal.iter().filter(|&&row| is_one(row)).count();
        let others = equal.len() - hits;
        area += hits as f64 * (below as f64 + 0.5 * others as f64);
        (below, ones) = (below + others, ones + hits);
    }
    (ones > 0 && below > 0).then(|| area / (ones as f64 * below as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_those_of_the_pairs() {
        // sklearn.metrics.roc_auc_score([0, 0, 1, 1], [.1, .4, .35, .8])
        assert_eq!(area_under_roc(&[0.1, 0.4, 0.35, 0.8], |row| row > 1), Some(0.75));
        assert_eq!(area_under_roc(&[1.0; 4], |row| row > 1), Some(0.5));
        assert_eq!(area_under_roc(&[1.0; 4], |_| true), None);
    }

    #[test]
    fn a_column_that_does_not_vary_becomes_nothing() {
        let (mut column, mut other) = (vec![1.0, 3.0], vec![5.0]);
        standardise(&mut column, &mut other);
        assert_eq!((column, other), (vec![-1.0, 1.0], vec![3.0]));
        let (mut column, mut other) = (vec![2.0, 2.0], vec![5.0]);
        standardise(&mut column, &mut other);
        assert_eq!((column, other), (vec![0.0, 0.0], vec![0.0]));
    }
}
