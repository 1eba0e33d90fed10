use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// How the decoder's logits explain a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Likelihood {
    /// Binary cross-entropy with logits.
    Bernoulli,
    /// Squared error of the sigmoid of the logits, as the published implementation has it (no 1/2, no variance).
    Gaussian,
}

/// Reconstruction loss of stage 1, summed over pixels and averaged over the batch, a scalar in nats (Bernoulli)
/// or squared grey levels (Gaussian). `logits` and `x` are `(N, C, H, W)`, `x` in [0, 1].
///
/// # Errors
/// When the shapes differ.
pub fn reconstruction_loss(logits: &Tensor, x: &Tensor, likelihood: Likelihood) -> Result<Tensor> {
    let batch = x.dim(0)? as f64;
    let sum = match likelihood {
        Likelihood::Bernoulli => crate::ops::bernoulli_cross_entropy(logits, x)?,
        Likelihood::Gaussian => (candle_nn::ops::sigmoid(logits)? - x)?.sqr()?.sum_all()?,
    };
    sum / batch
}

/// KL divergence of q(c|x) = N(mu, exp(logvar)) from N(0, I), averaged over the batch: `(c_dim,)` nats.
/// Its sum is the KL term of Eq. 1. Both arguments are `(N, c_dim)`.
///
/// # Errors
/// When the shapes differ.
pub fn kl_per_dimension(mu: &Tensor, logvar: &Tensor) -> Result<Tensor> {
    let terms = ((mu.sqr()? + logvar.exp()?)? - logvar)?;
    ((terms - 1.0)? * 0.5)?.mean(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn the_prior_has_no_divergence_and_a_shifted_mean_half_its_square() -> Result<()> {
        let mu = Tensor::new(&[[0f64, 2.0], [0.0, 0.0]], &Device::Cpu)?;
        let logvar = Tensor::new(&[[0f64, 0.0], [0.0, 4f64.ln()]], &Device::Cpu)?;
        let kl = kl_per_dimension(&mu, &logvar)?.to_vec1::<f64>()?;
        assert_eq!(kl[0], 0.0);
        let expected = (2.0 + 0.5 * (4.0 - 1.0 - 4f64.ln())) / 2.0;
        assert!((kl[1] - expected).abs() < 1e-12);
        Ok(())
    }

    #[test]
    fn both_likelihoods_sum_over_pixels_and_average_over_pictures() -> Result<()> {
        let logits = Tensor::new(&[0f64, 3.0, -50.0, 800.0], &Device::Cpu)?.reshape((2, 1, 1, 2))?;
        let x = Tensor::new(&[1f64, 0.25, 0.0, 1.0], &Device::Cpu)?.reshape((2, 1, 1, 2))?;
        let sigmoid = |l: f64| 1.0 / (1.0 + (-l).exp());
        let cross_entropy = -(0.5f64.ln() + 0.25 * sigmoid(3.0).ln() + 0.75 * (1.0 - sigmoid(3.0)).ln());
        let loss = reconstruction_loss(&logits, &x, Likelihood::Bernoulli)?.to_scalar::<f64>()?;
        assert!((loss - cross_entropy / 2.0).abs() < 1e-12, "{loss}");
        let squares = 0.25 + (sigmoid(3.0) - 0.25).powi(2);
        let loss = reconstruction_loss(&logits, &x, Likelihood::Gaussian)?.to_scalar::<f64>()?;
        assert!((loss - squares / 2.0).abs() < 1e-12, "{loss}");
        Ok(())
    }
}
