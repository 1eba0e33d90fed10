//! What the CUDA driver says about a card; nothing in a build without CUDA.

use candle_core::Device;

/// Free bytes on the card; `None` elsewhere.
pub(super) fn free_memory(device: &Device) -> Option<u64> {
    memory(device).map(|(free, _)| free)
}

/// Free bytes and all bytes of the card.
#[cfg(feature = "cuda")]
pub(crate) fn memory(device: &Device) -> Option<(u64, u64)> {
    let stream = device.as_cuda_device().ok()?.cuda_stream();
    let (free, total) = stream.context().mem_get_info().ok()?;
    Some((free as u64, total as u64))
}

/// Free bytes and all bytes of the card.
#[cfg(not(feature = "cuda"))]
pub(crate) fn memory(_: &Device) -> Option<(u64, u64)> {
    None
}
