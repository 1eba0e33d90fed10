use serde::{Deserialize, Serialize};

use crate::base::PixelRange;
use crate::graph::Graph;
use crate::nets::{NetworkConfig, Parameters};

use super::widths::{WIDTHS, Widths};

/// Most dimensions of a code.
const MOST_DIMS: usize = 1 << 12;
/// Most feature maps next to the picture.
const MOST_WIDTH: usize = 1 << 12;

/// The sizes of OOGAN's networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OoganConfig {
    /// Height and width of the pictures: 32, 64, 128 or 256.
    pub size: usize,
    /// Picture channels: 1 or 3.
    pub channels: usize,
    /// Dimensions of the controls c in [0, 1].
    pub c_dim: usize,
    /// Dimensions of the noise z, N(0, I); 0 for none.
    pub z_dim: usize,
    /// What widths are multiples of: 64 in published files.
    pub width: usize,
    /// How the generator takes its codes.
    pub input: OoganKind,
    /// How the reader ends.
    pub reader: OoganKind,
    /// Whether the reader gives c alone, and no uncertainty.
    #[serde(default)]
    pub is_certain: bool,
}

/// Whose form a part of a network has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OoganKind {
    /// OOGAN's: what c draws, and z where c lets it; a reader of orthogonal kernels.
    Oogan,
    /// InfoGAN's: both codes side by side; a reader of convolutions.
    InfoGan,
}

/// One of OOGAN's networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OoganPart {
    /// G: from c and z, side by side, to a picture in [-1, 1].
    Generator,
    /// D: from a picture in [-1, 1] to a score.
    Discriminator,
    /// Q: from a picture in [-1, 1] to mean and log variance of c.
    Reader,
}

/// One of OOGAN's networks and its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OoganNetwork {
    /// The sizes of all of them.
    #[serde(flatten)]
    pub config: OoganConfig,
    /// Which one.
    pub part: OoganPart,
}

impl OoganConfig {
    /// The sizes of pictures that there are networks for.
    pub fn sizes() -> impl Iterator<Item = usize> {
        WIDTHS.iter().map(|widths| widths.size)
    }

    /// One of the networks.
    pub fn part(self, part: OoganPart) -> OoganNetwork {
        OoganNetwork { config: self, part }
    }

    /// Channels, height and width of the pictures.
    pub fn picture_shape(&self) -> [usize; 3] {
        [self.channels, self.size, self.size]
    }

    /// How many numbers the reader ends in: means and logarithms of standard deviations, or means alone.
    pub fn read(&self) -> usize {
        if self.is_certain { self.c_dim } else { 2 * self.c_dim }
    }

    /// The generator's feature maps of 4x4 and of 8x8; `None` where there are no pictures of this size.
    pub fn first_maps(&self) -> Option<[usize; 2]> {
        Widths::of(self.size).map(|widths| widths.first.map(|times| times * self.width))
    }

    /// The generator's feature maps of 4x4, in multiples of the width; `None` where there are no pictures of this size.
    pub fn first_width(size: usize) -> Option<usize> {
        Widths::of(size).map(|widths| widths.first[0])
    }

    /// The layers of a part that training normalises spectrally.
    pub fn spectral_layers(&self, part: OoganPart) -> Vec<String> {
        let doublings = Widths::of(self.size).map_or(0, |widths| widths.doubled.len());
        let names = match (part, self.reader) {
            (OoganPart::Generator, _) => return vec![format!("blocks.{doublings}.0")],
            (OoganPart::Discriminator, _) => &["feat_16.0", "real_fake.2"][..],
            (OoganPart::Reader, OoganKind::Oogan) => &["feat_16.0"],
            (OoganPart::Reader, OoganKind::InfoGan) => &["feat_16.0", "pred_c.2"],
        };
        names.iter().map(|&name| name.to_owned()).collect()
    }

    /// Checks that networks of these sizes could be.
    ///
    /// # Errors
    /// Says the sizes, in words that go on after the network's name.
    pub fn check(&self) -> Result<(), String> {
        let Self { size, channels, c_dim, z_dim, width, .. } = *self;
        let is_sound = Self::sizes().any(|known| known == size)
            && matches!(channels, 1 | 3)
            && (1..=MOST_DIMS).contains(&c_dim)
            && (z_dim <= MOST_DIMS && z_dim != 1)
            && (1..=MOST_WIDTH).contains(&width);
        if is_sound {
            return Ok(());
        }
        Err(format!(
            "has sizes that no OOGAN has ({size} pixels, {channels} channels, c {c_dim}, z {z_dim}, width {width})"
        ))
    }
}

impl NetworkConfig for OoganNetwork {
    fn graph(&self) -> Graph {
        match self.part {
            OoganPart::Generator => self.config.generator_graph(),
            OoganPart::Discriminator => self.config.discriminator_graph(),
            OoganPart::Reader => self.config.reader_graph(),
        }
    }

    fn range(&self) -> PixelRange {
        PixelRange::Signed
    }

    fn check(&self) -> Result<(), String> {
        self.config.check()
    }
}

/// All networks: the generator, then what discriminator and reader share, the score's layers and the reader's.
impl Parameters for OoganConfig {
    fn graphs(&self) -> Vec<Graph> {
        vec![self.generator_graph(), self.critic_graph()]
    }
}
