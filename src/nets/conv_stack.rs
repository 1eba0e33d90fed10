//! The plain convolutional pair of Locatello et al. for 64x64 pictures: the VAE's encoder and decoder, and
//! with one output or tanh the small discriminator and generator (paper section 5.1).

use candle_core::{Result, Tensor};

use crate::ops::{self, Activation};

use super::Weights;

const STRIDE: usize = 2;
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
}

/// Stride and padding of convolution `i` counted from the picture: the one next to the 1x1 map covers it whole.
fn geometry(i: usize) -> (usize, usize) {
    if i == 4 { (1, 0) } else { (STRIDE, 1) }
}

/// What [`ConvEncoder::trace`] keeps: the output of every ReLU, for the gradient's masks.
#[derive(Debug)]
pub struct ConvTrace {
    activations: Vec<Tensor>,
}

impl ConvTrace {
    /// The last hidden layer, `(N, 256)`.
    ///
    /// # Errors
    /// When the device fails.
    pub fn features(&self) -> Result<Tensor> {
        self.activations[self.activations.len() - 1].flatten_from(1)
    }
}

impl ConvEncoder {
    /// Takes `{prefix}layer.0, .2, .4, .6, .8, .11` from `weights`.
    ///
    /// # Errors
    /// When one is missing.
    pub fn new(weights: &Weights, prefix: &str) -> Result<Self> {
        let layer = |n: usize| Layer::new(weights, &format!("{prefix}layer.{n}"));
        Ok(Self { convs: (0..5).map(|i| layer(2 * i)).collect::<Result<_>>()?, linear: layer(11)? })
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
        Ok((outputs, ConvTrace { activations }))
    }

    /// The last layer's weight, `(outputs, 256)`.
    pub(super) fn last_weight(&self) -> &Tensor {
        &self.linear.weight
    }

    fn trace_features(&self, x: &Tensor) -> Result<(Vec<Tensor>, Tensor)> {
        let mut activations = Vec::with_capacity(self.convs.len());
        let mut x = x.clone();
        for (i, conv) in self.convs.iter().enumerate() {
            let (stride, padding) = geometry(i);
            x = ops::conv2d_act(&x, &conv.weight, Some(&conv.bias), stride, padding, RELU)?;
            activations.push(x.clone());
        }
        let features = x.flatten_from(1)?;
        Ok((activations, features))
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
        let mut gradient = upstream.reshape((upstream.dim(0)?, upstream.dim(1)?, 1, 1))?;
        let last = trace.activations.len() - 1;
        gradient = ops::leaky_relu_backward(&trace.activations[last], &gradient, 0.0)?;
        for (i, conv) in self.convs.iter().enumerate().rev() {
            let (stride, padding) = geometry(i);
            gradient = match i.checked_sub(1) {
                Some(below) => {
                    let activation = &trace.activations[below];
                    ops::conv2d_act_input_grad(&gradient, &conv.weight, activation, 0.0, stride, padding)?
                }
                None => ops::conv_transpose2d(&gradient, &conv.weight, None, stride, padding)?,
            };
        }
        Ok(gradient)
    }
}

impl ConvDecoder {
    /// Takes `{prefix}layer.0, .3, .5, .7, .9, .11` from `weights`.
    ///
    /// # Errors
    /// When one is missing.
    pub fn new(weights: &Weights, prefix: &str) -> Result<Self> {
        let layer = |n: usize| Layer::new(weights, &format!("{prefix}layer.{n}"));
        Ok(Self { linear: layer(0)?, convs: (0..5).map(|i| layer(2 * i + 3)).collect::<Result<_>>()? })
    }

    /// `(N, inputs)` to `(N, channels, 64, 64)` logits.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn forward(&self, codes: &Tensor) -> Result<Tensor> {
        let x = ops::linear(codes, &self.linear.weight, Some(&self.linear.bias))?;
        let mut x = ops::leaky_relu(&x.reshape((x.dim(0)?, x.dim(1)?, 1, 1))?, 0.0)?;
        for (i, conv) in self.convs.iter().enumerate() {
            let (stride, padding) = geometry(4 - i);
            let activation = if i + 1 < self.convs.len() { RELU } else { Activation::None };
            x = ops::conv_transpose2d_act(&x, &conv.weight, Some(&conv.bias), stride, padding, activation)?;
        }
        Ok(x)
    }
}
