//! Changes of weights in place, each one kernel over a parameter; the formulas are those of [`cpu::optim`](super::super::cpu::optim).

use candle_core::{Result, Tensor};

use super::change;
use super::kernels::{add_to, arguments, each};
use crate::ops::cpu::optim::Adam;

/// A step of Adam: `m` and `v` are the running means of the gradient and of its square, `step` counts from 1.
pub(crate) fn adam_step(
    weight: &Tensor,
    gradient: &Tensor,
    [m, v]: [&Tensor; 2],
    adam: &Adam,
    step: u64,
) -> Result<()> {
    let exponent = step.min(i32::MAX as u64) as i32;
    let rate = adam.learning_rate / (1.0 - adam.beta1.powi(exponent));
    let root_scale = (1.0 - adam.beta2.powi(exponent)).sqrt().recip();
    change(&[weight, gradient, m, v], |queue, addresses| {
        let &[w, g, m, v] = addresses else { return Ok(()) };
        let arguments = arguments![w, g, m, v, adam.beta1, adam.beta2, rate, root_scale, adam.epsilon];
        each(queue, "adam", weight.elem_count(), &arguments)
    })
}

/// A step of RMSprop: `square` is the running mean of the squared gradient.
pub(crate) fn rmsprop_step(
    weight: &Tensor,
    gradient: &Tensor,
    square: &Tensor,
    learning_rate: f64,
    alpha: f64,
    epsilon: f64,
) -> Result<()> {
    change(&[weight, gradient, square], |queue, addresses| {
        let &[w, g, v] = addresses else { return Ok(()) };
        each(queue, "rmsprop", weight.elem_count(), &arguments![w, g, v, learning_rate, alpha, epsilon])
    })
}

/// `average = decay * average + (1 - decay) * weight`
pub(crate) fn ema_step(average: &Tensor, weight: &Tensor, decay: f64) -> Result<()> {
    change(&[average, weight], |queue, addresses| {
        let &[average, w] = addresses else { return Ok(()) };
        each(queue, "moving_average", weight.elem_count(), &arguments![average, w, decay])
    })
}

/// `sum += gradient`
pub(in crate::ops) fn add_gradient(sum: &Tensor, gradient: &Tensor) -> Result<()> {
    change(&[sum, gradient], |queue, addresses| {
        let &[sum, gradient_at] = addresses else { return Ok(()) };
        add_to(queue, sum, gradient_at, gradient.elem_count())
    })
}
