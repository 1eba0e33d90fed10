//! What one comparison says.

use serde::Serialize;

/// One comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What was compared.
    pub what: String,
    /// How far it is from the reference; NaN (`null` in JSON) where it failed or gave what is no number.
    pub difference: f64,
    /// The largest difference that is sound.
    pub at_most: f64,
    /// What the device said, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl Finding {
    pub(super) fn new<E: std::fmt::Display>(what: &str, at_most: f64, difference: Result<f64, E>) -> Self {
        let (difference, failure) = match difference {
            Ok(difference) => (difference, None),
            Err(error) => (f64::NAN, Some(error.to_string())),
        };
        Self { what: what.to_owned(), difference, at_most, failure }
    }

    /// Whether it is as it should be.
    pub fn is_sound(&self) -> bool {
        self.difference <= self.at_most
    }
}
