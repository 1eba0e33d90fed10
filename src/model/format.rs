//! The description as JSON: the newest format, and the first, which knew a generator, a discriminator and a VAE.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::nets::{DiscriminatorConfig, GeneratorConfig, VaeConfig};

use super::{Chain, CodeBlock, ModelDescription, Network};

impl ModelDescription {
    /// Reads the JSON of any format, turns it into the newest, and checks it.
    ///
    /// # Errors
    /// When it is no description, one of a format to come, or one that [`ModelDescription::validate`] refuses.
    pub fn parse(text: &str) -> Result<Self, String> {
        let json: Json = serde_json::from_str(text)
            .map_err(|error| format!("its model description is no JSON ({error})"))?;
        let format = json.get("format").and_then(Json::as_u64).unwrap_or(0);
        if format > u64::from(Self::FORMAT) {
            return Err(format!(
                "it was written by a newer idgan (format {format}, this one reads up to {}); update idgan",
                Self::FORMAT
            ));
        }
        let described = match format {
            0 | 1 => serde_json::from_value::<Format1>(json).map(Self::from),
            _ => Format2::deserialize(json),
        };
        let described = described.map_err(|error| format!("its model description is not sound ({error})"))?;
        described.validate()?;
        Ok(described)
    }

    /// The JSON that [`ModelDescription::parse`] reads.
    ///
    /// # Errors
    /// When a number in it cannot be written.
    pub fn to_json(&self) -> Result<String, String> {
        serde_json::to_string(self).map_err(|error| error.to_string())
    }
}

/// The second format: the description as it is.
#[derive(Deserialize)]
#[serde(remote = "ModelDescription")]
struct Format2 {
    format: u32,
    name: String,
    codes: Vec<CodeBlock>,
    #[serde(default)]
    networks: BTreeMap<String, Network>,
    #[serde(default)]
    render: Vec<Chain>,
    #[serde(default)]
    encode: Vec<Chain>,
    data: Option<String>,
    #[serde(default)]
    training: BTreeMap<String, Json>,
    #[serde(default)]
    provenance: BTreeMap<String, Json>,
}

/// The first format.
#[derive(Deserialize)]
struct Format1 {
    name: String,
    codes: Vec<CodeBlock>,
    generator: Option<Generator>,
    discriminator: Option<DiscriminatorConfig>,
    vae: Option<Vae>,
    data: Option<String>,
    #[serde(default)]
    training: BTreeMap<String, Json>,
    #[serde(default)]
    provenance: BTreeMap<String, Json>,
}

/// A generator and the blocks that are concatenated into z.
#[derive(Deserialize)]
struct Generator {
    config: GeneratorConfig,
    inputs: Vec<String>,
}

/// A VAE, or its encoder alone, and the block it encodes.
#[derive(Deserialize)]
struct Vae {
    config: VaeConfig,
    code: String,
    #[serde(default)]
    encoder_only: bool,
}

impl From<Format1> for ModelDescription {
    fn from(old: Format1) -> Self {
        let mut described = Self {
            codes: old.codes,
            data: old.data,
            training: old.training,
            provenance: old.provenance,
            ..Self::empty(old.name)
        };
        if let Some(Generator { config, inputs }) = old.generator {
            described = described.with_generator(config, inputs);
        }
        if let Some(config) = old.discriminator {
            described = described.with_discriminator(config);
        }
        match old.vae {
            Some(Vae { config, code, encoder_only: true }) => described.with_encoder(config, &code),
            Some(Vae { config, code, .. }) => described.with_vae(config, &code),
            None => described,
        }
    }
}
