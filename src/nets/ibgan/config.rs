use serde::{Deserialize, Serialize};

use crate::base::PixelRange;
use crate::graph::Graph;
use crate::nets::{NetworkConfig, Parameters};

/// Most dimensions of a code.
const MOST_DIMS: usize = 1 << 16;
/// Most feature maps next to the picture.
const MOST_WIDTH: usize = 1 << 12;

/// The sizes of IB-GAN's networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IbGanConfig {
    /// Which of the two published forms they have.
    pub form: IbGanForm,
    /// Picture channels: 1 or 3.
    pub channels: usize,
    /// Dimensions of the noise z, N(0, I).
    pub z_dim: usize,
    /// Dimensions of the representation r that the generator draws; as many as of z where there is no emitter.
    pub r_dim: usize,
    /// Feature maps of the generator next to the picture: `ngf` in published files.
    pub generator_width: usize,
    /// Feature maps of discriminator and reader next to the picture: `ndf` in published files.
    pub discriminator_width: usize,
}

/// The published forms of IB-GAN's networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IbGanForm {
    /// For dSprites: discriminator and reader are networks of their own, and the emitter has no batch normalisation.
    Sprites,
    /// For chairs and faces: discriminator and reader share the layers next to the picture.
    Photos,
}

/// One of IB-GAN's networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IbGanPart {
    /// e: from z to mean and log variance of r.
    Emitter,
    /// G: from r to a picture in [-1, 1].
    Generator,
    /// D: from a picture in [-1, 1] to a logit.
    Discriminator,
    /// Q: from a picture in [-1, 1] to mean and log variance of z; the log variance is 0.
    Reader,
}

/// One of IB-GAN's networks and its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IbGanNetwork {
    /// The sizes of all of them.
    #[serde(flatten)]
    pub config: IbGanConfig,
    /// Which one.
    pub part: IbGanPart,
}

impl IbGanConfig {
    /// Height and width of the pictures.
    pub const SIZE: usize = 64;

    /// One of the networks.
    pub fn part(self, part: IbGanPart) -> IbGanNetwork {
        IbGanNetwork { config: self, part }
    }

    /// Channels, height and width of the pictures.
    pub fn picture_shape(&self) -> [usize; 3] {
        [self.channels, Self::SIZE, Self::SIZE]
    }

    /// Checks that networks of these sizes could be.
    ///
    /// # Errors
    /// Says the sizes, in words that go on after the network's name.
    pub fn check(&self) -> Result<(), String> {
        let Self { channels, z_dim, r_dim, generator_width, discriminator_width, .. } = *self;
        let is_sound = matches!(channels, 1 | 3)
            && [z_dim, r_dim].iter().all(|dims| (1..=MOST_DIMS).contains(dims))
            && [generator_width, discriminator_width].iter().all(|width| (1..=MOST_WIDTH).contains(width));
        if is_sound {
            return Ok(());
        }
        Err(format!(
            "has sizes that no IB-GAN has (z {z_dim}, r {r_dim}, widths {generator_width} and {discriminator_width}, {channels} \
             channels)"
        ))
    }
}

impl NetworkConfig for IbGanNetwork {
    fn graph(&self) -> Graph {
        match self.part {
            IbGanPart::Emitter => self.config.emitter_graph(),
            IbGanPart::Generator => self.config.generator_graph(),
            IbGanPart::Discriminator => self.config.discriminator_graph(),
            IbGanPart::Reader => self.config.reader_graph(),
        }
    }

    fn range(&self) -> PixelRange {
        PixelRange::Signed
    }

    fn check(&self) -> Result<(), String> {
        self.config.check()
    }
}

/// All networks: emitter, generator, then what discriminator and reader share, the reader's own and the discriminator's own
/// layers.
impl Parameters for IbGanConfig {
    fn graphs(&self) -> Vec<Graph> {
        vec![self.emitter_graph(), self.generator_graph(), self.critic_graph()]
    }
}
