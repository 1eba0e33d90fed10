//! Candle's backward pass without its detour for parameters.
//!
//! Candle adds every gradient to a fresh tensor of zeros, three passes over memory that is as large as the network.
//! For the parameters of convolutions and linear layers, whose gradients nothing else in the pass depends on,
//! [`backward`] collects them beside candle's own store and puts them there in the end.

use std::cell::RefCell;

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor, bail};

use super::backend::Backend;
use super::cpu::elementwise;
use super::cuda;

thread_local! {
    /// The parameters' gradients of the pass that runs on this thread.
    static COLLECTED: RefCell<Option<Vec<(Tensor, Tensor)>>> = const { RefCell::new(None) };
}

/// The gradients of `loss`, a scalar, in everything that it depends on: what `loss.backward()` gives, faster.
///
/// # Errors
/// When an operation has no backward pass, or the device fails.
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    let outer = COLLECTED.replace(Some(Vec::new()));
    let gradients = loss.backward();
    let collected = COLLECTED.replace(outer).unwrap_or_default();
    let mut gradients = gradients?;
    for (parameter, gradient) in collected {
        let sum = match gradients.remove(&parameter) {
            Some(other) => (other + gradient)?,
            None => gradient,
        };
        gradients.insert(&parameter, sum);
    }
    Ok(gradients)
}

/// Hands a backward operation's gradient over: to the pass's collection where `argument` is a parameter and
/// [`backward`] runs, else back to candle.
pub(super) fn gradient_for(
    argument: &Tensor,
    gradient: impl FnOnce() -> Result<Tensor>,
) -> Result<Option<Tensor>> {
    if !argument.track_op() {
        return Ok(None);
    }
    let gradient = gradient()?;
    if !argument.is_variable() || gradient.track_op() {
        return Ok(Some(gradient));
    }
    COLLECTED.with_borrow_mut(|collected| {
        let Some(collected) = collected else { return Ok(Some(gradient)) };
        match collected.iter().position(|(parameter, _)| parameter.id() == argument.id()) {
            Some(index) => match Backend::of(&gradient) {
                Backend::Cpu => add_to(&collected[index].1, &gradient)?,
                Backend::Cuda => cuda::optim::add_gradient(&collected[index].1, &gradient.contiguous()?)?,
                Backend::Composed => collected[index].1 = (&collected[index].1 + gradient)?,
            },
            None => collected.push((argument.clone(), gradient)),
        }
        Ok(None)
    })
}

/// Hands over the gradient of `parameter` from within a composite's backward pass; it is not computed where nobody
/// wants it.
///
/// # Errors
/// Those of `gradient`, and when the pass was not started by [`backward`].
pub fn accumulate_gradient(parameter: &Tensor, gradient: impl FnOnce() -> Result<Tensor>) -> Result<()> {
    match gradient_for(parameter, gradient)? {
        Some(_) => bail!("a composite is differentiated by ops::backward, in a parameter that is a variable"),
        None => Ok(()),
    }
}

/// `sum += gradient` in place; `sum` is a tensor that only this module holds.
fn add_to(sum: &Tensor, gradient: &Tensor) -> Result<()> {
    sum.inplace_op2(&gradient.contiguous()?, &Add)
}

struct Add;

impl InplaceOp2 for Add {
    fn name(&self) -> &'static str {
        "gradient sum"
    }

    fn cpu_fwd(
        &self,
        sum: &mut CpuStorage,
        sum_layout: &Layout,
        other: &CpuStorage,
        layout: &Layout,
    ) -> Result<()> {
        let (Some((from, to)), Some((start, end))) =
            (sum_layout.contiguous_offsets(), layout.contiguous_offsets())
        else {
            candle_core::bail!("gradients are contiguous");
        };
        match (sum, other) {
            (CpuStorage::F32(sum), CpuStorage::F32(other)) => {
                elementwise::update(&other[start..end], &mut sum[from..to], |a, b| a + b);
                Ok(())
            }
            (CpuStorage::F64(sum), CpuStorage::F64(other)) => {
                elementwise::update(&other[start..end], &mut sum[from..to], |a, b| a + b);
                Ok(())
            }
            _ => candle_core::bail!("gradients of one parameter have one type"),
        }
    }
}
