use serde::{Deserialize, Serialize};

use crate::nets::{DiscriminatorConfig, GeneratorConfig, ResnetTrunk};

use super::ramp::Ramp;

/// The values of stage 2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GanTraining {
    /// The VAE to distil: a bundle, a run folder or a published PyTorch file. Empty for methods that take none.
    pub vae: String,
    /// The GAN whose weights these networks start from, of the same sizes or of half the picture size: a bundle, a run
    /// folder or a published PyTorch file. Empty for random weights.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub start: String,
    /// Dimensions of the nuisance code s.
    pub s_dim: usize,
    /// Dimensions of InfoGAN's code c; in every other method it is the VAE's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c_dim: Option<usize>,
    /// Picture channels: 1 or 3; must be the data set's and the VAE's.
    pub channels: usize,
    /// Architecture of generator and discriminator.
    pub nets: GanNets,
    /// Feature maps at full resolution (residual networks).
    pub nfilter: usize,
    /// Most feature maps at any resolution (residual networks).
    pub nfilter_max: usize,
    /// RMSprop's learning rate for the generator.
    pub learning_rate_generator: Ramp,
    /// RMSprop's learning rate for the discriminator.
    pub learning_rate_discriminator: Ramp,
    /// The first steps, over which both rates rise from 0 to their values; where left out 0, and 500 with a start:
    /// RMSprop's first steps are ten times as long as its rate says, which would spoil trained weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<u64>,
    /// Weight of R1 without the factor 1/2.
    pub reg_param: f64,
    /// R1 is computed every so many steps and then weighs so many times as much (1: every step, as published).
    pub r1_every: u64,
    /// Weight of the distillation loss (lambda of Eq. 2), and of InfoGAN's.
    pub w_info: f64,
    /// Weight of VAE-GAN's adversarial loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub w_adv: Option<f64>,
    /// How pictures larger than 64x64 are brought to the encoder.
    pub downsample: Downsample,
    /// Decay of the generator's moving average.
    pub ema_decay: f64,
    /// Mirror real pictures at random (photos).
    pub flip: bool,
    /// Add U(0, 1)/128 to real pictures (photos).
    pub dequantise: bool,
}

/// Steps over which the rates of networks with trained weights rise, where nothing else is said.
const WARM_UP: u64 = 500;

/// Families of generator and discriminator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GanNets {
    /// The VAE's shapes; 64x64 only.
    Small,
    /// Residual networks.
    Resnet,
    /// Residual networks, the discriminator with a variational bottleneck.
    ResnetVdb,
}

/// How a generator's picture is brought down to the encoder's 64x64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Downsample {
    /// Mean over whole blocks (the published implementation).
    Area,
    /// Bilinear without antialiasing (paper footnote 5).
    Bilinear,
}

/// The share of a GAN's learning rates that a step takes while they rise over the first `warm_up`, or over the usual number
/// where nobody said and the run starts from trained weights.
pub(in crate::training) fn warmth(warm_up: Option<u64>, starts: bool, step: u64) -> f64 {
    let warm_up = warm_up.unwrap_or(if starts { WARM_UP } else { 0 });
    if step >= warm_up { 1.0 } else { (step + 1) as f64 / warm_up as f64 }
}

impl GanTraining {
    /// The generator's learning rate at `step`, counted from 0.
    pub fn generator_rate(&self, step: u64) -> f64 {
        self.learning_rate_generator.at(step) * self.warmth(step)
    }

    /// The discriminator's learning rate at `step`, counted from 0.
    pub fn discriminator_rate(&self, step: u64) -> f64 {
        self.learning_rate_discriminator.at(step) * self.warmth(step)
    }

    fn warmth(&self, step: u64) -> f64 {
        warmth(self.warm_up, !self.start.is_empty(), step)
    }

    /// The generator for pictures of `size` and a code of `c_dim` dimensions.
    pub fn generator(&self, size: usize, c_dim: usize) -> GeneratorConfig {
        let z_dim = self.s_dim + c_dim;
        match self.nets {
            GanNets::Small => GeneratorConfig::Small { z_dim, channels: self.channels },
            GanNets::Resnet | GanNets::ResnetVdb => {
                GeneratorConfig::Resnet { z_dim, trunk: self.trunk(size) }
            }
        }
    }

    /// The discriminator for pictures of `size`.
    pub fn discriminator(&self, size: usize) -> DiscriminatorConfig {
        match self.nets {
            GanNets::Small => DiscriminatorConfig::Small { channels: self.channels },
            GanNets::Resnet => DiscriminatorConfig::Resnet { trunk: self.trunk(size) },
            GanNets::ResnetVdb => DiscriminatorConfig::ResnetVdb { trunk: self.trunk(size) },
        }
    }

    fn trunk(&self, size: usize) -> ResnetTrunk {
        ResnetTrunk { size, nfilter: self.nfilter, nfilter_max: self.nfilter_max, channels: self.channels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_rise_over_the_warm_up_and_then_follow_their_ramp() {
        let mut gan = crate::training::preset(crate::training::Family::Gan, "scenes-small")
            .and_then(|config| config.gan)
            .expect("a GAN");
        gan.learning_rate_generator = Ramp { from: 4e-4, to: 0.0, over: 100 };
        assert_eq!(gan.generator_rate(0), 4e-4, "no warm-up");
        gan.warm_up = Some(10);
        assert_eq!(
            [gan.generator_rate(0), gan.generator_rate(50), gan.generator_rate(200)],
            [4e-5, 2e-4, 0.0]
        );
        assert_eq!(gan.discriminator_rate(4), 0.5 * gan.discriminator_rate(40));
        (gan.warm_up, gan.start) = (None, "runs/gan".into());
        assert_eq!(gan.discriminator_rate(249), 0.5 * gan.discriminator_rate(499), "with a start");
    }
}
