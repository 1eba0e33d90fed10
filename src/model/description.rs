use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::base::Background;
use crate::data::DrawingVersion;
use crate::graph::Graph;

use super::{Architecture, Chain, CodeBlock, Port};

/// What a model is: its code blocks, its networks, the chains in which they run, and where it comes from.
///
/// Kept as JSON in the bundle's metadata, and read from it by [`ModelDescription::parse`] alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelDescription {
    /// Version of this document: [`ModelDescription::FORMAT`], whatever the file was that it was read from.
    pub format: u32,
    /// Name shown to people, for instance `sprites-64`.
    pub name: String,
    /// The codes, in the order in which the explorer shows them.
    pub codes: Vec<CodeBlock>,
    /// The networks by name.
    pub networks: BTreeMap<String, Network>,
    /// The chains that end in a picture, the main one first.
    pub render: Vec<Chain>,
    /// The chains that begin with a picture, the main one first.
    pub encode: Vec<Chain>,
    /// Data set specification the model was trained on, for instance `dsprites` or `images:DIR`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Steps, losses, wall time: whatever the trainer wants to keep, for people to read.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub training: BTreeMap<String, Json>,
    /// Program version, command, seed, source files and their hashes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub provenance: BTreeMap<String, Json>,
}

/// A network: how it computes, where its weights are, and what it takes and gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// How it computes.
    pub architecture: Architecture,
    /// The group of tensors with its weights; networks that were trained as one, as the halves of a VAE, share it.
    pub weights: String,
    /// What it takes; codes and features are put side by side in this order.
    pub inputs: Vec<Port>,
    /// What it gives; numbers are taken apart in this order.
    pub outputs: Vec<Port>,
}

impl Network {
    /// From codes to a picture with values in [0, 1]; `None` for one that draws none, or that nothing is known of.
    pub fn picture_graph(&self) -> Option<Graph> {
        let [Port::Picture { range, .. }] = self.outputs[..] else { return None };
        Some(self.architecture.graph()?.to_pixels(range))
    }
}

impl ModelDescription {
    /// The newest version of this document.
    pub const FORMAT: u32 = 2;

    /// A description of no networks.
    pub fn empty(name: impl Into<String>) -> Self {
        Self {
            format: Self::FORMAT,
            name: name.into(),
            codes: Vec::new(),
            networks: BTreeMap::new(),
            render: Vec::new(),
            encode: Vec::new(),
            data: None,
            training: BTreeMap::new(),
            provenance: BTreeMap::new(),
        }
    }

    /// The block called `name`.
    pub fn block(&self, name: &str) -> Option<&CodeBlock> {
        self.codes.iter().find(|block| block.name == name)
    }

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
