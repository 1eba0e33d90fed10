//! What a device has chosen among algorithms that differ in their last bits: what a run keeps, to go on bit for bit.

use candle_core::{Device, Result};

use super::cuda;

/// The choices made on `device`, as JSON; `None` where there is nothing to choose.
pub fn algorithms(device: &Device) -> Option<String> {
    cuda::algorithms(device)
}

/// Has `device` choose as [`algorithms`] said.
///
/// # Errors
/// One sentence, to be told and no reason to stop, when they were made on another card or with other libraries.
pub fn take_algorithms(device: &Device, json: &str) -> Result<()> {
    cuda::take_algorithms(device, json)
}
