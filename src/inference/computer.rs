//! A device that is open, and in what it multiplies.

use std::fmt;
use std::str::FromStr;

use candle_core::{Device, DeviceLocation};

use crate::ops::Precision;

use super::{DeviceChoice, DeviceError, cuda};

/// What a device is opened for: it decides the precision where nobody says one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Weights follow noisy gradients: tf32 where the card has it.
    Training,
    /// Pictures and measurements, which are compared with others': f32.
    Pictures,
}

/// Where to compute and in what, as the window keeps it: `cpu`, `cuda:0`, `cuda,tf32`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The device.
    pub device: DeviceChoice,
    /// In what it multiplies, where somebody has chosen.
    pub precision: Option<Precision>,
}

impl Place {
    /// Opens the device for `purpose`.
    ///
    /// # Errors
    /// As [`DeviceChoice::open`].
    pub fn open(self, purpose: Purpose) -> Result<Computer, DeviceError> {
        self.device.open(purpose, self.precision)
    }

    /// The options of the command line that say the same; none where nothing is chosen.
    pub fn options(self) -> Vec<(&'static str, String)> {
        let device = (self.device != DeviceChoice::Auto).then(|| ("device", self.device.to_string()));
        let precision = self.precision.map(|precision| ("precision", precision.to_string()));
        device.into_iter().chain(precision).collect()
    }
}

impl FromStr for Place {
    type Err = DeviceError;

    /// Reads what [`Place`] prints; nothing stands for the default.
    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let (device, precision) = match text.split_once(',') {
            Some((device, precision)) => (device, Some(precision.parse()?)),
            None => (text, None),
        };
        let device = if device.is_empty() { DeviceChoice::Auto } else { device.parse()? };
        Ok(Self { device, precision })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.precision {
            Some(precision) => write!(f, "{},{precision}", self.device),
            None => write!(f, "{}", self.device),
        }
    }
}

/// A device that is open.
#[derive(Clone, Debug)]
pub struct Computer {
    /// The device.
    pub device: Device,
    /// In what it multiplies.
    pub precision: Precision,
}

impl Computer {
    /// The processor.
    pub fn processor() -> Self {
        Self { device: Device::Cpu, precision: Precision::F32 }
    }

    /// What it is called, for people: `CPU`, `CPU (bf16)`, `CUDA 0`, `CUDA 0 (tf32)`, `Metal`.
    pub fn name(&self) -> String {
        let precision = match self.precision {
            Precision::F32 => String::new(),
            other => format!(" ({other})"),
        };
        match self.device.location() {
            DeviceLocation::Cpu => format!("CPU{precision}"),
            DeviceLocation::Cuda { gpu_id } => format!("CUDA {gpu_id}{precision}"),
            DeviceLocation::Metal { .. } => "Metal".to_owned(),
        }
    }
}

impl DeviceChoice {
    /// Opens the device for `purpose`, to multiply in `wanted` or in what the purpose wants.
    ///
    /// # Errors
    /// When the build lacks the device, the system refuses it, or it does not compute in `wanted`. `auto` falls back to the
    /// CPU instead where there is no GPU or none that can be used, with a warning where there is one.
    pub fn open(self, purpose: Purpose, wanted: Option<Precision>) -> Result<Computer, DeviceError> {
        match self {
            Self::Cpu => {
                let (has, does): (&[_], _) = match purpose {
                    Purpose::Pictures => (&[Precision::F32, Precision::Bf16], "draws in f32 and bf16 alone"),
                    Purpose::Training => (&[Precision::F32], "trains in f32 alone"),
                };
                let precision = one_of(has, self, does, wanted)?;
                Ok(Computer { precision, ..Computer::processor() })
            }
            Self::Cuda(number) => cuda::open(number, purpose, wanted),
            Self::Metal if !cfg!(feature = "metal") => Err(DeviceError::NotBuilt("metal")),
            Self::Metal => {
                let precision = one_of(&[Precision::F32], self, "computes in f32 alone", wanted)?;
                let device = Device::new_metal(0)
                    .map_err(|error| DeviceError::Unavailable { device: self, reason: in_a_line(&error) })?;
                Ok(Computer { device, precision })
            }
            Self::Auto => match Self::Cuda(0).open(purpose, wanted) {
                Ok(computer) => Ok(computer),
                Err(error @ DeviceError::NoPrecision { .. }) => Err(error),
                Err(error) => {
                    if error.is_about_a_card() {
                        log::warn!("the CPU computes, because {error}");
                    }
                    Self::Metal.open(purpose, wanted).or_else(|_| Self::Cpu.open(purpose, wanted))
                }
            },
        }
    }
}

/// Candle's words without the trace that it adds where RUST_BACKTRACE asks for one.
pub(super) fn in_a_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or("no reason given").to_owned()
}

/// The precision that is wanted, f32 where none is; refused where the device has not got it.
fn one_of(
    has: &[Precision],
    device: DeviceChoice,
    does: &'static str,
    wanted: Option<Precision>,
) -> Result<Precision, DeviceError> {
    let wanted = wanted.unwrap_or_default();
    if has.contains(&wanted) {
        Ok(wanted)
    } else {
        Err(DeviceError::NotThatPrecision { device, does, wanted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_draws_in_bf16_too_and_refuses_the_rest_in_a_sentence() {
        for purpose in [Purpose::Training, Purpose::Pictures] {
            for wanted in [None, Some(Precision::F32)] {
                let computer = DeviceChoice::Cpu.open(purpose, wanted).expect("opens");
                assert_eq!((computer.precision, computer.name()), (Precision::F32, "CPU".to_owned()));
            }
        }
        let open = |purpose, wanted| DeviceChoice::Cpu.open(purpose, Some(wanted)).map(|c| c.name());
        assert_eq!(open(Purpose::Pictures, Precision::Bf16).ok().as_deref(), Some("CPU (bf16)"));
        for (purpose, wanted, words) in [
            (Purpose::Pictures, Precision::Tf32, "cpu draws in f32 and bf16 alone, not in tf32; use "),
            (Purpose::Training, Precision::Tf32, "cpu trains in f32 alone, not in tf32; use "),
            (Purpose::Training, Precision::Bf16, "cpu trains in f32 alone, not in bf16; use "),
        ] {
            let sentence = open(purpose, wanted).expect_err("refused").to_string();
            assert!(sentence.starts_with(words), "{sentence}");
        }
    }

    #[test]
    fn auto_finds_something_that_computes() {
        assert!(DeviceChoice::Auto.open(Purpose::Pictures, None).is_ok());
        if !cfg!(feature = "cuda") {
            // no precision turns into f32 behind a person's back
            assert!(DeviceChoice::Auto.open(Purpose::Pictures, Some(Precision::Tf32)).is_err());
            assert!(DeviceChoice::Auto.open(Purpose::Training, Some(Precision::Bf16)).is_err());
            let error = DeviceChoice::Cuda(0).open(Purpose::Pictures, None).map(|c| c.name());
            assert!(error.is_err_and(|e| e.to_string().contains("--features cuda")));
        }
    }

    #[test]
    fn a_trace_is_no_reason() {
        let error = candle_core::Error::Msg("no memory".into()).bt();
        assert_eq!(in_a_line(&error), "no memory");
    }

    #[test]
    fn places_are_read_as_they_are_written() {
        for text in ["auto", "cpu", "cuda:1", "cuda:0,tf32", "auto,bf16"] {
            assert_eq!(text.parse::<Place>().map(|place| place.to_string()).ok().as_deref(), Some(text));
        }
        assert_eq!("".parse::<Place>().ok(), Some(Place::default()));
        assert!(
            "cuda,f16"
                .parse::<Place>()
                .is_err_and(|error| error.to_string().contains("use f32, tf32 or bf16"))
        );
        let options = |text: &str| text.parse::<Place>().map(Place::options).unwrap_or_default();
        assert_eq!(options("auto"), []);
        assert_eq!(options("cuda,tf32"), [("device", "cuda:0".to_owned()), ("precision", "tf32".to_owned())]);
    }
}
