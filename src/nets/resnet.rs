//! The residual generator and discriminator of Mescheder et al. (paper section A.3), and the discriminator
//! with a variational bottleneck of Peng et al. (VGAN).

use candle_core::{Result, Tensor};

use crate::ops::{self, Activation};

use super::{ResnetTrunk, Weights};

/// Slope of the leaky ReLU everywhere in these networks.
const SLOPE: f64 = 0.2;
/// Weight of a block's residual branch.
const RESIDUAL: f64 = 0.1;

#[derive(Clone, Debug)]
struct Conv {
    weight: Tensor,
    bias: Option<Tensor>,
    padding: usize,
}

impl Conv {
    fn new(weights: &Weights, name: &str) -> Result<Self> {
        let weight = weights.get(&format!("{name}.weight"))?;
        let padding = weight.dim(3)? / 2;
        Ok(Self { weight, bias: weights.find(&format!("{name}.bias")), padding })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::conv2d(x, &self.weight, self.bias.as_ref(), 1, self.padding)
    }

    /// The layer after a leaky ReLU of its input.
    fn activated(&self, x: &Tensor) -> Result<Tensor> {
        ops::conv2d_act(x, &self.weight, self.bias.as_ref(), 1, self.padding, Activation::Before(SLOPE))
    }

    /// The gradient of [`Conv::activated`] in `x`.
    fn activated_input_gradient(&self, x: &Tensor, upstream: &Tensor) -> Result<Tensor> {
        ops::conv2d_act_input_grad(upstream, &self.weight, x, SLOPE, 1, self.padding)
    }

    fn input_gradient(&self, upstream: &Tensor) -> Result<Tensor> {
        ops::conv_transpose2d(upstream, &self.weight, None, 1, self.padding)
    }
}

/// `shortcut(x) + 0.1 * conv(act(conv(act(x))))`.
#[derive(Clone, Debug)]
struct ResBlock {
    conv_0: Conv,
    conv_1: Conv,
    shortcut: Option<Conv>,
}

/// The inputs of a block's two activations, whose signs are the gradient's masks.
#[derive(Debug)]
struct BlockTrace {
    input: Tensor,
    hidden: Tensor,
}

impl ResBlock {
    fn new(weights: &Weights, index: usize) -> Result<Self> {
        let name = |layer: &str| format!("resnet.{index}.{layer}");
        let shortcut = match weights.find(&name("conv_s.weight")) {
            Some(_) => Some(Conv::new(weights, &name("conv_s"))?),
            None => None,
        };
        Ok(Self {
            conv_0: Conv::new(weights, &name("conv_0"))?,
            conv_1: Conv::new(weights, &name("conv_1"))?,
            shortcut,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.trace(x)?.0)
    }

    fn trace(&self, x: &Tensor) -> Result<(Tensor, BlockTrace)> {
        let hidden = self.conv_0.activated(x)?;
        let residual = self.conv_1.activated(&hidden)?;
        let shortcut = match &self.shortcut {
            Some(conv) => conv.forward(x)?,
            None => x.clone(),
        };
        let out = ops::residual(&shortcut, &residual, RESIDUAL)?;
        Ok((out, BlockTrace { input: x.clone(), hidden }))
    }

    fn input_gradient(&self, trace: &BlockTrace, upstream: &Tensor) -> Result<Tensor> {
        let through_hidden = self.conv_1.activated_input_gradient(&trace.hidden, upstream)?;
        let change = self.conv_0.activated_input_gradient(&trace.input, &through_hidden)?;
        match &self.shortcut {
            Some(conv) => ops::residual(&conv.input_gradient(upstream)?, &change, RESIDUAL),
            None => ops::residual(upstream, &change, RESIDUAL),
        }
    }
}

/// The residual generator: linear to 4x4, then blocks with nearest upsampling between them.
#[derive(Clone, Debug)]
pub struct ResnetGenerator {
    fc_weight: Tensor,
    fc_bias: Tensor,
    blocks: Vec<ResBlock>,
    conv_img: Conv,
}

impl ResnetGenerator {
    /// Binds the weights `fc`, `resnet.{2i}.*` and `conv_img`.
    ///
    /// # Errors
    /// When one is missing.
    pub fn new(trunk: &ResnetTrunk, weights: &Weights) -> Result<Self> {
        Ok(Self {
            fc_weight: weights.get("fc.weight")?,
            fc_bias: weights.get("fc.bias")?,
            blocks: (0..=trunk.levels()).map(|i| ResBlock::new(weights, 2 * i)).collect::<Result<_>>()?,
            conv_img: Conv::new(weights, "conv_img")?,
        })
    }

    /// Codes `(N, z_dim)` to pictures `(N, channels, size, size)` in [-1, 1].
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn forward(&self, z: &Tensor) -> Result<Tensor> {
        let x = ops::linear(z, &self.fc_weight, Some(&self.fc_bias))?;
        let mut x = x.reshape((x.dim(0)?, x.dim(1)? / 16, 4, 4))?;
        for (i, block) in self.blocks.iter().enumerate() {
            if i > 0 {
                x = ops::upsample_nearest_2x(&x)?;
            }
            x = block.forward(&x)?;
        }
        self.conv_img.activated(&x)?.tanh()
    }
}

/// The residual discriminator: blocks with average pooling between them, then one linear layer.
#[derive(Clone, Debug)]
pub struct ResnetDiscriminator {
    conv_img: Conv,
    blocks: Vec<ResBlock>,
    bottleneck: Option<Bottleneck>,
    fc_weight: Tensor,
    fc_bias: Tensor,
}

/// 1x1 convolutions to the mean and the logarithm of the standard deviation of a Gaussian at each position.
#[derive(Clone, Debug)]
struct Bottleneck {
    mean: Conv,
    logstd: Conv,
}

/// What [`ResnetDiscriminator::input_gradient`] needs of a forward pass.
#[derive(Debug)]
pub struct ResnetTrace {
    /// Logits `(N,)`.
    pub logits: Tensor,
    /// Mean KL divergence of the bottleneck from N(0, I), a scalar: summed over channels, averaged over batch
    /// and positions. `None` without a bottleneck.
    pub kl: Option<Tensor>,
    /// What the last layer takes, `(N, C * 16)`.
    pub features: Tensor,
    blocks: Vec<BlockTrace>,
    /// The map before the last activation, `(N, C, 4, 4)`.
    last: Tensor,
    /// `noise * std` of the bottleneck's sample.
    deviation: Option<Tensor>,
}

impl ResnetDiscriminator {
    /// Binds the weights `conv_img`, `resnet.{2i}.*`, `fc`, and `mean_fn` and `logstd_fn` where present.
    ///
    /// # Errors
    /// When one is missing.
    pub fn new(trunk: &ResnetTrunk, weights: &Weights) -> Result<Self> {
        let bottleneck = match weights.find("mean_fn.weight") {
            Some(_) => Some(Bottleneck {
                mean: Conv::new(weights, "mean_fn")?,
                logstd: Conv::new(weights, "logstd_fn")?,
            }),
            None => None,
        };
        Ok(Self {
            conv_img: Conv::new(weights, "conv_img")?,
            blocks: (0..=trunk.levels()).map(|i| ResBlock::new(weights, 2 * i)).collect::<Result<_>>()?,
            bottleneck,
            fc_weight: weights.get("fc.weight")?,
            fc_bias: weights.get("fc.bias")?,
        })
    }

    /// Logits of pictures `(N, channels, size, size)` in [-1, 1]. `noise` `(N, C, 4, 4)` from N(0, I) is the
    /// bottleneck's sampling noise; without it the mean is taken.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn trace(&self, x: &Tensor, noise: Option<&Tensor>) -> Result<ResnetTrace> {
        let mut x = self.conv_img.forward(x)?;
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for (i, block) in self.blocks.iter().enumerate() {
            if i > 0 {
                x = ops::avg_pool_3x3_s2(&x)?;
            }
            let (out, trace) = block.trace(&x)?;
            blocks.push(trace);
            x = out;
        }
        let (mut kl, mut deviation) = (None, None);
        if let Some(bottleneck) = &self.bottleneck {
            let mean = bottleneck.mean.forward(&x)?;
            let logstd = bottleneck.logstd.forward(&x)?;
            let std = logstd.exp()?;
            // 1/2 (mean^2 + std^2 - 1) - log std
            let divergence = ((((mean.sqr()? + std.sqr()?)? - 1.0)? * 0.5)? - &logstd)?;
            kl = Some(divergence.sum(1)?.mean_all()?);
            x = match noise {
                Some(noise) => {
                    let offset = std.mul(noise)?;
                    let sample = (mean + &offset)?;
                    deviation = Some(offset);
                    sample
                }
                None => mean,
            };
        }
        let features = ops::leaky_relu(&x, SLOPE)?.flatten_from(1)?;
        let logits = ops::linear(&features, &self.fc_weight, Some(&self.fc_bias))?.squeeze(1)?;
        Ok(ResnetTrace { logits, kl, features, blocks, last: x, deviation })
    }

    /// The gradient of the sum of the logits in the picture, as an expression that can itself be differentiated
    /// in the weights (R1, paper section A.3). Has the picture's shape.
    ///
    /// # Errors
    /// When the device fails.
    pub fn input_gradient(&self, trace: &ResnetTrace) -> Result<Tensor> {
        let n = trace.last.dim(0)?;
        let upstream = self.fc_weight.broadcast_as((n, self.fc_weight.dim(1)?))?;
        self.features_input_gradient(trace, &upstream)
    }

    /// The last layer's weight, `(1, C * 16)`.
    pub(super) fn last_weight(&self) -> &Tensor {
        &self.fc_weight
    }

    /// The gradient in the picture of the sum of `upstream * features`, `upstream` being `(N, C * 16)`; as
    /// [`ResnetDiscriminator::input_gradient`].
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn features_input_gradient(&self, trace: &ResnetTrace, upstream: &Tensor) -> Result<Tensor> {
        let upstream = upstream.reshape(trace.last.shape())?;
        let mut gradient = ops::leaky_relu_backward(&trace.last, &upstream.contiguous()?, SLOPE)?;
        if let Some(bottleneck) = &self.bottleneck {
            let mut through = bottleneck.mean.input_gradient(&gradient)?;
            if let Some(deviation) = &trace.deviation {
                // d(exp(logstd) noise) = exp(logstd) noise d(logstd), itself a function of the weights
                through = (through + bottleneck.logstd.input_gradient(&gradient.mul(deviation)?)?)?;
            }
            gradient = through;
        }
        for (i, (block, block_trace)) in self.blocks.iter().zip(&trace.blocks).enumerate().rev() {
            gradient = block.input_gradient(block_trace, &gradient)?;
            if i > 0 {
                let size = gradient.dim(3)? * 2;
                gradient = ops::avg_pool_3x3_s2_backward(&gradient, size, size)?;
            }
        }
        self.conv_img.input_gradient(&gradient)
    }
}
