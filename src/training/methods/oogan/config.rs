use serde::{Deserialize, Serialize};

use crate::nets::{OoganConfig, OoganKind};
use crate::training::config::check::{ConfigError, is_rate, is_schedule, is_weight, require};
use crate::training::config::method::Method;
use crate::training::config::ramp::Ramp;
use crate::training::config::section::{Section, Whole};

/// The values of OOGAN and of the InfoGAN that it is compared with (Liu et al., AAAI 2020).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OoganTraining {
    /// Picture channels: 1 or 3; must be the data set's.
    pub channels: usize,
    /// Dimensions of the controls c, from 0 to 1.
    pub c_dim: usize,
    /// Dimensions of the noise z; 0 for none.
    pub z_dim: usize,
    /// What the widths of all layers are multiples of.
    pub width: usize,
    /// How the generator takes its codes: `oogan`, where c alone draws and lets z in ("compete-free"), or `info-gan`, side by
    /// side. oogan's alone.
    pub input: OoganKind,
    /// How the reader ends: `oogan` with kernels of each feature map, or `info-gan` with convolutions. oogan's alone.
    pub reader: OoganKind,
    /// Whether the reader says c alone, without how sure it is.
    #[serde(default)]
    pub is_certain: bool,
    /// Whether every other step draws controls of which one is 1, and asks the reader which; oogan's alone.
    pub one_hot: bool,
    /// Whether the kernels of the reader are kept orthogonal; oogan's alone.
    pub orthogonal: bool,
    /// Weight of what c costs the reader.
    pub lambda: f64,
    /// Weight of what it costs to choose the control that is 1, beside the method's own .2 and .8; oogan's alone.
    pub gamma: f64,
    /// Adam's learning rate of the generator against the discriminator.
    pub learning_rate_generator: f64,
    /// Adam's learning rate of the discriminator.
    pub learning_rate_discriminator: f64,
    /// Adam's learning rate of generator and reader for what c costs.
    pub learning_rate_information: f64,
    /// Adam's learning rate at which the reader's kernels become orthogonal; oogan's alone.
    pub learning_rate_kernels: f64,
    /// The same of the maps that the reader's last feature maps are multiplied by; oogan's alone.
    pub learning_rate_product: f64,
    /// Standard deviation of the Gaussian noise on real pictures.
    pub noise: Ramp,
    /// Decay of the moving average of the generator's weights, which is what is shown and measured.
    pub ema_decay: f64,
    /// Whether real pictures are mirrored at random.
    pub flip: bool,
}

impl OoganTraining {
    /// The values that `method` trains with: those of InfoGAN are its own.
    #[must_use]
    pub fn of(&self, method: Method) -> Self {
        match method {
            Method::OoganInfogan => Self {
                input: OoganKind::InfoGan,
                reader: OoganKind::InfoGan,
                one_hot: false,
                orthogonal: false,
                ..self.clone()
            },
            _ => self.clone(),
        }
    }

    /// The sizes of the networks for pictures of `size` pixels each way.
    pub fn networks(&self, size: usize) -> OoganConfig {
        let Self { channels, c_dim, z_dim, width, input, reader, is_certain, .. } = *self;
        OoganConfig { size, channels, c_dim, z_dim, width, input, reader, is_certain }
    }

    /// Whether there are kernels to keep orthogonal, and they are.
    pub fn keeps_orthogonal(&self) -> bool {
        self.orthogonal && self.reader == OoganKind::Oogan
    }
}

impl Section for OoganTraining {
    fn channels(&self) -> usize {
        self.channels
    }

    fn flips(&self) -> bool {
        self.flip
    }

    fn check(&self, whole: Whole) -> Result<(), ConfigError> {
        require(
            OoganConfig::sizes().any(|size| size == whole.size),
            "size must be 32, 64, 128 or 256, those of OOGAN's networks",
        )?;
        require(
            whole.accumulate == 1,
            "accumulate must be 1, since the networks normalise by whole batches",
        )?;
        require(whole.batch > 1, "batch must be at least 2, since the networks normalise by the batch")?;
        self.of(whole.method)
            .networks(whole.size)
            .check()
            .map_err(|what| ConfigError(format!("the section [oogan] {what}")))?;
        let rates = [
            self.learning_rate_generator,
            self.learning_rate_discriminator,
            self.learning_rate_information,
            self.learning_rate_kernels,
            self.learning_rate_product,
        ];
        require(rates.into_iter().all(is_rate), "oogan's learning rates must be positive numbers")?;
        require(
            is_schedule(self.noise) && is_weight(self.lambda) && is_weight(self.gamma),
            "oogan.lambda, oogan.gamma and oogan.noise must be numbers of 0 or more",
        )?;
        require((0.0..1.0).contains(&self.ema_decay), "oogan.ema_decay must lie in 0..1")
    }
}
