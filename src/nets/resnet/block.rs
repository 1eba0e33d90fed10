//! A residual block: its forward pass, the gradient in its input, and the backward passes of both.
//!
//! Everything here is outside candle's graph; the networks' composites call it.

use candle_core::{Result, Tensor};

use crate::nets::Weights;
use crate::nets::input_gradient::with_loss;
use crate::ops::{self, Around};

use super::graph::{self, RESIDUAL, SLOPE};

/// A convolution that keeps the map's size.
#[derive(Clone, Debug)]
pub(super) struct Conv {
    pub(super) weight: Tensor,
    pub(super) bias: Option<Tensor>,
    pub(super) padding: usize,
}

impl Conv {
    pub(super) fn new(weights: &Weights, name: &str) -> Result<Self> {
        let weight = weights.get(&graph::weight(name))?;
        let padding = weight.dim(3)? / 2;
        Ok(Self { weight, bias: weights.find(&graph::bias(name)), padding })
    }

    pub(super) fn parameters(&self) -> impl Iterator<Item = &Tensor> {
        std::iter::once(&self.weight).chain(&self.bias)
    }

    /// The layer with what is around it; its bias is added.
    pub(super) fn forward(&self, x: &Tensor, around: &Around<'_>) -> Result<Tensor> {
        ops::conv2d_fused(x, &self.weight, 1, self.padding, &Around { bias: self.bias.as_ref(), ..*around })
    }

    /// The same without its bias: its derivative in a direction.
    fn linear(&self, x: &Tensor, around: &Around<'_>) -> Result<Tensor> {
        ops::conv2d_fused(x, &self.weight, 1, self.padding, around)
    }

    /// The gradient in the input.
    pub(super) fn input_gradient(&self, upstream: &Tensor, around: &Around<'_>) -> Result<Tensor> {
        let (_, _, height, width) = upstream.dims4()?;
        ops::conv2d_input_grad_fused(upstream, &self.weight, (height, width), 1, self.padding, around)
    }

    /// Hands over `scale` times the gradient of the weight, of a layer that has a leaky ReLU of slope `before` on its
    /// input `x`.
    pub(super) fn accumulate_weight_gradient(
        &self,
        x: &Tensor,
        before: Option<f64>,
        upstream: &Tensor,
        scale: f64,
    ) -> Result<()> {
        ops::accumulate_gradient(&self.weight, || {
            let kernel = self.weight.dim(3)?;
            let gradient = ops::conv2d_act_weight_grad(x, upstream, before, kernel, 1, self.padding)?;
            if scale == 1.0 { Ok(gradient) } else { ops::scaled(&gradient, scale) }
        })
    }

    /// Hands over `scale` times the gradient of the bias, if there is one.
    pub(super) fn accumulate_bias_gradient(&self, upstream: &Tensor, scale: f64) -> Result<()> {
        let Some(bias) = &self.bias else { return Ok(()) };
        ops::accumulate_gradient(bias, || ops::scaled(&ops::channel_sum(upstream)?, scale))
    }

    /// The same with the loss's derivative in the logits, `(N,)`, times each picture's part; nothing without it.
    pub(super) fn accumulate_bias_gradient_of_loss(
        &self,
        upstream: &Tensor,
        of_logits: Option<&Tensor>,
        scale: f64,
    ) -> Result<()> {
        let (Some(bias), Some(of_logits)) = (&self.bias, of_logits) else { return Ok(()) };
        ops::accumulate_gradient(bias, || {
            ops::scaled(&ops::channel_sum_per_picture(upstream, of_logits)?, scale)
        })
    }
}

/// `shortcut(x) + 0.1 * conv(act(conv(act(x))))`.
#[derive(Clone, Debug)]
pub(super) struct ResBlock {
    conv_0: Conv,
    conv_1: Conv,
    shortcut: Option<Conv>,
}

/// The inputs of a block's two activations, whose signs are the gradient's masks.
#[derive(Clone, Debug)]
pub(super) struct BlockTrace {
    input: Tensor,
    hidden: Tensor,
}

/// What a block's input gradient was made of.
#[derive(Debug)]
pub(super) struct BlockGradient {
    /// The gradient of the block's result.
    upstream: Tensor,
    /// That of its hidden map, without the residual branch's weight.
    hidden: Tensor,
}

impl ResBlock {
    /// Block `number`, counted from 0.
    pub(super) fn new(weights: &Weights, number: usize) -> Result<Self> {
        let [conv_0, conv_1, conv_s] = graph::block_layers(number);
        let shortcut = match weights.find(&graph::weight(&conv_s)) {
            Some(_) => Some(Conv::new(weights, &conv_s)?),
            None => None,
        };
        Ok(Self { conv_0: Conv::new(weights, &conv_0)?, conv_1: Conv::new(weights, &conv_1)?, shortcut })
    }

    pub(super) fn parameters(&self) -> impl Iterator<Item = &Tensor> {
        [&self.conv_0, &self.conv_1].into_iter().chain(&self.shortcut).flat_map(Conv::parameters)
    }

    /// The block's result, with what its gradients need.
    pub(super) fn forward(&self, x: &Tensor) -> Result<(Tensor, BlockTrace)> {
        let before = Some(SLOPE);
        let hidden = self.conv_0.forward(x, &Around { before, ..Around::default() })?;
        let shortcut = match &self.shortcut {
            Some(conv) => conv.forward(x, &Around::default())?,
            None => x.clone(),
        };
        let around = Around { before, shortcut: Some((&shortcut, RESIDUAL)), ..Around::default() };
        let out = self.conv_1.forward(&hidden, &around)?;
        Ok((out, BlockTrace { input: x.clone(), hidden }))
    }

    /// The gradient in the block's input.
    pub(super) fn input_gradient(
        &self,
        trace: &BlockTrace,
        upstream: &Tensor,
    ) -> Result<(Tensor, BlockGradient)> {
        let mask = Some((&trace.hidden, SLOPE));
        let hidden = self.conv_1.input_gradient(upstream, &Around { mask, ..Around::default() })?;
        let shortcut = match &self.shortcut {
            Some(conv) => conv.input_gradient(upstream, &Around::default())?,
            None => upstream.clone(),
        };
        let (mask, shortcut) = (Some((&trace.input, SLOPE)), Some((&shortcut, RESIDUAL)));
        let around = Around { mask, shortcut, ..Around::default() };
        let gradient = self.conv_0.input_gradient(&hidden, &around)?;
        Ok((gradient, BlockGradient { upstream: upstream.clone(), hidden }))
    }

    /// Hands over the parameters' gradients and returns that of the input.
    pub(super) fn backward(&self, trace: &BlockTrace, upstream: &Tensor) -> Result<Tensor> {
        let (gradient, parts) = self.input_gradient(trace, upstream)?;
        for (conv, x, upstream) in
            [(&self.conv_0, &trace.input, &parts.hidden), (&self.conv_1, &trace.hidden, upstream)]
        {
            conv.accumulate_weight_gradient(x, Some(SLOPE), upstream, RESIDUAL)?;
            conv.accumulate_bias_gradient(upstream, RESIDUAL)?;
        }
        if let Some(conv) = &self.shortcut {
            conv.accumulate_weight_gradient(&trace.input, None, upstream, 1.0)?;
            conv.accumulate_bias_gradient(upstream, 1.0)?;
        }
        Ok(gradient)
    }

    /// The backward pass of [`ResBlock::input_gradient`] from the gradient `wide` of its result: hands over the
    /// parameters' gradients and returns that of its upstream. Masks are constants. With `of_logits`, the backward pass
    /// of a loss of the logits with that derivative in them as well (see `nets/input_gradient.rs`).
    pub(super) fn input_gradient_backward(
        &self,
        trace: &BlockTrace,
        parts: &BlockGradient,
        wide: &Tensor,
        of_logits: Option<&Tensor>,
    ) -> Result<Tensor> {
        let through = ops::leaky_relu_backward(&trace.input, wide, SLOPE)?;
        let x = with_loss(&through, &trace.input, of_logits, SLOPE)?;
        self.conv_0.accumulate_weight_gradient(&x, None, &parts.hidden, RESIDUAL)?;
        self.conv_0.accumulate_bias_gradient_of_loss(&parts.hidden, of_logits, RESIDUAL)?;
        drop(x);
        let mask = Some((&trace.hidden, SLOPE));
        let hidden = self.conv_0.linear(&through, &Around { mask, ..Around::default() })?;
        drop(through);
        let x = with_loss(&hidden, &trace.hidden, of_logits, SLOPE)?;
        self.conv_1.accumulate_weight_gradient(&x, None, &parts.upstream, RESIDUAL)?;
        self.conv_1.accumulate_bias_gradient_of_loss(&parts.upstream, of_logits, RESIDUAL)?;
        drop(x);
        let shortcut = match &self.shortcut {
            Some(conv) => {
                let x = with_loss(wide, &trace.input, of_logits, 1.0)?;
                conv.accumulate_weight_gradient(&x, None, &parts.upstream, 1.0)?;
                conv.accumulate_bias_gradient_of_loss(&parts.upstream, of_logits, 1.0)?;
                conv.linear(wide, &Around::default())?
            }
            None => wide.clone(),
        };
        let around = Around { shortcut: Some((&shortcut, RESIDUAL)), ..Around::default() };
        self.conv_1.linear(&hidden, &around)
    }
}
