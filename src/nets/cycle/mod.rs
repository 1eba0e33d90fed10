//! CycleIAE's networks: from pictures of one domain to those of another (Makhzani 2018, section 5; the generators are CycleGAN's,
//! Zhu et al. 2017).
//!
//! Where noise enters, every batch normalisation is conditional: its gain and shift are linear in the noise. Discriminators are
//! 70x70 PatchGANs, which the paper does not give; a pair of pictures is put one behind the other, channel by channel. Borders
//! are zeros.

mod graph;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::base::PixelRange;
use crate::graph::Graph;
use crate::nets::{NetworkConfig, Parameters};

/// Most feature maps next to the picture.
const MOST_WIDTH: usize = 1 << 10;
/// Most residual blocks.
const MOST_BLOCKS: usize = 64;
/// Most dimensions of the noise.
const MOST_DIMS: usize = 1 << 16;

/// A network from pictures in [-1, 1], and noise, to pictures in [-1, 1] of the same size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranslatorConfig {
    /// Height and width of the pictures: a multiple of 4.
    pub size: usize,
    /// Channels of the pictures that it takes: 1 or 3.
    pub takes: usize,
    /// Channels of the pictures that it gives: 1 or 3.
    pub gives: usize,
    /// Feature maps next to the pictures: 64.
    pub width: usize,
    /// Residual blocks: 6 for pictures of 128 pixels, 9 from 256 on.
    pub blocks: usize,
    /// Dimensions of the noise, N(0, I); 0 for none.
    pub noise_dim: usize,
}

/// A 70x70 PatchGAN: from a picture in [-1, 1], or a pair of one size, to a logit for each place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchDiscriminatorConfig {
    /// Height and width of the pictures: [`PatchDiscriminatorConfig::SMALLEST`] at least.
    pub size: usize,
    /// Channels of the picture, or of each of a pair.
    pub channels: PatchChannels,
    /// Feature maps next to the picture: 64.
    pub width: usize,
}

/// Channels of what a PatchGAN judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PatchChannels {
    /// A picture alone.
    One(usize),
    /// A picture and a second one.
    Pair(usize, usize),
}

impl PatchDiscriminatorConfig {
    /// The smallest height and width of which a place is left to judge.
    pub const SMALLEST: usize = 24;
}

impl NetworkConfig for TranslatorConfig {
    fn graph(&self) -> Graph {
        self.graph()
    }

    fn range(&self) -> PixelRange {
        PixelRange::Signed
    }

    fn check(&self) -> Result<(), String> {
        let Self { size, takes, gives, width, blocks, noise_dim } = *self;
        let is_sound = size.is_multiple_of(4)
            && (4..=1 << 12).contains(&size)
            && [takes, gives].iter().all(|channels| matches!(channels, 1 | 3))
            && (1..=MOST_WIDTH).contains(&width)
            && blocks <= MOST_BLOCKS
            && noise_dim <= MOST_DIMS;
        if is_sound {
            return Ok(());
        }
        Err(format!(
            "has sizes that no translator of pictures has ({size} pixels, {takes} to {gives} channels, width {width}, {blocks} \
             blocks, noise {noise_dim})"
        ))
    }
}

impl Parameters for TranslatorConfig {
    fn graphs(&self) -> Vec<Graph> {
        vec![self.graph()]
    }
}

impl Parameters for PatchDiscriminatorConfig {
    fn graphs(&self) -> Vec<Graph> {
        vec![self.graph()]
    }
}
