//! The VAE of stage 1, and its encoder's shape by itself.

mod eager;
mod graph;
mod initialise;

use serde::{Deserialize, Serialize};

use super::conv;

pub use eager::{Posterior, PosteriorEncoder, Vae};

/// The convolutional VAE of Locatello et al. for 64x64 pictures (paper section 5.1), both halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaeConfig {
    /// Picture channels: 1 or 3.
    pub channels: usize,
    /// Dimensions of the disentangled code c.
    pub c_dim: usize,
}

/// Its decoder half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VaeDecoderConfig(pub VaeConfig);

/// Its encoder half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VaeEncoderConfig(pub VaeConfig);

impl VaeConfig {
    /// Height and width of its pictures.
    pub const SIZE: usize = conv::SIZE;
}

/// The VAE encoder's shape by itself, with any number of outputs: [`super::ConvEncoder`] at 64x64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderConfig {
    /// Picture channels: 1 or 3.
    pub channels: usize,
    /// Outputs of the last layer.
    pub outputs: usize,
}

impl EncoderConfig {
    /// Channels, height and width of the pictures that it takes.
    pub fn picture_shape(&self) -> [usize; 3] {
        [self.channels, VaeConfig::SIZE, VaeConfig::SIZE]
    }
}
