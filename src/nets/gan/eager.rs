use candle_core::{Result, Tensor};

use crate::nets::conv::ConvTrace;
use crate::nets::resnet::ResnetTrace;
use crate::nets::{ConvDecoder, ConvEncoder, ResnetDiscriminator, ResnetGenerator, Weights};

use super::{DiscriminatorConfig, GeneratorConfig};

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
pub struct DiscriminatorOutput {
    /// Logits `(N,)`, positive for "real".
    pub logits: Tensor,
    /// Mean KL divergence of the bottleneck, a scalar; `None` without a bottleneck.
    pub kl: Option<Tensor>,
    /// What the discriminator's last layer takes, `(N, features)`; see [`DiscriminatorConfig::features`].
    pub features: Tensor,
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
            Self::Small(net) => crate::ops::tanh(&net.forward(z)?),
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
    pub fn discriminate(&self, x: &Tensor, noise: Option<&Tensor>) -> Result<DiscriminatorOutput> {
        match self {
            Self::Small(net) => {
                let (outputs, trace) = net.trace(x)?;
                let features = trace.features.clone();
                Ok(DiscriminatorOutput {
                    logits: outputs.squeeze(1)?,
                    kl: None,
                    features,
                    trace: Trace::Small(trace),
                })
            }
            Self::Resnet(net) => {
                let trace = net.trace(x, noise)?;
                Ok(DiscriminatorOutput {
                    logits: trace.logits.clone(),
                    kl: trace.kl.clone(),
                    features: trace.features.clone(),
                    trace: Trace::Resnet(trace),
                })
            }
        }
    }

    /// Logits `(N,)` of pictures and the gradient of each in its picture (the pictures' shape), differentiable in the
    /// weights, for both at the price of one (see `nets/input_gradient.rs`). `None` where the network has a bottleneck:
    /// [`Discriminator::discriminate`] and [`Discriminator::input_gradient`] serve there.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn logits_and_input_gradient(&self, x: &Tensor) -> Result<Option<(Tensor, Tensor)>> {
        match self {
            Self::Small(net) => net.logits_and_input_gradient(x).map(Some),
            Self::Resnet(net) => net.logits_and_input_gradient(x),
        }
    }

    /// The gradient of each picture's logit in the picture, as an expression that one ordinary `backward`
    /// differentiates in the weights (R1). Has the picture's shape.
    ///
    /// # Errors
    /// When `output` comes from another network.
    pub fn input_gradient(&self, output: &DiscriminatorOutput) -> Result<Tensor> {
        match (self, &output.trace) {
            (Self::Small(net), Trace::Small(trace)) => {
                net.input_gradient(trace, &output.logits.ones_like()?.unsqueeze(1)?)
            }
            (Self::Resnet(net), Trace::Resnet(trace)) => net.input_gradient(trace),
            _ => candle_core::bail!("the output comes from another discriminator"),
        }
    }

    /// The same for a logit that has `sum(features * projected)` added to it, as cGAN's has; `projected` is
    /// `(N, features)`.
    ///
    /// # Errors
    /// When `output` comes from another network, or the shape does not fit.
    pub fn projected_input_gradient(
        &self,
        output: &DiscriminatorOutput,
        projected: &Tensor,
    ) -> Result<Tensor> {
        match (self, &output.trace) {
            (Self::Small(net), Trace::Small(trace)) => {
                net.features_input_gradient(trace, &projected.broadcast_add(net.last_weight())?)
            }
            (Self::Resnet(net), Trace::Resnet(trace)) => {
                net.features_input_gradient(trace, &projected.broadcast_add(net.last_weight())?)
            }
            _ => candle_core::bail!("the output comes from another discriminator"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Stream;
    use crate::nets::{Parameters, Projection, ProjectionConfig, ResnetTrunk};
    use crate::objectives::{gradient_penalty, loss_as_real, projected_logits};
    use candle_core::{DType, Device, Var};

    type Named = Vec<(String, Vec<f32>)>;

    /// The gradients of a loss of logits and input gradient, by parameter, and the two themselves.
    fn penalised(weights: &Weights, (logits, input_gradient): (Tensor, Tensor)) -> Result<(Named, Vec<f32>)> {
        let loss = (loss_as_real(&logits)? + (gradient_penalty(&input_gradient)? * 3.0)?)?;
        let gradients = crate::ops::backward(&loss)?;
        let flat = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let mut found = Vec::new();
        for (name, parameter) in weights.vars() {
            let gradient = gradients.get(parameter).expect("every parameter is reached");
            assert_eq!(gradient.dims(), parameter.dims(), "{name}");
            found.push((name.to_owned(), flat(gradient)?));
        }
        Ok((found, [flat(&logits)?, flat(&input_gradient)?].concat()))
    }

    #[test]
    fn one_pass_of_logits_and_input_gradient_gives_what_two_give() -> Result<()> {
        let trunk = ResnetTrunk { size: 16, nfilter: 3, nfilter_max: 8, channels: 3 };
        for (config, shape) in [
            (DiscriminatorConfig::Small { channels: 1 }, (3, 1, 64, 64)),
            (DiscriminatorConfig::Resnet { trunk }, (3, 3, 16, 16)),
        ] {
            let mut stream = Stream::new(5, "input gradient");
            let weights = Weights::trainable(&config.initialise_uniform(&mut stream), &Device::Cpu)?;
            let net = Discriminator::new(&config, &weights)?;
            let x =
                Tensor::from_vec(stream.normals(shape.0 * shape.1 * shape.2 * shape.3), shape, &Device::Cpu)?;
            let output = net.discriminate(&x, None)?;
            let apart = (output.logits.clone(), net.input_gradient(&output)?);
            let (expected, values) = penalised(&weights, apart)?;
            let joint = net.logits_and_input_gradient(&x)?.expect("it has no bottleneck");
            let (found, joint_values) = penalised(&weights, joint)?;
            assert_eq!(joint_values, values, "the same operations make logits and input gradient");
            for ((name, found), (_, expected)) in found.iter().zip(&expected) {
                let largest = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
                assert!(largest > 0.0, "{name}");
                for (a, b) in found.iter().zip(expected) {
                    assert!((a - b).abs() < 1e-5 * largest, "{name}: {a} against {b} of {largest}");
                }
            }
        }
        let config = DiscriminatorConfig::ResnetVdb { trunk };
        let weights = config.initialise_uniform(&mut Stream::new(5, "input gradient"));
        let net = Discriminator::new(&config, &Weights::trainable(&weights, &Device::Cpu)?)?;
        assert!(
            net.logits_and_input_gradient(&Tensor::zeros((1, 3, 16, 16), DType::F32, &Device::Cpu)?)?
                .is_none()
        );
        Ok(())
    }

    #[test]
    fn the_conditional_input_gradient_is_that_of_the_conditional_logit() -> Result<()> {
        let trunk = ResnetTrunk { size: 8, nfilter: 2, nfilter_max: 4, channels: 1 };
        for (config, size) in
            [(DiscriminatorConfig::Small { channels: 1 }, 64), (DiscriminatorConfig::Resnet { trunk }, 8)]
        {
            let mut stream = Stream::new(3, "conditional");
            let mut arrays = config.initialise_uniform(&mut stream);
            let projection = ProjectionConfig { c_dim: 3, features: config.features() };
            arrays.extend(projection.initialise_uniform(&mut stream));
            let weights = Weights::trainable(&arrays, &Device::Cpu)?;
            let net = Discriminator::new(&config, &weights)?;
            let projection = Projection::find(&weights).expect("it is there");
            let x = Var::from_vec(stream.normals(2 * size * size), (2, 1, size, size), &Device::Cpu)?;
            let c = Tensor::from_vec(stream.normals(6), (2, 3), &Device::Cpu)?;
            let projected = projection.forward(&c)?;
            let output = net.discriminate(&x, None)?;
            assert_eq!(output.features.dims(), [2, config.features()]);
            let logits = projected_logits(&output.logits, &output.features, &projected)?;
            let gradients = crate::ops::backward(&logits.sum_all()?)?;
            let theirs = gradients.get(&x).expect("reached").flatten_all()?.to_vec1::<f32>()?;
            let ours = net.projected_input_gradient(&output, &projected)?;
            let ours = ours.flatten_all()?.to_vec1::<f32>()?;
            let largest = theirs.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            assert!(largest > 0.0);
            for (a, b) in ours.iter().zip(&theirs) {
                assert!((a - b).abs() < 1e-4 * largest, "{a} against {b}");
            }
        }
        Ok(())
    }
}
