//! Mutual information between the dimensions of a code, as disentanglement_lib computes it.

use super::halves::half_samples;
use super::histogram::{binned_dims, mutual_information};
use super::labelled::columns;
use super::{CodeSample, Score};

/// Halves of the pictures that tell the deviation.
const REPETITIONS: usize = 100;

/// The mutual information in nats of two dimensions of the means, counted in `bins` equal-width bins each, averaged over the
/// pairs of dimensions (Locatello et al. 2019, section 5.4.1). Unlike a Gaussian it sees dependence without correlation.
///
/// With `ends`, those of all pictures, the interval is that of the value on all pictures ([`super::mig`]).
pub fn mean_information(sample: &CodeSample, bins: usize, ends: Option<&[[f32; 2]]>, seed: u64) -> Score {
    let dims = columns(sample.mu.data(), sample.mu.row_len());
    let all: Vec<usize> = (0..sample.len()).collect();
    let of = |rows: &[usize], ends: Option<&[[f32; 2]]>| {
        let picked = |dim: &Vec<f64>| rows.iter().map(|&row| dim[row]).collect();
        let picked: Vec<Vec<f64>> = dims.iter().map(picked).collect();
        of_pairs(&binned_dims(&picked, bins, ends), bins)
    };
    let halves = half_samples(sample.len(), REPETITIONS, seed, |rows| of(rows, ends));
    let own = of(&all, None);
    match ends {
        None => halves.around(own, [0.0, f64::MAX]),
        Some(_) => halves.beside(own, of(&all, ends), [0.0, f64::MAX]),
    }
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
