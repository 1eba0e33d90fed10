//! Total correlation: how far the dimensions of the code are from independent, KL(q(c) || prod_j q(c_j)) in nats.

use crate::base::Stream;

use super::linear_algebra::eigenvalues;
use super::score::bootstrap_deviation;
use super::{CodeSample, MetricError, Score, Watch};

/// Codes drawn from the aggregated posterior.
const DRAWS: usize = 1000;
/// Bootstrap samples of the pictures.
const REPETITIONS: usize = 100;
/// Correlations closer to singular than this count as this, so that the estimate stays finite.
const LEAST_EIGENVALUE: f64 = 1e-12;

/// The total correlation of the aggregated posterior, taken as the mixture of the sample's posteriors (Chen et al.
/// 2018, section C.1, with the whole sample as the minibatch).
///
/// 1000 codes are drawn from q(c|x) of random pictures, and log q(c) and log q(c_j) are mixture densities over all
/// pictures. A mixture of N narrow posteriors cannot say less than log q(c|x) - log N about a code of its own, so the
/// estimate is too high where the code holds more than log N nats about its picture.
///
/// # Errors
/// When the watch stops it.
pub fn total_correlation(
    sample: &CodeSample,
    seed: u64,
    watch: &mut Watch<'_>,
) -> Result<Score, MetricError> {
    let mut mixture = Mixture::new(sample);
    let mut terms = Vec::with_capacity(DRAWS);
    for draw in 0..DRAWS {
        watch.step(draw, DRAWS)?;
        let mut stream = Stream::for_item(seed, "total correlation", draw as u64);
        let row = stream.below(sample.len());
        let pairs = sample.mu.row(row).iter().zip(sample.logvar.row(row));
        let code: Vec<f32> = pairs.map(|(mu, logvar)| mu + (0.5 * logvar).exp() * stream.normal()).collect();
        terms.push(mixture.log_ratio(&code));
    }
    Ok(Score::mean(&terms, [f64::NEG_INFINITY, f64::INFINITY]))
}

/// The equal mixture of the posteriors of a sample.
pub struct Mixture {
    dims: usize,
    means: Vec<f64>,
    logvars: Vec<f64>,
    precisions: Vec<f64>,
    /// Log densities of one code under each posterior: of the whole code, and of each dimension.
    joint: Vec<f64>,
    single: Vec<Vec<f64>>,
}

impl Mixture {
    /// Prepares the mixture.
    pub fn new(sample: &CodeSample) -> Self {
        let dims = sample.mu.row_len();
        let wide = |values: &[f32]| -> Vec<f64> { values.iter().map(|&value| f64::from(value)).collect() };
        let logvars = wide(sample.logvar.data());
        Self {
            dims,
            means: wide(sample.mu.data()),
            precisions: logvars.iter().map(|logvar| (-logvar).exp()).collect(),
            logvars,
            joint: vec![0.0; sample.len()],
            single: vec![vec![0.0; sample.len()]; dims],
        }
    }

    /// log q(c) - sum_j log q(c_j) in nats of one code `(dims,)`.
    pub fn log_ratio(&mut self, code: &[f32]) -> f64 {
        for row in 0..self.joint.len() {
            self.joint[row] = 0.0;
            for (dim, &value) in code.iter().enumerate() {
                let at = row * self.dims + dim;
                let squared = (f64::from(value) - self.means[at]).powi(2) * self.precisions[at];
                // The constant log(2 pi) / 2 of each dimension cancels between joint and product.
                let density = -0.5 * (squared + self.logvars[at]);
                self.single[dim][row] = density;
                self.joint[row] += density;
            }
        }
        let log_count = (self.joint.len() as f64).ln();
        let product: f64 = self.single.iter().map(|densities| log_sum_exp(densities) - log_count).sum();
        log_sum_exp(&self.joint) - log_count - product
    }
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

fn log_sum_exp(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + values.iter().map(|value| (value - largest).exp()).sum::<f64>().ln()
}
