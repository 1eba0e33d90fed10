//! The worker threads: jobs in, small events and latest-value frames out. Owns models and devices.
//!
//! One [`Engine`] serves one model at a time with four threads: a loader, and workers for the generator, the VAE decoder
//! and the encoder, each of which computes on a pool of its own ([`Pools`]). A
//! request of which only the newest matters replaces its unread predecessor; nothing here makes the caller
//! wait. A panic in a network is caught on its thread, reported as an [`Event::Error`], and the network is built
//! again.

mod batch;
mod encoder;
mod event;
mod frame;
mod handle;
mod latest;
mod library;
mod loader;
mod model;
mod pacing;
mod profile;
mod sensitivity;
#[cfg(test)]
mod tests;
pub mod toy;
mod training;
mod worker;

pub use batch::Batch;
pub use encoder::{Posterior, ReadBack};
pub use event::Event;
pub use frame::{Cell, Frame, FrameRequest, Motion, Role};
pub use handle::{Counters, Engine, Reader, Tap, Wake};
pub use latest::Latest;
pub use library::{FileLibrary, RandomLibrary};
pub use model::{Library, Loaded, Opened, Pools, Rebuild, Source};
pub use profile::{DimensionProfile, Profile};
pub use sensitivity::Sensitivity;
pub use training::{Training, TrainingFailed};
