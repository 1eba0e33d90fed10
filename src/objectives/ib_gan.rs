use candle_core::{Result, Tensor};

use super::adversarial::softplus;
use super::kl_per_dimension;

/// IB-GAN's lower bound on the information that a picture has about z, in nats: `mean_n 1/2 sum_j z_j^2 - (z_j - z_hat_j)^2`
/// for a reader of unit variance, whose constant is that of the prior. Both are `(N, z_dim)`; a scalar.
///
/// # Errors
/// When the shapes differ.
pub fn information_lower_bound(z: &Tensor, z_hat: &Tensor) -> Result<Tensor> {
    let batch = z.dim(0)? as f64;
    (z.sqr()? - (z - z_hat)?.sqr()?)?.sum_all()? * (0.5 / batch)
}

/// Its upper bound, in nats: the divergence of e(r|z) = N(mu, exp(logvar)) from N(0, I), a mean over the batch. Both are
/// `(N, r_dim)`; a scalar.
///
/// # Errors
/// When the shapes differ.
pub fn information_upper_bound(mu: &Tensor, logvar: &Tensor) -> Result<Tensor> {
    kl_per_dimension(mu, logvar)?.sum_all()
}

/// Binary cross-entropy of `logits` `(N,)` with `labels` `(N,)`, which may lie beyond 0 and 1 (smoothed labels): the mean of
/// `softplus(logit) - label * logit`, a scalar.
///
/// # Errors
/// When the shapes differ.
pub fn loss_with_labels(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    (softplus(logits)? - (logits * labels)?)?.mean_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objectives::{loss_as_fake, loss_as_real};
    use candle_core::Device;

    #[test]
    fn what_is_read_exactly_carries_all_of_the_prior_and_noise_carries_nothing() -> Result<()> {
        let z = Tensor::new(&[[1f32, -2.0], [0.5, 0.0]], &Device::Cpu)?;
        // 1/2 (1 + 4 + .25) over two pictures
        assert_eq!(information_lower_bound(&z, &z)?.to_scalar::<f32>()?, 1.3125);
        assert_eq!(information_lower_bound(&z, &z.zeros_like()?)?.to_scalar::<f32>()?, 0.0);
        Ok(())
    }

    #[test]
    fn labels_of_one_and_zero_are_the_two_losses() -> Result<()> {
        let logits = Tensor::new(&[-3f32, 0.2, 8.0], &Device::Cpu)?;
        for (labels, expected) in
            [(logits.ones_like()?, loss_as_real(&logits)?), (logits.zeros_like()?, loss_as_fake(&logits)?)]
        {
            let found = loss_with_labels(&logits, &labels)?.to_scalar::<f32>()?;
            assert!((found - expected.to_scalar::<f32>()?).abs() < 1e-6, "{found}");
        }
        Ok(())
    }
}
