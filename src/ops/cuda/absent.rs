//! In place of `card`, in builds without the feature `cuda`.

use candle_core::{CudaStorage, Device, Error, Layout, Result, Shape, Tensor};

use super::OnCuda;
use super::driver::Address;
use crate::ops::Precision;

/// What a card's stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Training.
    Training,
    /// Everything else.
    Pictures,
}

/// A device for one user alone.
pub(in crate::ops) struct Lent(());

/// There is none.
pub(in crate::ops) fn lend(_: &Device) -> Result<Option<(Device, Lent)>> {
    Ok(None)
}

/// Says that there is none.
///
/// # Errors
/// Always.
pub fn open(_: usize, _: Precision, _: Lane) -> Result<Device> {
    Err(Error::NotCompiledWithCudaSupport)
}

/// There is none.
pub fn dnn_version(_: &Device) -> Option<String> {
    None
}

pub(in crate::ops) fn on_storages(
    _: &impl OnCuda,
    _: &[(&CudaStorage, &Layout)],
) -> Result<(CudaStorage, Shape)> {
    Err(Error::NotCompiledWithCudaSupport)
}

pub(in crate::ops) fn upload(_: &[f32], _: &Shape, _: &Device) -> Result<Option<Tensor>> {
    Ok(None)
}

pub(in crate::ops) fn download(_: &Tensor, _: &mut [u8]) -> Result<bool> {
    Ok(false)
}

pub(in crate::ops) fn algorithms(_: &Device) -> Option<String> {
    None
}

pub(in crate::ops) fn take_algorithms(_: &Device, _: &str) -> Result<()> {
    Ok(())
}

pub(super) fn locate(_: &CudaStorage, _: &Layout) -> Result<Address> {
    Err(Error::NotCompiledWithCudaSupport)
}
