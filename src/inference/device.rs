use std::fmt;
use std::str::FromStr;

use crate::ops::{Precision, UnknownPrecision};

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
    /// A precision nobody understands.
    #[error(transparent)]
    UnknownPrecision(#[from] UnknownPrecision),
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
        reason: String,
    },
    /// No driver of NVIDIA's.
    #[error(
        "CUDA needs NVIDIA's driver, and its libcuda.so.1 is not on this machine; install the driver, or use --device cpu"
    )]
    NoDriver,
    /// A driver that is older than the kernels.
    #[error(
        "the driver knows CUDA up to {}.{}, and this build needs {}.{}; update the driver, build with an older toolkit \
         (CUDA_HOME), or use --device cpu", knows.0, knows.1, needs.0, needs.1
    )]
    OldDriver {
        /// The newest release that it knows.
        knows: (i32, i32),
        /// The one that the kernels were built with.
        needs: (i32, i32),
    },
    /// A library beside the driver is missing.
    #[error(
        "CUDA needs {file}, which is not on this machine; install it (pip install {package}, its folder in LD_LIBRARY_PATH, \
         or NVIDIA's toolkit), or use --device cpu"
    )]
    NoLibrary {
        /// The file.
        file: String,
        /// The package at PyPI.
        package: String,
    },
    /// A number that no card has.
    #[error(
        "there is no cuda:{number}: the driver shows {count} card(s), counted from 0; name another, or use --device cpu"
    )]
    NoCard {
        /// The number.
        number: usize,
        /// How many there are.
        count: usize,
    },
    /// A card that the kernels do not run on.
    #[error(
        "{name} has compute capability {}.{}, and this build needs {}.{}; use --device cpu", has.0, has.1, least.0, least.1
    )]
    TooOld {
        /// The card.
        name: String,
        /// Its compute capability.
        has: (i32, i32),
        /// The least that would do.
        least: (i32, i32),
    },
    /// A precision that the card, or this version, does not have.
    #[error("{wanted} {reason}; use --precision f32")]
    NoPrecision {
        /// What was wanted.
        wanted: Precision,
        /// Why not.
        reason: String,
    },
    /// A precision that the device does not compute in, or not for this purpose.
    #[error("{device} {does}, not in {wanted}; use --precision f32, or a card with --device cuda")]
    NotThatPrecision {
        /// The device.
        device: DeviceChoice,
        /// What it does in which precisions.
        does: &'static str,
        /// What was wanted.
        wanted: Precision,
    },
}

impl DeviceError {
    /// Whether there is a card, or was meant to be one, which cannot be used.
    pub(super) fn is_about_a_card(&self) -> bool {
        matches!(
            self,
            Self::Unavailable { .. } | Self::NoLibrary { .. } | Self::OldDriver { .. } | Self::TooOld { .. }
        )
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
}
