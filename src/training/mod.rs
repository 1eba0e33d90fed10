//! Optimisers, moving average, the two training loops, run folders, resume.

mod config;
mod gradients;
mod optimiser;
mod presets;
mod report;
pub mod stage1;
pub mod stage2;

pub use config::{ConfigError, Downsample, GanNets, GanTraining, Method, Ramp, TrainConfig, VaeTraining};
pub use gradients::Gradients;
pub use optimiser::{MovingAverage, Optimiser, Rule};
pub use presets::{Stage, preset, preset_names};
pub use report::StepReport;
