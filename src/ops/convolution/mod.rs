//! Convolution, transposed convolution and the gradient of their weights: three operations whose backward passes
//! are each other.

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail,
};

use super::activation::{Activation, leaky_relu, leaky_relu_backward};
use super::backward::deliver;
use super::cpu::convolution::{ConvShape, Convolve, Fused, narrow_size};
use super::cpu::elementwise;
use super::custom::{constant, elements, filled, with_float};
use super::portable;
use super::work::count;

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
    if !x.device().is_cpu() {
        return activation.around(x, |x| portable::conv2d(x, weight, bias, stride, padding));
    }
    apply(Kind::Forward, shape, activation, x, weight, bias)
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
    if !dy.device().is_cpu() {
        let dx = portable::conv_transpose2d(dy, weight, None, (height, width), stride, padding)?;
        return portable::leaky_relu_backward(x, &dx, slope);
    }
    let operation = Masked { shape, slope };
    dy.contiguous()?.apply_op3(&weight.contiguous()?, &constant(x).contiguous()?, operation)
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
    if !narrow.device().is_cpu() {
        return activation.around(narrow, |narrow| {
            portable::conv_transpose2d(narrow, weight, bias, size, stride, padding)
        });
    }
    if let Activation::Before(slope) = activation {
        return apply(Kind::Transposed, shape, Activation::None, &leaky_relu(narrow, slope)?, weight, bias);
    }
    apply(Kind::Transposed, shape, activation, narrow, weight, bias)
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
    if !x.device().is_cpu() {
        return activation.around(x, |x| portable::conv2d_weight_grad(x, dy, kernel, stride, padding));
    }
    apply(Kind::WeightGradient, shape, activation, x, dy, None)
}

/// The sum of `x (N, C, H, W)` over everything but the channels, `(C)`: the gradient of a bias.
///
/// # Errors
/// When `x` does not have four axes.
pub fn channel_sum(x: &Tensor) -> Result<Tensor> {
    x.dims4()?;
    if !x.device().is_cpu() {
        return x.sum((0, 2, 3));
    }
    x.contiguous()?.apply_op1(ChannelSum)
}

/// Which of the three a [`Convolution`] computes, and what its arguments are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// wide, weight -> narrow
    Forward,
    /// narrow, weight -> wide
    Transposed,
    /// wide, narrow -> weight
    WeightGradient,
}

struct Convolution {
    kind: Kind,
    shape: ConvShape,
    /// Of a weight gradient, the one before the wide side.
    activation: Activation,
}

fn apply(
    kind: Kind,
    shape: ConvShape,
    activation: Activation,
    a: &Tensor,
    b: &Tensor,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let (a, b) = (a.contiguous()?, b.contiguous()?);
    let operation = Convolution { kind, shape, activation };
    match bias {
        Some(bias) => a.apply_op3(&b, &bias.contiguous()?, operation),
        None => a.apply_op2(&b, operation),
    }
}

impl Convolution {
    fn run(
        &self,
        (s1, l1): (&CpuStorage, &Layout),
        (s2, l2): (&CpuStorage, &Layout),
        bias: Option<(&CpuStorage, &Layout)>,
    ) -> Result<(CpuStorage, Shape)> {
        let s = &self.shape;
        count(s.multiply_adds());
        with_float!("convolution", s1, T => {
            let (a, b) = (elements::<T>(s1, l1)?, elements::<T>(s2, l2)?);
            let bias = bias.map(|(storage, layout)| elements::<T>(storage, layout)).transpose()?;
            let slope = |slope: Option<f64>| slope.map(<T as WithDType>::from_f64);
            let (before, after) = (slope(self.activation.before()), slope(self.activation.after()));
            let fused = Fused { before, bias, after, ..Fused::default() };
            Ok(match self.kind {
                Kind::Forward => filled((s.batch, s.out_channels, s.out_height, s.out_width), |out| {
                    T::forward(s, a, b, &fused, out)
                }),
                Kind::Transposed => filled((s.batch, s.in_channels, s.in_height, s.in_width), |out| {
                    T::transposed(s, a, b, &fused, out)
                }),
                Kind::WeightGradient => {
                    filled((s.out_channels, s.in_channels, s.kernel, s.kernel), |out| {
                        T::weight_gradient(s, a, before, b, out)
                    })
                }
            })
        })
    }

    /// The gradients in both arguments, where they are wanted, from the gradient of what comes before an
    /// activation at the end.
    fn backward(
        &self,
        a: &Tensor,
        b: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let s = self.shape;
        let size = (s.in_height, s.in_width);
        let (stride, padding) = (s.stride, s.padding);
        let wide = |a: &Tensor, weight: &Tensor| match self.activation {
            Activation::Before(slope) => conv2d_act_input_grad(gradient, weight, a, slope, stride, padding),
            _ => conv2d_input_grad(gradient, weight, size, stride, padding),
        };
        let narrow = |weight: &Tensor| conv2d(gradient, weight, None, stride, padding);
        let of_weight =
            |a: &Tensor, b: &Tensor, activation| apply(Kind::WeightGradient, s, activation, a, b, None);
        let (first, second) = (constant(a), constant(b));
        Ok(match self.kind {
            Kind::Forward => {
                // An activation at the end has been dealt with.
                let before = self.activation.before().map_or(Activation::None, Activation::Before);
                (deliver(a, || wide(&first, &second))?, deliver(b, || of_weight(&first, gradient, before))?)
            }
            Kind::Transposed => (
                deliver(a, || narrow(&second))?,
                deliver(b, || of_weight(gradient, &first, Activation::None))?,
            ),
            Kind::WeightGradient => (
                deliver(a, || match self.activation {
                    Activation::Before(slope) => {
                        conv2d_act_input_grad(&second, gradient, &first, slope, stride, padding)
                    }
                    _ => conv2d_input_grad(&second, gradient, size, stride, padding),
                })?,
                deliver(b, || conv2d_act(&first, gradient, None, stride, padding, self.activation))?,
            ),
        })
    }

    /// The gradient of what comes before an activation at the end.
    fn before_activation(&self, result: &Tensor, gradient: &Tensor) -> Result<Tensor> {
        match self.activation {
            Activation::After(slope) => leaky_relu_backward(result, gradient, slope),
            _ => Ok(gradient.clone()),
        }
    }
}

impl CustomOp2 for Convolution {
    fn name(&self) -> &'static str {
        "convolution"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.run((s1, l1), (s2, l2), None)
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        self.backward(a, b, &self.before_activation(result, gradient)?)
    }
}

impl CustomOp3 for Convolution {
    fn name(&self) -> &'static str {
        "convolution with bias"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.run((s1, l1), (s2, l2), Some((s3, l3)))
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        bias: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = self.before_activation(result, gradient)?;
        let (da, db) = self.backward(a, b, &gradient)?;
        Ok((da, db, deliver(bias, || channel_sum(&gradient))?))
    }
}

/// A transposed convolution times the derivative of a leaky ReLU: of narrow, weight and where the derivative is
/// taken.
struct Masked {
    shape: ConvShape,
    slope: f64,
}

impl CustomOp3 for Masked {
    fn name(&self) -> &'static str {
        "convolution backward through an activation"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let s = &self.shape;
        count(s.multiply_adds());
        with_float!("convolution backward through an activation", s1, T => {
            let (narrow, weight) = (elements::<T>(s1, l1)?, elements::<T>(s2, l2)?);
            let mask = Some((elements::<T>(s3, l3)?, <T as WithDType>::from_f64(self.slope)));
            let fused = Fused { mask, ..Fused::default() };
            Ok(filled((s.batch, s.in_channels, s.in_height, s.in_width), |out| {
                T::transposed(s, narrow, weight, &fused, out)
            }))
        })
    }

    fn bwd(
        &self,
        narrow: &Tensor,
        weight: &Tensor,
        x: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let s = self.shape;
        let wide = leaky_relu_backward(x, gradient, self.slope)?;
        let (of_narrow, of_weight) = (constant(narrow), constant(weight));
        Ok((
            deliver(narrow, || conv2d(&wide, &of_weight, None, s.stride, s.padding))?,
            deliver(weight, || conv2d_weight_grad(&wide, &of_narrow, s.kernel, s.stride, s.padding))?,
            None,
        ))
    }
}

struct ChannelSum;

impl CustomOp1 for ChannelSum {
    fn name(&self) -> &'static str {
        "channel sum"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, channels, height, width) = layout.shape().dims4()?;
        with_float!("channel sum", storage, T => {
            let x = elements::<T>(storage, layout)?;
            Ok(filled(channels, |out| elementwise::channel_sum(x, None, channels, height * width, out)))
        })
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        gradient.reshape((1, (), 1, 1))?.broadcast_as(x.shape())?.contiguous().map(Some)
    }
}

pub(super) fn wide_shape(
    name: &'static str,
    wide: &Tensor,
    weight: &Tensor,
    stride: usize,
    padding: usize,
) -> Result<ConvShape> {
    let (batch, in_channels, in_height, in_width) = wide.dims4()?;
    let (out_channels, kernel) = check_weight(name, weight, Some(in_channels), None)?;
    let size = |wide: usize| narrow_size(wide, kernel, stride.max(1), padding).unwrap_or(0);
    let shape = ConvShape {
        batch,
        in_channels,
        in_height,
        in_width,
        out_channels,
        out_height: size(in_height),
        out_width: size(in_width),
        kernel,
        stride,
        padding,
    };
    check_sizes(name, &shape)?;
    Ok(shape)
}

pub(super) fn narrow_shape(
    name: &'static str,
    narrow: &Tensor,
    weight: &Tensor,
    (in_height, in_width): (usize, usize),
    stride: usize,
    padding: usize,
) -> Result<ConvShape> {
    let (batch, out_channels, out_height, out_width) = narrow.dims4()?;
    let (_, kernel) = check_weight(name, weight, None, Some(out_channels))?;
    let shape = ConvShape {
        batch,
        in_channels: weight.dim(1)?,
        in_height,
        in_width,
        out_channels,
        out_height,
        out_width,
        kernel,
        stride,
        padding,
    };
    check_sizes(name, &shape)?;
    Ok(shape)
}

/// The first axis and the kernel of a weight whose channels must be those given.
fn check_weight(
    name: &'static str,
    weight: &Tensor,
    second: Option<usize>,
    first: Option<usize>,
) -> Result<(usize, usize)> {
    let (a, b, kernel, columns) = weight.dims4()?;
    if kernel != columns {
        bail!("{name}: the kernel must be square, got {kernel}x{columns}");
    }
    if first.is_some_and(|channels| channels != a) || second.is_some_and(|channels| channels != b) {
        let channels = first.or(second).unwrap_or_default();
        bail!("{name}: an input of {channels} channels does not fit a weight of shape {:?}", weight.dims());
    }
    Ok((a, kernel))
}

fn check_bias(name: &'static str, bias: Option<&Tensor>, channels: usize) -> Result<()> {
    match bias {
        Some(bias) if bias.dims() != [channels] => {
            bail!("{name}: the bias must have shape [{channels}], got {:?}", bias.dims())
        }
        _ => Ok(()),
    }
}

/// Checks that the narrow side is what the convolution of the wide side gives.
fn check_sizes(name: &'static str, s: &ConvShape) -> Result<()> {
    if s.stride == 0 || s.kernel == 0 {
        bail!("{name}: stride and kernel must be at least 1, got {} and {}", s.stride, s.kernel);
    }
    let expected = (
        narrow_size(s.in_height, s.kernel, s.stride, s.padding),
        narrow_size(s.in_width, s.kernel, s.stride, s.padding),
    );
    if expected != (Some(s.out_height), Some(s.out_width)) {
        bail!(
            "{name}: kernel {} with stride {} and padding {} does not lead from {}x{} to {}x{}",
            s.kernel,
            s.stride,
            s.padding,
            s.in_height,
            s.in_width,
            s.out_height,
            s.out_width
        );
    }
    Ok(())
}
