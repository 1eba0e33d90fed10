use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::base::shell_quoted;

/// Where something exported comes from, and how to make it again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The command that makes it again, program first.
    pub command: Vec<String>,
    /// Name of the model.
    pub model: String,
    /// SHA-256 of the checkpoint in hexadecimal.
    pub checkpoint: String,
    /// What else there is to know: codes, ranges, seed.
    pub details: Map<String, Value>,
}

impl Provenance {
    /// The program and its version.
    pub const SOFTWARE: &str = concat!("idgan ", env!("CARGO_PKG_VERSION"));

    /// Adds a detail.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// The command as one line that a shell reads.
    pub fn command_line(&self) -> String {
        shell_quoted(&self.command)
    }

    /// Everything as a JSON document.
    pub fn document(&self) -> Value {
        let mut document = json!({
            "software": Self::SOFTWARE,
            "command": self.command_line(),
            "model": self.model,
            "checkpoint_sha256": self.checkpoint,
        });
        if let Some(fields) = document.as_object_mut() {
            fields.extend(self.details.clone());
        }
        document
    }
}

/// Values as JSON numbers as short as they print, not with the digits that widening to f64 uncovers; read back as
/// f32 they are the same.
pub fn numbers(values: &[f32]) -> Value {
    values.iter().map(|value| value.to_string().parse::<f64>().unwrap_or(f64::NAN)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_exact() {
        let values = [0.1, -1.0 / 3.0, 1e-30, 16_777_217.0, f32::MIN_POSITIVE];
        let read: Vec<f32> = serde_json::from_str(&numbers(&values).to_string()).expect("parses");
        assert_eq!(read, values);
        assert_eq!(numbers(&[0.1]).to_string(), "[0.1]");
    }

    #[test]
    fn the_document_holds_fixed_fields_and_details() {
        let provenance = Provenance {
            command: vec!["idgan".into(), "sample".into()],
            model: "toy".into(),
            checkpoint: "abc".into(),
            ..Provenance::default()
        }
        .with("seed", 7)
        .with("c", numbers(&[0.1, -2.0]));
        let text = provenance.document().to_string();
        assert!(
            text.contains("\"command\":\"idgan sample\"") && text.contains("\"seed\":7,\"c\":[0.1,-2.0]"),
            "{text}"
        );
    }
}
