//! The convolutions as operations of candle's graph.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, WithDType};

use super::super::activation::{Activation, leaky_relu_backward};
use super::super::backward::deliver;
use super::super::cpu::convolution::{ConvShape, Convolve, Fused};
use super::super::cpu::elementwise;
use super::super::custom::{constant, elements, filled, with_float};
use super::super::work::count;
use super::{channel_sum, conv2d, conv2d_act, conv2d_act_input_grad, conv2d_input_grad, conv2d_weight_grad};

/// Which of the three a [`Convolution`] computes, and what its arguments are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
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

pub(super) fn apply(
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
pub(super) struct Masked {
    pub(super) shape: ConvShape,
    pub(super) slope: f64,
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

/// The sum over everything but the channels.
pub(super) struct ChannelSum;

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
