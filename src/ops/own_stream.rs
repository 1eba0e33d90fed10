//! Devices for one user alone.

use candle_core::{Device, Result};

use super::cuda::{self, Lent};

/// A device on which nobody else queues anything: what a user records there is his own work. On CUDA it is a stream of the
/// card, which the next user gets when this is dropped; elsewhere the device itself.
///
/// Tensors on it are to be dropped before it.
pub struct OwnStream {
    device: Device,
    _lent: Option<Lent>,
}

impl OwnStream {
    /// A stream of the card that `device` is, in its precision.
    ///
    /// # Errors
    /// When the card has no room for another.
    pub fn beside(device: &Device) -> Result<Self> {
        Ok(match cuda::lend(device)? {
            Some((device, lent)) => Self { device, _lent: Some(lent) },
            None => Self { device: device.clone(), _lent: None },
        })
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }
}
