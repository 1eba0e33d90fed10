use serde::{Deserialize, Serialize};

/// The convolutional VAE of Locatello et al. for 64x64 pictures (paper section 5.1), both halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaeConfig {
    /// Picture channels: 1 or 3.
    pub channels: usize,
    /// Dimensions of the disentangled code c.
    pub c_dim: usize,
}

impl VaeConfig {
    /// Height and width of its pictures.
    pub const SIZE: usize = 64;
}

/// The VAE encoder's shape by itself, with any number of outputs: [`super::ConvEncoder`] at 64x64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderConfig {
    /// Picture channels: 1 or 3.
    pub channels: usize,
    /// Outputs of the last layer.
    pub outputs: usize,
}

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

/// The sizes shared by the residual networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResnetTrunk {
    /// Picture height and width: a power of two, 64 to 1024 in the paper, 8 or more here.
    pub size: usize,
    /// Feature maps at full resolution.
    pub nfilter: usize,
    /// Most feature maps at any resolution.
    pub nfilter_max: usize,
    /// Picture channels: 3 in the paper.
    pub channels: usize,
}

impl ResnetTrunk {
    /// Halvings between the picture and the 4x4 map: log2(size / 4).
    pub fn levels(&self) -> usize {
        (self.size / 4).max(1).ilog2() as usize
    }

    /// Feature maps `halvings` below full resolution: min(nfilter * 2^halvings, nfilter_max).
    pub fn width(&self, halvings: usize) -> usize {
        self.nfilter
            .saturating_mul(1usize.checked_shl(halvings as u32).unwrap_or(usize::MAX))
            .min(self.nfilter_max)
    }

    /// Whether a network of these sizes exists.
    pub fn is_valid(&self) -> bool {
        self.size.is_power_of_two()
            && (8..=1 << 14).contains(&self.size)
            && self.nfilter > 0
            && self.nfilter_max > 0
            && matches!(self.channels, 1 | 3)
    }
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
            Self::Small { .. } => 256,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_grow_towards_the_small_maps_up_to_the_maximum() {
        let trunk = ResnetTrunk { size: 256, nfilter: 64, nfilter_max: 512, channels: 3 };
        assert_eq!(trunk.levels(), 6);
        let widths: Vec<usize> = (0..=trunk.levels()).rev().map(|h| trunk.width(h)).collect();
        assert_eq!(widths, [512, 512, 512, 512, 256, 128, 64]);
    }
}
