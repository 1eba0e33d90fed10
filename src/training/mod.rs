//! The two training loops, run folders, resume.

mod advice;
mod bench_run;
mod config;
mod control;
#[doc(hidden)]
pub mod door;
mod error;
#[cfg(test)]
mod method_tests;
pub mod methods;
mod paths;
mod presets;
mod record;
#[cfg(test)]
mod recorded_tests;
mod report;
mod retention;
mod run_folder;
mod run_log;
mod samples;
mod session;
#[cfg(test)]
mod stage_1_tests;
mod state;
mod steps;
mod tensorboard;
mod validation;

pub use bench_run::BenchRun;
pub use config::{
    ConfigError, Downsample, Family, Field, GanNets, GanTraining, Initialisation, Layers, LayersError,
    Method, Ramp, Resolved, TrainConfig, VaeTraining,
};
pub use control::{Control, End, TrainEvent};
pub use error::TrainError;
pub use presets::{preset, preset_names};
pub use record::{note_training, noted_precision};
pub use report::StepReport;
pub use run_folder::RunFolder;
pub use run_log::{Logged, RunLog};
pub use session::{Machine, Session};
pub use steps::Ledger;

pub use crate::optim::{Gradients, MovingAverage, Optimiser, Rule};
