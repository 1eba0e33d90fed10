//! Gradients by parameter name, the optimisers that follow them, and the moving average of weights.

mod gradients;
mod optimiser;

pub use gradients::Gradients;
pub use optimiser::{MovingAverage, Optimiser, Rule};
