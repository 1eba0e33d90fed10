//! Convolution, transposed convolution and the gradient of their weights: three operations whose backward passes
//! are each other.

mod operation;
mod shapes;

use candle_core::{Result, Tensor, bail};

use super::activation::{Activation, leaky_relu};
use super::backend::{Backend, convolved};
use super::cpu::shape::ConvShape;
use super::cuda;
use super::custom::constant;
use super::operation::apply;
use super::pass::Pass;
use super::portable;
use operation::{ChannelSum, Masked, convolution};
use shapes::{check_bias, check_sizes};

pub(super) use shapes::{narrow_shape, wide_shape};

/// Cross-correlation of `x (N, Ci, H, W)` with `weight (Co, Ci, k, k)`, plus `bias (Co)`; gives
/// `(N, Co, (H + 2 padding - k) / stride + 1, ...)`.
///
/// # Errors
/// When shapes, types or devices do not fit together, or the padded picture is smaller than the kernel.
pub fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    conv2d_act(x, weight, bias, stride, padding, Activation::None)
}

/// [`conv2d`] and the layer's activation in one operation, which keeps no copy of what lies between them.
///
/// # Errors
/// As [`conv2d`].
pub fn conv2d_act(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
    activation: Activation,
) -> Result<Tensor> {
    let shape = wide_shape("conv2d", x, weight, stride, padding)?;
    check_bias("conv2d", bias, shape.out_channels)?;
    convolved(
        x,
        Pass::Forward,
        &shape,
        |_| convolution(Pass::Forward, shape, activation, x, weight, bias),
        || activation.around(x, |x| portable::conv2d(x, weight, bias, stride, padding)),
    )
}

/// Transposed convolution of `x (N, Ci, H, W)` with `weight (Ci, Co, k, k)`, plus `bias (Co)`; gives
/// `(N, Co, (H - 1) stride - 2 padding + k, ...)`.
///
/// # Errors
/// When shapes, types or devices do not fit together, or nothing is left after the padding is taken away.
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    conv_transpose2d_act(x, weight, bias, stride, padding, Activation::None)
}

/// [`conv_transpose2d`] and the layer's activation in one operation.
///
/// # Errors
/// As [`conv_transpose2d`].
pub fn conv_transpose2d_act(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
    activation: Activation,
) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    let kernel = weight.dim(3)?;
    let size = |narrow: usize| (narrow.max(1) - 1) * stride + kernel;
    if size(height) <= 2 * padding || size(width) <= 2 * padding {
        bail!(
            "conv_transpose2d: a padding of {padding} leaves nothing of {height}x{width} with kernel {kernel}"
        );
    }
    let size = (size(height) - 2 * padding, size(width) - 2 * padding);
    input_grad(x, weight, bias, size, stride, padding, activation)
}

/// The gradient of [`conv2d`] in its input: [`conv_transpose2d`] of the gradient `dy (N, Co, h, w)` with the
/// convolution's own `weight (Co, Ci, k, k)`, of the input's size `(height, width)`, which `dy` alone does not
/// tell when the stride does not divide exactly.
///
/// # Errors
/// As [`conv_transpose2d`], and when a convolution of that size would not give `dy`'s shape.
pub fn conv2d_input_grad(
    dy: &Tensor,
    weight: &Tensor,
    size: (usize, usize),
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    input_grad(dy, weight, None, size, stride, padding, Activation::None)
}

/// The gradient of `conv2d(leaky_relu(x))` in `x`: [`conv2d_input_grad`], then
/// [`leaky_relu_backward`](super::leaky_relu_backward) at `x (N, Ci, H, W)`, in one operation. As there, `x` is
/// taken as a constant, and may be given after its activation.
///
/// # Errors
/// As [`conv2d_input_grad`].
pub fn conv2d_act_input_grad(
    dy: &Tensor,
    weight: &Tensor,
    x: &Tensor,
    slope: f64,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let shape = narrow_shape("conv2d_act_input_grad", dy, weight, (height, width), stride, padding)?;
    if (batch, channels) != (shape.batch, shape.in_channels) {
        bail!(
            "conv2d_act_input_grad: x is {:?}, its gradient {} of {}",
            x.dims(),
            shape.batch,
            shape.in_channels
        );
    }
    convolved(
        dy,
        Pass::Transposed,
        &shape,
        |_| apply(Masked { shape, slope }, &[dy, weight, &constant(x)]),
        || {
            let dx = portable::conv_transpose2d(dy, weight, None, (height, width), stride, padding)?;
            portable::leaky_relu_backward(x, &dx, slope)
        },
    )
}

fn input_grad(
    narrow: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    size: (usize, usize),
    stride: usize,
    padding: usize,
    activation: Activation,
) -> Result<Tensor> {
    let name = "conv_transpose2d";
    let shape = narrow_shape(name, narrow, weight, size, stride, padding)?;
    check_bias(name, bias, shape.in_channels)?;
    let pass = Pass::Transposed;
    convolved(
        narrow,
        pass,
        &shape,
        |_| match activation {
            Activation::Before(slope) => {
                let narrow = leaky_relu(narrow, slope)?;
                convolution(pass, shape, Activation::None, &narrow, weight, bias)
            }
            _ => convolution(pass, shape, activation, narrow, weight, bias),
        },
        || {
            activation.around(narrow, |narrow| {
                portable::conv_transpose2d(narrow, weight, bias, size, stride, padding)
            })
        },
    )
}

/// The gradient of [`conv2d`] in its weight, `(Co, Ci, kernel, kernel)`, from its input `x (N, Ci, H, W)` and the
/// gradient `dy (N, Co, h, w)` of its output.
///
/// # Errors
/// When a convolution of `x` with such a kernel would not give `dy`'s shape.
pub fn conv2d_weight_grad(
    x: &Tensor,
    dy: &Tensor,
    kernel: usize,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    conv2d_act_weight_grad(x, dy, None, kernel, stride, padding)
}

/// [`conv2d_weight_grad`] of `leaky_relu(x)` where a slope is given.
///
/// # Errors
/// As [`conv2d_weight_grad`].
pub fn conv2d_act_weight_grad(
    x: &Tensor,
    dy: &Tensor,
    before: Option<f64>,
    kernel: usize,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    let activation = before.map_or(Activation::None, Activation::Before);
    let (batch, in_channels, in_height, in_width) = x.dims4()?;
    let (narrow_batch, out_channels, out_height, out_width) = dy.dims4()?;
    let shape = ConvShape {
        batch,
        in_channels,
        in_height,
        in_width,
        out_channels,
        out_height,
        out_width,
        kernel,
        stride,
        padding,
    };
    check_sizes("conv2d_weight_grad", &shape)?;
    if narrow_batch != batch {
        bail!("conv2d_weight_grad: {batch} pictures but {narrow_batch} gradients");
    }
    let pass = Pass::WeightGradient;
    convolved(
        x,
        pass,
        &shape,
        |backend| match backend {
            // outside a graph tensors have names, and need not be converted again
            Backend::Cuda if !x.track_op() && !dy.track_op() => {
                cuda::run(&operation::Convolution { pass, shape, activation }, &[x, dy])
            }
            _ => convolution(pass, shape, activation, x, dy, None),
        },
        || activation.around(x, |x| portable::conv2d_weight_grad(x, dy, kernel, stride, padding)),
    )
}

/// The sum of `x (N, C, H, W)` over everything but the channels, `(C)`: the gradient of a bias.
///
/// # Errors
/// When `x` does not have four axes.
pub fn channel_sum(x: &Tensor) -> Result<Tensor> {
    x.dims4()?;
    if Backend::of(x) == Backend::Composed {
        return x.sum((0, 2, 3));
    }
    apply(ChannelSum, &[x])
}
