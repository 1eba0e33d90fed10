//! How much each dimension of the code says: its divergence from the prior, and whether it is active.

use super::encoded::variances;
use super::fvm::active_dims;
use super::score::bootstrap_deviation;
use super::{CodeSample, Score, kl_divergence};

/// Bootstrap samples of the pictures.
const REPETITIONS: usize = 100;

/// KL(q(c|x) || N(0, I)) in nats, averaged over the pictures; the parts are the dimensions'.
pub fn kl(sample: &CodeSample) -> Score {
    let dims = sample.mu.row_len();
    let mut of_dims = vec![0.0; dims];
    let mut of_pictures = Vec::with_capacity(sample.len());
    for row in 0..sample.len() {
        let pairs = sample.mu.row(row).iter().zip(sample.logvar.row(row));
        let terms: Vec<f64> = pairs.map(|(&mu, &logvar)| kl_divergence(mu, logvar)).collect();
        of_dims.iter_mut().zip(&terms).for_each(|(sum, term)| *sum += term);
        of_pictures.push(terms.iter().sum());
    }
    of_dims.iter_mut().for_each(|sum| *sum /= sample.len().max(1) as f64);
    Score::mean(&of_pictures, [0.0, f64::INFINITY]).with_parts(numbers(dims), &of_dims)
}

/// Number of dimensions whose mean has a variance of at least `least` over the pictures, 0.05 of the prior's as the paper's
/// metric prunes them (Burda et al. 2016 ask for 0.01); the parts are the variances.
pub fn active_units(sample: &CodeSample, least: f64, seed: u64) -> Score {
    let dims = sample.mu.row_len();
    let count = |variances: &[f64]| active_dims(variances, least).len() as f64;
    let deviation = bootstrap_deviation(sample.len(), REPETITIONS, seed, |rows| {
        let mut resample = Vec::with_capacity(rows.len() * dims);
        rows.iter().for_each(|&row| resample.extend_from_slice(sample.mu.row(row)));
        count(&variances(&resample, dims))
    });
    let variances = sample.variances();
    Score::around(count(&variances), deviation, [0.0, dims as f64]).with_parts(numbers(dims), &variances)
}

fn numbers(dims: usize) -> impl Iterator<Item = String> {
    (0..dims).map(|dim| dim.to_string())
}
