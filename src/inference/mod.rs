//! Trained networks as something that turns codes into pictures, without gradients.
//!
//! Two implementations stand behind each trait, both tested on the CPU: the compiled CPU plan (packed weights,
//! fused kernels, no allocation per frame) and the candle path (CPU, CUDA, Metal).

mod batch;
#[cfg(any(feature = "cuda", test))]
mod card;
mod chain;
mod computer;
mod cuda;
mod device;
mod emitter;
mod frame;
mod networks;
pub mod plan;
mod signed;
mod tensors;
mod traits;
mod work;

pub(crate) use batch::Footprint;
pub use batch::MemoryBudget;
pub use computer::{Computer, Place, Purpose};
pub(crate) use cuda::{card_facts, forget_peak, peak_memory};
pub use device::{DeviceChoice, DeviceError};
pub use emitter::{Emitter, open_emitter};
pub use networks::{EmissionNetworks, Networks, open, open_chain, open_encoder};
pub use tensors::{TensorEncoder, TensorRenderer, gather_normalisation};
pub use traits::{Encoder, Outcome, RenderError, Renderer};
pub use work::multiply_adds;
