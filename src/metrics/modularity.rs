//! Modularity (Ridgeway and Mozer 2018), as disentanglement_lib computes it.

use super::halves::{OnAll, half_samples};
use super::histogram::{binned_dims, mutual_information};
use super::{LabelledCodes, MetricError, Score};

/// Halves of the pictures that tell the deviation.
const REPETITIONS: usize = 100;

/// How far each dimension knows of one factor only, averaged over the dimensions: 1 less the squared mutual information
/// with the other factors, in units of the largest and of the number of others. A dimension that knows nothing counts as
/// 0. The parts are the dimensions'.
///
/// Mutual information is counted in `bins` equal-width bins; with the codes of `all` pictures the interval is that of the value on
/// these ([`super::mig`]). A dimension of noise is not 0: the few counts that fall together by chance are
/// more where a factor has more classes.
///
/// # Errors
/// When the data has fewer than two factors that vary.
pub fn modularity(
    codes: &LabelledCodes,
    bins: usize,
    all: Option<&LabelledCodes>,
    seed: u64,
) -> Result<Score, MetricError> {
    codes.require_factors("modularity")?;
    if codes.factors.len() < 2 {
        return Err(MetricError::request(
            "modularity compares what dimensions know of several factors, and one alone varies here",
        ));
    }
    let halves =
        half_samples(codes.rows(), REPETITIONS, seed, |rows| mean(&of_dims(&codes.pick(rows), bins)));
    let own = of_dims(codes, bins);
    let all = all.map(|all| OnAll { value: mean(&of_dims(all, bins)), rows: all.rows() });
    let score = halves.on_all(mean(&own), codes.rows(), all, [0.0, 1.0]);
    let names = (0..own.len()).map(|dim| dim.to_string());
    Ok(score.with_parts(names, &own))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The modularity of each dimension.
fn of_dims(codes: &LabelledCodes, bins: usize) -> Vec<f64> {
    let of_dim = |column: &Vec<usize>| {
        let known = |labels: &super::Labels| {
            mutual_information(column, &labels.classes, [bins, labels.count]).powi(2)
        };
        let squares: Vec<f64> = codes.factors.iter().map(known).collect();
        let largest = squares.iter().copied().fold(0.0, f64::max);
        let others = squares.iter().sum::<f64>() - largest;
        if largest == 0.0 { 0.0 } else { 1.0 - others / (largest * (squares.len() - 1) as f64) }
    };
    binned_dims(&codes.dims, bins).iter().map(of_dim).collect()
}
