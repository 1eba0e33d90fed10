use serde::{Deserialize, Serialize};

use crate::nets::{NetworkConfig, PatchChannels, PatchDiscriminatorConfig, TranslatorConfig};
use crate::training::config::check::{ConfigError, is_rate, is_schedule, is_weight, require};
use crate::training::config::ramp::Ramp;
use crate::training::config::section::{Section, Whole};

/// The values of CycleIAE (Makhzani 2018, section 3). The paper leaves discriminators, optimiser, rates, batch and steps open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CycleTraining {
    /// Data set specification of the second domain, whose pictures are the codes of the first one's.
    pub data2: String,
    /// Picture channels of the first domain: 1 or 3; must be the data set's.
    pub channels: usize,
    /// Those of the second domain.
    pub channels2: usize,
    /// Feature maps of the translators next to the pictures.
    pub width: usize,
    /// Residual blocks of the translators.
    pub blocks: usize,
    /// Feature maps of the discriminators next to the picture.
    pub discriminator_width: usize,
    /// Dimensions of the noise n on the way back, from the second domain to the first; 0 for none.
    pub n_dim: usize,
    /// Dimensions of the noise eps on the way there; 0 for none.
    pub eps_dim: usize,
    /// Weight of the mean absolute difference of pixels in the place of the discriminator of pairs; 0 for that discriminator.
    pub l1: f64,
    /// Standard deviation of the noise N(0, 1) on pictures before the discriminators, in units of half the way from black to white.
    pub noise: Ramp,
    /// Learning rate of the Adams, with betas 0.5 and 0.999.
    pub learning_rate: f64,
}

impl CycleTraining {
    /// The network from pictures of the first domain to those of the second.
    pub fn there(&self, size: usize) -> TranslatorConfig {
        let Self { width, blocks, .. } = *self;
        TranslatorConfig {
            size,
            takes: self.channels,
            gives: self.channels2,
            width,
            blocks,
            noise_dim: self.eps_dim,
        }
    }

    /// The network from pictures of the second domain to those of the first.
    pub fn back(&self, size: usize) -> TranslatorConfig {
        let there = self.there(size);
        TranslatorConfig { takes: there.gives, gives: there.takes, noise_dim: self.n_dim, ..there }
    }

    /// The discriminator of pairs of a picture of each domain.
    pub fn pair_discriminator(&self, size: usize) -> PatchDiscriminatorConfig {
        let channels = PatchChannels::Pair(self.channels, self.channels2);
        PatchDiscriminatorConfig { size, channels, width: self.discriminator_width }
    }

    /// The discriminator of pictures of the second domain.
    pub fn code_discriminator(&self, size: usize) -> PatchDiscriminatorConfig {
        PatchDiscriminatorConfig {
            channels: PatchChannels::One(self.channels2),
            ..self.pair_discriminator(size)
        }
    }
}

impl Section for CycleTraining {
    fn channels(&self) -> usize {
        self.channels
    }

    fn check(&self, whole: Whole) -> Result<(), ConfigError> {
        require(
            whole.accumulate == 1,
            "accumulate must be 1, since the networks normalise by whole batches",
        )?;
        require(whole.batch > 1, "batch must be at least 2, since the networks normalise by the batch")?;
        require(
            !self.data2.is_empty(),
            "cycle.data2 must name the pictures of the second domain (--data2 SPEC)",
        )?;
        require(
            whole.size >= PatchDiscriminatorConfig::SMALLEST,
            "size must be at least 24, of which the discriminators leave one place to judge",
        )?;
        for translator in [self.there(whole.size), self.back(whole.size)] {
            translator.check().map_err(|what| ConfigError(format!("the section [cycle] {what}")))?;
        }
        require(
            (1..=1024).contains(&self.discriminator_width),
            "cycle.discriminator_width must lie in 1..=1024",
        )?;
        require(is_weight(self.l1), "cycle.l1 must be a number of 0 or more")?;
        require(is_schedule(self.noise), "cycle.noise must be a number of 0 or more, from first to last")?;
        require(is_rate(self.learning_rate), "cycle.learning_rate must be a positive number")
    }
}
