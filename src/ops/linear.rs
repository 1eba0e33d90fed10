//! The fully connected layer.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, DType, Layout, Result, Shape, Tensor, bail};

use super::backend::Backend;
use super::backward::deliver;
use super::cpu::convolution::Fused;
use super::cpu::linear::{self as kernels, LinearShape};
use super::custom::{constant, elements, filled};
use super::work::count;

/// `x (N, I)` times the transpose of `weight (O, I)`, plus `bias (O)`; gives `(N, O)`.
///
/// # Errors
/// When shapes, types or devices do not fit together.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let ((batch, inputs), (outputs, weight_inputs)) = (x.dims2()?, weight.dims2()?);
    if inputs != weight_inputs || bias.is_some_and(|bias| bias.dims() != [outputs]) {
        let bias = bias.map(Tensor::dims);
        bail!("linear: {inputs} inputs do not fit a weight {:?} and bias {bias:?}", weight.dims());
    }
    if Backend::of(x) == Backend::Cpu && x.dtype() == DType::F32 {
        let shape = LinearShape { batch, inputs, outputs };
        return apply(Kind::Forward, shape, x, weight, bias);
    }
    let y = x.matmul(&weight.t()?)?;
    match bias {
        Some(bias) => y.broadcast_add(bias),
        None => Ok(y),
    }
}

/// Which of the layer's three products a [`Linear`] computes.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// x, weight -> y
    Forward,
    /// dy, weight -> dx
    InputGradient,
    /// x, dy -> dweight
    WeightGradient,
}

struct Linear {
    kind: Kind,
    shape: LinearShape,
}

fn apply(kind: Kind, shape: LinearShape, a: &Tensor, b: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (a, b) = (a.contiguous()?, b.contiguous()?);
    match bias {
        Some(bias) => a.apply_op3(&b, &bias.contiguous()?, Linear { kind, shape }),
        None => a.apply_op2(&b, Linear { kind, shape }),
    }
}

impl Linear {
    fn run(
        &self,
        (s1, l1): (&CpuStorage, &Layout),
        (s2, l2): (&CpuStorage, &Layout),
        bias: Option<(&CpuStorage, &Layout)>,
    ) -> Result<(CpuStorage, Shape)> {
        let s = &self.shape;
        count(s.batch * s.inputs * s.outputs);
        let (a, b) = (elements::<f32>(s1, l1)?, elements::<f32>(s2, l2)?);
        let bias = bias.map(|(storage, layout)| elements::<f32>(storage, layout)).transpose()?;
        Ok(match self.kind {
            Kind::Forward => filled((s.batch, s.outputs), |y| {
                kernels::forward(s, a, b, &Fused { bias, ..Fused::default() }, y)
            }),
            Kind::InputGradient => filled((s.batch, s.inputs), |dx| kernels::input_gradient(s, a, b, dx)),
            Kind::WeightGradient => filled((s.outputs, s.inputs), |dw| kernels::weight_gradient(s, a, b, dw)),
        })
    }

    /// The gradients in both arguments, where they are wanted.
    fn backward(
        &self,
        a: &Tensor,
        b: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (arguments, a, b) = ((a, b), &constant(a), &constant(b));
        let product = |kind, a: &Tensor, b: &Tensor| apply(kind, self.shape, a, b, None);
        let (first, second) = match self.kind {
            Kind::Forward => ((Kind::InputGradient, gradient, b), (Kind::WeightGradient, a, gradient)),
            Kind::InputGradient => ((Kind::Forward, gradient, b), (Kind::WeightGradient, gradient, a)),
            Kind::WeightGradient => ((Kind::InputGradient, b, gradient), (Kind::Forward, a, gradient)),
        };
        Ok((
            deliver(arguments.0, || product(first.0, first.1, first.2))?,
            deliver(arguments.1, || product(second.0, second.1, second.2))?,
        ))
    }
}

impl CustomOp2 for Linear {
    fn name(&self) -> &'static str {
        "linear"
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
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        self.backward(a, b, gradient)
    }
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear with bias"
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
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (da, db) = self.backward(a, b, gradient)?;
        Ok((da, db, deliver(bias, || gradient.sum(0))?))
    }
}
