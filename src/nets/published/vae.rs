use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::PixelRange;
use crate::graph::Graph;
use crate::nets::{NetworkConfig, Parameters};

use super::{Published, PublishedSizes};

/// Most dimensions of a code.
const MOST_DIMS: usize = 1 << 16;

/// A published VAE of certain sizes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedVae {
    /// Which it is.
    #[serde(rename = "kind", serialize_with = "write_kind", deserialize_with = "read_kind")]
    pub family: &'static Published,
    /// Its sizes.
    #[serde(flatten)]
    pub sizes: PublishedSizes,
    /// Which numbers of what the decoder gives stand for black and white.
    pub range: PixelRange,
}

/// A half of a VAE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Half {
    /// From a picture to mean and log variance of a code.
    Encoder,
    /// From a code to a picture.
    Decoder,
}

/// One half of a published VAE.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedHalf {
    /// The whole.
    #[serde(flatten)]
    pub vae: PublishedVae,
    /// Which half.
    pub half: Half,
}

impl PublishedVae {
    /// One half.
    pub fn half(self, half: Half) -> PublishedHalf {
        PublishedHalf { vae: self, half }
    }

    /// Channels, height and width of its pictures.
    pub fn picture_shape(&self) -> [usize; 3] {
        let PublishedSizes { channels, side, .. } = self.sizes;
        [channels, side, side]
    }
}

impl Parameters for PublishedVae {
    fn graphs(&self) -> Vec<Graph> {
        self.family.graphs(&self.sizes).into()
    }
}

impl NetworkConfig for PublishedHalf {
    fn graph(&self) -> Graph {
        let Published { encoder, decoder, .. } = self.vae.family;
        match self.half {
            Half::Encoder => encoder(&self.vae.sizes),
            Half::Decoder => decoder(&self.vae.sizes),
        }
    }

    /// An encoder takes what its decoder was trained to give; never logits.
    fn range(&self) -> PixelRange {
        match (self.half, self.vae.range) {
            (Half::Encoder, PixelRange::Logits) => PixelRange::Unit,
            (_, range) => range,
        }
    }

    fn check(&self) -> Result<(), String> {
        let PublishedVae { family, sizes, range } = self.vae;
        let PublishedSizes { channels, side, z_dim } = sizes;
        let is_sound = matches!(channels, 1 | 3) && (1..=MOST_DIMS).contains(&z_dim);
        if !family.range.allows(range) {
            return Err(format!("gives {}, which the {} does not", range.in_words(), family.title));
        }
        if is_sound && family.sides.contains(&side) {
            return Ok(());
        }
        Err(format!(
            "has sizes that the {} does not have ({side} pixels, {channels} channels, {z_dim} dimensions)",
            family.title
        ))
    }
}

fn write_kind<S: Serializer>(family: &&'static Published, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(family.kind)
}

fn read_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static Published, D::Error> {
    let kind = String::deserialize(deserializer)?;
    Published::of_kind(&kind)
        .ok_or_else(|| serde::de::Error::custom(format!("no published VAE is called {kind}")))
}
