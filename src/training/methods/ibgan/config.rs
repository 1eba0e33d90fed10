use serde::{Deserialize, Serialize};

use crate::nets::{IbGanConfig, IbGanForm};
use crate::training::config::check::{ConfigError, is_rate, is_schedule, is_weight, require};
use crate::training::config::method::Method;
use crate::training::config::ramp::Ramp;
use crate::training::config::section::{Section, Whole};

/// The values of IB-GAN and of the GANs that it is compared with, in its own networks (Jeon et al., AAAI 2021).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IbGanTraining {
    /// Picture channels: 1 or 3; must be the data set's.
    pub channels: usize,
    /// Which of the two published forms the networks have.
    pub form: IbGanForm,
    /// Dimensions of the noise z.
    pub z_dim: usize,
    /// Dimensions of the representation r; ib-gan's alone.
    pub r_dim: usize,
    /// Feature maps of the generator next to the picture.
    pub generator_width: usize,
    /// Feature maps of discriminator and reader next to the picture.
    pub discriminator_width: usize,
    /// Weight of the upper bound KL; ib-gan's alone. At 0 it counts a hundredfold from 20 nats on, as published.
    pub beta: Ramp,
    /// Weight of the lower bound I_L; at least beta makes sense.
    pub lambda: f64,
    /// RMSprop's learning rate of generator, emitter and reader.
    pub learning_rate_generator: f64,
    /// RMSprop's learning rate of the discriminator, and of the layers that it shares with the reader.
    pub learning_rate_discriminator: f64,
    /// RMSprop's momentum.
    pub momentum: f64,
    /// Standard deviation of the Gaussian noise on real and generated pictures before the discriminator; noisy pictures are
    /// cut off at -1 and 1.
    pub noise: Ramp,
    /// What stands for "real" in the discriminator's loss is drawn uniformly between these, for each picture anew.
    pub real_labels: [f64; 2],
    /// How the weights start.
    pub initialisation: IbGanInitialisation,
}

/// How the weights of IB-GAN's networks start; biases are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IbGanInitialisation {
    /// N(0, 0.02).
    Normal,
    /// Orthogonal matrices.
    Orthogonal,
}

impl IbGanTraining {
    /// The sizes of the networks as `method` has them: without an emitter the generator draws z itself.
    pub fn networks(&self, method: Method) -> IbGanConfig {
        IbGanConfig {
            form: self.form,
            channels: self.channels,
            z_dim: self.z_dim,
            r_dim: if method == Method::IbGan { self.r_dim } else { self.z_dim },
            generator_width: self.generator_width,
            discriminator_width: self.discriminator_width,
        }
    }
}

impl Section for IbGanTraining {
    fn channels(&self) -> usize {
        self.channels
    }

    fn check(&self, whole: Whole) -> Result<(), ConfigError> {
        let size = IbGanConfig::SIZE;
        require(whole.size == size, &format!("size must be {size}, that of IB-GAN's networks"))?;
        require(
            whole.accumulate == 1,
            "accumulate must be 1, since the networks normalise by whole batches",
        )?;
        require(whole.batch > 1, "batch must be at least 2, since the networks normalise by the batch")?;
        self.networks(whole.method)
            .check()
            .map_err(|what| ConfigError(format!("the section [ibgan] {what}")))?;
        require(
            is_rate(self.learning_rate_generator) && is_rate(self.learning_rate_discriminator),
            "ibgan.learning_rate_generator and ibgan.learning_rate_discriminator must be positive numbers",
        )?;
        require((0.0..1.0).contains(&self.momentum), "ibgan.momentum must lie in 0..1")?;
        require(
            is_schedule(self.beta) && is_schedule(self.noise) && is_weight(self.lambda),
            "ibgan.beta, ibgan.lambda and ibgan.noise must be numbers of 0 or more",
        )?;
        let [low, high] = self.real_labels;
        require(
            is_weight(low) && is_weight(high) && low <= high,
            "ibgan.real_labels must be two numbers of 0 or more, the smaller one first",
        )
    }
}
