//! The sum at the end of a residual block.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};

use super::backend::Backend;
use super::cpu::elementwise;
use super::custom::{elements, filled, with_float};

/// `shortcut + scale * change`, both of one shape.
///
/// # Errors
/// When the shapes differ or the type is not f32 or f64.
pub fn residual(shortcut: &Tensor, change: &Tensor, scale: f64) -> Result<Tensor> {
    if shortcut.dims() != change.dims() {
        bail!("residual: the shortcut is {:?} but the change {:?}", shortcut.dims(), change.dims());
    }
    if Backend::of(shortcut) == Backend::Composed {
        return shortcut + change.affine(scale, 0.0)?;
    }
    shortcut.contiguous()?.apply_op2(&change.contiguous()?, Residual { scale })
}

struct Residual {
    scale: f64,
}

impl CustomOp2 for Residual {
    fn name(&self) -> &'static str {
        "residual sum"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        with_float!("residual sum", s1, T => {
            let (shortcut, change) = (elements::<T>(s1, l1)?, elements::<T>(s2, l2)?);
            let scale = <T as WithDType>::from_f64(self.scale);
            Ok(filled(l1.shape(), |out| elementwise::zip(shortcut, change, out, move |s, c| s + scale * c)))
        })
    }

    fn bwd(
        &self,
        shortcut: &Tensor,
        change: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((
            shortcut.track_op().then(|| gradient.clone()),
            change.track_op().then(|| scaled(gradient, self.scale)).transpose()?,
        ))
    }
}

/// `scale * x`, in parallel where candle's own is not.
///
/// # Errors
/// When the type is not f32 or f64.
pub fn scaled(x: &Tensor, scale: f64) -> Result<Tensor> {
    if Backend::of(x) == Backend::Composed {
        return x.affine(scale, 0.0);
    }
    x.contiguous()?.apply_op1(Scaled { scale })
}

struct Scaled {
    scale: f64,
}

impl candle_core::CustomOp1 for Scaled {
    fn name(&self) -> &'static str {
        "scaled"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        with_float!("scaled", storage, T => {
            let x = elements::<T>(storage, layout)?;
            let scale = <T as WithDType>::from_f64(self.scale);
            Ok(filled(layout.shape(), |out| elementwise::map(x, out, move |x| scale * x)))
        })
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        scaled(gradient, self.scale).map(Some)
    }
}
