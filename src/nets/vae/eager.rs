use candle_core::{Result, Tensor};

use crate::nets::{ConvDecoder, ConvEncoder, Weights};

use super::VaeConfig;
use super::graph::{DECODER, ENCODER};

/// The VAE of stage 1: an encoder to the posterior of c and a decoder back to the picture.
#[derive(Clone, Debug)]
pub struct Vae {
    encoder: PosteriorEncoder,
    decoder: ConvDecoder,
}

/// The VAE's encoder by itself: all that stage 2 needs of a VAE, and InfoGAN's Q.
#[derive(Clone, Debug)]
pub struct PosteriorEncoder {
    config: VaeConfig,
    net: ConvEncoder,
}

/// A diagonal Gaussian over c, `(N, c_dim)` each.
#[derive(Clone, Debug)]
pub struct Posterior {
    /// Means.
    pub mu: Tensor,
    /// Logarithms of the variances.
    pub logvar: Tensor,
}

impl PosteriorEncoder {
    /// Binds `encoder.layer.N` of `weights`.
    ///
    /// # Errors
    /// When one is missing.
    pub fn new(config: VaeConfig, weights: &Weights) -> Result<Self> {
        Ok(Self { config, net: ConvEncoder::new(weights, ENCODER)? })
    }

    /// The sizes.
    pub fn config(&self) -> &VaeConfig {
        &self.config
    }

    /// q(c|x) of pictures `(N, channels, 64, 64)` in [0, 1].
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn encode(&self, x: &Tensor) -> Result<Posterior> {
        let outputs = self.net.forward(x)?;
        let c_dim = self.config.c_dim;
        Ok(Posterior { mu: outputs.narrow(1, 0, c_dim)?, logvar: outputs.narrow(1, c_dim, c_dim)? })
    }
}

impl Vae {
    /// Binds `encoder.layer.N` and `decoder.layer.N` of `weights`.
    ///
    /// # Errors
    /// When one is missing.
    pub fn new(config: VaeConfig, weights: &Weights) -> Result<Self> {
        let encoder = PosteriorEncoder::new(config, weights)?;
        Ok(Self { encoder, decoder: ConvDecoder::new(weights, DECODER)? })
    }

    /// The sizes.
    pub fn config(&self) -> &VaeConfig {
        self.encoder.config()
    }

    /// q(c|x) of pictures `(N, channels, 64, 64)` in [0, 1].
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn encode(&self, x: &Tensor) -> Result<Posterior> {
        self.encoder.encode(x)
    }

    /// Logits `(N, channels, 64, 64)` of codes `(N, c_dim)`; the picture is their sigmoid.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn decode(&self, c: &Tensor) -> Result<Tensor> {
        self.decoder.forward(c)
    }
}

impl Posterior {
    /// A reparametrised sample: mu + exp(logvar / 2) * `noise`, `noise` from N(0, I) of the same shape.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn sample(&self, noise: &Tensor) -> Result<Tensor> {
        &self.mu + (&self.logvar * 0.5)?.exp()?.mul(noise)?
    }

    /// The same without a graph behind it: what stage 2 sees of the frozen encoder.
    pub fn detach(&self) -> Self {
        Self { mu: self.mu.detach(), logvar: self.logvar.detach() }
    }
}
