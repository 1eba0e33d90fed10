use serde::{Deserialize, Serialize};

use crate::base::PixelRange;
use crate::graph::Graph;
use crate::nets::{NetworkConfig, Parameters};

/// Most dimensions of a code.
const MOST_DIMS: usize = 1 << 16;
/// Most feature maps next to the picture, and units of a layer.
const MOST_WIDTH: usize = 1 << 14;
/// Largest height and width of a picture.
const MOST_SIDE: usize = 1 << 10;

/// The sizes of an implicit autoencoder's networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IaeConfig {
    /// Which layers the encoder and the decoder have.
    pub layout: IaeLayout,
    /// Height and width of the pictures: a multiple of 4 (linear) or 8 (convolutional).
    pub size: usize,
    /// Picture channels: 1 or 3.
    pub channels: usize,
    /// Height and width of the kernels: 4 or 6.
    pub kernel: usize,
    /// Feature maps next to the picture: 64 (tables 1 and 2) or 128 (table 3).
    pub width: usize,
    /// Units of the encoder's linear layers and of the discriminator of codes (2000), and twice those of a conditioning that
    /// depends on the place (1000).
    pub units: usize,
    /// Units of the linear layers of the decoder and the discriminator of pictures in the linear layout (1024).
    pub hidden: usize,
    /// Dimensions of the code z.
    pub z_dim: usize,
    /// Dimensions of the decoder's noise n, N(0, I); 0 for none.
    pub n_dim: usize,
    /// Dimensions of the encoder's noise eps, N(0, I); 0 for none.
    pub eps_dim: usize,
    /// Whether z is a choice of one of `z_dim` clusters, so that the encoder ends in a softmax.
    pub is_categorical: bool,
    /// How the discriminator of pairs sees the code.
    pub conditioning: IaeConditioning,
}

/// Which layers encoder and decoder have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IaeLayout {
    /// MNIST's (table 1): a linear encoder, a decoder that doubles twice; pictures in [0, 1].
    Linear,
    /// That of SVHN and CelebA (tables 2 and 3): an encoder that halves three times, a decoder that doubles as often; pictures in
    /// [-1, 1].
    Convolutional,
}

/// What the discriminator of pairs adds to the results of its first convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IaeConditioning {
    /// A map made of the code, the same for all channels: for reconstruction.
    ByPlace,
    /// A number a channel made of the code, the same everywhere: for clustering.
    ByChannel,
}

/// One of an implicit autoencoder's networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IaePart {
    /// f: from a picture, and eps, to z, or to the probabilities of clusters.
    Encoder,
    /// g: from z and n, side by side, to a picture.
    Decoder,
    /// From a picture and z to a logit.
    PairDiscriminator,
    /// From z to a logit.
    CodeDiscriminator,
    /// From a picture to a logit.
    PictureDiscriminator,
}

/// One of an implicit autoencoder's networks and its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IaeNetwork {
    /// The sizes of all of them.
    #[serde(flatten)]
    pub config: IaeConfig,
    /// Which one.
    pub part: IaePart,
}

impl IaeConfig {
    /// MNIST's networks (table 1), 28x28.
    pub fn mnist(z_dim: usize, n_dim: usize) -> Self {
        Self {
            layout: IaeLayout::Linear,
            size: 28,
            channels: 1,
            kernel: 4,
            width: 64,
            units: 2000,
            hidden: 1024,
            z_dim,
            n_dim,
            eps_dim: 0,
            is_categorical: false,
            conditioning: IaeConditioning::ByPlace,
        }
    }

    /// SVHN's networks (table 2), 32x32.
    pub fn svhn(z_dim: usize, n_dim: usize) -> Self {
        Self { layout: IaeLayout::Convolutional, size: 32, channels: 3, ..Self::mnist(z_dim, n_dim) }
    }

    /// CelebA's networks (table 3), 48x48.
    pub fn celeba(z_dim: usize, n_dim: usize) -> Self {
        Self { size: 48, kernel: 6, width: 128, ..Self::svhn(z_dim, n_dim) }
    }

    /// One of the networks.
    pub fn part(self, part: IaePart) -> IaeNetwork {
        IaeNetwork { config: self, part }
    }

    /// Channels, height and width of the pictures.
    pub fn picture_shape(&self) -> [usize; 3] {
        [self.channels, self.size, self.size]
    }

    /// Which numbers of the pictures stand for black and white.
    pub fn range(&self) -> PixelRange {
        match self.layout {
            IaeLayout::Linear => PixelRange::Unit,
            IaeLayout::Convolutional => PixelRange::Signed,
        }
    }

    /// Halvings from the picture to the smallest map.
    pub(super) fn levels(&self) -> u32 {
        match self.layout {
            IaeLayout::Linear => 2,
            IaeLayout::Convolutional => 3,
        }
    }

    /// Checks that networks of these sizes could be.
    ///
    /// # Errors
    /// Says the sizes, in words that go on after the network's name.
    pub fn check(&self) -> Result<(), String> {
        let Self { size, channels, kernel, width, units, hidden, z_dim, n_dim, eps_dim, .. } = *self;
        let is_sound = (1..=MOST_SIDE).contains(&size)
            && size.is_multiple_of(1 << self.levels())
            && matches!(channels, 1 | 3)
            && matches!(kernel, 4 | 6)
            && [width, hidden].iter().all(|width| (1..=MOST_WIDTH).contains(width))
            && (2..=MOST_WIDTH).contains(&units)
            && (1..=MOST_DIMS).contains(&z_dim)
            && [n_dim, eps_dim].iter().all(|&dims| dims <= MOST_DIMS);
        if is_sound {
            return Ok(());
        }
        Err(format!(
            "has sizes that no implicit autoencoder has ({size} pixels, {channels} channels, kernels of {kernel}, width {width}, \
             {units} and {hidden} units, z {z_dim}, n {n_dim}, eps {eps_dim})"
        ))
    }
}

impl NetworkConfig for IaeNetwork {
    fn graph(&self) -> Graph {
        match self.part {
            IaePart::Encoder => self.config.encoder_graph(),
            IaePart::Decoder => self.config.decoder_graph(),
            IaePart::PairDiscriminator => self.config.pair_discriminator_graph(),
            IaePart::CodeDiscriminator => self.config.code_discriminator_graph(),
            IaePart::PictureDiscriminator => self.config.picture_discriminator_graph(),
        }
    }

    fn range(&self) -> PixelRange {
        self.config.range()
    }

    fn check(&self) -> Result<(), String> {
        self.config.check()
    }
}

impl Parameters for IaeNetwork {
    fn graphs(&self) -> Vec<Graph> {
        vec![self.graph()]
    }
}
