//! The Wasserstein correlation of a Gaussian fitted to the codes, as disentanglement_lib computes it.

use faer::Mat;

use super::halves::{OnAll, half_samples};
use super::labelled::columns;
use super::linear_algebra::trace_of_root;
use super::{CodeSample, Score};

/// Halves of the pictures that tell the deviation.
const REPETITIONS: usize = 100;

/// The squared 2-Wasserstein distance between a Gaussian with the covariance of the means and the product of its marginals,
/// in units of the total variance (Watters et al. 2019; Locatello et al. 2019, section 5.4.1): 0 of uncorrelated dimensions.
/// The part is the distance itself. A code that never varies has none. With the dimensions of `all` pictures, `[dimension][row]`, the
/// interval is that of the value on these.
pub fn gaussian_wasserstein(sample: &CodeSample, all: Option<&[Vec<f64>]>, seed: u64) -> Score {
    let dims = columns(sample.mu.data(), sample.mu.row_len());
    let own: Vec<usize> = (0..sample.len()).collect();
    let [distance, share] = of_rows(&dims, &own);
    let halves = half_samples(sample.len(), REPETITIONS, seed, |rows| of_rows(&dims, rows)[1]);
    let all = all.map(|all| {
        let rows: Vec<usize> = (0..all.first().map_or(0, Vec::len)).collect();
        OnAll { value: of_rows(all, &rows)[1], rows: rows.len() }
    });
    halves.on_all(share, sample.len(), all, [0.0, 2.0]).with_parts(["distance".to_owned()], &[distance])
}

/// The distance, and the same in units of the total variance.
fn of_rows(dims: &[Vec<f64>], rows: &[usize]) -> [f64; 2] {
    let covariance = covariance(dims, rows);
    let size = dims.len();
    let total: f64 = (0..size).map(|dim| covariance[(dim, dim)]).sum();
    if total == 0.0 {
        return [0.0; 2];
    }
    // The root of C D has the trace of the root of the symmetric D^1/2 C D^1/2, D the diagonal of C.
    let scaled = Mat::from_fn(size, size, |i, j| {
        covariance[(i, j)] * (covariance[(i, i)] * covariance[(j, j)]).sqrt()
    });
    match trace_of_root(&scaled) {
        Some(root) => {
            let distance = (2.0 * (total - root)).max(0.0);
            [distance, distance / total]
        }
        None => [f64::NAN; 2],
    }
}

/// Covariance of the columns over `rows`, divided by their number less 1.
fn covariance(dims: &[Vec<f64>], rows: &[usize]) -> Mat<f64> {
    let count = rows.len() as f64;
    let centred = |dim: &Vec<f64>| -> Vec<f64> {
        let mean = rows.iter().map(|&row| dim[row]).sum::<f64>() / count.max(1.0);
        rows.iter().map(|&row| dim[row] - mean).collect()
    };
    let dims: Vec<Vec<f64>> = dims.iter().map(centred).collect();
    let product = |i: usize, j: usize| dims[i].iter().zip(&dims[j]).map(|(a, b)| a * b).sum::<f64>();
    Mat::from_fn(dims.len(), dims.len(), |i, j| product(i, j) / (count - 1.0).max(1.0))
}
