//! The reconstruction loss of Bernoulli pictures.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

use super::backend::Backend;
use super::cpu::{likelihood, made};
use super::custom::{constant, elements, filled, with_float};
use super::portable;

/// The cross-entropy of pictures `x` with `logits` of the same shape, `sum log(1 + exp(l)) - l x`, in nats, a scalar.
///
/// Differentiable once in the logits; `x` is data, its gradient is not computed on the CPU.
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
    logits.contiguous()?.apply_op2(&constant(x).contiguous()?, CrossEntropy { backward_scale: None })
}

/// The sum, or its gradient in the logits times a number.
struct CrossEntropy {
    backward_scale: Option<f64>,
}

impl CustomOp2 for CrossEntropy {
    fn name(&self) -> &'static str {
        "Bernoulli cross-entropy"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        with_float!("Bernoulli cross-entropy", s1, T => {
            let (logits, x) = (elements::<T>(s1, l1)?, elements::<T>(s2, l2)?);
            Ok(match self.backward_scale {
                None => filled((), |out| made::from_fn(out, |_| likelihood::cross_entropy(logits, x))),
                Some(scale) => filled(l1.shape(), |out| {
                    likelihood::cross_entropy_backward(logits, x, scale as T, out)
                }),
            })
        })
    }

    fn bwd(
        &self,
        logits: &Tensor,
        x: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        if self.backward_scale.is_some() {
            return Err(candle_core::Error::BackwardNotSupported { op: "Bernoulli cross-entropy backward" });
        }
        let scale = gradient.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>()?;
        let operation = Self { backward_scale: Some(scale) };
        Ok((Some(constant(logits).apply_op2_no_bwd(x, &operation)?), None))
    }
}
