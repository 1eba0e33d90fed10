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

/// Checks that the inputs are whole rows and that the outputs have one row for each.
fn check_batch(
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
