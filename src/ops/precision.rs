//! How exactly products are computed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// In what convolutions and linear layers multiply; sums are f32. A GPU keeps weights and all else in f32; plans on the
/// processor keep weights and maps in bf16, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 24 bits of mantissa, as on the CPU.
    #[default]
    F32,
    /// 11 bits of mantissa and the range of f32; on NVIDIA cards from compute capability 8.0.
    Tf32,
    /// 8 bits of mantissa and the range of f32, operands rounded in memory; on NVIDIA cards from compute
    /// capability 8.0, and for pictures on any processor.
    Bf16,
}

impl Precision {
    /// All, most exact first.
    pub const ALL: [Self; 3] = [Self::F32, Self::Tf32, Self::Bf16];

    /// Whether it is the CPU's.
    pub fn is_single(&self) -> bool {
        *self == Self::F32
    }

    /// As people write it: `f32`, `tf32`, `bf16`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Tf32 => "tf32",
            Self::Bf16 => "bf16",
        }
    }
}

/// A word that names no [`Precision`].
#[derive(Debug, thiserror::Error)]
#[error("unknown precision {0:?}; use f32, tf32 or bf16")]
pub struct UnknownPrecision(String);

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(text: &str) -> Result<Self, UnknownPrecision> {
        let found = Self::ALL.into_iter().find(|precision| precision.name() == text);
        found.ok_or_else(|| UnknownPrecision(text.to_owned()))
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_nonsense_is_named() {
        for precision in Precision::ALL {
            assert_eq!(precision.to_string().parse::<Precision>().ok(), Some(precision));
        }
        let error = "fp16".parse::<Precision>().map_err(|error| error.to_string());
        assert_eq!(error, Err(r#"unknown precision "fp16"; use f32, tf32 or bf16"#.to_owned()));
    }
}
