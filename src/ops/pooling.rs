//! The discriminator's average pooling and its adjoint.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::backend::Backend;
use super::cpu::resample;
use super::custom::{elements, filled, with_float};
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
    x.contiguous()?.apply_op1(AvgPool { backward_to: None })
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
    y.contiguous()?.apply_op1(AvgPool { backward_to: Some((height, width)) })
}

/// The pooling, or its adjoint towards an input of the size given.
struct AvgPool {
    backward_to: Option<(usize, usize)>,
}

impl CustomOp1 for AvgPool {
    fn name(&self) -> &'static str {
        "average pooling"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, c, h, w) = layout.shape().dims4()?;
        with_float!("average pooling", storage, T => {
            let x = elements::<T>(storage, layout)?;
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

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        match self.backward_to {
            None => avg_pool_3x3_s2_backward(gradient, x.dim(2)?, x.dim(3)?).map(Some),
            Some(_) => avg_pool_3x3_s2(gradient).map(Some),
        }
    }
}
