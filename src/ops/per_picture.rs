//! Sums in which every picture of a batch has a weight of its own, outside any graph.

use candle_core::{CpuStorage, Result, Shape, Tensor, WithDType, bail};

use super::activation::leaky_relu;
use super::backend::Backend;
use super::cpu::elementwise;
use super::cuda::{self, Driver, Made, OnCuda, Operand};
use super::custom::{filled, with_float};
use super::operation::{Argument, Operation, run, slice};

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
    run(AddPerPicture { slope }, &[x, change, weights])
}

/// Of x, change and weights.
struct AddPerPicture {
    slope: f64,
}

impl Operation for AddPerPicture {
    const NAME: &'static str = "sum with a weight for each picture";

    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        with_float!(Self::NAME, arguments[0].0, T => {
            let (x, change, weights) = (slice::<T>(arguments[0])?, slice::<T>(arguments[1])?, slice::<T>(arguments[2])?);
            let slope = <T as WithDType>::from_f64(self.slope);
            Ok(filled(arguments[0].1.shape(), |out| elementwise::add_per_picture(x, change, weights, slope, out)))
        })
    }
}

impl OnCuda for AddPerPicture {
    fn run<D: Driver>(&self, driver: &D, operands: &[Operand<'_>]) -> Made<D> {
        cuda::add_per_picture(driver, [operands[0], operands[1], operands[2]], self.slope)
    }
}

/// The sum of `weights[n] * x` over everything but the channels, `(C)`; `x` is `(N, C, H, W)`, `weights` is `(N,)`.
///
/// # Errors
/// When shapes or types do not fit.
pub fn channel_sum_per_picture(x: &Tensor, weights: &Tensor) -> Result<Tensor> {
    let pictures = x.dims4()?.0;
    if weights.dims() != [pictures] {
        bail!("channel_sum_per_picture: {:?} weights for {:?}", weights.dims(), x.dims());
    }
    if Backend::of(x) == Backend::Composed {
        return x.broadcast_mul(&weights.reshape((pictures, 1, 1, 1))?)?.sum((0, 2, 3));
    }
    run(ChannelSumPerPicture, &[x, weights])
}

/// Of x and weights.
struct ChannelSumPerPicture;

impl Operation for ChannelSumPerPicture {
    const NAME: &'static str = "channel sum with a weight for each picture";

    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        let (_, channels, height, width) = arguments[0].1.shape().dims4()?;
        with_float!(Self::NAME, arguments[0].0, T => {
            let (x, weights) = (slice::<T>(arguments[0])?, slice::<T>(arguments[1])?);
            let weights = Some(weights);
            Ok(filled(channels, |out| elementwise::channel_sum(x, weights, channels, height * width, out)))
        })
    }
}

impl OnCuda for ChannelSumPerPicture {
    fn run<D: Driver>(&self, driver: &D, operands: &[Operand<'_>]) -> Made<D> {
        cuda::channel_sum(driver, operands[0], Some(operands[1]))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::DType;

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
