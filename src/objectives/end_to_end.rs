use candle_core::{Result, Tensor};

use super::{information_loss, loss_as_real};
use crate::nets::Posterior;

/// The weights of [`end_to_end_loss`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EndToEndWeights {
    /// Of the generator's adversarial loss; 1 in training.
    pub adversarial: f64,
    /// Of the distillation loss: lambda of Eq. 2.
    pub information: f64,
}

/// What encoder, decoder and generator minimise when ID-GAN is trained end to end (paper section 5.3): `vae` (the
/// beta-VAE loss of Eq. 1), plus the non-saturating loss of the discriminator's `logits` on G(s, c), plus the
/// weighted distillation loss of Eq. 4; a scalar.
///
/// Unlike in the two-step training nothing is detached: `c` comes from the encoder's sample of the real pictures and
/// `posterior` from the same encoder on G(s, c), so that the gradients of all three terms reach it.
///
/// # Errors
/// When the shapes differ.
pub fn end_to_end_loss(
    vae: &Tensor,
    logits: &Tensor,
    c: &Tensor,
    posterior: &Posterior,
    weights: EndToEndWeights,
) -> Result<Tensor> {
    let adversarial = (loss_as_real(logits)? * weights.adversarial)?;
    let information = (information_loss(c, posterior)? * weights.information)?;
    (vae + adversarial)? + information
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn it_is_the_sum_of_its_terms_and_c_itself_has_a_gradient() -> Result<()> {
        let scalar = |value: f64| Tensor::new(value, &Device::Cpu);
        let logits = Tensor::new(&[0f64, 0.0], &Device::Cpu)?;
        let mu = Tensor::new(&[[0.5f64], [-1.0]], &Device::Cpu)?;
        let posterior = Posterior { logvar: mu.zeros_like()?, mu };
        let weights = EndToEndWeights { adversarial: 1.0, information: 0.25 };
        let at = |c: [f64; 2]| {
            let c = Tensor::new(&c, &Device::Cpu)?.reshape((2, 1))?;
            end_to_end_loss(&scalar(3.0)?, &logits, &c, &posterior, weights)?.to_scalar::<f64>()
        };
        let c = [1.0, 2.0];
        let half_log_tau = 0.5 * std::f64::consts::TAU.ln();
        let information = half_log_tau + 0.5 * (0.25 + 9.0) / 2.0;
        let expected = 3.0 + 2f64.ln() + 0.25 * information;
        assert!((at(c)? - expected).abs() < 1e-6, "{} against {expected}", at(c)?);

        let var = Var::new(&c, &Device::Cpu)?;
        let loss = end_to_end_loss(&scalar(3.0)?, &logits, &var.reshape((2, 1))?, &posterior, weights)?;
        let gradients = loss.backward()?;
        let derivative = gradients.get(&var).map(Tensor::to_vec1::<f64>).transpose()?.unwrap_or_default();
        let h = 1e-5;
        for j in 0..2 {
            let moved = |by: f64| {
                let mut c = c;
                c[j] += by;
                at(c)
            };
            let numeric = (moved(h)? - moved(-h)?) / (2.0 * h);
            assert!((derivative[j] - numeric).abs() < 1e-7, "{} against {numeric}", derivative[j]);
        }
        Ok(())
    }
}
