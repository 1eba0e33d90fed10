//! Who computes an operation.

use candle_core::{Device, Tensor};

use super::cuda;

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

    /// What convolves `x`: as [`Backend::of`], but for a GPU without cuDNN.
    pub(crate) fn of_convolution(x: &Tensor) -> Self {
        match Self::of(x) {
            Self::Cuda if !cuda::convolves(x) => Self::Composed,
            other => other,
        }
    }
}
