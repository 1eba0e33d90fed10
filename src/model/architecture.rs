use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::base::PixelRange;
use crate::graph::{Graph, Shape};
use crate::nets::{
    AnyGraph, DiscriminatorConfig, GeneratorConfig, IaeNetwork, IbGanNetwork, MlpConfig, NetworkConfig,
    OoganNetwork, PUBLISHED, PublishedHalf, TranslatorConfig, VaeDecoderConfig, VaeEncoderConfig,
};

/// What goes into a network, or comes out of it: so many numbers, and a picture where there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) numbers: usize,
    pub(super) picture: Option<([usize; 3], PixelRange)>,
}

impl Flow {
    /// Of a graph's inputs or results: rows side by side, and the last map.
    fn of_shapes(shapes: impl IntoIterator<Item = Shape>, range: PixelRange) -> Self {
        let mut flow = Self::default();
        for shape in shapes {
            match shape {
                Shape::Row(length) => flow.numbers = flow.numbers.saturating_add(length),
                Shape::Map(sides) => flow.picture = Some((sides, range)),
            }
        }
        flow
    }
}

/// The table of architectures: a line a kind of network, what it is called in files and the type of its sizes, of which
/// everything else follows.
macro_rules! architectures {
    ($($(#[doc = $doc:literal])* $variant:ident($config:ty) = $kind:literal,)*) => {
        /// How a network computes, and its sizes.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        pub enum Architecture {
            $($(#[doc = $doc])* #[serde(rename = $kind)] $variant($config),)*
            /// Half of a VAE that others have published; they have a table of their own, [`PUBLISHED`].
            #[serde(untagged)]
            Published(PublishedHalf),
            /// One that this version does not know, kept as it is written: it can be described and passed on, not run.
            #[serde(untagged)]
            Unknown(Map<String, Json>),
        }

        impl Architecture {
            /// The kinds of the table, as they are written.
            const KINDS: &[&str] = &[$($kind),*];

            /// What it is called in a file.
            pub fn kind(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $kind,)*
                    Self::Published(half) => half.vae.family.kind,
                    Self::Unknown(said) => said.get("kind").and_then(Json::as_str).unwrap_or_default(),
                }
            }

            /// Its sizes; `None` for one that nothing is known of.
            fn config(&self) -> Option<&dyn NetworkConfig> {
                match self {
                    $(Self::$variant(config) => Some(config),)*
                    Self::Published(half) => Some(half),
                    Self::Unknown(_) => None,
                }
            }
        }
    };
}

architectures! {
    /// A generator: codes to a picture in [-1, 1].
    Generator(GeneratorConfig) = "generator",
    /// A discriminator: a picture in [-1, 1] to one logit.
    Discriminator(DiscriminatorConfig) = "discriminator",
    /// The VAE's decoder half: a code to the logits of a picture.
    VaeDecoder(VaeDecoderConfig) = "vae-decoder",
    /// The VAE's encoder half: a picture in [0, 1] to mean and log variance of a code.
    VaeEncoder(VaeEncoderConfig) = "vae-encoder",
    /// Linear layers with leaky ReLUs between them: numbers to numbers.
    Mlp(MlpConfig) = "mlp",
    /// One of IB-GAN's networks.
    IbGan(IbGanNetwork) = "ibgan",
    /// One of OOGAN's networks.
    Oogan(OoganNetwork) = "oogan",
    /// One of an implicit autoencoder's networks.
    Iae(IaeNetwork) = "iae",
    /// Pictures of one domain, and noise, to pictures of another.
    Translator(TranslatorConfig) = "translator",
    /// Any network, operation by operation: what comes from other programs.
    Graph(AnyGraph) = "graph",
}

impl Architecture {
    /// What it computes; `None` for one that nothing is known of.
    pub fn graph(&self) -> Option<Graph> {
        self.config().map(NetworkConfig::graph)
    }

    /// What it takes and what it gives; `None` for one that nothing is known of.
    ///
    /// # Errors
    /// What cannot be, in words that go on after the network's name.
    pub(super) fn flows(&self) -> Result<Option<(Flow, Flow)>, String> {
        let Some(config) = self.config() else { return Ok(None) };
        let (graph, range) = (config.graph(), config.range());
        let given = graph.output_shapes().map_err(|error| format!("cannot be computed: {error}"))?;
        let given = given.into_iter().take(config.results());
        Ok(Some((Flow::of_shapes(graph.inputs(), range), Flow::of_shapes(given, range))))
    }

    /// Checks that its sizes can be.
    ///
    /// # Errors
    /// What cannot, in words that go on after the network's name.
    pub(super) fn validate(&self) -> Result<(), String> {
        let is_known =
            |kind: &str| Self::KINDS.contains(&kind) || PUBLISHED.iter().any(|family| family.kind == kind);
        match self {
            Self::Unknown(said) => match said.get("kind").and_then(Json::as_str) {
                Some(kind) if !is_known(kind) => Ok(()),
                Some(kind) => Err(format!("has other sizes than a {kind} has")),
                None => Err("does not say its kind".into()),
            },
            known => known.config().map_or(Ok(()), NetworkConfig::check),
        }
    }
}
