use candle_core::{Result, Tensor};

use super::loss_as_real;

/// What VAE-GAN's decoder shows its discriminator (paper section 5.3, after Larsen et al.): the reconstructions and
/// the pictures of as many codes from the prior, `(2N, C, H, W)` in [-1, 1], from their logits `(N, C, H, W)`.
///
/// # Errors
/// When the shapes differ.
pub fn vae_gan_pictures(reconstructions: &Tensor, samples: &Tensor) -> Result<Tensor> {
    let unit = candle_nn::ops::sigmoid(&Tensor::cat(&[reconstructions, samples], 0)?)?;
    (unit * 2.0)? - 1.0
}

/// VAE-GAN's loss of encoder and decoder, a scalar: `vae` (reconstruction summed over pixels plus weighted KL, as
/// stage 1 has it) plus `w_adv` times the non-saturating loss of the discriminator's `logits` on
/// [`vae_gan_pictures`], which is the mean of that on reconstructions and that on samples.
///
/// The paper gives the idea alone; the weight and the mean are ours.
///
/// # Errors
/// When the device fails.
pub fn vae_gan_loss(vae: &Tensor, logits: &Tensor, w_adv: f64) -> Result<Tensor> {
    vae + (loss_as_real(logits)? * w_adv)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn pictures_are_the_sigmoid_stretched_to_the_discriminators_range() -> Result<()> {
        let logits = |v: f64| Tensor::full(v, (1, 1, 1, 1), &Device::Cpu);
        let pictures =
            vae_gan_pictures(&logits(0.0)?, &logits(3f64.ln())?)?.flatten_all()?.to_vec1::<f64>()?;
        assert!(pictures[0].abs() < 1e-12 && (pictures[1] - 0.5).abs() < 1e-12, "{pictures:?}");
        Ok(())
    }

    #[test]
    fn both_halves_weigh_the_same_and_the_derivative_is_that_of_finite_differences() -> Result<()> {
        let vae = Tensor::new(7f64, &Device::Cpu)?;
        let at = |logits: [f64; 2]| {
            vae_gan_loss(&vae, &Tensor::new(&logits, &Device::Cpu)?, 0.5)?.to_scalar::<f64>()
        };
        let softplus = |x: f64| x.exp().ln_1p();
        let expected = 7.0 + 0.5 * (softplus(-1.0) + softplus(2.0)) / 2.0;
        assert!((at([1.0, -2.0])? - expected).abs() < 1e-12);
        let logits = Var::new(&[1f64, -2.0], &Device::Cpu)?;
        let gradients = vae_gan_loss(&vae, &logits, 0.5)?.backward()?;
        let derivative = gradients.get(&logits).map(Tensor::to_vec1::<f64>).transpose()?.unwrap_or_default();
        let h = 1e-5;
        let numeric = (at([1.0 + h, -2.0])? - at([1.0 - h, -2.0])?) / (2.0 * h);
        assert!((derivative[0] - numeric).abs() < 1e-8, "{derivative:?} against {numeric}");
        Ok(())
    }
}
