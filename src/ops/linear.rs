//! The fully connected layer.

use candle_core::{CpuStorage, DType, Result, Shape, Tensor, bail};

use super::backend::Backend;
use super::backward::gradient_for;
use super::convolution::channel_sum;
use super::cpu::fused::Fused;
use super::cpu::linear::{self as kernels, LinearShape};
use super::cuda::{self, Driver, Made, OnCuda, Operand};
use super::custom::{constant, filled};
use super::operation::{Argument, Operation, apply, slice};
use super::pass::Pass;
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
    if Backend::of(x) != Backend::Composed && x.dtype() == DType::F32 {
        let layer = Linear { pass: Pass::Forward, shape: LinearShape { batch, inputs, outputs } };
        return match bias {
            Some(bias) => apply(layer, &[x, weight, bias]),
            None => apply(layer, &[x, weight]),
        };
    }
    let y = x.matmul(&weight.t()?)?;
    match bias {
        Some(bias) => y.broadcast_add(bias),
        None => Ok(y),
    }
}

/// The gradient of [`linear`] in x, `(N, I)`, from that of its result, `(N, O)`, and the weight, `(O, I)`.
///
/// # Errors
/// When shapes, types or devices do not fit together.
pub fn linear_input_grad(dy: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let ((batch, outputs), (weight_outputs, inputs)) = (dy.dims2()?, weight.dims2()?);
    if outputs != weight_outputs {
        bail!("linear_input_grad: a gradient {:?} for a weight {:?}", dy.dims(), weight.dims());
    }
    if Backend::of(dy) != Backend::Composed && dy.dtype() == DType::F32 {
        return apply(
            Linear { pass: Pass::Transposed, shape: LinearShape { batch, inputs, outputs } },
            &[dy, weight],
        );
    }
    dy.matmul(weight)
}

/// The gradient of [`linear`] in its weight, `(O, I)`, from x, `(N, I)`, and that of its result, `(N, O)`.
///
/// # Errors
/// When shapes, types or devices do not fit together.
pub fn linear_weight_grad(x: &Tensor, dy: &Tensor) -> Result<Tensor> {
    let ((batch, inputs), (gradients, outputs)) = (x.dims2()?, dy.dims2()?);
    if batch != gradients {
        bail!("linear_weight_grad: {batch} rows but {gradients} gradients");
    }
    if Backend::of(x) != Backend::Composed && x.dtype() == DType::F32 {
        let shape = LinearShape { batch, inputs, outputs };
        return apply(Linear { pass: Pass::WeightGradient, shape }, &[x, dy]);
    }
    dy.t()?.matmul(x)
}

/// The sum of `x (N, C)` over its rows, `(C)`: the gradient of a bias.
///
/// # Errors
/// When `x` does not have two axes.
pub fn row_sum(x: &Tensor) -> Result<Tensor> {
    let (rows, columns) = x.dims2()?;
    match Backend::of(x) {
        Backend::Cpu => channel_sum(&x.contiguous()?.reshape((rows, columns, 1, 1))?),
        _ => x.sum(0),
    }
}

/// One of the layer's three products: of x and weight and perhaps a bias, of dy and weight, or of x and dy.
struct Linear {
    pass: Pass,
    shape: LinearShape,
}

impl Operation for Linear {
    const NAME: &'static str = "linear";

    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        let s = &self.shape;
        count(s.batch * s.inputs * s.outputs);
        let (a, b) = (slice::<f32>(arguments[0])?, slice::<f32>(arguments[1])?);
        let bias = arguments.get(2).map(|&bias| slice::<f32>(bias)).transpose()?;
        Ok(match self.pass {
            Pass::Forward => filled((s.batch, s.outputs), |y| {
                kernels::forward(s, a, b, &Fused { bias, ..Fused::default() }, y)
            }),
            Pass::Transposed => filled((s.batch, s.inputs), |dx| kernels::input_gradient(s, a, b, dx)),
            Pass::WeightGradient => filled((s.outputs, s.inputs), |dw| kernels::weight_gradient(s, a, b, dw)),
        })
    }

    fn backward(&self, arguments: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Result<Vec<Option<Tensor>>> {
        let (a, b) = (&constant(arguments[0]), &constant(arguments[1]));
        let product = |pass, a: &Tensor, b: &Tensor| apply(Self { pass, shape: self.shape }, &[a, b]);
        let (first, second) = match self.pass {
            Pass::Forward => ((Pass::Transposed, gradient, b), (Pass::WeightGradient, a, gradient)),
            Pass::Transposed => ((Pass::Forward, gradient, b), (Pass::WeightGradient, gradient, a)),
            Pass::WeightGradient => ((Pass::Transposed, b, gradient), (Pass::Forward, a, gradient)),
        };
        let mut gradients = vec![
            gradient_for(arguments[0], || product(first.0, first.1, first.2))?,
            gradient_for(arguments[1], || product(second.0, second.1, second.2))?,
        ];
        if let Some(bias) = arguments.get(2) {
            gradients.push(gradient_for(bias, || row_sum(gradient))?);
        }
        Ok(gradients)
    }
}

impl OnCuda for Linear {
    fn run<D: Driver>(&self, driver: &D, operands: &[Operand<'_>]) -> Made<D> {
        cuda::Linear { pass: self.pass, shape: self.shape }.run(driver, operands)
    }
}
