use candle_core::{Result, Tensor};

/// The cost of taking pictures with these logits `(N,)` for generated ones: `mean softplus(-logit)`, a scalar.
///
/// The discriminator pays it on real pictures (paper Eq. 3), the generator on its own (the non-saturating loss).
///
/// # Errors
/// When the device fails.
pub fn loss_as_real(logits: &Tensor) -> Result<Tensor> {
    softplus(&logits.neg()?)?.mean_all()
}

/// The cost of taking pictures with these logits `(N,)` for real ones: `mean softplus(logit)`, a scalar.
/// The discriminator pays it on generated pictures (paper Eq. 3).
///
/// # Errors
/// When the device fails.
pub fn loss_as_fake(logits: &Tensor) -> Result<Tensor> {
    softplus(logits)?.mean_all()
}

/// R1: `mean_n ||gradient_n||^2` of the discriminator's input gradient `(N, C, H, W)` on real pictures, a scalar.
/// The published implementation has no factor 1/2.
///
/// # Errors
/// When the device fails.
pub fn gradient_penalty(gradient: &Tensor) -> Result<Tensor> {
    let batch = gradient.dim(0)? as f64;
    gradient.sqr()?.sum_all()? / batch
}

/// log(1 + exp(x)) without overflow: max(x, 0) + log(1 + exp(-|x|)).
///
/// -|x| is written x - 2 max(x, 0), which has the right derivative at 0 too.
pub(super) fn softplus(x: &Tensor) -> Result<Tensor> {
    let positive = crate::ops::leaky_relu(x, 0.0)?;
    let minus_magnitude = (x - (&positive * 2.0)?)?;
    positive + (minus_magnitude.exp()? + 1.0)?.log()?
}

/// The weight of the variational bottleneck's KL divergence, moved after every discriminator step so that the
/// divergence stays near its target (Peng et al., Eq. 8 with the published implementation's numbers).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AdaptiveBottleneck {
    /// The weight, at least 0.
    pub beta: f64,
    /// The divergence to keep, in nats.
    pub target_kl: f64,
    /// How fast the weight moves.
    pub step: f64,
}

impl Default for AdaptiveBottleneck {
    fn default() -> Self {
        Self { beta: 0.1, target_kl: 0.1, step: 1e-5 }
    }
}

impl AdaptiveBottleneck {
    /// Moves the weight after a step whose divergence was `kl` nats (mean of real and fake).
    pub fn update(&mut self, kl: f64) {
        self.beta = (self.beta - self.step * (self.target_kl - kl)).max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn softplus_is_exact_where_it_is_easy_and_finite_where_it_is_not() -> Result<()> {
        let x = Tensor::new(&[-200f32, -1.0, 0.0, 1.0, 200.0], &Device::Cpu)?;
        let y = softplus(&x)?.to_vec1::<f32>()?;
        let expected = [0.0, (1.0 + (-1.0f32).exp()).ln(), 2f32.ln(), (1.0 + 1f32.exp()).ln(), 200.0];
        for (y, e) in y.iter().zip(expected) {
            assert!((y - e).abs() < 1e-6, "{y} against {e}");
        }
        Ok(())
    }

    #[test]
    fn softplus_has_the_sigmoid_as_its_derivative_also_at_zero() -> Result<()> {
        let x = Var::new(&[-30f64, -1.0, 0.0, 1.0, 30.0], &Device::Cpu)?;
        let gradients = softplus(&x)?.sum_all()?.backward()?;
        let derivative = gradients.get(&x).map(Tensor::to_vec1::<f64>).transpose()?.unwrap_or_default();
        assert_eq!(derivative.len(), 5);
        for (derivative, x) in derivative.iter().zip([-30f64, -1.0, 0.0, 1.0, 30.0]) {
            let sigmoid = 1.0 / (1.0 + (-x).exp());
            assert!((derivative - sigmoid).abs() < 1e-9, "at {x}: {derivative} against {sigmoid}");
        }
        Ok(())
    }

    #[test]
    fn the_bottleneck_weight_rises_above_its_target_and_never_below_zero() {
        let mut bottleneck = AdaptiveBottleneck::default();
        bottleneck.update(1.1);
        assert!((bottleneck.beta - (0.1 + 1e-5)).abs() < 1e-12);
        let mut low = AdaptiveBottleneck { beta: 0.0, ..bottleneck };
        low.update(0.0);
        assert_eq!(low.beta, 0.0);
    }

    #[test]
    fn the_penalty_is_a_sum_over_pixels_and_a_mean_over_pictures() -> Result<()> {
        let gradient = Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], &Device::Cpu)?.reshape((2, 1, 1, 2))?;
        assert_eq!(gradient_penalty(&gradient)?.to_scalar::<f32>()?, 15.0);
        Ok(())
    }
}
