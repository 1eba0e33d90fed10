//! What is read of run folders, for tests/hostile alone.

use std::path::Path;

use super::{RunLog, TrainError};
use crate::base::{Cancel, FileError};

/// Reads a training state whole.
///
/// # Errors
/// When the file cannot be read, is damaged, or is no training state.
pub fn state(path: &Path) -> Result<(), TrainError> {
    super::state::read_state(path).map(drop)
}

/// Reads the log of the run in folder `run`; returns the number of its lines.
///
/// # Errors
/// When it cannot be read.
pub fn log(run: &Path) -> Result<usize, FileError> {
    let mut log = RunLog::new(run);
    log.read_on(&Cancel::new())?;
    Ok(log.logged().steps.len())
}
