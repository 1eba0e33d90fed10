//! The sum at the end of a residual block.

use candle_core::{CpuStorage, Result, Shape, Tensor, WithDType, bail};

use super::backend::Backend;
use super::cpu::elementwise;
use super::cuda::{self, Driver, Made, OnCuda, Operand};
use super::custom::{filled, with_float};
use super::operation::{Argument, Operation, apply, slice};

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
    apply(Residual { scale }, &[shortcut, change])
}

struct Residual {
    scale: f64,
}

impl Operation for Residual {
    const NAME: &'static str = "residual sum";

    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        with_float!(Self::NAME, arguments[0].0, T => {
            let (shortcut, change) = (slice::<T>(arguments[0])?, slice::<T>(arguments[1])?);
            let scale = <T as WithDType>::from_f64(self.scale);
            Ok(filled(arguments[0].1.shape(), |out| elementwise::zip(shortcut, change, out, move |s, c| s + scale * c)))
        })
    }

    fn backward(&self, arguments: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![
            arguments[0].track_op().then(|| gradient.clone()),
            arguments[1].track_op().then(|| scaled(gradient, self.scale)).transpose()?,
        ])
    }
}

impl OnCuda for Residual {
    fn run<D: Driver>(&self, driver: &D, operands: &[Operand<'_>]) -> Made<D> {
        cuda::weighted_sum(driver, operands[0], operands[1], self.scale)
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
    apply(Scaled { scale }, &[x])
}

struct Scaled {
    scale: f64,
}

impl Operation for Scaled {
    const NAME: &'static str = "scaled";

    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        let (storage, layout) = arguments[0];
        with_float!(Self::NAME, storage, T => {
            let x = slice::<T>(arguments[0])?;
            let scale = <T as WithDType>::from_f64(self.scale);
            Ok(filled(layout.shape(), |out| elementwise::map(x, out, move |x| scale * x)))
        })
    }

    fn backward(&self, _: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(scaled(gradient, self.scale)?)])
    }
}

impl OnCuda for Scaled {
    fn run<D: Driver>(&self, driver: &D, x: &[Operand<'_>]) -> Made<D> {
        cuda::scaled(driver, x[0], self.scale)
    }
}
