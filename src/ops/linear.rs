//! The fully connected layer.

use candle_core::{Result, Tensor, bail};

/// `x (N, I)` times the transpose of `weight (O, I)`, plus `bias (O)`; gives `(N, O)`.
///
/// # Errors
/// When shapes, types or devices do not fit together.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let ((_, inputs), (outputs, weight_inputs)) = (x.dims2()?, weight.dims2()?);
    if inputs != weight_inputs || bias.is_some_and(|bias| bias.dims() != [outputs]) {
        let bias = bias.map(Tensor::dims);
        bail!("linear: {inputs} inputs do not fit a weight {:?} and bias {bias:?}", weight.dims());
    }
    let y = x.matmul(&weight.t()?)?;
    match bias {
        Some(bias) => y.broadcast_add(bias),
        None => Ok(y),
    }
}
