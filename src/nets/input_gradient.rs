//! Logits with their gradient in the picture, for a loss of both: the real side of a discriminator's step with R1.
//!
//! Both backward passes are one. Let `h` be a layer's input, `d` the gradient of the logits in its result, `s` that of
//! the loss in the logits (a number a picture), and `u` the change of `h` when the picture changes by the gradient of
//! the penalty in that gradient. With the activations' masks constant, the loss adds `(s h) x d` to the gradient of the
//! layer's weight and the penalty `u x d`: together `(u + s h) x d`, one product for two, and `d` is what the input gradient was
//! made of, so that no gradient runs down the network again. Four passes instead of six.

use candle_core::{Result, Tensor, bail};

use crate::ops;

/// The backward pass: from the loss's derivative in the logits `(N,)` and in their gradient in the pictures (of the pictures' shape). The
/// parameters' gradients go to [`ops::deliver_gradient`].
pub(super) type InputGradientBackward = Box<dyn Fn(&Tensor, &Tensor) -> Result<()> + Send + Sync>;

/// The logits `(N,)` that `run` makes of pictures `x (N, C, H, W)` and their gradient in the pictures, both
/// differentiable once, in `parameters` alone.
///
/// # Errors
/// Those of `run`.
pub(super) fn logits_and_input_gradient<'a>(
    x: &Tensor,
    parameters: impl IntoIterator<Item = &'a Tensor>,
    run: impl FnOnce(&Tensor) -> Result<(Tensor, Tensor, InputGradientBackward)>,
) -> Result<(Tensor, Tensor)> {
    let shape = x.shape().clone();
    let pictures = x.dim(0)?;
    let length = x.elem_count() / pictures.max(1);
    let split = move |joined: &Tensor| -> Result<(Tensor, Tensor)> {
        let input_gradient = joined.narrow(1, 1, length)?.contiguous()?.reshape(shape.clone())?;
        Ok((joined.narrow(1, 0, 1)?.flatten_all()?, input_gradient))
    };
    let split_gradient = split.clone();
    // Candle's operations have one result each, so the two travel as one.
    let joined = ops::composite(x, parameters, |x| {
        let (logits, input_gradient, backward) = run(x)?;
        let joined = Tensor::cat(&[logits.reshape((pictures, 1))?, input_gradient.flatten_from(1)?], 1)?;
        let backward = move |gradient: &Tensor, wanted: bool| {
            if wanted {
                bail!("logits with their input gradient are not differentiable in the picture");
            }
            let (of_logits, of_input_gradient) = split_gradient(gradient)?;
            backward(&of_logits, &of_input_gradient)?;
            Ok(None)
        };
        Ok((joined, Box::new(backward)))
    })?;
    split(&joined)
}

/// What a layer's weight is multiplied with in the joint backward pass: `tangent + s * activation(x)`, or the tangent
/// alone where there is no loss of the logits.
pub(super) fn with_loss(
    tangent: &Tensor,
    x: &Tensor,
    of_logits: Option<&Tensor>,
    slope: f64,
) -> Result<Tensor> {
    match of_logits {
        Some(of_logits) => ops::add_per_picture(tangent, x, of_logits, slope),
        None => Ok(tangent.clone()),
    }
}
