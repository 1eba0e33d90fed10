//! The discriminator's average pooling and its adjoint.

use candle_core::{CpuStorage, Result, Shape, Tensor, bail};

use super::backend::Backend;
use super::cpu::resample;
use super::cuda::{self, Driver, Made, OnCuda, Operand, Resample};
use super::custom::{filled, with_float};
use super::operation::{Argument, Operation, apply, slice};
use super::portable;

/// Average over 3x3 windows with stride 2 and one ring of zeros, which count: `(N, C, H, W)` to
/// `(N, C, (H + 1) / 2, (W + 1) / 2)`.
///
/// # Errors
/// When `x` is not `(N, C, H, W)` of f32 or f64.
pub fn avg_pool_3x3_s2(x: &Tensor) -> Result<Tensor> {
    x.dims4()?;
    if Backend::of(x) == Backend::Composed {
        return portable::avg_pool_3x3_s2(x);
    }
    apply(AvgPool { backward_to: None }, &[x])
}

/// The adjoint of [`avg_pool_3x3_s2`] for an input of `height x width`: spreads each value of `y` over its window.
///
/// # Errors
/// When the pooling of such an input would not have `y`'s size.
pub fn avg_pool_3x3_s2_backward(y: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let (_, _, h, w) = y.dims4()?;
    if (h, w) != (resample::pooled_size(height), resample::pooled_size(width)) {
        bail!("avg_pool_3x3_s2_backward: pooling {height}x{width} does not give {h}x{w}");
    }
    if Backend::of(y) == Backend::Composed {
        return portable::avg_pool_3x3_s2_backward(y, height, width);
    }
    apply(AvgPool { backward_to: Some((height, width)) }, &[y])
}

/// The pooling, or its adjoint towards an input of the size given.
struct AvgPool {
    backward_to: Option<(usize, usize)>,
}

impl Operation for AvgPool {
    const NAME: &'static str = "average pooling";

    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        let (storage, layout) = arguments[0];
        let (n, c, h, w) = layout.shape().dims4()?;
        with_float!(Self::NAME, storage, T => {
            let x = slice::<T>(arguments[0])?;
            Ok(match self.backward_to {
                None => filled((n, c, resample::pooled_size(h), resample::pooled_size(w)), |out| {
                    resample::avg_pool_3x3_s2(x, h, w, out)
                }),
                Some((height, width)) => filled((n, c, height, width), |out| {
                    resample::avg_pool_3x3_s2_backward(x, height, width, out)
                }),
            })
        })
    }

    fn backward(&self, x: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(match self.backward_to {
            None => avg_pool_3x3_s2_backward(gradient, x[0].dim(2)?, x[0].dim(3)?)?,
            Some(_) => avg_pool_3x3_s2(gradient)?,
        })])
    }
}

impl OnCuda for AvgPool {
    fn run<D: Driver>(&self, driver: &D, x: &[Operand<'_>]) -> Made<D> {
        let (_, _, h, w) = x[0].shape.dims4()?;
        let pooled = (resample::pooled_size(h), resample::pooled_size(w));
        let size = self.backward_to.unwrap_or(pooled);
        cuda::resample(driver, Resample::AveragePool, x[0], size, self.backward_to.is_some())
    }
}
