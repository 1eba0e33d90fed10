//! The same operations as compositions of candle's own: for Metal, for f64 on a GPU, and for CUDA without cuDNN.
//!
//! Candle's `upsample_nearest2d` overwrites accumulated gradients and its `avg_pool2d` knows no padding, so both
//! are spelled out here with operations whose gradients are right.

use candle_core::{DType, Result, Tensor};

use super::composite::pair;
use super::cpu::resample::bilinear_taps;
use super::custom::constant;

/// As [`super::conv2d`].
pub(super) fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    add_bias(bare(x, weight, stride, padding)?, bias)
}

/// The convolution alone, with a backward pass of our own: candle's takes one remainder for height and width, and gives each
/// value of the input's gradient one thread.
fn bare(x: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    let (own_x, own_weight) = (constant(x), constant(weight));
    let y = own_x.contiguous()?.conv2d(&own_weight.contiguous()?, padding, stride, 1, 1)?;
    let wanted = [x.track_op(), weight.track_op()];
    let (_, _, height, width) = x.dims4()?;
    let (_, _, tall, wide) = weight.dims4()?;
    let backward = move |dy: &Tensor| -> Result<[Option<Tensor>; 2]> {
        let size = (height, width);
        let dx = || conv_transpose2d(dy, &own_weight, None, size, stride, padding);
        let dw = || weight_grad(&own_x, dy, (tall, wide), stride, padding);
        Ok([wanted[0].then(dx).transpose()?, wanted[1].then(dw).transpose()?])
    };
    pair(x, weight, y, Box::new(backward))
}

/// As [`super::conv_transpose2d`], of a given size.
///
/// Candle's own gives each output one thread that looks at all taps. Every `stride`-th row of the result, though, is a
/// convolution of `x` with every `stride`-th row of the kernel, turned round; and so along the columns.
pub(super) fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    (height, width): (usize, usize),
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    let (_, _, tall, wide) = weight.dims4()?;
    let weight = weight.transpose(0, 1)?;
    let [rows, columns] =
        [(height, tall), (width, wide)].map(|(size, kernel)| phases(size, kernel, stride, padding));
    let mut bands = Vec::new();
    for row in &rows {
        let (x, weight) = (row.window(x, 2)?, row.taps(&weight, 2)?);
        let mut strips = Vec::new();
        for column in &columns {
            let (x, weight) = (column.window(&x, 3)?, column.taps(&weight, 3)?);
            strips.push(match weight.elem_count() {
                0 => Tensor::zeros(
                    (x.dim(0)?, weight.dim(0)?, row.count, column.count),
                    x.dtype(),
                    x.device(),
                )?,
                _ => bare(&x, &weight, 1, 0)?,
            });
        }
        bands.push(interleaved(&strips, 3)?);
    }
    add_bias(interleaved(&bands, 2)?.narrow(2, 0, height)?.narrow(3, 0, width)?, bias)
}

/// Every `stride`-th position of a transposed convolution's result along an axis.
struct Phase {
    /// Positions.
    count: usize,
    /// Where the input's window begins that they come from; before the input, and behind it, lie zeros.
    start: isize,
    /// The kernel's taps that meet it, last one first.
    taps: Vec<u32>,
}

/// All of them, for a result of `size` positions.
fn phases(size: usize, kernel: usize, stride: usize, padding: usize) -> Vec<Phase> {
    let phase = |first: usize| {
        // Input i and tap k meet at position i stride + k - padding.
        let tap = (first + padding) % stride;
        let taps: Vec<u32> = (tap..kernel).step_by(stride).map(|tap| tap as u32).rev().collect();
        let last = (first + padding) / stride;
        Phase { count: size.div_ceil(stride), start: last as isize + 1 - taps.len() as isize, taps }
    };
    (0..stride).map(phase).collect()
}

impl Phase {
    /// What of `x` these positions come from.
    fn window(&self, x: &Tensor, axis: usize) -> Result<Tensor> {
        let length = (self.count + self.taps.len()).saturating_sub(1) as isize;
        let size = x.dim(axis)? as isize;
        let (from, to) = (self.start.clamp(0, size), (self.start + length).clamp(0, size));
        let inside = x.narrow(axis, from as usize, (to - from) as usize)?;
        let before = (from - self.start).clamp(0, length);
        inside.pad_with_zeros(axis, before as usize, (length - before - (to - from)) as usize)
    }

    /// The taps of `weight`.
    fn taps(&self, weight: &Tensor, axis: usize) -> Result<Tensor> {
        match self.taps.is_empty() {
            true => weight.narrow(axis, 0, 0),
            false => {
                weight.contiguous()?.index_select(&Tensor::new(self.taps.as_slice(), weight.device())?, axis)
            }
        }
    }
}

/// The first of each of `parts` along an axis, then the second of each, and so on.
fn interleaved(parts: &[Tensor], axis: usize) -> Result<Tensor> {
    if let [only] = parts {
        return Ok(only.clone());
    }
    let stacked = Tensor::stack(parts, axis + 1)?;
    let mut shape = stacked.dims().to_vec();
    shape[axis] *= shape.remove(axis + 1);
    stacked.reshape(shape)
}

/// As [`super::conv2d_weight_grad`].
pub(super) fn conv2d_weight_grad(
    x: &Tensor,
    dy: &Tensor,
    kernel: usize,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    weight_grad(x, dy, (kernel, kernel), stride, padding)
}

/// The same of a kernel that need not be square.
fn weight_grad(
    x: &Tensor,
    dy: &Tensor,
    (tall, wide): (usize, usize),
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    // Pictures become channels, and the stride becomes the spacing of the gradient's taps.
    let x = x.transpose(0, 1)?.contiguous()?;
    let dy = dy.transpose(0, 1)?.contiguous()?;
    x.conv2d(&dy, padding, 1, stride, 1)?
        .transpose(0, 1)?
        .narrow(2, 0, tall)?
        .narrow(3, 0, wide)?
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
