use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::Background;
use crate::data::DrawingVersion;
use crate::nets::{DiscriminatorConfig, GeneratorConfig, Parameter, Parameters, VaeConfig};

/// What a model is: its code blocks, its networks, and where it comes from.
///
/// Kept as JSON in the bundle's metadata. Explorer, engine and command line rely on this alone and never
/// assume ID-GAN: a GAN without a VAE, a code in [0, 1] or a one-hot code are other descriptions, not other
/// programs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelDescription {
    /// Version of this document; [`ModelDescription::FORMAT`] when written by this build.
    pub format: u32,
    /// Name shown to people, for instance `sprites-64`.
    pub name: String,
    /// The codes, in the order in which the explorer shows them.
    pub codes: Vec<CodeBlock>,
    /// The generator, if the model has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<GeneratorPart>,
    /// The discriminator, kept so that training can go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discriminator: Option<DiscriminatorConfig>,
    /// The VAE, if the model has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vae: Option<VaePart>,
    /// Data set specification the model was trained on, for instance `dsprites` or `images:DIR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Steps, losses, wall time: whatever the trainer wants to keep, for people to read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub training: BTreeMap<String, serde_json::Value>,
    /// Program version, command, seed, source files and their hashes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub provenance: BTreeMap<String, serde_json::Value>,
}

impl ModelDescription {
    /// The picture behind `scream-dsprites` that the model was trained on; `None` for the program's own.
    pub fn data_picture(&self) -> Option<PathBuf> {
        let picture = self.provenance.get("config")?.get("picture")?.as_str()?;
        (!picture.is_empty()).then(|| picture.into())
    }

    /// What showed through transparent pictures in training; black where nothing is said.
    pub fn background(&self) -> Background {
        let config = self.provenance.get("config").and_then(|config| config.get("background")?.as_str());
        config.and_then(|text| text.parse().ok()).unwrap_or_default()
    }
}

impl ModelDescription {
    /// What to say where the program draws the pictures of `spec` otherwise by now than when the model learnt them.
    pub fn other_drawing(&self, spec: &str) -> Option<String> {
        let known =
            self.provenance.get("drawing").and_then(|drawing| DrawingVersion::deserialize(drawing).ok());
        let is_other =
            self.data.as_deref() == Some(spec) && known.unwrap_or_default() != DrawingVersion::of(spec);
        is_other.then(|| {
            format!(
                "this model was trained when the program drew {spec} otherwise, so these are not quite the pictures that it \
                 learnt; train it anew for numbers that count"
            )
        })
    }
}

/// One block of codes: a row of sliders, a resample button, or a picker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CodeBlock {
    /// Short symbol: `c`, `s`, `z`, `r`.
    pub name: String,
    /// Number of dimensions.
    pub dims: usize,
    /// How the block is distributed, which decides how it is drawn and shown.
    pub kind: CodeKind,
    /// Slider range, lowest and highest value.
    pub range: [f32; 2],
    /// The value of every dimension in the neutral picture.
    pub neutral: f32,
    /// Names a person gave to the dimensions, either none or one a dimension (empty string: unnamed).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The values that the model opens with, `(dims,)`; none: the neutral ones, or a draw where the block is noise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opening: Vec<f32>,
}

/// The distribution of a code block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodeKind {
    /// N(0, I); one slider a dimension.
    Gaussian,
    /// Uniform over `range`; one slider a dimension.
    Uniform,
    /// Exactly one dimension is 1, the others 0; a picker.
    OneHot,
    /// N(0, I) without meaning of its own dimensions; resampled as a whole.
    Noise,
}

/// A generator and the blocks it takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GeneratorPart {
    /// Architecture and sizes.
    pub config: GeneratorConfig,
    /// Names of the blocks that are concatenated into z, in order (ID-GAN: `s`, then `c`).
    pub inputs: Vec<String>,
}

/// A VAE, or its encoder alone, and the block it encodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VaePart {
    /// Architecture and sizes.
    pub config: VaeConfig,
    /// Name of the block that its encoder infers and its decoder takes.
    pub code: String,
    /// Whether there is no decoder: InfoGAN's encoder was trained with a generator, not with a decoder.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub encoder_only: bool,
}

impl VaePart {
    /// A whole VAE of the block called `code`.
    pub fn new(config: VaeConfig, code: impl Into<String>) -> Self {
        Self { config, code: code.into(), encoder_only: false }
    }
}

impl Parameters for VaePart {
    fn parameters(&self) -> Vec<Parameter> {
        if self.encoder_only { self.config.encoder_parameters() } else { self.config.parameters() }
    }
}

impl ModelDescription {
    /// The newest version of this document.
    pub const FORMAT: u32 = 1;

    /// The block called `name`.
    pub fn block(&self, name: &str) -> Option<&CodeBlock> {
        self.codes.iter().find(|block| block.name == name)
    }
}

impl CodeBlock {
    /// The disentangled code of ID-GAN: `dims` Gaussian dimensions called `c`, shown from -3 to 3.
    pub fn disentangled(dims: usize) -> Self {
        Self {
            name: "c".into(),
            dims,
            kind: CodeKind::Gaussian,
            range: [-3.0, 3.0],
            neutral: 0.0,
            labels: Vec::new(),
            opening: Vec::new(),
        }
    }

    /// The nuisance code of ID-GAN: `dims` Gaussian dimensions called `s`, resampled as a whole.
    pub fn nuisance(dims: usize) -> Self {
        Self {
            name: "s".into(),
            dims,
            kind: CodeKind::Noise,
            range: [-3.0, 3.0],
            neutral: 0.0,
            labels: Vec::new(),
            opening: Vec::new(),
        }
    }
}
