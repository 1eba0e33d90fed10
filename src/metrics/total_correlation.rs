//! Total correlation: how far the dimensions of the code are from independent, KL(q(c) || prod_j q(c_j)) in nats.

use crate::base::Stream;

use super::divergence::kl;
use super::linear_algebra::eigenvalues;
use super::mixture::{Mixture, SampledCode};
use super::score::bootstrap_deviation;
use super::{CodeSample, Score};

/// Codes drawn from the aggregated posterior.
const DRAWS: usize = 1000;
/// Bootstrap samples of the pictures.
const REPETITIONS: usize = 100;
/// Correlations closer to singular than this count as this, so that the estimate stays finite.
const LEAST_EIGENVALUE: f64 = 1e-12;
/// A difference in nats that the codes' own posteriors may make without a warning.
const TOLERANCE: f64 = 0.05;

/// What [`total_correlation`] finds.
#[derive(Clone, Debug)]
pub struct TotalCorrelation {
    /// The value in nats.
    pub score: Score,
    /// Posteriors in the mixture.
    pub posteriors: usize,
    /// Whether these are all pictures' posteriors, so that the mixture is the aggregated posterior itself.
    pub is_whole: bool,
    /// What to say where the value is much too high.
    pub warning: Option<String>,
}

/// 1000 codes drawn from q(c|x) of random pictures of `sample`, in a mixture of these posteriors; others are to be added.
pub fn drawn_codes(sample: &CodeSample, seed: u64) -> Mixture {
    Mixture::of_samples((0..DRAWS).map(|number| draw(sample, number, seed)), sample.mu.row_len())
}

/// The total correlation of the aggregated posterior q(c), the mixture of the posteriors of `len` pictures, from the
/// [`drawn_codes`] of `sample` under the posteriors that were added to `mixture`: those of all pictures, or of the sample alone
/// (as in Chen et al. 2018, section C.1, with the sample as the minibatch).
///
/// A mixture of N of the posteriors that contains those of the codes gives too high a density: by KL(q_N || q) on average,
/// about exp(k - log N) where the code holds k nats about its picture. One without them gives too low a density, by
/// Jensen's inequality. So where not all are mixed the value is biased upward, and its interval reaches down to the
/// value without the codes' own posteriors, if not to 0, below which no total correlation is.
pub fn total_correlation(mixture: &Mixture, sample: &CodeSample, len: usize) -> TotalCorrelation {
    let posteriors = mixture.len();
    let is_whole = posteriors >= len;
    let mut score = Score::mean(&mixture.log_ratios(), [0.0, f64::INFINITY]);
    let mut warning = None;
    if !is_whole {
        let without = Score::mean(&mixture.log_ratios_without_own(), [0.0, f64::INFINITY]);
        score.low = score.low.min(without.low);
        warning = (score.value - without.value > TOLERANCE).then(|| {
            format!(
                "tc is biased upward: {posteriors} of {len} posteriors are few for a code that holds {:.1} nats about its \
                 picture (log {posteriors} is {:.1}); the true value lies between the lower end of the interval and this \
                 one, and more --samples bring the two together",
                kl(sample).value,
                (posteriors as f64).ln()
            )
        });
    }
    TotalCorrelation { score, posteriors, is_whole, warning }
}

/// Code `number`, from the posterior of a random picture.
fn draw(sample: &CodeSample, number: usize, seed: u64) -> SampledCode<'_> {
    let mut stream = Stream::for_item(seed, "total correlation", number as u64);
    let row = stream.below(sample.len());
    let (mu, logvar) = (sample.mu.row(row), sample.logvar.row(row));
    let code =
        mu.iter().zip(logvar).map(|(mu, logvar)| mu + (0.5 * logvar).exp() * stream.normal()).collect();
    SampledCode { code, picture: sample.indices[row], mu, logvar }
}

/// The total correlation of a Gaussian with the covariance of the means (Locatello et al. 2019, section 5.4.1):
/// minus half the logarithm of the determinant of their correlation matrix. Dimensions that never vary have none.
pub fn gaussian_total_correlation(sample: &CodeSample, seed: u64) -> Score {
    let rows: Vec<usize> = (0..sample.len()).collect();
    let estimate = |rows: &[usize]| {
        let (matrix, dims) = correlations(sample, rows);
        let logarithms = eigenvalues(&matrix, dims).into_iter().map(|value| value.max(LEAST_EIGENVALUE).ln());
        (-0.5 * logarithms.sum::<f64>()).max(0.0)
    };
    let deviation = bootstrap_deviation(sample.len(), REPETITIONS, seed, estimate);
    Score::around(estimate(&rows), deviation, [0.0, f64::INFINITY])
}

/// Correlation matrix of the varying dimensions of the means over `rows`, and its width.
fn correlations(sample: &CodeSample, rows: &[usize]) -> (Vec<f64>, usize) {
    let centred = |dim: usize| -> Option<Vec<f64>> {
        let column: Vec<f64> = rows.iter().map(|&row| f64::from(sample.mu.row(row)[dim])).collect();
        let mean = column.iter().sum::<f64>() / column.len().max(1) as f64;
        let centred: Vec<f64> = column.iter().map(|value| value - mean).collect();
        let norm = centred.iter().map(|value| value * value).sum::<f64>().sqrt();
        (norm > 0.0).then(|| centred.iter().map(|value| value / norm).collect())
    };
    let columns: Vec<Vec<f64>> = (0..sample.mu.row_len()).filter_map(centred).collect();
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let matrix = columns.iter().flat_map(|a| columns.iter().map(|b| product(a, b))).collect();
    (matrix, columns.len())
}
