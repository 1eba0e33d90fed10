//! What the steps of several methods are made of.

mod dial;
mod discriminator;
mod learnt_group;
mod ledger;
mod saved;
mod trained_network;
mod turns;

pub(in crate::training) use dial::Dial;
pub(in crate::training) use discriminator::{DiscriminatorBatch, DiscriminatorTraining};
pub(in crate::training) use learnt_group::LearntGroup;
pub use ledger::Ledger;
pub(in crate::training) use saved::{extend, part_of};
pub use trained_network::FrozenEncoder;
pub(in crate::training) use trained_network::{TrainedNetwork, to_encoder};
pub(in crate::training) use turns::{Batch, Feed, Recorder, Turns, step};
