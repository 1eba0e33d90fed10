//! Networks compiled for the processor: weights packed for the kernels of [`crate::ops::cpu::blocked`], buffers
//! allocated once, a short list of steps that one loop executes.
//!
//! Two identities save work without changing the result: a pointwise convolution commutes with nearest
//! upsampling ([`Graph::moved_late`](crate::graph::Graph::moved_late)), and a 3x3 convolution of an upsampled map is
//! computed from the small map. So no upsampled map is ever stored: each residual block reads the small map of the level
//! before and writes its own size.

mod builder;
mod encoder;
mod executor;
mod lower;
mod profile;
mod renderer;
mod steps;

#[cfg(test)]
mod methods;
#[cfg(test)]
mod tests;

pub use encoder::PlanEncoder;
pub use profile::StepTime;
pub use renderer::PlanRenderer;
