//! Leaky ReLU with PyTorch's gradient at zero, and the hyperbolic tangent.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};

use super::backend::Backend;
use super::cpu::elementwise;
use super::cpu::exponential::Exponential;
use super::custom::{constant, elements, filled, with_float};
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
    x.contiguous()?.apply_op1(LeakyRelu { slope })
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
    constant(x).contiguous()?.apply_op2(&upstream.contiguous()?, LeakyReluBackward { slope })
}

struct LeakyRelu {
    slope: f64,
}

impl CustomOp1 for LeakyRelu {
    fn name(&self) -> &'static str {
        "leaky relu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        with_float!("leaky relu", storage, T => {
            let x = elements::<T>(storage, layout)?;
            let slope = <T as WithDType>::from_f64(self.slope);
            Ok(filled(layout.shape(), |out| elementwise::leaky_relu(x, slope, out)))
        })
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        leaky_relu_backward(x, gradient, self.slope).map(Some)
    }
}

struct LeakyReluBackward {
    slope: f64,
}

impl CustomOp2 for LeakyReluBackward {
    fn name(&self) -> &'static str {
        "leaky relu backward"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        with_float!("leaky relu backward", s1, T => {
            let (x, upstream) = (elements::<T>(s1, l1)?, elements::<T>(s2, l2)?);
            let slope = <T as WithDType>::from_f64(self.slope);
            Ok(filled(l1.shape(), |out| elementwise::leaky_relu_backward(x, upstream, slope, out)))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        _: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((None, Some(leaky_relu_backward(x, gradient, self.slope)?)))
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
    x.contiguous()?.apply_op1(Tanh)
}

/// The backward pass of [`tanh`] from its result `y`: `upstream * (1 - y^2)`. Has no graph.
///
/// # Errors
/// When the shapes differ or the type is not f32 or f64.
pub(super) fn tanh_backward(y: &Tensor, upstream: &Tensor) -> Result<Tensor> {
    if Backend::of(y) == Backend::Composed {
        return upstream - upstream.mul(&y.sqr()?)?;
    }
    y.contiguous()?.apply_op2_no_bwd(&upstream.contiguous()?, &TanhBackward)
}

struct Tanh;

impl CustomOp1 for Tanh {
    fn name(&self) -> &'static str {
        "tanh"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        with_float!("tanh", storage, T => {
            let x = elements::<T>(storage, layout)?;
            Ok(filled(layout.shape(), |out| elementwise::map(x, out, Exponential::tangent)))
        })
    }

    fn bwd(&self, _: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        tanh_backward(y, gradient).map(Some)
    }
}

struct TanhBackward;

impl CustomOp2 for TanhBackward {
    fn name(&self) -> &'static str {
        "tanh backward"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        with_float!("tanh backward", s1, T => {
            let (y, upstream) = (elements::<T>(s1, l1)?, elements::<T>(s2, l2)?);
            Ok(filled(l1.shape(), |out| elementwise::zip(y, upstream, out, |y, g| g - g * y * y)))
        })
    }
}
