use super::ramp::Ramp;

/// A configuration that cannot be trained.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ConfigError(pub String);

pub(in crate::training) fn require(holds: bool, message: &str) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError(message.to_owned())) }
}

pub(in crate::training) fn is_rate(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

pub(in crate::training) fn is_weight(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

pub(in crate::training) fn is_schedule(ramp: Ramp) -> bool {
    is_weight(ramp.from) && is_weight(ramp.to)
}
