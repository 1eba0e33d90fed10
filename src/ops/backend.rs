//! Who computes an operation.

use candle_core::{Device, Tensor};

/// The code that an operation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// The kernels of [`cpu`](super::cpu).
    Cpu,
    /// Candle's own operations, put together (`portable`).
    Composed,
}

impl Backend {
    /// What computes with `x`.
    pub(crate) fn of(x: &Tensor) -> Self {
        match x.device() {
            Device::Cpu => Self::Cpu,
            Device::Cuda(_) | Device::Metal(_) => Self::Composed,
        }
    }
}
