//! The same operations as compositions of candle's own: for Metal, for f64 on a GPU, and for CUDA without cuDNN.
//!
//! Candle's `upsample_nearest2d` overwrites accumulated gradients and its `avg_pool2d` knows no padding, so both
//! are spelled out here with operations whose gradients are right.

use candle_core::{DType, Result, Tensor};

use super::cpu::resample::bilinear_taps;

/// As [`super::conv2d`].
pub(super) fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    let y = x.contiguous()?.conv2d(&weight.contiguous()?, padding, stride, 1, 1)?;
    add_bias(y, bias)
}

/// As [`super::conv_transpose2d`], of a given size.
pub(super) fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    (height, width): (usize, usize),
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let kernel = weight.dim(3)?;
    let missing = |wide: usize, narrow: usize| wide + 2 * padding - ((narrow - 1) * stride + kernel);
    // Candle has one output padding for both axes; what the other axis has too much is cut off.
    let output_padding = missing(height, h).max(missing(width, w));
    let y = x.contiguous()?.conv_transpose2d(&weight.contiguous()?, padding, output_padding, stride, 1)?;
    add_bias(y.narrow(2, 0, height)?.narrow(3, 0, width)?, bias)
}

/// As [`super::conv2d_weight_grad`].
pub(super) fn conv2d_weight_grad(
    x: &Tensor,
    dy: &Tensor,
    kernel: usize,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    // Pictures become channels, and the stride becomes the spacing of the gradient's taps.
    let x = x.transpose(0, 1)?.contiguous()?;
    let dy = dy.transpose(0, 1)?.contiguous()?;
    x.conv2d(&dy, padding, 1, stride, 1)?
        .transpose(0, 1)?
        .narrow(2, 0, kernel)?
        .narrow(3, 0, kernel)?
        .contiguous()
}

fn add_bias(y: Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    match bias {
        Some(bias) => y.broadcast_add(&bias.reshape((1, (), 1, 1))?),
        None => Ok(y),
    }
}

/// As [`super::leaky_relu`].
pub(super) fn leaky_relu(x: &Tensor, slope: f64) -> Result<Tensor> {
    leaky_relu_backward(x, x, slope)
}

/// As [`super::leaky_relu_backward`].
pub(super) fn leaky_relu_backward(x: &Tensor, upstream: &Tensor, slope: f64) -> Result<Tensor> {
    let above = x.detach().gt(0.0)?.to_dtype(x.dtype())?;
    upstream.mul(&above.affine(1.0 - slope, slope)?)
}

/// As [`super::avg_pool_3x3_s2`].
pub(super) fn avg_pool_3x3_s2(x: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let planes = x.contiguous()?.reshape((n * c, 1, h, w))?;
    let y = conv2d(&planes, &ninths(x)?, None, 2, 1)?;
    let (_, _, h, w) = y.dims4()?;
    y.reshape((n, c, h, w))
}

/// As [`super::avg_pool_3x3_s2_backward`].
pub(super) fn avg_pool_3x3_s2_backward(y: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let (n, c, h, w) = y.dims4()?;
    let planes = y.contiguous()?.reshape((n * c, 1, h, w))?;
    conv_transpose2d(&planes, &ninths(y)?, None, (height, width), 2, 1)?
        .contiguous()?
        .reshape((n, c, height, width))
}

fn ninths(like: &Tensor) -> Result<Tensor> {
    Tensor::full(1.0 / 9.0, (1, 1, 3, 3), like.device())?.to_dtype(like.dtype())
}

/// The sum of each `factor x factor` block, times `scale`.
pub(super) fn block_sum(x: &Tensor, factor: usize, scale: f64) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    x.contiguous()?
        .reshape(vec![n, c, h / factor, factor, w / factor, factor])?
        .sum(5)?
        .sum(3)?
        .affine(scale, 0.0)
}

/// Each value times `scale` as a `factor x factor` block.
pub(super) fn block_fill(x: &Tensor, factor: usize, scale: f64) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    x.contiguous()?
        .affine(scale, 0.0)?
        .reshape(vec![n, c, h, 1, w, 1])?
        .broadcast_as(vec![n, c, h, factor, w, factor])?
        .contiguous()?
        .reshape((n, c, h * factor, w * factor))
}

/// As [`super::bernoulli_cross_entropy`].
pub(super) fn bernoulli_cross_entropy(logits: &Tensor, x: &Tensor) -> Result<Tensor> {
    // log(1 + exp(l)) = max(l, 0) + log(1 + exp(-|l|)), with -|l| written l - 2 max(l, 0) for its slope at 0.
    let positive = leaky_relu(logits, 0.0)?;
    let softplus = (&positive + ((logits - (&positive * 2.0)?)?.exp()? + 1.0)?.log()?)?;
    (softplus - logits.mul(x)?)?.sum_all()
}

/// Bilinear samples at `size x size` positions, as two products with interpolation matrices.
pub(super) fn bilinear(x: &Tensor, size: usize) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let matrix = |input: usize| -> Result<Tensor> {
        let mut values = vec![0.0_f64; size * input];
        for (row, (left, right, along)) in bilinear_taps(input, size).into_iter().enumerate() {
            values[row * input + left] += 1.0 - along;
            values[row * input + right] += along;
        }
        Tensor::from_vec(values, (size, input), &candle_core::Device::Cpu)?
            .to_dtype(if x.dtype() == DType::F64 { DType::F64 } else { DType::F32 })?
            .to_device(x.device())
    };
    let along = x.contiguous()?.reshape((n * c * h, w))?.matmul(&matrix(w)?.t()?)?;
    matrix(h)?
        .unsqueeze(0)?
        .broadcast_as((n * c, size, h))?
        .contiguous()?
        .matmul(&along.reshape((n * c, h, size))?)?
        .reshape((n, c, size, size))
}
