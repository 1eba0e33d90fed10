use serde::{Deserialize, Serialize};

use crate::base::PixelRange;
use crate::data::Range;
use crate::nets::{IaeConditioning, IaeConfig, IaeLayout};
use crate::training::config::check::{ConfigError, is_rate, require};
use crate::training::config::method::Method;
use crate::training::config::section::{Section, Whole};

/// The values of implicit autoencoders (Makhzani 2018). The paper leaves optimiser, rates, batch and steps open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IaeTraining {
    /// Picture channels: 1 or 3; must be the data set's.
    pub channels: usize,
    /// Which layers the encoder and the decoder have.
    pub layout: IaeLayout,
    /// Height and width of the kernels: 4 or 6.
    pub kernel: usize,
    /// Feature maps next to the picture.
    pub width: usize,
    /// Units of the encoder's linear layers and of the discriminator of codes.
    pub units: usize,
    /// Units of the linear layers of decoder and discriminator of pictures in the linear layout.
    pub hidden: usize,
    /// Dimensions of the code z, or clusters.
    pub z_dim: usize,
    /// Dimensions of the decoder's noise n; 0 for a deterministic decoder.
    pub n_dim: usize,
    /// Dimensions of the encoder's noise eps; 0 for a deterministic encoder.
    pub eps_dim: usize,
    /// Whether z is a choice of one of `z_dim` clusters.
    pub categorical: bool,
    /// How the discriminator of pairs sees the code.
    pub conditioning: IaeConditioning,
    /// Pictures whose labels teach the encoder its choice, as many of each label; 0 for none. The data need labels, and as many
    /// of them as `z_dim`.
    #[serde(default, skip_serializing_if = "is_none")]
    pub labelled: usize,
    /// Learning rate of the Adams, with betas 0.5 and 0.999.
    pub learning_rate: f64,
}

/// Whether no picture has a label: what configurations from before there were any say by saying nothing.
fn is_none(labelled: &usize) -> bool {
    *labelled == 0
}

impl IaeTraining {
    /// The networks for pictures of `size`.
    pub fn networks(&self, size: usize) -> IaeConfig {
        IaeConfig {
            layout: self.layout,
            size,
            channels: self.channels,
            kernel: self.kernel,
            width: self.width,
            units: self.units,
            hidden: self.hidden,
            z_dim: self.z_dim,
            n_dim: self.n_dim,
            eps_dim: self.eps_dim,
            is_categorical: self.categorical,
            conditioning: self.conditioning,
        }
    }
}

impl Section for IaeTraining {
    fn channels(&self) -> usize {
        self.channels
    }

    fn range(&self) -> Range {
        match self.networks(0).range() {
            PixelRange::Unit => Range::Unit,
            _ => Range::Signed,
        }
    }

    fn check(&self, whole: Whole) -> Result<(), ConfigError> {
        require(
            whole.accumulate == 1,
            "accumulate must be 1, since the networks normalise by whole batches",
        )?;
        require(whole.batch > 1, "batch must be at least 2, since the networks normalise by the batch")?;
        self.networks(whole.size).check().map_err(|what| ConfigError(format!("the section [iae] {what}")))?;
        require(!self.categorical || self.z_dim > 1, "iae.z_dim must be at least 2, the number of clusters")?;
        require(
            self.labelled == 0 || (self.categorical && whole.method == Method::Iae),
            "iae.labelled teaches the choice of iae with iae.categorical alone; set it to 0",
        )?;
        require(is_rate(self.learning_rate), "iae.learning_rate must be a positive number")
    }
}
