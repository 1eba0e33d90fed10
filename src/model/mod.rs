//! What a model is: code blocks, networks by name with what they take and give, the chains in which they run, and
//! the weights. Plain data that knows no tensors and no device.
//!
//! Explorer, engine, metrics and command line rely on the description alone and never on a method: a GAN without
//! a VAE, a code in [0, 1], a generator behind an emitter are other descriptions, not other programs.

mod architecture;
mod chain;
mod code;
mod description;
mod emission;
mod format;
mod iae;
mod ibgan;
mod known;
#[cfg(test)]
mod methods;
mod oogan;
mod port;
mod trained;
mod validate;
mod wiring;

pub use architecture::Architecture;
pub use chain::{Chain, ChainError, ChainId};
pub use code::{CodeBlock, CodeKind};
pub use description::{ModelDescription, Network};
pub use emission::Emission;
pub use iae::{BACK, CODE_DISCRIMINATOR, PAIR_DISCRIMINATOR, THERE};
pub use ibgan::{EMITTER, READER};
pub use known::{DECODER, DISCRIMINATOR, ENCODER, GAN, GENERATOR, VAE};
pub use port::{CodeValue, Port};
pub use trained::{Model, Stats};
pub use wiring::{Feed, Wiring};
