//! The worker threads: jobs in, small events and latest-value frames out. Owns models and devices.

mod training;

pub use training::{Training, TrainingFailed};
