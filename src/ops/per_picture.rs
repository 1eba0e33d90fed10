//! Sums in which every picture of a batch has a weight of its own, outside any graph.

use candle_core::{DType, Result, Tensor, bail};

use super::activation::leaky_relu;
use super::backend::Backend;
use super::cpu::elementwise;
use super::cpu::made::made;
use super::custom::{Element, unsupported};
use super::fused::reading;

/// `x + weights[n] * activation(change)` with a leaky ReLU of slope `slope` (1 for none); `x` and `change` are
/// `(N, C, H, W)`, `weights` is `(N,)`.
///
/// # Errors
/// When shapes or types do not fit.
pub fn add_per_picture(x: &Tensor, change: &Tensor, weights: &Tensor, slope: f64) -> Result<Tensor> {
    let pictures = x.dims4()?.0;
    if x.dims() != change.dims() || weights.dims() != [pictures] {
        bail!("add_per_picture: {:?} + {:?} * {:?}", x.dims(), weights.dims(), change.dims());
    }
    if Backend::of(x) == Backend::Composed {
        return x + leaky_relu(change, slope)?.broadcast_mul(&weights.reshape((pictures, 1, 1, 1))?)?;
    }
    match x.dtype() {
        DType::F32 => add::<f32>(x, change, weights, slope as f32),
        DType::F64 => add::<f64>(x, change, weights, slope),
        other => unsupported("add_per_picture", other),
    }
}

fn add<T: Element>(x: &Tensor, change: &Tensor, weights: &Tensor, slope: T) -> Result<Tensor> {
    let (x, change, weights) = (x.contiguous()?, change.contiguous()?, weights.contiguous()?);
    let shape = x.shape().clone();
    let (x, change, weights) = (reading(&x), reading(&change), reading(&weights));
    let (x, change, weights) = (x.elements::<T>()?, change.elements::<T>()?, weights.elements::<T>()?);
    let out = made(x.len(), |out| elementwise::add_per_picture(x, change, weights, slope, out));
    Tensor::from_vec(out, shape, &candle_core::Device::Cpu)
}

/// The sum of `weights[n] * x` over everything but the channels, `(C)`; `x` is `(N, C, H, W)`, `weights` is `(N,)`.
///
/// # Errors
/// When shapes or types do not fit.
pub fn channel_sum_per_picture(x: &Tensor, weights: &Tensor) -> Result<Tensor> {
    let (pictures, channels, height, width) = x.dims4()?;
    if weights.dims() != [pictures] {
        bail!("channel_sum_per_picture: {:?} weights for {:?}", weights.dims(), x.dims());
    }
    if Backend::of(x) == Backend::Composed {
        return x.broadcast_mul(&weights.reshape((pictures, 1, 1, 1))?)?.sum((0, 2, 3));
    }
    match x.dtype() {
        DType::F32 => sum::<f32>(x, weights, channels, height * width),
        DType::F64 => sum::<f64>(x, weights, channels, height * width),
        other => unsupported("channel_sum_per_picture", other),
    }
}

fn sum<T: Element>(x: &Tensor, weights: &Tensor, channels: usize, plane: usize) -> Result<Tensor> {
    let (x, weights) = (x.contiguous()?, weights.contiguous()?);
    let (x, weights) = (reading(&x), reading(&weights));
    let (x, weights) = (x.elements::<T>()?, weights.elements::<T>()?);
    let out = made(channels, |out| elementwise::channel_sum(x, Some(weights), channels, plane, out));
    Tensor::from_vec(out, channels, &candle_core::Device::Cpu)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_close, values};
    use super::*;

    #[test]
    fn every_picture_has_its_weight() -> Result<()> {
        for (shape, dtype, tolerance) in [
            ([3, 2, 5, 4], DType::F64, 1e-14),
            ([2, 3, 1, 1], DType::F32, 1e-6),
            // more than a thread takes at a time, and not a multiple of it
            ([3, 5, 63, 65], DType::F32, 1e-5),
        ] {
            let as_ = |shape: &[usize], seed| values(shape, seed).to_dtype(dtype);
            let (x, change, weights) = (as_(&shape, 1)?, as_(&shape, 2)?, as_(&shape[..1], 3)?);
            let spread = weights.reshape((shape[0], 1, 1, 1))?;
            for slope in [1.0, 0.2, 0.0] {
                let expected = (&x + leaky_relu(&change, slope)?.broadcast_mul(&spread)?)?;
                let got = add_per_picture(&x, &change, &weights, slope)?;
                assert_close(&got, &expected, tolerance, &format!("{shape:?} slope {slope}"));
            }
            let expected = x.broadcast_mul(&spread)?.sum((0, 2, 3))?;
            assert_close(
                &channel_sum_per_picture(&x, &weights)?,
                &expected,
                tolerance,
                &format!("{shape:?}"),
            );
        }
        let x = values(&[2, 3, 4, 4], 1);
        assert!(add_per_picture(&x, &x, &values(&[3], 1), 1.0).is_err());
        assert!(add_per_picture(&x, &values(&[2, 3, 4, 5], 1), &values(&[2], 1), 1.0).is_err());
        assert!(channel_sum_per_picture(&x, &values(&[3], 1)).is_err());
        Ok(())
    }
}
