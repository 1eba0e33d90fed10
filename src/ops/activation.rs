//! Leaky ReLU with PyTorch's gradient at zero, and the hyperbolic tangent.

use candle_core::{CpuStorage, Result, Shape, Tensor, WithDType, bail};

use super::backend::Backend;
use super::cpu::elementwise;
use super::cpu::exponential::Exponential;
use super::cuda::{self, Driver, Made, OnCuda, Operand};
use super::custom::{constant, filled, with_float};
use super::operation::{Argument, Operation, apply, run, slice};
use super::portable;

/// Where a layer has its leaky ReLU, and with what slope (0 is ReLU).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Activation {
    /// Nowhere.
    #[default]
    None,
    /// On its input.
    Before(f64),
    /// On its output; the slope is not negative.
    After(f64),
}

impl Activation {
    /// The slope of an activation of the input.
    pub(super) fn before(self) -> Option<f64> {
        if let Self::Before(slope) = self { Some(slope) } else { None }
    }

    /// The slope of an activation of the output.
    pub(super) fn after(self) -> Option<f64> {
        if let Self::After(slope) = self { Some(slope) } else { None }
    }

    /// A layer with this activation, from the layer and the activation by themselves.
    pub(super) fn around(self, x: &Tensor, layer: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
        match self {
            Self::None => layer(x),
            Self::Before(slope) => layer(&leaky_relu(x, slope)?),
            Self::After(slope) => leaky_relu(&layer(x)?, slope),
        }
    }
}

/// `x` where it is above zero, `slope * x` elsewhere; a slope of 0 is ReLU. The gradient at exactly 0 is `slope`.
///
/// # Errors
/// When `x` is not f32 or f64.
pub fn leaky_relu(x: &Tensor, slope: f64) -> Result<Tensor> {
    if Backend::of(x) == Backend::Composed {
        return portable::leaky_relu(x, slope);
    }
    apply(LeakyRelu { slope }, &[x])
}

/// The backward pass of [`leaky_relu`]: `upstream` where `x` is above zero, `slope * upstream` elsewhere.
///
/// Differentiable in `upstream`; in `x` the derivative is zero almost everywhere and taken as zero. Where `slope`
/// is not negative, the activation's output may be given for `x`: it is above zero in the same places.
///
/// # Errors
/// When the shapes differ or the type is not f32 or f64.
pub fn leaky_relu_backward(x: &Tensor, upstream: &Tensor, slope: f64) -> Result<Tensor> {
    if x.dims() != upstream.dims() {
        bail!("leaky_relu_backward: x is {:?} but its upstream {:?}", x.dims(), upstream.dims());
    }
    if Backend::of(x) == Backend::Composed {
        return portable::leaky_relu_backward(x, upstream, slope);
    }
    apply(LeakyReluBackward { slope }, &[&constant(x), upstream])
}

struct LeakyRelu {
    slope: f64,
}

impl Operation for LeakyRelu {
    const NAME: &'static str = "leaky relu";

    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        let (storage, layout) = arguments[0];
        with_float!(Self::NAME, storage, T => {
            let x = slice::<T>(arguments[0])?;
            let slope = <T as WithDType>::from_f64(self.slope);
            Ok(filled(layout.shape(), |out| elementwise::leaky_relu(x, slope, out)))
        })
    }

    fn backward(&self, x: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(leaky_relu_backward(x[0], gradient, self.slope)?)])
    }
}

impl OnCuda for LeakyRelu {
    fn run<D: Driver>(&self, driver: &D, x: &[Operand<'_>]) -> Made<D> {
        cuda::leaky_relu(driver, x[0], self.slope)
    }
}

/// Of where the derivative is taken, and the upstream gradient.
struct LeakyReluBackward {
    slope: f64,
}

impl Operation for LeakyReluBackward {
    const NAME: &'static str = "leaky relu backward";

    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        with_float!(Self::NAME, arguments[0].0, T => {
            let (x, upstream) = (slice::<T>(arguments[0])?, slice::<T>(arguments[1])?);
            let slope = <T as WithDType>::from_f64(self.slope);
            Ok(filled(arguments[0].1.shape(), |out| elementwise::leaky_relu_backward(x, upstream, slope, out)))
        })
    }

    fn backward(&self, arguments: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![None, Some(leaky_relu_backward(arguments[0], gradient, self.slope)?)])
    }
}

impl OnCuda for LeakyReluBackward {
    fn run<D: Driver>(&self, driver: &D, operands: &[Operand<'_>]) -> Made<D> {
        cuda::leaky_relu_backward(driver, operands[0], operands[1], self.slope)
    }
}

/// The hyperbolic tangent, differentiable once.
///
/// # Errors
/// When `x` is not f32 or f64.
pub fn tanh(x: &Tensor) -> Result<Tensor> {
    if Backend::of(x) == Backend::Composed {
        return x.tanh();
    }
    apply(Tanh, &[x])
}

/// The backward pass of [`tanh`] from its result `y`: `upstream * (1 - y^2)`. Has no graph.
///
/// # Errors
/// When the shapes differ or the type is not f32 or f64.
pub fn tanh_backward(y: &Tensor, upstream: &Tensor) -> Result<Tensor> {
    if Backend::of(y) == Backend::Composed {
        return upstream - upstream.mul(&y.sqr()?)?;
    }
    run(TanhBackward, &[y, upstream])
}

struct Tanh;

impl Operation for Tanh {
    const NAME: &'static str = "tanh";

    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        let (storage, layout) = arguments[0];
        with_float!(Self::NAME, storage, T => {
            let x = slice::<T>(arguments[0])?;
            Ok(filled(layout.shape(), |out| elementwise::map(x, out, Exponential::tangent)))
        })
    }

    fn backward(&self, _: &[&Tensor], y: &Tensor, gradient: &Tensor) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(tanh_backward(y, gradient)?)])
    }
}

impl OnCuda for Tanh {
    fn run<D: Driver>(&self, driver: &D, x: &[Operand<'_>]) -> Made<D> {
        cuda::tanh(driver, x[0])
    }
}

/// Of the result and its gradient.
struct TanhBackward;

impl Operation for TanhBackward {
    const NAME: &'static str = "tanh backward";

    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        with_float!(Self::NAME, arguments[0].0, T => {
            let (y, upstream) = (slice::<T>(arguments[0])?, slice::<T>(arguments[1])?);
            Ok(filled(arguments[0].1.shape(), |out| elementwise::zip(y, upstream, out, |y, g| g - g * y * y)))
        })
    }
}

impl OnCuda for TanhBackward {
    fn run<D: Driver>(&self, driver: &D, operands: &[Operand<'_>]) -> Made<D> {
        cuda::tanh_backward(driver, operands[0], operands[1])
    }
}
