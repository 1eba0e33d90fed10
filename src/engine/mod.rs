//! The worker threads: jobs in, small events and latest-value frames out. Owns models and devices.
//!
//! One [`Engine`] serves one model at a time with five threads of its own: a loader, a worker for the light render chains
//! and one for the heavy ones ([`Load`]), one for what reads pictures, each of which computes on a pool of its own
//! ([`Pools`]), and one that measures how far the dimensions move the picture where the model does not say. A request of
//! which only the newest matters replaces its unread predecessor; nothing here makes the caller wait but dropping the engine, which joins its threads. News about the
//! model's state are never lost, of other messages the newest wait ([`Event`]). A panic is caught within the work that
//! it ends and reported as an [`Event::Error`]; a network that has panicked is built again.

mod batch;
mod encoder;
mod event;
mod frame;
mod handle;
mod inbox;
mod latest;
mod library;
mod loader;
mod model;
mod news;
mod outbox;
mod pacing;
mod profile;
mod sensing;
mod sensitivity;
#[cfg(test)]
mod tests;
pub mod toy;
mod training;
mod worker;

pub use batch::Batch;
pub use encoder::{Posterior, ReadBack};
pub use event::{Event, Part};
pub use frame::{Cell, Frame, FrameRequest, Motion, ReadBackTarget};
pub use handle::{Engine, Reader};
pub use latest::Latest;
pub use library::{FileLibrary, RandomLibrary};
pub use model::{Library, Load, Loaded, LoadedChain, ModelSource, OpenError, Opened, Pools, Rebuild, Spare};
pub use outbox::{Counters, Tap, Wake};
pub use profile::{DimensionProfile, Profile};
pub use sensitivity::Sensitivity;
pub use training::{Training, TrainingFailed};
