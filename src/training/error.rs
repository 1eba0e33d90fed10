use std::path::PathBuf;

use crate::base::FileError;
use crate::data::DataError;

use super::ConfigError;

/// A run that cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Values that do not make sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The folder already holds a run.
    #[error("the folder already holds a run; add --resume to go on with it, or choose another --out: {}", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds no run.
    #[error("the folder holds no run to resume (no config.toml); start one without --resume: {}", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// Another process trains into the folder.
    #[error("another process is training into this folder; wait for it or stop it: {}", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The saved configuration does not parse.
    #[error("the configuration cannot be read ({reason}): {}", path.display())]
    BadConfig {
        /// Why.
        reason: String,
        /// The file.
        path: PathBuf,
    },
    /// A saved state that does not belong to this run.
    #[error("the saved state does not fit this run ({reason}): {}", path.display())]
    BadState {
        /// Why.
        reason: String,
        /// The file.
        path: PathBuf,
    },
    /// The program draws the run's data in another way than when it was begun.
    #[error(
        "the run was begun when this program drew {data} otherwise, and would go on with other pictures; start a new run in \
         another folder, which --start can give these weights: {}", path.display()
    )]
    OtherDrawing {
        /// The data set.
        data: String,
        /// The run folder.
        path: PathBuf,
    },
    /// States were saved, and none of them can be read.
    #[error(
        "none of the saved states can be read, so the run cannot go on ({reason}); put one back, or start a new run in \
         another folder with --start: {}", path.display()
    )]
    NoState {
        /// What is wrong with the last one tried.
        reason: String,
        /// The run folder.
        path: PathBuf,
    },
    /// Losses went to NaN or infinity.
    #[error(
        "{what} was not a finite number at step {step} and in the {} steps before it; {advice}: {}", in_a_row - 1,
        path.display()
    )]
    Diverged {
        /// The loss or gradient.
        what: String,
        /// The step.
        step: u64,
        /// Bad steps one after the other.
        in_a_row: u32,
        /// What is left and what to do.
        advice: String,
        /// The run folder.
        path: PathBuf,
    },
    /// Pictures that cannot be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A checkpoint that cannot be read or written.
    #[error(transparent)]
    Checkpoint(#[from] crate::checkpoint::CheckpointError),
    /// A file of the run folder that cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The device failed.
    #[error("{}; what was saved of the run stays, and --resume goes on from there", crate::ops::fault(.0))]
    Device(#[from] candle_core::Error),
    /// The encoder failed.
    #[error(transparent)]
    Render(#[from] crate::inference::RenderError),
    /// Two things that do not fit each other.
    #[error("{0}")]
    Mismatch(String),
}
