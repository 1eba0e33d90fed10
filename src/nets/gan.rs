use candle_core::{Result, Tensor};

use super::conv_stack::ConvTrace;
use super::resnet::ResnetTrace;
use super::{
    ConvDecoder, ConvEncoder, DiscriminatorConfig, GeneratorConfig, ResnetDiscriminator, ResnetGenerator,
    Weights,
};

/// Any generator.
#[derive(Clone, Debug)]
pub enum Generator {
    /// The VAE decoder's shape with tanh.
    Small(ConvDecoder),
    /// The residual one.
    Resnet(ResnetGenerator),
}

/// Any discriminator.
#[derive(Clone, Debug)]
pub enum Discriminator {
    /// The VAE encoder's shape with one output.
    Small(ConvEncoder),
    /// The residual one, with or without a bottleneck.
    Resnet(ResnetDiscriminator),
}

/// What a discriminator says of a batch.
#[derive(Debug)]
pub struct Verdict {
    /// Logits `(N,)`, positive for "real".
    pub logits: Tensor,
    /// Mean KL divergence of the bottleneck, a scalar; `None` without a bottleneck.
    pub kl: Option<Tensor>,
    trace: Trace,
}

#[derive(Debug)]
enum Trace {
    Small(ConvTrace),
    Resnet(ResnetTrace),
}

impl Generator {
    /// Binds the weights of `config`.
    ///
    /// # Errors
    /// When one is missing.
    pub fn new(config: &GeneratorConfig, weights: &Weights) -> Result<Self> {
        match config {
            GeneratorConfig::Small { .. } => Ok(Self::Small(ConvDecoder::new(weights, "")?)),
            GeneratorConfig::Resnet { trunk, .. } => Ok(Self::Resnet(ResnetGenerator::new(trunk, weights)?)),
        }
    }

    /// Codes `(N, z_dim)` to pictures `(N, channels, size, size)` in [-1, 1].
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn forward(&self, z: &Tensor) -> Result<Tensor> {
        match self {
            Self::Small(net) => net.forward(z)?.tanh(),
            Self::Resnet(net) => net.forward(z),
        }
    }
}

impl Discriminator {
    /// Binds the weights of `config`.
    ///
    /// # Errors
    /// When one is missing.
    pub fn new(config: &DiscriminatorConfig, weights: &Weights) -> Result<Self> {
        match config {
            DiscriminatorConfig::Small { .. } => Ok(Self::Small(ConvEncoder::new(weights, "")?)),
            DiscriminatorConfig::Resnet { trunk } | DiscriminatorConfig::ResnetVdb { trunk } => {
                Ok(Self::Resnet(ResnetDiscriminator::new(trunk, weights)?))
            }
        }
    }

    /// Judges pictures `(N, channels, size, size)` in [-1, 1]. `noise` is the bottleneck's sampling noise,
    /// see [`DiscriminatorConfig::noise_shape`]; others ignore it.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn judge(&self, x: &Tensor, noise: Option<&Tensor>) -> Result<Verdict> {
        match self {
            Self::Small(net) => {
                let (outputs, trace) = net.trace(x)?;
                Ok(Verdict { logits: outputs.squeeze(1)?, kl: None, trace: Trace::Small(trace) })
            }
            Self::Resnet(net) => {
                let trace = net.trace(x, noise)?;
                Ok(Verdict {
                    logits: trace.logits.clone(),
                    kl: trace.kl.clone(),
                    trace: Trace::Resnet(trace),
                })
            }
        }
    }

    /// The gradient of each picture's logit in the picture, as an expression that one ordinary `backward`
    /// differentiates in the weights (R1). Has the picture's shape.
    ///
    /// # Errors
    /// When `verdict` comes from another network.
    pub fn input_gradient(&self, verdict: &Verdict) -> Result<Tensor> {
        match (self, &verdict.trace) {
            (Self::Small(net), Trace::Small(trace)) => {
                net.input_gradient(trace, &verdict.logits.ones_like()?.unsqueeze(1)?)
            }
            (Self::Resnet(net), Trace::Resnet(trace)) => net.input_gradient(trace),
            _ => candle_core::bail!("the verdict comes from another discriminator"),
        }
    }
}
