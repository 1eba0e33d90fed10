//! The two training loops, run folders, resume.

mod advice;
mod bench_run;
mod config;
mod control;
mod dial;
mod discriminator;
#[doc(hidden)]
pub mod door;
pub mod end_to_end;
mod error;
mod job;
mod ledger;
#[cfg(test)]
mod method_tests;
mod paths;
mod presets;
mod record;
#[cfg(test)]
mod recorded_tests;
mod report;
mod retention;
mod run_folder;
mod samples;
mod session;
pub mod stage1;
pub mod stage2;
mod state;
mod tensorboard;
mod trained_network;
mod turns;
pub mod vae_gan;
mod validation;

pub use bench_run::BenchRun;
pub use config::{
    Downsample, GanNets, GanTraining, Initialisation, Layers, LayersError, Method, Ramp, Resolved,
    TrainConfig, VaeTraining,
};
pub use control::{Control, End, TrainEvent};
pub use error::TrainError;
pub use ledger::Ledger;
pub use presets::{Stage, preset, preset_names};
pub use record::{note_training, noted_precision};
pub use report::StepReport;
pub use run_folder::RunFolder;
pub use session::{Machine, Session};
pub use validation::ConfigError;

pub use crate::optim::{Gradients, MovingAverage, Optimiser, Rule};
