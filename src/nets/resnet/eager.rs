use candle_core::{Result, Tensor};

use crate::nets::Weights;
use crate::nets::input_gradient::{logits_and_input_gradient, with_loss};
use crate::ops::{self, Around};

use super::ResnetTrunk;
use super::block::{BlockGradient, BlockTrace, Conv, ResBlock};
use super::graph::{CONV_IMG, FC, LOGSTD, MEAN, SLOPE, bias, weight};

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
            fc_weight: weights.get(&weight(FC))?,
            fc_bias: weights.get(&bias(FC))?,
            blocks: (0..=trunk.levels()).map(|i| ResBlock::new(weights, i)).collect::<Result<_>>()?,
            conv_img: Conv::new(weights, CONV_IMG)?,
        })
    }

    /// Codes `(N, z_dim)` to pictures `(N, channels, size, size)` in [-1, 1].
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn forward(&self, z: &Tensor) -> Result<Tensor> {
        let x = ops::linear(z, &self.fc_weight, Some(&self.fc_bias))?;
        let x = x.reshape((x.dim(0)?, x.dim(1)? / 16, 4, 4))?;
        let parameters = self.blocks.iter().flat_map(ResBlock::parameters).chain(self.conv_img.parameters());
        let before = ops::composite(&x, parameters, |x| {
            let mut traces = Vec::with_capacity(self.blocks.len());
            let mut x = x.clone();
            for (i, block) in self.blocks.iter().enumerate() {
                if i > 0 {
                    x = ops::upsample_nearest_2x(&x)?;
                }
                let (out, trace) = block.forward(&x)?;
                traces.push(trace);
                x = out;
            }
            let around = Around { before: Some(SLOPE), ..Around::default() };
            let picture = self.conv_img.forward(&x, &around)?;
            let net = self.clone();
            let backward = move |gradient: &Tensor, _| net.backward(&traces, &x, gradient).map(Some);
            Ok((picture, Box::new(backward)))
        })?;
        ops::tanh(&before)
    }

    /// The backward pass from the picture before its tanh to the 4x4 map; `last` is the last block's result.
    fn backward(&self, traces: &[BlockTrace], last: &Tensor, upstream: &Tensor) -> Result<Tensor> {
        self.conv_img.accumulate_weight_gradient(last, Some(SLOPE), upstream, 1.0)?;
        self.conv_img.accumulate_bias_gradient(upstream, 1.0)?;
        let around = Around { mask: Some((last, SLOPE)), ..Around::default() };
        let mut gradient = self.conv_img.input_gradient(upstream, &around)?;
        for (i, (block, trace)) in self.blocks.iter().zip(traces).enumerate().rev() {
            gradient = block.backward(trace, &gradient)?;
            if i > 0 {
                gradient = ops::sum_pool_2x2(&gradient)?;
            }
        }
        Ok(gradient)
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

/// What the trunk's input gradient was made of.
#[derive(Debug)]
struct TrunkGradient {
    /// Of each block, the first one first.
    blocks: Vec<BlockGradient>,
    /// The gradient of the first convolution's result.
    first: Tensor,
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
        let bottleneck = match weights.find(&weight(MEAN)) {
            Some(_) => {
                Some(Bottleneck { mean: Conv::new(weights, MEAN)?, logstd: Conv::new(weights, LOGSTD)? })
            }
            None => None,
        };
        Ok(Self {
            conv_img: Conv::new(weights, CONV_IMG)?,
            blocks: (0..=trunk.levels()).map(|i| ResBlock::new(weights, i)).collect::<Result<_>>()?,
            bottleneck,
            fc_weight: weights.get(&weight(FC))?,
            fc_bias: weights.get(&bias(FC))?,
        })
    }

    /// Logits of pictures `(N, channels, size, size)` in [-1, 1]. `noise` `(N, C, 4, 4)` from N(0, I) is the
    /// bottleneck's sampling noise; without it the mean is taken.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn trace(&self, x: &Tensor, noise: Option<&Tensor>) -> Result<ResnetTrace> {
        let (mut x, blocks) = self.trunk(x)?;
        let (mut kl, mut deviation) = (None, None);
        if let Some(bottleneck) = &self.bottleneck {
            let conv = |conv: &Conv| ops::conv2d(&x, &conv.weight, conv.bias.as_ref(), 1, conv.padding);
            let (mean, logstd) = (conv(&bottleneck.mean)?, conv(&bottleneck.logstd)?);
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
    pub(in crate::nets) fn last_weight(&self) -> &Tensor {
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
            let back = |conv: &Conv, gradient: &Tensor| {
                ops::conv_transpose2d(gradient, &conv.weight, None, 1, conv.padding)
            };
            let mut through = back(&bottleneck.mean, &gradient)?;
            if let Some(deviation) = &trace.deviation {
                // d(exp(logstd) noise) = exp(logstd) noise d(logstd), itself a function of the weights
                through = (through + back(&bottleneck.logstd, &gradient.mul(deviation)?)?)?;
            }
            gradient = through;
        }
        ops::composite(&gradient, self.parameters(), |upstream| {
            let (of_picture, parts) = self.trunk_input_gradient(&trace.blocks, upstream)?;
            let (net, traces) = (self.clone(), trace.blocks.clone());
            let backward =
                move |wide: &Tensor, _| net.input_gradient_backward(&traces, &parts, wide, None).map(Some);
            Ok((of_picture, Box::new(backward)))
        })
    }

    /// Logits `(N,)` of pictures and their gradient in the pictures (the pictures' shape), differentiable in the weights
    /// in one pass of both; `None` with a bottleneck, whose sample is no linear function.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn logits_and_input_gradient(&self, x: &Tensor) -> Result<Option<(Tensor, Tensor)>> {
        if self.bottleneck.is_some() {
            return Ok(None);
        }
        let parameters = self.parameters().chain([&self.fc_weight, &self.fc_bias]);
        logits_and_input_gradient(x, parameters, |x| {
            let (last, traces) = self.trunk_forward(x)?;
            let (weight, bias) = (self.fc_weight.detach(), self.fc_bias.detach());
            let features = ops::leaky_relu(&last, SLOPE)?.flatten_from(1)?;
            let logits = ops::linear(&features, &weight, Some(&bias))?.squeeze(1)?;
            let upstream = weight.broadcast_as(features.shape())?.contiguous()?.reshape(last.shape())?;
            let upstream = ops::leaky_relu_backward(&last, &upstream, SLOPE)?;
            let (of_picture, parts) = self.trunk_input_gradient(&traces, &upstream)?;
            let (net, picture) = (self.clone(), x.clone());
            let backward = move |of_logits: &Tensor, wide: &Tensor| {
                let loss = Some((&picture, of_logits));
                let wide = net.input_gradient_backward(&traces, &parts, wide, loss)?;
                let wide = ops::leaky_relu_backward(&last, &wide, SLOPE)?;
                let features = with_loss(&wide, &last, Some(of_logits), SLOPE)?.flatten_from(1)?;
                ops::accumulate_gradient(&net.fc_weight, || features.sum_keepdim(0))?;
                ops::accumulate_gradient(&net.fc_bias, || of_logits.sum_keepdim(0))
            };
            Ok((logits, of_picture, Box::new(backward)))
        })
        .map(Some)
    }

    fn parameters(&self) -> impl Iterator<Item = &Tensor> {
        self.conv_img.parameters().chain(self.blocks.iter().flat_map(ResBlock::parameters))
    }

    /// From pictures to the last block's result, with what the gradients need.
    fn trunk(&self, x: &Tensor) -> Result<(Tensor, Vec<BlockTrace>)> {
        let mut kept = Vec::new();
        let out = ops::composite(x, self.parameters(), |picture| {
            let (out, traces) = self.trunk_forward(picture)?;
            kept.clone_from(&traces);
            let (net, picture) = (self.clone(), picture.clone());
            let backward =
                move |gradient: &Tensor, wanted| net.trunk_backward(&traces, &picture, gradient, wanted);
            Ok((out, Box::new(backward)))
        })?;
        Ok((out, kept))
    }

    /// The last block's result, outside the graph.
    fn trunk_forward(&self, picture: &Tensor) -> Result<(Tensor, Vec<BlockTrace>)> {
        let mut traces = Vec::with_capacity(self.blocks.len());
        let mut x = self.conv_img.forward(picture, &Around::default())?;
        for (i, block) in self.blocks.iter().enumerate() {
            if i > 0 {
                x = ops::avg_pool_3x3_s2(&x)?;
            }
            let (out, trace) = block.forward(&x)?;
            traces.push(trace);
            x = out;
        }
        Ok((x, traces))
    }

    /// The gradient in the picture from that of the last block's result, outside the graph.
    fn trunk_input_gradient(
        &self,
        traces: &[BlockTrace],
        upstream: &Tensor,
    ) -> Result<(Tensor, TrunkGradient)> {
        let mut parts = Vec::with_capacity(self.blocks.len());
        let mut first = upstream.clone();
        for (i, (block, trace)) in self.blocks.iter().zip(traces).enumerate().rev() {
            let (through, part) = block.input_gradient(trace, &first)?;
            parts.push(part);
            first = if i > 0 { pooled_backward(&through)? } else { through };
        }
        parts.reverse();
        let of_picture = self.conv_img.input_gradient(&first, &Around::default())?;
        Ok((of_picture, TrunkGradient { blocks: parts, first }))
    }

    fn trunk_backward(
        &self,
        traces: &[BlockTrace],
        picture: &Tensor,
        upstream: &Tensor,
        wanted: bool,
    ) -> Result<Option<Tensor>> {
        let mut gradient = upstream.clone();
        for (i, (block, trace)) in self.blocks.iter().zip(traces).enumerate().rev() {
            gradient = block.backward(trace, &gradient)?;
            if i > 0 {
                gradient = pooled_backward(&gradient)?;
            }
        }
        self.conv_img.accumulate_weight_gradient(picture, None, &gradient, 1.0)?;
        self.conv_img.accumulate_bias_gradient(&gradient, 1.0)?;
        if !wanted {
            return Ok(None);
        }
        self.conv_img.input_gradient(&gradient, &Around::default()).map(Some)
    }

    /// The backward pass of the trunk's input gradient from the gradient `wide` of its result: up through the layers
    /// again. With the picture and a loss's derivative in the logits, the backward pass of that loss as well (see
    /// `nets/input_gradient.rs`).
    fn input_gradient_backward(
        &self,
        traces: &[BlockTrace],
        parts: &TrunkGradient,
        wide: &Tensor,
        loss: Option<(&Tensor, &Tensor)>,
    ) -> Result<Tensor> {
        let of_logits = loss.map(|(_, of_logits)| of_logits);
        let x = with_loss(wide, loss.map_or(wide, |(picture, _)| picture), of_logits, 1.0)?;
        self.conv_img.accumulate_weight_gradient(&x, None, &parts.first, 1.0)?;
        self.conv_img.accumulate_bias_gradient_of_loss(&parts.first, of_logits, 1.0)?;
        drop(x);
        let mut wide = ops::conv2d_fused(wide, &self.conv_img.weight, 1, 1, &Around::default())?;
        for (i, ((block, trace), part)) in self.blocks.iter().zip(traces).zip(&parts.blocks).enumerate() {
            if i > 0 {
                wide = ops::avg_pool_3x3_s2(&wide)?;
            }
            wide = block.input_gradient_backward(trace, part, &wide, of_logits)?;
        }
        Ok(wide)
    }
}

/// The adjoint of the pooling that halved a map of even size.
fn pooled_backward(gradient: &Tensor) -> Result<Tensor> {
    let size = gradient.dim(3)? * 2;
    ops::avg_pool_3x3_s2_backward(gradient, size, size)
}
