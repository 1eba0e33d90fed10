//! Each operation of a graph by operations on tensors.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, bail};

use crate::base::PixelRange;
use crate::graph::{Activation, Convolution, Corners, Layer, Operation, Pool, Shape, Value};
use crate::ops::{self, Around};

type Parameters = BTreeMap<String, Tensor>;

/// The result of a layer, whose shape without the batch is `shape`; `result` finds what it takes.
pub(super) fn compute<'a>(
    layer: &Layer,
    shape: Shape,
    result: &dyn Fn(Value) -> Result<&'a Tensor>,
    parameters: &Parameters,
) -> Result<Tensor> {
    let operands = layer.inputs.iter().map(|&value| result(value)).collect::<Result<Vec<_>>>()?;
    let Some(&x) = operands.first() else { bail!("an operation without operands") };
    let shortcut = match layer.shortcut {
        Some((value, scale)) => Some((result(value)?, scale)),
        None => None,
    };
    let around = |bias| Around { before: layer.before, bias, after: layer.after, mask: None, shortcut };
    let find = |name: &str, ending: &str| parameter(parameters, name, ending);
    match &layer.operation {
        Operation::Input(_) => bail!("an input is given, not computed"),
        Operation::Linear(linear) => {
            let bias = linear.bias.then(|| find(&linear.name, "bias")).transpose()?;
            surrounded(ops::linear(x, find(&linear.name, "weight")?, bias)?, &around(None))
        }
        Operation::Convolution(conv) | Operation::TransposedConvolution(conv) => {
            let weight = find(&conv.name, "weight")?;
            let around = around(conv.bias.then(|| find(&conv.name, "bias")).transpose()?);
            let is_transposed = matches!(layer.operation, Operation::TransposedConvolution(_));
            match (conv.geometry(), shape) {
                (Some((_, stride, padding)), Shape::Map(_)) if !is_transposed => {
                    ops::conv2d_fused(x, weight, stride, padding, &around)
                }
                (Some((_, stride, padding)), Shape::Map([_, height, width])) => {
                    ops::conv2d_input_grad_fused(x, weight, (height, width), stride, padding, &around)
                }
                _ => general_convolution(conv, is_transposed, x, weight, &around),
            }
        }
        Operation::BatchNorm { name, epsilon, .. } => {
            let find = |ending| find(name, ending);
            let gain = (find("weight")? / (find("running_var")? + *epsilon)?.sqrt()?)?;
            let shift = (find("bias")? - (find("running_mean")? * &gain)?)?;
            scaled(x, &gain, &shift)
        }
        Operation::Affine { name, .. } => scaled_by(name, x, parameters),
        Operation::Weighted { name, .. } => x.broadcast_mul(find(name, "weight")?),
        Operation::Activation(activation) => activated(x, *activation),
        Operation::Add { scale } => match operands[..] {
            [first, second] if first.dims() != second.dims() => first.broadcast_add(&(second * *scale)?),
            [first, second] => ops::residual(first, second, *scale),
            _ => bail!("a sum of {} operands", operands.len()),
        },
        Operation::Multiply => match operands[..] {
            [first, second] => first.broadcast_mul(second),
            _ => bail!("a product of {} operands", operands.len()),
        },
        Operation::Bilinear { size, corners } => resampled(x, *size, *corners),
        Operation::Double => ops::upsample_nearest_2x(x),
        Operation::AveragePool(pool) => pooled(x, pool),
        Operation::MaxPool(pool) => largest(x, pool),
        Operation::Reshape(to) => x.reshape(to.batched(x.dim(0)?)),
        Operation::Concat => Tensor::cat(&operands, 1),
        Operation::Slice { start, length, step: 1 } => x.narrow(1, *start, *length)?.contiguous(),
        Operation::Slice { start, length, step } => every(x, *start, *length, *step),
        Operation::Softmax => candle_nn::ops::softmax(x, 1),
        Operation::ToPixels(range) => to_pixels(x, *range),
    }
}

/// A picture's values in [0, 1].
pub(super) fn to_pixels(x: &Tensor, range: PixelRange) -> Result<Tensor> {
    match range {
        PixelRange::Unit => x.clamp(0f32, 1f32),
        PixelRange::Signed => (x + 1.0)? * 0.5,
        PixelRange::Logits => candle_nn::ops::sigmoid(x),
    }
}

fn parameter<'a>(parameters: &'a Parameters, name: &str, ending: &str) -> Result<&'a Tensor> {
    match parameters.get(&format!("{name}.{ending}")) {
        Some(tensor) => Ok(tensor),
        None => bail!("the network has no parameter called {name}.{ending}"),
    }
}

fn activated(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::LeakyRelu(slope) => ops::leaky_relu(x, slope),
        Activation::Tanh => ops::tanh(x),
        Activation::Sigmoid => candle_nn::ops::sigmoid(x),
        // ln(1 + exp(x)) without overflow
        Activation::Softplus => x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?,
        Activation::Elu(factor) => x.elu(factor),
        Activation::Clamp(low, high) => x.clamp(low, high),
    }
}

/// What is around a product, done by itself: everything but its bias.
fn surrounded(mut product: Tensor, around: &Around<'_>) -> Result<Tensor> {
    if let Some(slope) = around.after {
        product = ops::leaky_relu(&product, slope)?;
    }
    match around.shortcut {
        Some((shortcut, scale)) => ops::residual(shortcut, &product, scale),
        None => Ok(product),
    }
}

/// One number a channel, as a tensor to be broadcast over `x`.
fn by_channel(values: &Tensor, x: &Tensor) -> Result<Tensor> {
    let mut sides = vec![1; x.rank()];
    sides[1] = values.elem_count();
    values.reshape(sides)
}

/// `weight * x + bias`, one of each a channel.
pub(super) fn scaled_by(name: &str, x: &Tensor, parameters: &Parameters) -> Result<Tensor> {
    scaled(x, parameter(parameters, name, "weight")?, parameter(parameters, name, "bias")?)
}

fn scaled(x: &Tensor, gain: &Tensor, shift: &Tensor) -> Result<Tensor> {
    x.broadcast_mul(&by_channel(gain, x)?)?.broadcast_add(&by_channel(shift, x)?)
}

/// Convolutions that are neither square nor whole: candle's own, group by group.
fn general_convolution(
    conv: &Convolution,
    is_transposed: bool,
    x: &Tensor,
    weight: &Tensor,
    around: &Around<'_>,
) -> Result<Tensor> {
    let x = match around.before {
        Some(slope) => ops::leaky_relu(x, slope)?,
        None => x.clone(),
    };
    let [rows, columns] = conv.padding;
    let y = if is_transposed {
        let inputs = conv.inputs / conv.groups;
        let part = |group: usize| {
            let (x, weight) =
                (x.narrow(1, group * inputs, inputs)?, weight.narrow(0, group * inputs, inputs)?);
            x.contiguous()?.conv_transpose2d(&weight.contiguous()?, 0, conv.output_padding, conv.stride, 1)
        };
        let whole = Tensor::cat(&(0..conv.groups).map(part).collect::<Result<Vec<_>>>()?, 1)?;
        let (_, _, height, width) = whole.dims4()?;
        whole.narrow(2, rows, height - 2 * rows)?.narrow(3, columns, width - 2 * columns)?.contiguous()?
    } else {
        let padded = x.pad_with_zeros(2, rows, rows)?.pad_with_zeros(3, columns, columns)?;
        padded.contiguous()?.conv2d(weight, 0, conv.stride, 1, conv.groups)?
    };
    let y = match around.bias {
        Some(bias) => y.broadcast_add(&by_channel(bias, &y)?)?,
        None => y,
    };
    surrounded(y, around)
}

/// `length` channels from `start` on, each `step` behind the one before.
fn every(x: &Tensor, start: usize, length: usize, step: usize) -> Result<Tensor> {
    let channels = (0..length).map(|i| x.narrow(1, start + i * step, 1)).collect::<Result<Vec<_>>>()?;
    Tensor::cat(&channels, 1)
}

fn pooled(x: &Tensor, pool: &Pool) -> Result<Tensor> {
    if *pool == (Pool { kernel: 3, stride: 2, padding: 1, counts_padding: true }) {
        return ops::avg_pool_3x3_s2(x);
    }
    let Pool { kernel, stride, padding, counts_padding } = *pool;
    let average = |x: &Tensor| {
        let padded = x.pad_with_zeros(2, padding, padding)?.pad_with_zeros(3, padding, padding)?;
        padded.contiguous()?.avg_pool2d_with_stride(kernel, stride)
    };
    if counts_padding || padding == 0 {
        return average(x);
    }
    let (_, _, height, width) = x.dims4()?;
    let share = average(&Tensor::ones((1, 1, height, width), x.dtype(), x.device())?)?;
    average(x)?.broadcast_div(&share)
}

/// The largest value of each window. Padding is a number below all others, which no window consists of alone.
fn largest(x: &Tensor, pool: &Pool) -> Result<Tensor> {
    let Pool { kernel, stride, padding, .. } = *pool;
    if padding == 0 {
        return x.max_pool2d_with_stride(kernel, stride);
    }
    // Above zero zeros are no harm, and candle pads with nothing else.
    let least = x.min_all()?;
    let above = x.broadcast_sub(&least)?;
    let padded = above.pad_with_zeros(2, padding, padding)?.pad_with_zeros(3, padding, padding)?;
    padded.contiguous()?.max_pool2d_with_stride(kernel, stride)?.broadcast_add(&least)
}

/// Bilinear resampling, which is a matrix along the rows and one along the columns.
fn resampled(x: &Tensor, [height, width]: [usize; 2], corners: Corners) -> Result<Tensor> {
    let (batch, channels, rows, columns) = x.dims4()?;
    let matrix =
        |from, to| Tensor::from_vec(weights(from, to, corners), (to, from), x.device())?.to_dtype(x.dtype());
    let across = x.reshape((batch * channels * rows, columns))?.matmul(&matrix(columns, width)?.t()?)?;
    let turned = across.reshape((batch * channels, rows, width))?.transpose(1, 2)?.contiguous()?;
    let down = turned.reshape((batch * channels * width, rows))?.matmul(&matrix(rows, height)?.t()?)?;
    down.reshape((batch * channels, width, height))?
        .transpose(1, 2)?
        .reshape((batch, channels, height, width))
}

/// How much of each of `from` pixels in a line is in each of `to`, `(to, from)`.
fn weights(from: usize, to: usize, corners: Corners) -> Vec<f32> {
    let mut weights = vec![0.0; to * from];
    let step = from as f64 / to as f64;
    for (i, row) in weights.chunks_exact_mut(from).enumerate() {
        let i = i as f64;
        let place = match corners {
            Corners::Half => (i + 0.5) * step - 0.5,
            Corners::Aligned => i * (from - 1) as f64 / (to.max(2) - 1) as f64,
            Corners::Asymmetric => i * step,
        };
        let place = place.clamp(0.0, (from - 1) as f64);
        let first = place.floor();
        let share = (place - first) as f32;
        row[first as usize] += 1.0 - share;
        row[(first as usize + 1).min(from - 1)] += share;
    }
    weights
}
