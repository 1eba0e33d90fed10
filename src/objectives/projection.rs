use candle_core::{Result, Tensor};

/// The logits `(N,)` of a conditional discriminator (cGAN, paper section 5.3): what it says of the picture alone,
/// plus the inner product of its last `features` with the `projected` condition, both `(N, F)` (Miyato and Koyama
/// 2018, Eq. 3).
///
/// cGAN's losses are the unconditional ones ([`super::loss_as_real`], [`super::loss_as_fake`]) of these logits, with
/// c ~ q(c|x) beside a real picture and the same c beside G(s, c).
///
/// # Errors
/// When the shapes differ.
pub fn projected_logits(logits: &Tensor, features: &Tensor, projected: &Tensor) -> Result<Tensor> {
    logits + features.mul(projected)?.sum(1)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn the_condition_adds_an_inner_product_and_its_gradient_is_the_features() -> Result<()> {
        let logits = Tensor::new(&[0.5f64, -1.0], &Device::Cpu)?;
        let features = Tensor::new(&[[1f64, 2.0], [3.0, -4.0]], &Device::Cpu)?;
        let projected = Var::new(&[[10f64, 1.0], [0.5, 2.0]], &Device::Cpu)?;
        let sum = projected_logits(&logits, &features, &projected)?;
        assert_eq!(sum.to_vec1::<f64>()?, [12.5, -7.5]);
        let gradients = sum.sum_all()?.backward()?;
        let gradient = gradients.get(&projected).map(Tensor::to_vec2::<f64>).transpose()?;
        assert_eq!(gradient, Some(features.to_vec2()?));
        Ok(())
    }
}
