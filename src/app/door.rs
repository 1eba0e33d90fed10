//! What the window reads of files and of the clipboard, for tests/hostile alone.

use std::path::Path;

use super::clipboard::from_json;
use super::keep;
use crate::explore::LatentState;
use crate::model::ModelDescription;

/// Reads the settings and the last session in `folder`, and the notes in its file `notes.json`, and lays them on a model
/// of this description; returns how many of the three could be read.
pub fn recall(folder: &Path, description: &ModelDescription) -> usize {
    keep::lay_on(folder, &mut LatentState::new(description.clone()))
}

/// Pastes `text` as the codes of a model of this description.
///
/// # Errors
/// What the window says of it.
pub fn paste(text: &str, description: &ModelDescription) -> Result<(), String> {
    from_json(text, LatentState::new(description.clone()).codes()).map(drop)
}
