use serde::{Deserialize, Serialize};

use crate::nets::VaeConfig;
use crate::objectives::{Likelihood, MinibatchSampling};

use super::ramp::Ramp;

/// The values of stage 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaeTraining {
    /// The VAE whose weights it starts from, of the same sizes: a bundle, a run folder or a published PyTorch file. Empty
    /// for random weights.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub start: String,
    /// Dimensions of c.
    pub c_dim: usize,
    /// Picture channels: 1 or 3; must be the data set's.
    pub channels: usize,
    /// How the decoder explains a picture.
    pub likelihood: Likelihood,
    /// How the weights start.
    pub initialisation: Initialisation,
    /// Learning rate of Adam with betas 0.9 and 0.999.
    pub learning_rate: f64,
    /// Weight of the KL divergence; beta-TCVAE's of the total correlation.
    pub beta: Ramp,
    /// FactorVAE's weight of the total correlation.
    pub gamma: f64,
    /// The annealed VAE's capacity in nats over the steps.
    pub capacity: Ramp,
    /// The annealed VAE's weight of the distance between KL divergence and capacity.
    pub capacity_weight: f64,
    /// How beta-TCVAE estimates the total correlation from a minibatch.
    #[serde(default)]
    pub sampling: MinibatchSampling,
    /// DIP-VAE's weight of the squared covariances of different dimensions.
    #[serde(default = "lambda_od")]
    pub lambda_od: f64,
    /// DIP-VAE's weight of the squared distances of variances from 1, in units of `lambda_od`.
    #[serde(default = "lambda_d_factor")]
    pub lambda_d_factor: f64,
}

/// In the middle of the published values.
pub(in crate::training) fn lambda_od() -> f64 {
    10.0
}

/// DIP-VAE-I's.
pub(in crate::training) fn lambda_d_factor() -> f64 {
    10.0
}

/// How a VAE's weights start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initialisation {
    /// N(0, 0.02) with zero biases: the published implementation. Learns nothing for some thousand steps, and with
    /// a high beta for much longer.
    Normal,
    /// PyTorch's default, uniform in ±1/sqrt(fan_in): with most seeds finds x and y within 300 steps at beta 30. It weakens
    /// the signal from layer to layer, so that the weighted divergence alone drives the encoder at first, and Adam at 1e-3
    /// moves each weight by 1e-3 a step however small its gradient is. With some seeds the ReLUs of the encoder's second
    /// convolution are all dead after 150 steps, and the code stays empty, whatever beta does later.
    Uniform,
    /// He et al.'s: weights N(0, 2 / fan_in), zero biases, the encoder's last layer a tenth. No ReLUs die; alone it spreads x
    /// and y over several dimensions, which a beta that starts high and falls keeps apart.
    He,
}

impl VaeTraining {
    /// The network.
    pub fn network(&self) -> VaeConfig {
        VaeConfig { channels: self.channels, c_dim: self.c_dim }
    }
}
