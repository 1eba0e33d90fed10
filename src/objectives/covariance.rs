use candle_core::{Result, Tensor};

/// DIP-VAE's penalty (Kumar et al. 2018, Eq. 6 and 7), a scalar: `off_diagonal` times the squared covariances of different
/// dimensions of the code, plus `diagonal` times the squared distances of their variances from 1, over a batch.
///
/// `mu` `(N, c_dim)` are the posteriors' means: with them alone the covariance is that of DIP-VAE-I; with `logvar` of the same
/// shape the posteriors' mean variances are added to its diagonal, as in DIP-VAE-II. Both divide by N.
///
/// # Errors
/// When the shapes do not fit.
pub fn covariance_penalty(
    mu: &Tensor,
    logvar: Option<&Tensor>,
    off_diagonal: f64,
    diagonal: f64,
) -> Result<Tensor> {
    let rows = mu.dim(0)? as f64;
    let centred = mu.broadcast_sub(&mu.mean_keepdim(0)?)?;
    let covariance = (centred.t()?.contiguous()?.matmul(&centred)? / rows)?;
    let of_means = centred.sqr()?.mean(0)?;
    let others = (covariance.sqr()?.sum_all()? - of_means.sqr()?.sum_all()?)?;
    let variances = match logvar {
        Some(logvar) => (of_means + logvar.exp()?.mean(0)?)?,
        None => of_means,
    };
    let from_one = (variances - 1.0)?.sqr()?.sum_all()?;
    (others * off_diagonal)? + (from_one * diagonal)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn a_white_code_is_free_and_each_covariance_costs_twice_its_square() -> Result<()> {
        let mu = |rows: &[[f64; 2]]| Tensor::from_vec(rows.concat(), (rows.len(), 2), &Device::Cpu);
        let value = |tensor: Result<Tensor>| tensor?.to_scalar::<f64>();
        let white = mu(&[[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])?;
        assert_eq!(value(covariance_penalty(&white, None, 10.0, 5.0))?, 0.0);
        // variances 4 and 1, covariance 2
        let copied = mu(&[[2.0, 1.0], [-2.0, -1.0]])?;
        assert_eq!(value(covariance_penalty(&copied, None, 10.0, 5.0))?, 10.0 * 8.0 + 5.0 * 9.0);
        // posteriors of variance 3 and 1 / 2 on top
        let logvar = mu(&[[3f64.ln(), 0.5f64.ln()]; 2])?;
        let found = value(covariance_penalty(&copied, Some(&logvar), 10.0, 5.0))?;
        assert!((found - (80.0 + 5.0 * (36.0 + 0.25))).abs() < 1e-9, "{found}");
        Ok(())
    }
}
