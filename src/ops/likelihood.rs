//! The reconstruction loss of Bernoulli pictures.

use candle_core::{CpuStorage, Result, Shape, Tensor, bail};

use super::backend::Backend;
use super::cpu::{filled_vec, likelihood};
use super::cuda::{self, Driver, Made, OnCuda, Operand};
use super::custom::{constant, filled, with_float};
use super::operation::{Argument, Operation, apply, run, slice};
use super::portable;

/// The cross-entropy of pictures `x` with `logits` of the same shape, `sum log(1 + exp(l)) - l x`, in nats, a scalar.
///
/// Differentiable once in the logits; `x` is data, its gradient is not computed by kernels.
///
/// # Errors
/// When the shapes differ or the type is not f32 or f64.
pub fn bernoulli_cross_entropy(logits: &Tensor, x: &Tensor) -> Result<Tensor> {
    if logits.dims() != x.dims() {
        bail!("bernoulli_cross_entropy: logits are {:?} but pictures {:?}", logits.dims(), x.dims());
    }
    if Backend::of(logits) == Backend::Composed {
        return portable::bernoulli_cross_entropy(logits, x);
    }
    apply(CrossEntropy, &[logits, &constant(x)])
}

/// The sum, of logits and pictures.
struct CrossEntropy;

impl Operation for CrossEntropy {
    const NAME: &'static str = "Bernoulli cross-entropy";

    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        with_float!(Self::NAME, arguments[0].0, T => {
            let (logits, x) = (slice::<T>(arguments[0])?, slice::<T>(arguments[1])?);
            Ok(filled((), |out| filled_vec::from_fn(out, |_| likelihood::cross_entropy(logits, x))))
        })
    }

    fn backward(&self, arguments: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(run(CrossEntropyBackward, &[arguments[0], arguments[1], gradient])?), None])
    }
}

impl OnCuda for CrossEntropy {
    fn run<D: Driver>(&self, driver: &D, operands: &[Operand<'_>]) -> Made<D> {
        cuda::cross_entropy(driver, operands[0], operands[1])
    }
}

/// Its gradient in the logits, of logits, pictures and the sum's own gradient.
struct CrossEntropyBackward;

impl Operation for CrossEntropyBackward {
    const NAME: &'static str = "Bernoulli cross-entropy backward";

    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        with_float!(Self::NAME, arguments[0].0, T => {
            let (logits, x) = (slice::<T>(arguments[0])?, slice::<T>(arguments[1])?);
            let scale = slice::<T>(arguments[2])?[0];
            Ok(filled(arguments[0].1.shape(), |out| likelihood::cross_entropy_backward(logits, x, scale, out)))
        })
    }
}

impl OnCuda for CrossEntropyBackward {
    fn run<D: Driver>(&self, driver: &D, operands: &[Operand<'_>]) -> Made<D> {
        cuda::cross_entropy_backward(driver, [operands[0], operands[1], operands[2]])
    }
}
