use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::base::PixelRange;
use crate::graph::{Graph, Shape};
use crate::nets::{DiscriminatorConfig, GeneratorConfig, MlpConfig, ResnetTrunk, VaeConfig};

/// Most feature maps of a layer, and most units of one.
const MOST_WIDTH: usize = 1 << 16;
/// Most linear layers of a stack.
const MOST_LAYERS: usize = 64;

/// How a network computes, and its sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Architecture {
    /// A generator: codes to a picture in [-1, 1].
    Generator(GeneratorConfig),
    /// A discriminator: a picture in [-1, 1] to one logit.
    Discriminator(DiscriminatorConfig),
    /// The VAE's decoder half: a code to the logits of a picture.
    VaeDecoder(VaeConfig),
    /// The VAE's encoder half: a picture in [0, 1] to mean and log variance of a code.
    VaeEncoder(VaeConfig),
    /// Linear layers with leaky ReLUs between them: numbers to numbers.
    Mlp {
        /// Widths from the inputs to the outputs.
        widths: Vec<usize>,
    },
    /// Any network, operation by operation: what comes from other programs.
    Graph {
        /// What it computes.
        graph: Graph,
        /// Which numbers of the picture that it takes or gives stand for black and white.
        range: PixelRange,
    },
    /// One that this version does not know, kept as it is written: it can be described and passed on, not run.
    #[serde(untagged)]
    Unknown(Map<String, Json>),
}

/// What goes into a network, or comes out of it: so many numbers, and a picture where there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) numbers: usize,
    pub(super) picture: Option<([usize; 3], PixelRange)>,
}

impl Flow {
    fn numbers(numbers: usize) -> Self {
        Self { numbers, picture: None }
    }

    /// Of a graph's inputs or results: rows side by side, and the last map.
    fn of_shapes(shapes: &[Shape], range: PixelRange) -> Self {
        let mut flow = Self::default();
        for shape in shapes {
            match *shape {
                Shape::Row(length) => flow.numbers += length,
                Shape::Map(sides) => flow.picture = Some((sides, range)),
            }
        }
        flow
    }

    fn picture(channels: usize, size: usize, range: PixelRange) -> Self {
        Self { numbers: 0, picture: Some(([channels, size, size], range)) }
    }
}

impl Architecture {
    /// What it is called in a file.
    pub fn kind(&self) -> &str {
        match self {
            Self::Generator(_) => "generator",
            Self::Discriminator(_) => "discriminator",
            Self::VaeDecoder(_) => "vae-decoder",
            Self::VaeEncoder(_) => "vae-encoder",
            Self::Mlp { .. } => "mlp",
            Self::Graph { .. } => "graph",
            Self::Unknown(said) => said.get("kind").and_then(Json::as_str).unwrap_or_default(),
        }
    }

    /// What it takes and what it gives; `None` for one that nothing is known of.
    pub(super) fn flows(&self) -> Option<(Flow, Flow)> {
        use PixelRange::{Logits, Signed, Unit};
        Some(match self {
            Self::Generator(config) => {
                (Flow::numbers(config.z_dim()), Flow::picture(config.channels(), config.size(), Signed))
            }
            Self::Discriminator(config) => {
                (Flow::picture(config.channels(), config.size(), Signed), Flow::numbers(1))
            }
            Self::VaeDecoder(config) => {
                (Flow::numbers(config.c_dim), Flow::picture(config.channels, VaeConfig::SIZE, Logits))
            }
            Self::VaeEncoder(config) => {
                (Flow::picture(config.channels, VaeConfig::SIZE, Unit), Flow::numbers(2 * config.c_dim))
            }
            Self::Mlp { widths } => (Flow::numbers(*widths.first()?), Flow::numbers(*widths.last()?)),
            Self::Graph { graph, range } => {
                let taken: Vec<Shape> = graph.inputs().collect();
                (Flow::of_shapes(&taken, *range), Flow::of_shapes(&graph.output_shapes().ok()?, *range))
            }
            Self::Unknown(_) => return None,
        })
    }

    /// What it computes; `None` for one that nothing is known of.
    pub fn graph(&self) -> Option<Graph> {
        Some(match self {
            Self::Generator(config) => config.graph(),
            Self::Discriminator(config) => config.graph(),
            Self::VaeDecoder(config) => config.decoder_graph(),
            Self::VaeEncoder(config) => config.encoder_graph(),
            Self::Mlp { widths } => MlpConfig(widths.clone()).graph(),
            Self::Graph { graph, .. } => graph.clone(),
            Self::Unknown(_) => return None,
        })
    }

    /// Checks that its sizes can be.
    ///
    /// # Errors
    /// What cannot, in words; `name` is the network's.
    pub(super) fn validate(&self, name: &str) -> Result<(), String> {
        match self {
            Self::Generator(GeneratorConfig::Resnet { trunk, .. })
            | Self::Discriminator(
                DiscriminatorConfig::Resnet { trunk } | DiscriminatorConfig::ResnetVdb { trunk },
            ) => check_trunk(name, trunk),
            Self::Mlp { widths } => {
                let is_sound = (2..=MOST_LAYERS).contains(&widths.len())
                    && widths.iter().all(|width| (1..=MOST_WIDTH).contains(width));
                if is_sound { Ok(()) } else { Err(format!("its {name} has impossible widths")) }
            }
            Self::Graph { graph, .. } => {
                let maps =
                    |shapes: &[Shape]| shapes.iter().filter(|shape| matches!(shape, Shape::Map(_))).count();
                let given = graph
                    .output_shapes()
                    .map_err(|error| format!("its {name} cannot be computed: {error}"))?;
                let taken: Vec<Shape> = graph.inputs().collect();
                match (taken.len(), maps(&given)) {
                    (1, 0 | 1) => Ok(()),
                    _ => Err(format!(
                        "its {name} has {} inputs and gives {} pictures",
                        taken.len(),
                        maps(&given)
                    )),
                }
            }
            Self::Unknown(said) => match said.get("kind").and_then(Json::as_str) {
                Some(kind) if !KNOWN.contains(&kind) => Ok(()),
                Some(kind) => Err(format!("its {name} has other sizes than a {kind} has")),
                None => Err(format!("its {name} does not say its kind")),
            },
            _ => Ok(()),
        }
    }
}

/// The kinds that are known, as they are written.
const KNOWN: [&str; 6] = ["generator", "discriminator", "vae-decoder", "vae-encoder", "mlp", "graph"];

fn check_trunk(network: &str, trunk: &ResnetTrunk) -> Result<(), String> {
    if trunk.is_valid() && trunk.nfilter <= MOST_WIDTH && trunk.nfilter <= trunk.nfilter_max {
        return Ok(());
    }
    Err(format!(
        "its {network} has impossible sizes ({} pixels, widths {} to {}, {} channels)",
        trunk.size, trunk.nfilter, trunk.nfilter_max, trunk.channels
    ))
}
