use std::fmt;
use std::str::FromStr;

use candle_core::Device;

use crate::ops::{self, Precision};

/// Where to compute, as a person says it: `auto`, `cpu`, `cuda`, `cuda:1`, `metal`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first GPU this build and machine have, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The CUDA device of this number.
    Cuda(usize),
    /// Apple's GPU.
    Metal,
}

/// A device that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// A word nobody understands.
    #[error("unknown device {0:?}; use auto, cpu, cuda, cuda:N or metal")]
    Unknown(String),
    /// The program was built without it.
    #[error(
        "this build cannot use {0}; build with `cargo build --release --features {0}`, or use --device cpu"
    )]
    NotBuilt(&'static str),
    /// The system refuses.
    #[error("{device} cannot be opened ({reason}); use --device cpu")]
    Unavailable {
        /// The device.
        device: DeviceChoice,
        /// The system's words.
        reason: candle_core::Error,
    },
}

impl DeviceChoice {
    /// Opens the device.
    ///
    /// # Errors
    /// When the build lacks it or the system refuses; `auto` falls back to the CPU instead.
    pub fn open(self) -> Result<Device, DeviceError> {
        let unavailable = |reason| DeviceError::Unavailable { device: self, reason };
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(_) if !cfg!(feature = "cuda") => Err(DeviceError::NotBuilt("cuda")),
            Self::Metal if !cfg!(feature = "metal") => Err(DeviceError::NotBuilt("metal")),
            Self::Cuda(number) => ops::open_cuda(number, Precision::F32).map_err(unavailable),
            Self::Metal => Device::new_metal(0).map_err(unavailable),
            Self::Auto => {
                let gpu = Self::Cuda(0).open().or_else(|_| Self::Metal.open());
                Ok(gpu.unwrap_or(Device::Cpu))
            }
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let number = |n: &str| n.parse().map_err(|_| DeviceError::Unknown(text.to_owned()));
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            "metal" => Ok(Self::Metal),
            _ => match text.strip_prefix("cuda:") {
                Some(n) => Ok(Self::Cuda(number(n)?)),
                None => Err(DeviceError::Unknown(text.to_owned())),
            },
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => write!(f, "auto"),
            Self::Cpu => write!(f, "cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::Metal => write!(f, "metal"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_nonsense_is_named() {
        for name in ["auto", "cpu", "cuda:0", "cuda:3", "metal"] {
            assert_eq!(name.parse::<DeviceChoice>().map(|d| d.to_string()).ok().as_deref(), Some(name));
        }
        assert_eq!("cuda".parse::<DeviceChoice>().ok(), Some(DeviceChoice::Cuda(0)));
        for nonsense in ["gpu", "cuda:", "cuda:-1", ""] {
            let error = nonsense.parse::<DeviceChoice>().map_err(|e| e.to_string());
            assert!(error.is_err_and(|e| e.contains("use auto, cpu")));
        }
    }

    #[test]
    fn a_device_that_was_not_built_in_says_how_to_build_it() {
        if !cfg!(feature = "cuda") {
            let error = DeviceChoice::Cuda(0).open().map_err(|e| e.to_string());
            assert!(error.is_err_and(|e| e.contains("--features cuda")));
        }
        assert!(DeviceChoice::Auto.open().is_ok());
    }
}
