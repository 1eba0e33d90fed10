use candle_core::{D, Result, Tensor};

use crate::ops;

/// The hinge loss of real pictures by their scores: `mean relu(1 - score)`, a scalar.
///
/// # Errors
/// When the device fails.
pub fn hinge_as_real(scores: &Tensor) -> Result<Tensor> {
    ops::leaky_relu(&scores.affine(-1.0, 1.0)?, 0.0)?.mean_all()
}

/// The hinge loss of generated pictures by their scores: `mean relu(1 + score)`, a scalar.
///
/// # Errors
/// When the device fails.
pub fn hinge_as_fake(scores: &Tensor) -> Result<Tensor> {
    ops::leaky_relu(&scores.affine(1.0, 1.0)?, 0.0)?.mean_all()
}

/// WGAN-GP's penalty: `mean_n (||gradient_n|| - 1)^2` of a discriminator's input gradient `(N, C, H, W)`, a scalar
/// (Gulrajani et al. 2017).
///
/// # Errors
/// When the device fails.
pub fn slope_penalty(gradient: &Tensor) -> Result<Tensor> {
    let slope = gradient.flatten_from(1)?.sqr()?.sum(1)?.sqrt()?;
    slope.affine(1.0, -1.0)?.sqr()?.mean_all()
}

/// How unlikely the controls c are to a reader that says N(mu, sigma^2), in nats a dimension: the mean over pictures and
/// dimensions of `1/2 ((c - mu)^2 / sigma^2 + 2 log sigma + log 2 pi)`. All are `(N, c_dim)`; a scalar.
///
/// # Errors
/// When the shapes differ.
pub fn control_cost(c: &Tensor, mu: &Tensor, log_sigma: &Tensor) -> Result<Tensor> {
    let distance = ((c - mu)? * log_sigma.neg()?.exp()?)?.sqr()?;
    let constant = (2.0 * std::f64::consts::PI).ln();
    (distance + log_sigma.affine(2.0, constant)?)?.mean_all()? * 0.5
}

/// The same of a reader that says c alone: the mean distance, a scalar.
///
/// # Errors
/// When the shapes differ.
pub fn control_distance(c: &Tensor, mu: &Tensor) -> Result<Tensor> {
    (c - mu)?.abs()?.mean_all()
}

/// The cross-entropy of `logits` `(N, dims)` with the one dimension that is 1 in each row of `chosen`, a mean over rows; a
/// scalar.
///
/// # Errors
/// When the shapes differ.
pub fn choice_cost(logits: &Tensor, chosen: &Tensor) -> Result<Tensor> {
    let likely = candle_nn::ops::log_softmax(logits, D::Minus1)?;
    (likely * chosen)?.sum_all()? * (-1.0 / logits.dim(0)? as f64)
}

/// How far the rows of `(rows, places)` are from being orthogonal: the mean of the squared cosines of all pairs, each row with
/// itself included; a scalar. It is at least `max(1 / rows, 1 / places)`.
///
/// # Errors
/// When the device fails.
pub fn squared_cosines(rows: &Tensor) -> Result<Tensor> {
    let lengths = rows.sqr()?.sum_keepdim(1)?.sqrt()?;
    let unit = rows.broadcast_div(&lengths)?;
    unit.matmul(&unit.t()?.contiguous()?)?.sqr()?.mean_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn value(tensor: &Tensor) -> f32 {
        tensor.to_scalar::<f32>().expect("a scalar")
    }

    #[test]
    fn the_hinge_asks_for_no_more_than_one() -> Result<()> {
        let scores = Tensor::new(&[-3f32, 0.0, 0.5, 2.0], &Device::Cpu)?;
        assert_eq!(value(&hinge_as_real(&scores)?), (4.0 + 1.0 + 0.5) / 4.0);
        assert_eq!(value(&hinge_as_fake(&scores)?), (1.0 + 1.5 + 3.0) / 4.0);
        Ok(())
    }

    #[test]
    fn the_penalty_is_of_each_pictures_own_slope() -> Result<()> {
        // slopes of 5 and of 1
        let gradient = Tensor::new(&[3f32, 4.0, 0.0, 1.0], &Device::Cpu)?.reshape((2, 1, 1, 2))?;
        assert_eq!(value(&slope_penalty(&gradient)?), 8.0);
        Ok(())
    }

    #[test]
    fn controls_cost_what_the_normal_density_says() -> Result<()> {
        let tensor = |values: &[f32; 2]| Tensor::from_slice(values, (1, 2), &Device::Cpu);
        let (c, mu, log_sigma) = (tensor(&[1.0, 0.0])?, tensor(&[0.0, 0.0])?, tensor(&[0.0, -1.0])?);
        // densities .24197 at one deviation of 1, and .39894 e at none of 1/e
        let expected = -(0.241_970_72f32.ln() + 0.398_942_3f32.ln() + 1.0) / 2.0;
        assert!((value(&control_cost(&c, &mu, &log_sigma)?) - expected).abs() < 1e-6);
        assert_eq!(value(&control_distance(&c, &mu)?), 0.5);
        Ok(())
    }

    #[test]
    fn a_choice_among_equals_costs_the_logarithm_of_their_number() -> Result<()> {
        let chosen = Tensor::new(&[[1f32, 0.0, 0.0], [0.0, 0.0, 1.0]], &Device::Cpu)?;
        assert!((value(&choice_cost(&chosen.zeros_like()?, &chosen)?) - 3f32.ln()).abs() < 1e-6);
        assert!(value(&choice_cost(&(&chosen * 40.0)?, &chosen)?) < 1e-6);
        Ok(())
    }

    #[test]
    fn orthogonal_rows_stand_at_the_floor_and_equal_ones_at_one() -> Result<()> {
        let orthogonal = (Tensor::eye(4, candle_core::DType::F32, &Device::Cpu)? * 7.0)?;
        assert_eq!(value(&squared_cosines(&orthogonal)?), 0.25);
        let equal = Tensor::new(&[[1f32, 2.0], [2.0, 4.0]], &Device::Cpu)?;
        assert!((value(&squared_cosines(&equal)?) - 1.0).abs() < 1e-6);
        Ok(())
    }
}
