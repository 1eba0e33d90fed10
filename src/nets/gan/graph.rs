use crate::base::PixelRange;
use crate::graph::{Activation, Graph, Operation, Parameter};
use crate::nets::{EncoderConfig, NetworkConfig, Parameters, conv, resnet};

use super::{DiscriminatorConfig, GeneratorConfig};

impl GeneratorConfig {
    /// From a code to a picture in [-1, 1].
    pub fn graph(&self) -> Graph {
        match self {
            Self::Small { z_dim, channels } => {
                conv::decoder("", *z_dim, *channels).followed_by(Operation::Activation(Activation::Tanh))
            }
            Self::Resnet { z_dim, trunk } => resnet::generator(*z_dim, trunk),
        }
    }
}

impl DiscriminatorConfig {
    /// From a picture in [-1, 1] to a logit, and with a bottleneck to the logarithms of its standard deviations too.
    pub fn graph(&self) -> Graph {
        match self {
            Self::Small { channels } => EncoderConfig { channels: *channels, outputs: 1 }.graph(),
            Self::Resnet { trunk } => resnet::discriminator(trunk, false),
            Self::ResnetVdb { trunk } => resnet::discriminator(trunk, true),
        }
    }
}

impl NetworkConfig for GeneratorConfig {
    fn graph(&self) -> Graph {
        self.graph()
    }

    fn range(&self) -> PixelRange {
        PixelRange::Signed
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Small { .. } => Ok(()),
            Self::Resnet { trunk, .. } => trunk.check(),
        }
    }
}

impl NetworkConfig for DiscriminatorConfig {
    fn graph(&self) -> Graph {
        self.graph()
    }

    fn range(&self) -> PixelRange {
        PixelRange::Signed
    }

    /// The logit; a bottleneck's deviations are its own.
    fn results(&self) -> usize {
        1
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Small { .. } => Ok(()),
            Self::Resnet { trunk } | Self::ResnetVdb { trunk } => trunk.check(),
        }
    }
}

impl Parameters for GeneratorConfig {
    fn graphs(&self) -> Vec<Graph> {
        vec![self.graph()]
    }
}

impl Parameters for DiscriminatorConfig {
    fn graphs(&self) -> Vec<Graph> {
        vec![self.graph()]
    }

    fn parameters(&self) -> Vec<Parameter> {
        match self {
            Self::Small { .. } => self.graph().parameters(),
            Self::Resnet { .. } | Self::ResnetVdb { .. } => resnet::discriminator_parameters(&self.graph()),
        }
    }
}
