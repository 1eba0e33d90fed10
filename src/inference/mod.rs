//! Trained networks as something that turns codes into pictures, without gradients.
//!
//! Two implementations stand behind each trait, both tested on the CPU: the compiled CPU plan (packed weights,
//! fused kernels, no allocation per frame) and the candle path (CPU, CUDA, Metal).

mod traits;

pub use traits::{Encoder, Outcome, RenderError, Renderer};
