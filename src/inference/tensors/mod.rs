//! The candle path: graphs run operation by operation, on any device candle has. What every other backend is compared with.

mod encoder;
mod interpreter;
mod normalisation;
mod operations;
mod renderer;
mod stochastic;
#[cfg(test)]
mod tests;

pub use encoder::TensorEncoder;
pub(super) use encoder::{EncoderEnds, ends as encoder_ends};
pub(super) use interpreter::Interpreter;
pub use normalisation::gather_normalisation;
pub use renderer::TensorRenderer;
pub(super) use renderer::ends as renderer_ends;
pub(super) use stochastic::StochasticEncoder;

use super::RenderError;

/// Reads pictures of `picture_len` values, `at_once` of them in one go, into means and log variances of codes of `code_dim`
/// dimensions.
fn encode_in_turn(
    pictures: &[f32],
    [mu, logvar]: [&mut [f32]; 2],
    (picture_len, code_dim): (usize, usize),
    at_once: usize,
    mut read: impl FnMut(&[f32]) -> candle_core::Result<(Vec<f32>, Vec<f32>)>,
) -> Result<(), RenderError> {
    check_batch(pictures.len(), picture_len, "pictures", mu.len(), code_dim, "mu")?;
    check_batch(pictures.len(), picture_len, "pictures", logvar.len(), code_dim, "logvar")?;
    let dims = code_dim.max(1);
    let outputs = mu.chunks_mut(at_once * dims).zip(logvar.chunks_mut(at_once * dims));
    for (pictures, (mu, logvar)) in pictures.chunks(at_once * picture_len).zip(outputs) {
        let posterior = read(pictures)?;
        mu.copy_from_slice(&posterior.0);
        logvar.copy_from_slice(&posterior.1);
    }
    Ok(())
}

/// Checks that the inputs are whole rows and that the outputs have one row for each.
pub(in crate::inference) fn check_batch(
    inputs: usize,
    input_row: usize,
    input_name: &'static str,
    outputs: usize,
    output_row: usize,
    output_name: &'static str,
) -> Result<(), RenderError> {
    let batch = inputs / input_row.max(1);
    if batch * input_row != inputs {
        return Err(RenderError::Length { what: input_name, expected: batch * input_row, actual: inputs });
    }
    if batch * output_row != outputs {
        return Err(RenderError::Length { what: output_name, expected: batch * output_row, actual: outputs });
    }
    Ok(())
}
