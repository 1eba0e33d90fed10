//! Convolutions together with what surrounds them in a network, outside any graph: what composites are made of.

use std::mem::MaybeUninit;
use std::ops::Deref;

use candle_core::{DType, Layout, Result, Storage, Tensor, WithDType, bail};

use super::activation::{leaky_relu, leaky_relu_backward};
use super::backend::{Backend, convolved};
use super::convolution::{narrow_shape, wide_shape};
use super::cpu::convolution::Convolve;
use super::cpu::filled_vec::filled_vec;
use super::cpu::fused::Fused;
use super::cpu::shape::ConvShape;
use super::cuda;
use super::custom::{Element, constant, elements, unsupported};
use super::pass::Pass;
use super::work::count;
use super::{portable, residual};

/// What is done around a convolution: `shortcut + scale * mask * activation(conv(activation(x)) + bias)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Around<'a> {
    /// The slope of a leaky ReLU on the input.
    pub before: Option<f64>,
    /// Added to every value of a channel, `(C,)`.
    pub bias: Option<&'a Tensor>,
    /// The slope of a leaky ReLU on the result.
    pub after: Option<f64>,
    /// The derivative of a leaky ReLU, multiplied with the result: where it was evaluated (the result's shape), and
    /// its slope.
    pub mask: Option<(&'a Tensor, f64)>,
    /// What the result is added to (of its shape), and the result's weight in the sum.
    pub shortcut: Option<(&'a Tensor, f64)>,
}

/// [`conv2d`](super::conv2d) without a graph, with what is `around` it in the same pass.
///
/// # Errors
/// When shapes, types or devices do not fit together.
pub fn conv2d_fused(
    x: &Tensor,
    weight: &Tensor,
    stride: usize,
    padding: usize,
    around: &Around<'_>,
) -> Result<Tensor> {
    let shape = wide_shape("conv2d_fused", x, weight, stride, padding)?;
    let size = (shape.batch, shape.out_channels, shape.out_height, shape.out_width);
    around.check(size)?;
    convolved(
        x,
        Pass::Forward,
        &shape,
        |backend| match (backend, x.dtype()) {
            (Backend::Cuda, _) => around.on_cuda(Pass::Forward, shape, x, weight),
            (_, DType::F32) => run::<f32>(&shape, size, x, weight, around, f32::forward),
            (_, DType::F64) => run::<f64>(&shape, size, x, weight, around, f64::forward),
            (_, other) => unsupported("conv2d_fused", other),
        },
        || around.compose(x, |x, bias| portable::conv2d(x, &constant(weight), bias, stride, padding)),
    )
}

/// [`conv2d_input_grad`](super::conv2d_input_grad) without a graph, with what is `around` it in the same pass.
///
/// # Errors
/// When shapes, types or devices do not fit together.
pub fn conv2d_input_grad_fused(
    dy: &Tensor,
    weight: &Tensor,
    (height, width): (usize, usize),
    stride: usize,
    padding: usize,
    around: &Around<'_>,
) -> Result<Tensor> {
    let shape = narrow_shape("conv2d_input_grad_fused", dy, weight, (height, width), stride, padding)?;
    let size = (shape.batch, shape.in_channels, height, width);
    around.check(size)?;
    convolved(
        dy,
        Pass::Transposed,
        &shape,
        |backend| match (backend, dy.dtype()) {
            (Backend::Cuda, _) => around.on_cuda(Pass::Transposed, shape, dy, weight),
            (_, DType::F32) => run::<f32>(&shape, size, dy, weight, around, f32::transposed),
            (_, DType::F64) => run::<f64>(&shape, size, dy, weight, around, f64::transposed),
            (_, other) => unsupported("conv2d_input_grad_fused", other),
        },
        || {
            around.compose(dy, |dy, bias| {
                portable::conv_transpose2d(dy, &constant(weight), bias, (height, width), stride, padding)
            })
        },
    )
}

impl Around<'_> {
    fn check(&self, size: (usize, usize, usize, usize)) -> Result<()> {
        let size = [size.0, size.1, size.2, size.3];
        for tensor in [self.mask, self.shortcut].into_iter().flatten().map(|(tensor, _)| tensor) {
            if tensor.dims() != size {
                bail!("a convolution to {size:?} cannot be fused with a tensor of {:?}", tensor.dims());
            }
        }
        match self.bias {
            Some(bias) if bias.dims() != [size[1]] => {
                bail!("the bias must have shape [{}], got {:?}", size[1], bias.dims())
            }
            _ => Ok(()),
        }
    }

    /// All of it as one operation on CUDA.
    fn on_cuda(&self, pass: Pass, shape: ConvShape, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        let operation = cuda::Convolution {
            pass,
            shape,
            before: self.before,
            bias: self.bias.is_some(),
            after: self.after,
            mask: self.mask.map(|(_, slope)| slope),
            shortcut: self.shortcut.map(|(_, scale)| scale),
        };
        let others = [self.bias, self.mask.map(|(at, _)| at), self.shortcut.map(|(shortcut, _)| shortcut)];
        let operands: Vec<&Tensor> = [a, b].into_iter().chain(others.into_iter().flatten()).collect();
        cuda::run(&operation, &operands)
    }

    /// The same from operations of candle's.
    fn compose(
        &self,
        x: &Tensor,
        conv: impl FnOnce(&Tensor, Option<&Tensor>) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let mut y = constant(x);
        if let Some(slope) = self.before {
            y = leaky_relu(&y, slope)?;
        }
        y = conv(&y, self.bias.map(constant).as_ref())?;
        if let Some(slope) = self.after {
            y = leaky_relu(&y, slope)?;
        }
        if let Some((at, slope)) = self.mask {
            y = leaky_relu_backward(at, &y, slope)?;
        }
        match self.shortcut {
            Some((shortcut, scale)) => residual(&constant(shortcut), &y, scale),
            None => Ok(y),
        }
    }
}

/// The elements of a CPU tensor, for as long as they are read.
pub(super) struct Reading<'a, G> {
    storage: G,
    layout: &'a Layout,
}

/// Begins to read.
pub(super) fn reading(tensor: &Tensor) -> Reading<'_, impl Deref<Target = Storage>> {
    let (storage, layout) = tensor.storage_and_layout();
    Reading { storage, layout }
}

impl<G: Deref<Target = Storage>> Reading<'_, G> {
    /// The elements; an error unless they lie one after the other on the CPU.
    pub(super) fn elements<T: WithDType>(&self) -> Result<&[T]> {
        match &*self.storage {
            Storage::Cpu(storage) => elements(storage, self.layout),
            _ => bail!("tensors lie on different devices"),
        }
    }
}

/// One of the kernels of [`Convolve`] on tensors.
fn run<T: Element + Convolve>(
    shape: &ConvShape,
    size: (usize, usize, usize, usize),
    x: &Tensor,
    weight: &Tensor,
    around: &Around<'_>,
    kernel: impl for<'r> FnOnce(&ConvShape, &[T], &[T], &Fused<'_, T>, &'r mut [MaybeUninit<T>]) -> &'r mut [T],
) -> Result<Tensor> {
    count(shape.multiply_adds());
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    let bias = around.bias.map(Tensor::contiguous).transpose()?;
    let mask = around.mask.map(|(at, _)| at.contiguous()).transpose()?;
    let shortcut = around.shortcut.map(|(shortcut, _)| shortcut.contiguous()).transpose()?;
    let (x, weight) = (reading(&x), reading(&weight));
    let [bias, mask, shortcut] = [&bias, &mask, &shortcut].map(|tensor| tensor.as_ref().map(reading));
    let number = <T as WithDType>::from_f64;
    let with = |tensor, option: Option<(&Tensor, f64)>| match (tensor, option) {
        (Some(tensor), Some((_, value))) => Some((tensor, number(value))),
        _ => None,
    };
    let fused = Fused {
        before: around.before.map(number),
        bias: optional(&bias)?,
        after: around.after.map(number),
        mask: with(optional(&mask)?, around.mask),
        shortcut: with(optional(&shortcut)?, around.shortcut),
    };
    let (x, weight) = (x.elements::<T>()?, weight.elements::<T>()?);
    let length = size.0 * size.1 * size.2 * size.3;
    let out = filled_vec(length, |out| kernel(shape, x, weight, &fused, out));
    Tensor::from_vec(out, size, &candle_core::Device::Cpu)
}

/// The elements, if there is something to read.
fn optional<'a, T: WithDType>(
    reading: &'a Option<Reading<'_, impl Deref<Target = Storage>>>,
) -> Result<Option<&'a [T]>> {
    reading.as_ref().map(Reading::elements).transpose()
}
