//! Who computes an operation.

use candle_core::{Device, Result, Tensor};

use super::cpu::shape::ConvShape;
use super::cuda;
use super::pass::Pass;

/// The code that an operation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// The kernels of [`cpu`](super::cpu).
    Cpu,
    /// The kernels of [`cuda`](super::cuda): f32.
    Cuda,
    /// Candle's own operations, put together (`portable`).
    Composed,
}

impl Backend {
    /// What computes with `x`.
    pub(crate) fn of(x: &Tensor) -> Self {
        match x.device() {
            _ if cuda::serves(x) => Self::Cuda,
            Device::Cpu => Self::Cpu,
            Device::Cuda(_) | Device::Metal(_) => Self::Composed,
        }
    }

    /// What convolves `x` in this way: as [`Backend::of`], but for a GPU without cuDNN, and for what cuDNN cannot do.
    fn of_convolution(x: &Tensor, pass: Pass, shape: &ConvShape) -> Self {
        match Self::of(x) {
            Self::Cuda if !cuda::convolves(x, pass, shape) => Self::Composed,
            other => other,
        }
    }
}

/// A convolution of `x`: what `kernels` makes of it on the backend that they are given, or else what `composed` does. That
/// cuDNN has no way for a shape is found when it is asked for it.
pub(super) fn convolved(
    x: &Tensor,
    pass: Pass,
    shape: &ConvShape,
    kernels: impl FnOnce(Backend) -> Result<Tensor>,
    composed: impl FnOnce() -> Result<Tensor>,
) -> Result<Tensor> {
    let backend = Backend::of_convolution(x, pass, shape);
    if backend == Backend::Composed {
        return composed();
    }
    match kernels(backend) {
        Err(_) if Backend::of_convolution(x, pass, shape) == Backend::Composed => composed(),
        result => result,
    }
}
