//! The mutual information gap (Chen et al. 2018), on encoder means in equal-width bins as disentanglement_lib
//! computes it.

use super::halves::{OnAll, half_samples};
use super::histogram::{entropy_of, information};
use super::{LabelledCodes, MetricError, Score};

/// Bins of each dimension when not said.
pub const MIG_BINS: usize = 20;
/// Halves of the pictures that tell the deviation.
const REPETITIONS: usize = 100;

/// The mean over factors of the gap between the two dimensions that know most about the factor, each in units of the
/// factor's entropy; the parts are the factors' gaps.
///
/// The bins lie between the least and the greatest mean of the pictures that happen to be looked at, and how they fall on
/// the classes of a factor matters more than which pictures there are. With the codes of `all` pictures the interval is that of the
/// value on these; without them it comes from halves of the pictures, each in bins of its own, and tells how the value would vary
/// with other pictures, as many.
///
/// # Errors
/// When the data has no factors that vary.
pub fn mig(
    codes: &LabelledCodes,
    bins: usize,
    all: Option<&LabelledCodes>,
    seed: u64,
) -> Result<Score, MetricError> {
    codes.require_factors("the mutual information gap")?;
    let mean = |gaps: &[f64]| gaps.iter().sum::<f64>() / gaps.len() as f64;
    let halves = half_samples(codes.rows(), REPETITIONS, seed, |rows| mean(&gaps(&codes.pick(rows), bins)));
    let own = gaps(codes, bins);
    let all = all.map(|all| OnAll { value: mean(&gaps(all, bins)), rows: all.rows() });
    Ok(halves.on_all(mean(&own), codes.rows(), all, [0.0, 1.0]).with_parts(codes.names(), &own))
}

/// The gap of each factor; 0 where it does not vary.
fn gaps(codes: &LabelledCodes, bins: usize) -> Vec<f64> {
    let gap = |(labels, mut known): (&super::Labels, Vec<f64>)| {
        known.sort_by(|a, b| b.total_cmp(a));
        let [first, second] = [0, 1].map(|place| known.get(place).copied().unwrap_or(0.0));
        let entropy = entropy_of(&labels.classes, labels.count);
        if entropy > 0.0 { (first - second) / entropy } else { 0.0 }
    };
    codes.factors.iter().zip(information(codes, bins)).map(gap).collect()
}
