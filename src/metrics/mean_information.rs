//! Mutual information between the dimensions of a code, as disentanglement_lib computes it.

use super::halves::{OnAll, half_samples};
use super::histogram::{binned_dims, mutual_information};
use super::labelled::columns;
use super::{CodeSample, Score};

/// Halves of the pictures that tell the deviation.
const REPETITIONS: usize = 100;

/// The mutual information in nats of two dimensions of the means, counted in `bins` equal-width bins each, averaged over the
/// pairs of dimensions (Locatello et al. 2019, section 5.4.1). Unlike a Gaussian it sees dependence without correlation.
///
/// With the dimensions of `all` pictures, `[dimension][row]`, the interval is that of the value on these ([`super::mig`]).
pub fn mean_information(sample: &CodeSample, bins: usize, all: Option<&[Vec<f64>]>, seed: u64) -> Score {
    let dims = columns(sample.mu.data(), sample.mu.row_len());
    let halves = half_samples(sample.len(), REPETITIONS, seed, |rows| {
        let picked = |dim: &Vec<f64>| rows.iter().map(|&row| dim[row]).collect();
        of_pairs(&binned_dims(&dims.iter().map(picked).collect::<Vec<_>>(), bins), bins)
    });
    let own = of_pairs(&binned_dims(&dims, bins), bins);
    let all = all.map(|all| OnAll {
        value: of_pairs(&binned_dims(all, bins), bins),
        rows: all.first().map_or(0, Vec::len),
    });
    halves.on_all(own, sample.len(), all, [0.0, f64::MAX])
}

/// The mean over all pairs; 0 of fewer than two dimensions.
fn of_pairs(binned: &[Vec<usize>], bins: usize) -> f64 {
    let (mut sum, mut pairs) = (0.0, 0usize);
    for (place, one) in binned.iter().enumerate() {
        for other in &binned[..place] {
            sum += mutual_information(one, other, [bins; 2]);
            pairs += 1;
        }
    }
    sum / pairs.max(1) as f64
}
