use serde::{Deserialize, Serialize};

use crate::nets::{ResnetTrunk, VaeConfig, conv};

/// A generator: codes `(N, z_dim)` to pictures `(N, channels, size, size)` in [-1, 1].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case")]
pub enum GeneratorConfig {
    /// The VAE decoder's shape with tanh; always 64x64 (paper section 5.1).
    Small {
        /// Width of the input z = [s, c].
        z_dim: usize,
        /// Picture channels: 1 or 3.
        channels: usize,
    },
    /// The residual generator of Mescheder et al. (paper section A.3).
    Resnet {
        /// Width of the input z = [s, c].
        z_dim: usize,
        /// Width and widths' growth.
        trunk: ResnetTrunk,
    },
}

/// A discriminator: pictures `(N, channels, size, size)` in [-1, 1] to one logit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case")]
pub enum DiscriminatorConfig {
    /// The VAE encoder's shape with one output; always 64x64.
    Small {
        /// Picture channels: 1 or 3.
        channels: usize,
    },
    /// The residual discriminator of Mescheder et al.
    Resnet {
        /// Width and widths' growth.
        trunk: ResnetTrunk,
    },
    /// The same with a variational bottleneck before its last layer (Peng et al., used for 1024x1024).
    ResnetVdb {
        /// Width and widths' growth.
        trunk: ResnetTrunk,
    },
}

impl GeneratorConfig {
    /// Width of the input z.
    pub fn z_dim(&self) -> usize {
        match *self {
            Self::Small { z_dim, .. } | Self::Resnet { z_dim, .. } => z_dim,
        }
    }

    /// Picture channels.
    pub fn channels(&self) -> usize {
        match *self {
            Self::Small { channels, .. } => channels,
            Self::Resnet { trunk, .. } => trunk.channels,
        }
    }

    /// Picture height and width.
    pub fn size(&self) -> usize {
        match *self {
            Self::Small { .. } => VaeConfig::SIZE,
            Self::Resnet { trunk, .. } => trunk.size,
        }
    }
}

impl DiscriminatorConfig {
    /// Shape `(batch, C, 4, 4)` of the noise that the variational bottleneck samples with; `None` without one.
    pub fn noise_shape(&self, batch: usize) -> Option<[usize; 4]> {
        match self {
            Self::ResnetVdb { trunk } => Some([batch, trunk.width(trunk.levels()), 4, 4]),
            _ => None,
        }
    }

    /// Width of what the last layer takes.
    pub fn features(&self) -> usize {
        match self {
            Self::Small { .. } => conv::FEATURES,
            Self::Resnet { trunk } | Self::ResnetVdb { trunk } => 16 * trunk.width(trunk.levels()),
        }
    }

    /// Picture channels.
    pub fn channels(&self) -> usize {
        match *self {
            Self::Small { channels } => channels,
            Self::Resnet { trunk } | Self::ResnetVdb { trunk } => trunk.channels,
        }
    }

    /// Picture height and width.
    pub fn size(&self) -> usize {
        match *self {
            Self::Small { .. } => VaeConfig::SIZE,
            Self::Resnet { trunk } | Self::ResnetVdb { trunk } => trunk.size,
        }
    }
}
