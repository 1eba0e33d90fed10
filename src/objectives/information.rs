use candle_core::{Result, Tensor};

use crate::nets::Posterior;

/// Keeps the published implementation's division from blowing up.
const EPSILON: f64 = 1e-8;

/// The distillation loss, minus log q(c|G(s,c)) (paper Eq. 4 without the constant entropy): summed over
/// dimensions, averaged over the batch, a scalar in nats.
///
/// `mean_n sum_j 1/2 [log 2 pi + logvar + (c - mu)^2 / (exp(logvar) + 1e-8)]`; `c` is `(N, c_dim)` and
/// `posterior` the frozen encoder's view of the generated pictures.
///
/// # Errors
/// When the shapes differ.
pub fn information_loss(c: &Tensor, posterior: &Posterior) -> Result<Tensor> {
    let batch = c.dim(0)? as f64;
    let variance = (posterior.logvar.exp()? + EPSILON)?;
    let terms =
        (((c - &posterior.mu)?.sqr()?.div(&variance)? + &posterior.logvar)? + std::f64::consts::TAU.ln())?;
    terms.sum_all()? * (0.5 / batch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn it_is_the_gaussian_log_likelihood() -> Result<()> {
        let tensor = |rows: &[[f64; 2]; 2]| Tensor::new(rows, &Device::Cpu);
        let c = [[0.5, -1.0], [2.0, 0.0]];
        let mu = [[0.0, -1.0], [1.0, 3.0]];
        let variance = [[1.0f64, 0.5], [2.0, 4.0]];
        let posterior =
            Posterior { mu: tensor(&mu)?, logvar: tensor(&variance.map(|row| row.map(f64::ln)))? };
        let mut expected = 0.0;
        for n in 0..2 {
            for j in 0..2 {
                let density = (-(c[n][j] - mu[n][j]).powi(2) / (2.0 * variance[n][j])).exp()
                    / (std::f64::consts::TAU * variance[n][j]).sqrt();
                expected -= density.ln() / 2.0;
            }
        }
        let loss = information_loss(&tensor(&c)?, &posterior)?.to_scalar::<f64>()?;
        assert!((loss - expected).abs() < 1e-7, "{loss} against {expected}");
        Ok(())
    }
}
