//! Changes of weights in place, each one kernel over a parameter; the formulas are those of [`cpu::optim`](super::super::cpu::optim).
//!
//! What changes from step to step lies on the device (`pace`), and so does whether the step is made at all (`go`, one value
//! that is not zero, where there is one): a recorded step reads both anew each time.

use candle_core::{Result, Tensor};

use super::change;
use super::kernels::{add_to, arguments, each};
use crate::ops::cpu::optim::Adam;

/// What a step of Adam, the `step`th counted from 1, reads as its pace: the step size and the scale of the root.
pub(crate) fn adam_pace(adam: &Adam, step: u64) -> [f32; 2] {
    let exponent = step.min(i32::MAX as u64) as i32;
    let rate = adam.learning_rate / (1.0 - adam.beta1.powi(exponent));
    let root_scale = (1.0 - adam.beta2.powi(exponent)).sqrt().recip();
    [rate as f32, root_scale as f32]
}

/// A step of Adam: `m` and `v` are the running means of the gradient and of its square.
pub(crate) fn adam_step(
    weight: &Tensor,
    gradient: &Tensor,
    [m, v]: [&Tensor; 2],
    adam: &Adam,
    pace: &Tensor,
    go: Option<&Tensor>,
) -> Result<()> {
    let tensors = [weight, gradient, m, v, pace];
    change(&with(&tensors, go), |queue, addresses| {
        let &[w, g, m, v, pace, ..] = addresses else { return Ok(()) };
        let go = addresses.get(tensors.len()).copied().unwrap_or_default();
        let arguments = arguments![w, g, m, v, go, pace, adam.beta1, adam.beta2, adam.epsilon];
        each(queue, "adam", weight.elem_count(), &arguments)
    })
}

/// A step of RMSprop: `square` is the running mean of the squared gradient.
pub(crate) fn rmsprop_step(
    weight: &Tensor,
    gradient: &Tensor,
    square: &Tensor,
    [alpha, epsilon]: [f64; 2],
    pace: &Tensor,
    go: Option<&Tensor>,
) -> Result<()> {
    let tensors = [weight, gradient, square, pace];
    change(&with(&tensors, go), |queue, addresses| {
        let &[w, g, v, pace, ..] = addresses else { return Ok(()) };
        let go = addresses.get(tensors.len()).copied().unwrap_or_default();
        each(queue, "rmsprop", weight.elem_count(), &arguments![w, g, v, go, pace, alpha, epsilon])
    })
}

/// The same with momentum: `speed` is the running sum of the scaled gradients.
pub(crate) fn rmsprop_momentum_step(
    weight: &Tensor,
    gradient: &Tensor,
    [square, speed]: [&Tensor; 2],
    [alpha, epsilon, momentum]: [f64; 3],
    pace: &Tensor,
    go: Option<&Tensor>,
) -> Result<()> {
    let tensors = [weight, gradient, square, speed, pace];
    change(&with(&tensors, go), |queue, addresses| {
        let &[w, g, v, b, pace, ..] = addresses else { return Ok(()) };
        let go = addresses.get(tensors.len()).copied().unwrap_or_default();
        let arguments = arguments![w, g, v, b, go, pace, alpha, epsilon, momentum];
        each(queue, "rmsprop_momentum", weight.elem_count(), &arguments)
    })
}

/// `average = decay * average + (1 - decay) * weight`
pub(crate) fn ema_step(average: &Tensor, weight: &Tensor, decay: f64, go: Option<&Tensor>) -> Result<()> {
    let tensors = [average, weight];
    change(&with(&tensors, go), |queue, addresses| {
        let &[average, w, ..] = addresses else { return Ok(()) };
        let go = addresses.get(tensors.len()).copied().unwrap_or_default();
        each(queue, "moving_average", weight.elem_count(), &arguments![average, w, go, decay])
    })
}

/// `tensors`, and behind them the one there may be.
fn with<'a>(tensors: &[&'a Tensor], another: Option<&'a Tensor>) -> Vec<&'a Tensor> {
    tensors.iter().copied().chain(another).collect()
}

/// `sum += gradient`
pub(in crate::ops) fn add_gradient(sum: &Tensor, gradient: &Tensor) -> Result<()> {
    change(&[sum, gradient], |queue, addresses| {
        let &[sum, gradient_at] = addresses else { return Ok(()) };
        add_to(queue, sum, gradient_at, gradient.elem_count())
    })
}

/// `values[at..]` becomes `from`, of so many values; then, of the last call of a turn, [`judge`].
pub(in crate::ops) fn note(values: &Tensor, at: usize, from: &Tensor) -> Result<()> {
    if at + from.elem_count() > values.elem_count() {
        candle_core::bail!("a step notes more than {} values; use fewer parts", values.elem_count());
    }
    change(&[values, from], |queue, addresses| {
        let &[values, from_at] = addresses else { return Ok(()) };
        each(queue, "scale", from.elem_count(), &arguments![from_at, values + 4 * at as u64, 1.0])
    })
}

/// `go` becomes whether every value noted in `noted` is finite and, unless this is the `first` time, it was set before.
pub(in crate::ops) fn check_finite(
    values: &Tensor,
    noted: std::ops::Range<usize>,
    go: &Tensor,
    first: bool,
) -> Result<()> {
    change(&[values, go], |queue, addresses| {
        let &[values, go] = addresses else { return Ok(()) };
        let from = values + 4 * noted.start as u64;
        each(queue, "still_finite", 1, &arguments![from, go, noted.len(), first])
    })
}
