//! The convolutions as operations of candle's graph.

use candle_core::{CpuStorage, Result, Shape, Tensor, WithDType};

use super::super::activation::{Activation, leaky_relu_backward};
use super::super::backward::gradient_for;
use super::super::cpu::convolution::Convolve;
use super::super::cpu::elementwise;
use super::super::cpu::fused::Fused;
use super::super::cpu::shape::ConvShape;
use super::super::cuda::{self, Driver, Made, OnCuda, Operand};
use super::super::custom::{constant, filled, with_float};
use super::super::operation::{Argument, Operation, apply, slice};
use super::super::pass::Pass;
use super::super::work::count;
use super::{
    channel_sum, conv2d, conv2d_act, conv2d_act_input_grad, conv2d_act_weight_grad, conv2d_input_grad,
    conv2d_weight_grad,
};

/// One of the three, of two arguments and perhaps a bias.
pub(super) struct Convolution {
    pub(super) pass: Pass,
    pub(super) shape: ConvShape,
    /// Of a weight gradient, the one before the wide side.
    pub(super) activation: Activation,
}

/// A convolution as a node of its arguments' graph.
pub(super) fn convolution(
    pass: Pass,
    shape: ConvShape,
    activation: Activation,
    a: &Tensor,
    b: &Tensor,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let operation = Convolution { pass, shape, activation };
    match bias {
        Some(bias) => apply(operation, &[a, b, bias]),
        None => apply(operation, &[a, b]),
    }
}

impl Convolution {
    /// The gradients in both arguments, where they are wanted, from the gradient of what comes before an
    /// activation at the end.
    fn gradients(&self, a: &Tensor, b: &Tensor, gradient: &Tensor) -> Result<[Option<Tensor>; 2]> {
        let s = self.shape;
        let size = (s.in_height, s.in_width);
        let (stride, padding) = (s.stride, s.padding);
        let wide = |a: &Tensor, weight: &Tensor| match self.activation {
            Activation::Before(slope) => conv2d_act_input_grad(gradient, weight, a, slope, stride, padding),
            _ => conv2d_input_grad(gradient, weight, size, stride, padding),
        };
        let narrow = |weight: &Tensor| conv2d(gradient, weight, None, stride, padding);
        let of_weight =
            |a: &Tensor, b: &Tensor, before| conv2d_act_weight_grad(a, b, before, s.kernel, stride, padding);
        let (first, second) = (constant(a), constant(b));
        Ok(match self.pass {
            Pass::Forward => {
                // An activation at the end has been dealt with.
                let before = self.activation.before();
                [
                    gradient_for(a, || wide(&first, &second))?,
                    gradient_for(b, || of_weight(&first, gradient, before))?,
                ]
            }
            Pass::Transposed => {
                [gradient_for(a, || narrow(&second))?, gradient_for(b, || of_weight(gradient, &first, None))?]
            }
            Pass::WeightGradient => [
                gradient_for(a, || match self.activation {
                    Activation::Before(slope) => {
                        conv2d_act_input_grad(&second, gradient, &first, slope, stride, padding)
                    }
                    _ => conv2d_input_grad(&second, gradient, size, stride, padding),
                })?,
                gradient_for(b, || conv2d_act(&first, gradient, None, stride, padding, self.activation))?,
            ],
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

impl Operation for Convolution {
    const NAME: &'static str = "convolution";

    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        let s = &self.shape;
        count(s.multiply_adds());
        with_float!(Self::NAME, arguments[0].0, T => {
            let (a, b) = (slice::<T>(arguments[0])?, slice::<T>(arguments[1])?);
            let bias = arguments.get(2).map(|&bias| slice::<T>(bias)).transpose()?;
            let slope = |slope: Option<f64>| slope.map(<T as WithDType>::from_f64);
            let (before, after) = (slope(self.activation.before()), slope(self.activation.after()));
            let fused = Fused { before, bias, after, ..Fused::default() };
            Ok(match self.pass {
                Pass::Forward => filled((s.batch, s.out_channels, s.out_height, s.out_width), |out| {
                    T::forward(s, a, b, &fused, out)
                }),
                Pass::Transposed => filled((s.batch, s.in_channels, s.in_height, s.in_width), |out| {
                    T::transposed(s, a, b, &fused, out)
                }),
                Pass::WeightGradient => {
                    filled((s.out_channels, s.in_channels, s.kernel, s.kernel), |out| {
                        T::weight_gradient(s, a, before, b, out)
                    })
                }
            })
        })
    }

    fn backward(
        &self,
        arguments: &[&Tensor],
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<Vec<Option<Tensor>>> {
        let gradient = self.before_activation(result, gradient)?;
        let mut gradients = self.gradients(arguments[0], arguments[1], &gradient)?.to_vec();
        if let Some(bias) = arguments.get(2) {
            gradients.push(gradient_for(bias, || channel_sum(&gradient))?);
        }
        Ok(gradients)
    }
}

impl OnCuda for Convolution {
    fn run<D: Driver>(&self, driver: &D, operands: &[Operand<'_>]) -> Made<D> {
        cuda::Convolution {
            pass: self.pass,
            shape: self.shape,
            before: self.activation.before(),
            bias: operands.len() > 2,
            after: self.activation.after(),
            mask: None,
            shortcut: None,
        }
        .run(driver, operands)
    }
}

/// A transposed convolution times the derivative of a leaky ReLU: of narrow, weight and where the derivative is
/// taken.
pub(super) struct Masked {
    pub(super) shape: ConvShape,
    pub(super) slope: f64,
}

impl Operation for Masked {
    const NAME: &'static str = "convolution backward through an activation";

    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        let s = &self.shape;
        count(s.multiply_adds());
        with_float!(Self::NAME, arguments[0].0, T => {
            let (narrow, weight) = (slice::<T>(arguments[0])?, slice::<T>(arguments[1])?);
            let mask = Some((slice::<T>(arguments[2])?, <T as WithDType>::from_f64(self.slope)));
            let fused = Fused { mask, ..Fused::default() };
            Ok(filled((s.batch, s.in_channels, s.in_height, s.in_width), |out| {
                T::transposed(s, narrow, weight, &fused, out)
            }))
        })
    }

    fn backward(&self, arguments: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Result<Vec<Option<Tensor>>> {
        let s = self.shape;
        let [narrow, weight, x] = [arguments[0], arguments[1], arguments[2]];
        let wide = leaky_relu_backward(x, gradient, self.slope)?;
        let (of_narrow, of_weight) = (constant(narrow), constant(weight));
        Ok(vec![
            gradient_for(narrow, || conv2d(&wide, &of_weight, None, s.stride, s.padding))?,
            gradient_for(weight, || conv2d_weight_grad(&wide, &of_narrow, s.kernel, s.stride, s.padding))?,
            None,
        ])
    }
}

impl OnCuda for Masked {
    fn run<D: Driver>(&self, driver: &D, operands: &[Operand<'_>]) -> Made<D> {
        cuda::Convolution {
            pass: Pass::Transposed,
            shape: self.shape,
            before: None,
            bias: false,
            after: None,
            mask: Some(self.slope),
            shortcut: None,
        }
        .run(driver, operands)
    }
}

/// The sum over everything but the channels.
pub(super) struct ChannelSum;

impl Operation for ChannelSum {
    const NAME: &'static str = "channel sum";

    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        let (storage, layout) = arguments[0];
        let (_, channels, height, width) = layout.shape().dims4()?;
        with_float!(Self::NAME, storage, T => {
            let x = slice::<T>(arguments[0])?;
            Ok(filled(channels, |out| elementwise::channel_sum(x, None, channels, height * width, out)))
        })
    }

    fn backward(&self, x: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(gradient.reshape((1, (), 1, 1))?.broadcast_as(x[0].shape())?.contiguous()?)])
    }
}

impl OnCuda for ChannelSum {
    fn run<D: Driver>(&self, driver: &D, x: &[Operand<'_>]) -> Made<D> {
        cuda::channel_sum(driver, x[0], None)
    }
}
