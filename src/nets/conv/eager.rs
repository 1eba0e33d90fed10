use candle_core::{Result, Tensor};

use crate::nets::Weights;
use crate::nets::input_gradient::{logits_and_input_gradient, with_loss};
use crate::ops::{self, Activation, Around};

use super::graph::{DECODER_CONVS, DECODER_LINEAR, ENCODER_CONVS, ENCODER_LINEAR, geometry, layer};

const RELU: Activation = Activation::After(0.0);

/// Convolutions down to one 256-vector, then a linear layer.
///
/// 4x4 stride 2 pad 1 `channels -> 32 -> 32 -> 64 -> 64`, 4x4 without padding `64 -> 256`, ReLU after each,
/// linear `256 -> outputs`.
#[derive(Clone, Debug)]
pub struct ConvEncoder {
    convs: Vec<Layer>,
    linear: Layer,
}

/// A linear layer, four transposed convolutions that double the size, and a last one to the picture.
///
/// Mirrors [`ConvEncoder`]: ReLU between layers, none at the end.
#[derive(Clone, Debug)]
pub struct ConvDecoder {
    linear: Layer,
    convs: Vec<Layer>,
}

#[derive(Clone, Debug)]
struct Layer {
    weight: Tensor,
    bias: Tensor,
}

impl Layer {
    fn new(weights: &Weights, name: &str) -> Result<Self> {
        Ok(Self {
            weight: weights.get(&format!("{name}.weight"))?,
            bias: weights.get(&format!("{name}.bias"))?,
        })
    }

    /// The same values, cut from the graph.
    fn fixed(&self) -> Self {
        Self { weight: self.weight.detach(), bias: self.bias.detach() }
    }

    fn kernel(&self) -> Result<usize> {
        self.weight.dim(3)
    }
}

/// What a composite of these layers depends on.
fn parameters(layers: &[Layer]) -> impl Iterator<Item = &Tensor> {
    layers.iter().flat_map(|layer| [&layer.weight, &layer.bias])
}

/// What [`ConvEncoder::trace`] keeps.
#[derive(Debug)]
pub struct ConvTrace {
    /// The output of every ReLU, for the gradient's masks; cut from the graph.
    activations: Vec<Tensor>,
    /// The last hidden layer, `(N, 256)`.
    pub features: Tensor,
}

impl ConvEncoder {
    /// Takes `{prefix}layer.0, .2, .4, .6, .8, .11` from `weights`.
    ///
    /// # Errors
    /// When one is missing.
    pub fn new(weights: &Weights, prefix: &str) -> Result<Self> {
        let layer = |&number: &usize| Layer::new(weights, &layer(prefix, number));
        let convs = ENCODER_CONVS.iter().map(layer).collect::<Result<_>>()?;
        Ok(Self { convs, linear: layer(&ENCODER_LINEAR)? })
    }

    /// `(N, channels, 64, 64)` to `(N, outputs)`.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.trace(x)?.0)
    }

    /// The last hidden layer, `(N, 256)`.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn features(&self, x: &Tensor) -> Result<Tensor> {
        let (_, trace) = self.trace_features(x)?;
        Ok(trace)
    }

    /// The output, with what [`ConvEncoder::input_gradient`] needs.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn trace(&self, x: &Tensor) -> Result<(Tensor, ConvTrace)> {
        let (activations, features) = self.trace_features(x)?;
        let outputs = ops::linear(&features, &self.linear.weight, Some(&self.linear.bias))?;
        Ok((outputs, ConvTrace { activations, features }))
    }

    /// The last layer's weight, `(outputs, 256)`.
    pub(in crate::nets) fn last_weight(&self) -> &Tensor {
        &self.linear.weight
    }

    fn trace_features(&self, x: &Tensor) -> Result<(Vec<Tensor>, Tensor)> {
        let mut activations = Vec::with_capacity(self.convs.len());
        let features = ops::composite(x, parameters(&self.convs), |x| {
            let maps = self.maps(x)?;
            activations.extend_from_slice(&maps[1..]);
            let (features, convs) = (maps[maps.len() - 1].clone(), self.convs.clone());
            let backward = move |gradient: &Tensor, wanted| encoder_backward(&convs, &maps, gradient, wanted);
            Ok((features, Box::new(backward)))
        })?;
        Ok((activations, features.flatten_from(1)?))
    }

    /// The picture and what each convolution with its ReLU makes of it, outside the graph.
    fn maps(&self, x: &Tensor) -> Result<Vec<Tensor>> {
        let mut maps = vec![x.clone()];
        for (i, conv) in self.convs.iter().map(Layer::fixed).enumerate() {
            let (stride, padding) = geometry(i);
            maps.push(ops::conv2d_act(&maps[i], &conv.weight, Some(&conv.bias), stride, padding, RELU)?);
        }
        Ok(maps)
    }

    /// The gradient in the picture of the sum of `upstream * outputs`, as an expression that can itself be
    /// differentiated in the weights (R1, paper section A.3).
    ///
    /// `upstream` is `(N, outputs)`; the result has the picture's shape.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn input_gradient(&self, trace: &ConvTrace, upstream: &Tensor) -> Result<Tensor> {
        self.features_input_gradient(trace, &upstream.matmul(&self.linear.weight)?)
    }

    /// The same for the sum of `upstream * features`, `upstream` being `(N, 256)`.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn features_input_gradient(&self, trace: &ConvTrace, upstream: &Tensor) -> Result<Tensor> {
        let upstream = upstream.reshape((upstream.dim(0)?, upstream.dim(1)?, 1, 1))?;
        ops::composite(&upstream, parameters(&self.convs), |upstream| {
            let (of_picture, gradients) = self.convs_input_gradient(&trace.activations, upstream)?;
            let (convs, activations) = (self.convs.clone(), trace.activations.clone());
            let backward = move |gradient: &Tensor, wanted| {
                input_gradient_backward(&convs, &activations, &gradients, gradient, None, wanted)
            };
            Ok((of_picture, Box::new(backward)))
        })
    }

    /// The gradient in the picture from that of the features `(N, 256, 1, 1)`, and the gradients before the activation
    /// of each convolution, the last first; outside the graph.
    fn convs_input_gradient(
        &self,
        activations: &[Tensor],
        upstream: &Tensor,
    ) -> Result<(Tensor, Vec<Tensor>)> {
        let mut gradients =
            vec![ops::leaky_relu_backward(&activations[activations.len() - 1], upstream, 0.0)?];
        for (i, conv) in self.convs.iter().map(Layer::fixed).enumerate().rev() {
            let (stride, padding) = geometry(i);
            let above = &gradients[gradients.len() - 1];
            gradients.push(match i.checked_sub(1) {
                Some(below) => {
                    let activation = &activations[below];
                    ops::conv2d_act_input_grad(above, &conv.weight, activation, 0.0, stride, padding)?
                }
                None => ops::conv_transpose2d(above, &conv.weight, None, stride, padding)?,
            });
        }
        let of_picture = gradients.split_off(self.convs.len()).remove(0);
        Ok((of_picture, gradients))
    }

    /// Logits `(N,)` of pictures, for a stack of one output, and their gradient in the pictures (the pictures' shape),
    /// differentiable in the weights in one pass of both.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn logits_and_input_gradient(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let linear = [&self.linear.weight, &self.linear.bias];
        logits_and_input_gradient(x, parameters(&self.convs).chain(linear), |x| {
            let maps = self.maps(x)?;
            let linear = self.linear.fixed();
            let last = &maps[self.convs.len()];
            let features = last.flatten_from(1)?;
            let logits = ops::linear(&features, &linear.weight, Some(&linear.bias))?.squeeze(1)?;
            let upstream =
                linear.weight.broadcast_as(features.shape())?.contiguous()?.reshape(last.shape())?;
            let (of_picture, gradients) = self.convs_input_gradient(&maps[1..], &upstream)?;
            let net = self.clone();
            let backward = move |of_logits: &Tensor, wide: &Tensor| {
                let loss = Some((&maps[0], of_logits));
                let wide = input_gradient_backward(&net.convs, &maps[1..], &gradients, wide, loss, true)?;
                let Some(wide) = wide else { return Ok(()) };
                let features =
                    with_loss(&wide, &maps[net.convs.len()], Some(of_logits), 1.0)?.flatten_from(1)?;
                ops::accumulate_gradient(&net.linear.weight, || features.sum_keepdim(0))?;
                ops::accumulate_gradient(&net.linear.bias, || of_logits.sum_keepdim(0))
            };
            Ok((logits, of_picture, Box::new(backward)))
        })
    }
}

/// The backward pass of the encoder's convolutions: `maps` are the picture and what each layer made of it.
fn encoder_backward(
    convs: &[Layer],
    maps: &[Tensor],
    gradient: &Tensor,
    wanted: bool,
) -> Result<Option<Tensor>> {
    let mut gradient = ops::leaky_relu_backward(&maps[convs.len()], gradient, 0.0)?;
    for (i, conv) in convs.iter().enumerate().rev() {
        let (stride, padding) = geometry(i);
        ops::accumulate_gradient(&conv.weight, || {
            ops::conv2d_weight_grad(&maps[i], &gradient, conv.kernel()?, stride, padding)
        })?;
        ops::accumulate_gradient(&conv.bias, || ops::channel_sum(&gradient))?;
        let fixed = conv.fixed();
        gradient = match i {
            0 if !wanted => return Ok(None),
            0 => ops::conv_transpose2d(&gradient, &fixed.weight, None, stride, padding)?,
            _ => ops::conv2d_act_input_grad(&gradient, &fixed.weight, &maps[i], 0.0, stride, padding)?,
        };
    }
    Ok(Some(gradient))
}

/// The backward pass of [`ConvEncoder::features_input_gradient`], whose `gradients` it was made of: up through the layers
/// again, linear this time, since the masks are constants. With the picture and a loss's derivative in the logits, the
/// backward pass of that loss as well (see `nets/input_gradient.rs`).
fn input_gradient_backward(
    convs: &[Layer],
    activations: &[Tensor],
    gradients: &[Tensor],
    of_picture: &Tensor,
    loss: Option<(&Tensor, &Tensor)>,
    wanted: bool,
) -> Result<Option<Tensor>> {
    let mut wide = of_picture.clone();
    for (i, conv) in convs.iter().enumerate() {
        let (stride, padding) = geometry(i);
        let upstream = &gradients[convs.len() - 1 - i];
        let x = match loss {
            Some((picture, of_logits)) => {
                ops::accumulate_gradient(&conv.bias, || ops::channel_sum_per_picture(upstream, of_logits))?;
                let below = i.checked_sub(1).map_or(picture, |below| &activations[below]);
                with_loss(&wide, below, Some(of_logits), 1.0)?
            }
            None => wide.clone(),
        };
        ops::accumulate_gradient(&conv.weight, || {
            ops::conv2d_weight_grad(&x, upstream, conv.kernel()?, stride, padding)
        })?;
        drop(x);
        if i + 1 == convs.len() && !wanted {
            return Ok(None);
        }
        let around = Around { mask: Some((&activations[i], 0.0)), ..Around::default() };
        wide = ops::conv2d_fused(&wide, &conv.weight, stride, padding, &around)?;
    }
    Ok(Some(wide))
}

impl ConvDecoder {
    /// Takes `{prefix}layer.0, .3, .5, .7, .9, .11` from `weights`.
    ///
    /// # Errors
    /// When one is missing.
    pub fn new(weights: &Weights, prefix: &str) -> Result<Self> {
        let layer = |&number: &usize| Layer::new(weights, &layer(prefix, number));
        Ok(Self {
            linear: layer(&DECODER_LINEAR)?,
            convs: DECODER_CONVS.iter().map(layer).collect::<Result<_>>()?,
        })
    }

    /// `(N, inputs)` to `(N, channels, 64, 64)` logits.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn forward(&self, codes: &Tensor) -> Result<Tensor> {
        let x = ops::linear(codes, &self.linear.weight, Some(&self.linear.bias))?;
        let x = ops::leaky_relu(&x.reshape((x.dim(0)?, x.dim(1)?, 1, 1))?, 0.0)?;
        ops::composite(&x, parameters(&self.convs), |x| {
            let mut maps = vec![x.clone()];
            for (i, conv) in self.convs.iter().map(Layer::fixed).enumerate() {
                let (stride, padding) = geometry(4 - i);
                let activation = if i + 1 < self.convs.len() { RELU } else { Activation::None };
                let (weight, bias) = (&conv.weight, Some(&conv.bias));
                maps.push(ops::conv_transpose2d_act(&maps[i], weight, bias, stride, padding, activation)?);
            }
            let logits = maps.split_off(self.convs.len()).remove(0);
            let convs = self.convs.clone();
            let backward = move |gradient: &Tensor, wanted| decoder_backward(&convs, &maps, gradient, wanted);
            Ok((logits, Box::new(backward)))
        })
    }
}

/// The backward pass of the decoder's convolutions; `maps` are what each of them was given.
fn decoder_backward(
    convs: &[Layer],
    maps: &[Tensor],
    gradient: &Tensor,
    wanted: bool,
) -> Result<Option<Tensor>> {
    let mut gradient = gradient.clone();
    for (i, conv) in convs.iter().enumerate().rev() {
        let (stride, padding) = geometry(4 - i);
        ops::accumulate_gradient(&conv.weight, || {
            ops::conv2d_weight_grad(&gradient, &maps[i], conv.kernel()?, stride, padding)
        })?;
        ops::accumulate_gradient(&conv.bias, || ops::channel_sum(&gradient))?;
        if i == 0 && !wanted {
            return Ok(None);
        }
        let mask = (i > 0).then_some((&maps[i], 0.0));
        let around = Around { mask, ..Around::default() };
        gradient = ops::conv2d_fused(&gradient, &conv.weight, stride, padding, &around)?;
    }
    Ok(Some(gradient))
}
