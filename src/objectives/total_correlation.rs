use candle_core::{DType, Result, Tensor, bail};

/// FactorVAE's estimate of the total correlation of q(c): `mean (logit_joint - logit_permuted)` of its
/// discriminator on c, a scalar in nats (Kim and Mnih, Eq. 3). `logits` is `(N, 2)`, column 0 says "joint".
///
/// # Errors
/// When the shape does not fit.
pub fn total_correlation(logits: &Tensor) -> Result<Tensor> {
    (logits.narrow(1, 0, 1)? - logits.narrow(1, 1, 1)?)?.mean_all()
}

/// What FactorVAE's discriminator minimises: cross-entropy of "joint" (column 0) on codes of one minibatch and
/// of "permuted" (column 1) on shuffled codes of another, averaged, a scalar. Both are logits `(N, 2)`.
///
/// # Errors
/// When the shape does not fit.
pub fn density_ratio_loss(joint: &Tensor, permuted: &Tensor) -> Result<Tensor> {
    let joint = candle_nn::ops::log_softmax(joint, 1)?.narrow(1, 0, 1)?.mean_all()?;
    let permuted = candle_nn::ops::log_softmax(permuted, 1)?.narrow(1, 1, 1)?.mean_all()?;
    (joint + permuted)? * -0.5
}

/// Shuffles each dimension of `c` `(N, c_dim)` over the batch on its own, which makes a sample of the product of
/// the marginals; carries no gradient. `orders` `(c_dim, N)` are permutations of `0..N`.
///
/// # Errors
/// When the shapes do not fit or the device fails.
pub fn permute_dimensions(c: &Tensor, orders: &Tensor) -> Result<Tensor> {
    let (n, dims) = c.dims2()?;
    if orders.dims() != [dims, n] {
        bail!("permutations of shape {:?} do not fit codes of {:?}", orders.dims(), c.dims());
    }
    let orders = orders.to_dtype(DType::U32)?;
    let mut columns = Vec::with_capacity(dims);
    for j in 0..dims {
        let order = orders.get(j)?.contiguous()?;
        columns.push(c.detach().narrow(1, j, 1)?.contiguous()?.index_select(&order, 0)?);
    }
    Tensor::cat(&columns, 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Stream;
    use candle_core::Device;

    #[test]
    fn permuting_keeps_each_column_and_breaks_the_rows() -> Result<()> {
        let values: Vec<f32> = (0..100).flat_map(|i| [i as f32, i as f32]).collect();
        let c = Tensor::from_vec(values, (100, 2), &Device::Cpu)?;
        let mut stream = Stream::new(4, "permute");
        let orders: Vec<u32> = (0..2).flat_map(|_| stream.permutation(100)).collect();
        let permuted = permute_dimensions(&c, &Tensor::from_vec(orders, (2, 100), &Device::Cpu)?)?;
        let rows = permuted.to_vec2::<f32>()?;
        for j in 0..2 {
            let mut column: Vec<f32> = rows.iter().map(|row| row[j]).collect();
            column.sort_by(f32::total_cmp);
            assert!(column.iter().enumerate().all(|(i, &v)| v == i as f32));
        }
        assert!(rows.iter().filter(|row| row[0] == row[1]).count() < 10);
        Ok(())
    }

    #[test]
    fn an_undecided_discriminator_sees_no_correlation_and_loses_log_2() -> Result<()> {
        let logits = Tensor::new(&[[3f64, 3.0], [-1.0, -1.0]], &Device::Cpu)?;
        assert_eq!(total_correlation(&logits)?.to_scalar::<f64>()?, 0.0);
        let loss = density_ratio_loss(&logits, &logits)?.to_scalar::<f64>()?;
        assert!((loss - 2f64.ln()).abs() < 1e-12);
        let sure = Tensor::new(&[[9f64, 0.0]], &Device::Cpu)?;
        assert_eq!(total_correlation(&sure)?.to_scalar::<f64>()?, 9.0);
        Ok(())
    }
}
