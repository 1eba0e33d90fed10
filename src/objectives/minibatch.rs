use std::f64::consts::TAU;

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// How beta-TCVAE estimates the density of codes over all pictures from the posteriors of a minibatch (Chen et al. 2018,
/// section 3.1 and appendix C).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MinibatchSampling {
    /// Weighted sampling: every posterior of the batch counts the same.
    #[default]
    Weighted,
    /// Stratified sampling: a code's own posterior counts as one of all pictures, the others for the rest.
    Stratified,
}

impl MinibatchSampling {
    /// Logarithms of how much the posterior of each picture of a batch (second index) counts in the density of the code of
    /// each (first index), `(rows, rows)`, where the batch is one of `pictures` in all; at least 2 rows.
    ///
    /// The weights of stratified sampling are those of the paper's appendix C.2, of which the published program puts the two
    /// odd ones into the first two columns instead of each code's own and the next.
    pub fn log_weights(self, rows: usize, pictures: usize) -> Vec<f32> {
        let all = pictures.max(rows) as f64;
        let weight = |code: usize, posterior: usize| match self {
            Self::Weighted => 1.0 / (all * rows as f64),
            Self::Stratified => {
                let others = (rows - 1) as f64;
                match (posterior + rows - code) % rows {
                    0 => 1.0 / all,
                    1 => (all - others) / (all * others),
                    _ => 1.0 / others,
                }
            }
        };
        (0..rows * rows).map(|at| weight(at / rows, at % rows).ln() as f32).collect()
    }
}

/// beta-TCVAE's estimate of the total correlation of the aggregated posterior, in nats, a scalar: the mean over the batch of
/// log q(c) less the logarithms of its marginals (Chen et al. 2018, Eq. 2).
///
/// `codes` are drawn from the posteriors N(`mu`, exp(`logvar`)), all three `(N, c_dim)`; `log_weights` `(N, N)` are those of
/// [`MinibatchSampling`]. Weighted sampling adds (c_dim - 1) log of the number of pictures where all posteriors are far
/// apart: the value is an estimate from above, its gradient what is descended.
///
/// # Errors
/// When the shapes do not fit.
pub fn minibatch_total_correlation(
    codes: &Tensor,
    mu: &Tensor,
    logvar: &Tensor,
    log_weights: &Tensor,
) -> Result<Tensor> {
    let logvar = logvar.unsqueeze(0)?;
    let squares = codes.unsqueeze(1)?.broadcast_sub(&mu.unsqueeze(0)?)?.sqr()?;
    let scaled = squares.broadcast_mul(&logvar.neg()?.exp()?)?;
    // (code, posterior, dimension)
    let densities = (scaled.broadcast_add(&(logvar + TAU.ln())?)? * -0.5)?;
    let joint = log_of_sum(&(densities.sum(2)? + log_weights)?)?;
    let marginals = log_of_sum(&densities.broadcast_add(&log_weights.unsqueeze(2)?)?)?.sum(1)?;
    (joint - marginals)?.mean_all()
}

/// The logarithm of the sum of exponentials over the second dimension, which goes.
fn log_of_sum(x: &Tensor) -> Result<Tensor> {
    let most = x.max_keepdim(1)?.detach();
    (x.broadcast_sub(&most)?.exp()?.sum_keepdim(1)?.log()? + most)?.squeeze(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Stream;
    use candle_core::Device;

    #[test]
    fn stratified_weights_are_those_of_one_picture_among_all() {
        let weights = |sampling: MinibatchSampling, rows, pictures| -> Vec<f64> {
            sampling.log_weights(rows, pictures).iter().map(|&log| f64::from(log).exp()).collect()
        };
        let own = weights(MinibatchSampling::Stratified, 4, 100);
        for (code, row) in own.chunks(4).enumerate() {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{row:?}");
            assert!((row[code] - 0.01).abs() < 1e-6, "{row:?}");
            assert!((row[(code + 1) % 4] - 97.0 / 300.0).abs() < 1e-6, "{row:?}");
            assert!((row[(code + 2) % 4] - 1.0 / 3.0).abs() < 1e-6, "{row:?}");
        }
        assert!(weights(MinibatchSampling::Weighted, 2, 50).iter().all(|w| (w - 0.01).abs() < 1e-6));
        // fewer pictures than rows: some come twice
        assert!(weights(MinibatchSampling::Stratified, 4, 1).iter().all(|w| w.is_finite() && *w > 0.0));
    }

    /// Rows of posteriors, a code of each, and the estimate.
    fn estimate(mu: &[[f64; 2]], logvar: f64, sampling: MinibatchSampling) -> Result<f64> {
        let rows = mu.len();
        let mu = Tensor::from_vec(mu.concat(), (rows, 2), &Device::Cpu)?;
        let noise: Vec<f64> = Stream::new(3, "noise").normals(2 * rows).into_iter().map(f64::from).collect();
        let noise = Tensor::from_vec(noise, (rows, 2), &Device::Cpu)?;
        let codes = (&mu + noise * (logvar / 2.0).exp())?;
        let logvar = Tensor::full(logvar, (rows, 2), &Device::Cpu)?;
        let weights: Vec<f64> = sampling.log_weights(rows, rows).into_iter().map(f64::from).collect();
        let weights = Tensor::from_vec(weights, (rows, rows), &Device::Cpu)?;
        minibatch_total_correlation(&codes, &mu, &logvar, &weights)?.to_scalar::<f64>()
    }

    #[test]
    fn equal_posteriors_have_no_total_correlation_and_a_diagonal_has() -> Result<()> {
        let alone = estimate(&[[0.5, -1.0]; 8], 0.3, MinibatchSampling::Stratified)?;
        assert!(alone.abs() < 1e-6, "{alone}");
        // far apart on a diagonal each dimension tells which it is: log N
        let diagonal: Vec<[f64; 2]> = (0..8).map(|i| [100.0 * f64::from(i); 2]).collect();
        let expected = 8f64.ln();
        for sampling in [MinibatchSampling::Stratified, MinibatchSampling::Weighted] {
            // weighted, each of 8 pictures counts 1/64, twice in the marginals and once in the whole: 2 log 64 - log 64
            let expected = if sampling == MinibatchSampling::Weighted { 2.0 * expected } else { expected };
            let found = estimate(&diagonal, 0.0, sampling)?;
            assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
        }
        Ok(())
    }
}
