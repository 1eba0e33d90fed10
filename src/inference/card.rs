//! Which cards are served, and in what each multiplies.

use crate::ops::Precision;

use super::{DeviceError, Purpose};

/// The least compute capability that is served: Turing (T4, RTX 20). CUDA 13 knows no older ones.
const LEAST: (i32, i32) = (7, 5);
/// The least that has tf32 and bf16: Ampere (A100, RTX 30).
const TENSOR_FLOATS: (i32, i32) = (8, 0);
/// The capability that candle's kernels were built for, as two digits; older cards cannot run them.
const BUILT_FOR: Option<&str> = option_env!("CUDA_COMPUTE_CAP");
/// The release of the toolkit that the kernels were built with, as `build.rs` finds it.
#[cfg(feature = "cuda")]
const BUILT_WITH: Option<&str> = option_env!("IDGAN_CUDA_RELEASE");

/// Refuses a driver that cannot read the kernels; `version` is what it says of itself, for instance 12040.
///
/// # Errors
/// When it is older than the toolkit that they were built with.
#[cfg(feature = "cuda")]
pub(super) fn check_driver(version: i32) -> Result<(), DeviceError> {
    serves((version / 1000, version % 1000 / 10), BUILT_WITH)
}

fn serves(knows: (i32, i32), built_with: Option<&str>) -> Result<(), DeviceError> {
    let release = built_with.and_then(|text| text.split_once('.'));
    let release = release.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    match release {
        Some(needs) if knows < needs => Err(DeviceError::OldDriver { knows, needs }),
        _ => Ok(()),
    }
}

/// An NVIDIA card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Card {
    /// The driver's name for it.
    pub(super) name: String,
    /// Its compute capability.
    pub(super) capability: (i32, i32),
}

impl Card {
    /// In what it multiplies where `wanted` is wished, or nothing.
    ///
    /// # Errors
    /// When it is too old, for this program or for `wanted`.
    pub(super) fn precision(
        &self,
        purpose: Purpose,
        wanted: Option<Precision>,
    ) -> Result<Precision, DeviceError> {
        let least = built_for(BUILT_FOR).map_or(LEAST, |built| built.max(LEAST));
        if self.capability < least {
            return Err(DeviceError::TooOld { name: self.name.clone(), has: self.capability, least });
        }
        let has_tensor_floats = self.capability >= TENSOR_FLOATS;
        match wanted {
            None if purpose == Purpose::Training && has_tensor_floats => Ok(Precision::Tf32),
            None | Some(Precision::F32) => Ok(Precision::F32),
            Some(wanted) if has_tensor_floats => Ok(wanted),
            Some(wanted) => Err(DeviceError::NoPrecision {
                wanted,
                reason: format!(
                    "needs compute capability 8.0 (Ampere or newer), and {} has {}.{}",
                    self.name, self.capability.0, self.capability.1
                ),
            }),
        }
    }
}

/// A capability as builds are told it: `80`, `86`, `120`.
fn built_for(digits: Option<&str>) -> Option<(i32, i32)> {
    let number: i32 = digits?.trim_end_matches(|c: char| c.is_ascii_lowercase()).parse().ok()?;
    Some((number / 10, number % 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(capability: (i32, i32)) -> Card {
        Card { name: "Test".into(), capability }
    }

    #[test]
    fn training_takes_tf32_where_there_is_and_pictures_take_f32() {
        let of = |capability, purpose, wanted| card(capability).precision(purpose, wanted).ok();
        for capability in [(8, 0), (8, 9), (9, 0), (12, 0)] {
            assert_eq!(of(capability, Purpose::Training, None), Some(Precision::Tf32));
            assert_eq!(of(capability, Purpose::Pictures, None), Some(Precision::F32));
            for wanted in Precision::ALL {
                assert_eq!(of(capability, Purpose::Pictures, Some(wanted)), Some(wanted));
            }
        }
    }

    #[test]
    fn old_cards_are_refused_in_a_sentence() {
        let error = card((6, 1)).precision(Purpose::Pictures, None).expect_err("too old").to_string();
        assert!(error.starts_with("Test has compute capability 6.1"), "{error}");
        if BUILT_FOR.is_none() {
            assert_eq!(card((7, 5)).precision(Purpose::Training, None).ok(), Some(Precision::F32));
            let wanted = Some(Precision::Tf32);
            let error = card((7, 5)).precision(Purpose::Training, wanted).expect_err("no tf32").to_string();
            assert!(
                error.contains("tf32 needs compute capability 8.0") && error.contains("Test has 7.5"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_driver_must_know_the_toolkits_release() {
        for (knows, built_with) in
            [((13, 0), Some("13.0")), ((13, 1), Some("13.0")), ((12, 4), Some("12.4")), ((12, 4), None)]
        {
            assert!(serves(knows, built_with).is_ok(), "{knows:?} {built_with:?}");
        }
        let error = serves((12, 9), Some("13.0")).expect_err("too old").to_string();
        assert!(
            error.starts_with("the driver knows CUDA up to 12.9, and this build needs 13.0; update"),
            "{error}"
        );
    }

    #[test]
    fn what_a_build_is_for_is_read() {
        let all = [Some("75"), Some("80"), Some("90a"), Some("120"), Some(""), None].map(built_for);
        assert_eq!(all, [Some((7, 5)), Some((8, 0)), Some((9, 0)), Some((12, 0)), None, None]);
    }
}
