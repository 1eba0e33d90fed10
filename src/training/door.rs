//! What a run reads of its own folder before it goes on, for tests/hostile alone.

use std::path::Path;

use super::TrainError;

/// Reads a training state whole.
///
/// # Errors
/// When the file cannot be read, is damaged, or is no training state.
pub fn state(path: &Path) -> Result<(), TrainError> {
    super::state::read_state(path).map(drop)
}
