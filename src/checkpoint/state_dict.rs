use std::path::Path;

use crate::base::Arrays;

use super::CheckpointError;
use super::keys::{beside, choose, listed, looks_like};
use super::reader::Reader;

/// The weights of a network that idgan has no import of its own for: every tensor that lies beside the one called
/// `anchor`, by its name from there on, whatever wraps them. Any file of weights will do.
///
/// # Errors
/// When the file cannot be read or is damaged, and when there is no such tensor: then it says what the file holds
/// instead.
pub fn read_state_dict(path: &Path, anchor: &str) -> Result<Arrays, CheckpointError> {
    let mut reader = Reader::open(path)?;
    let (keys, handles) = reader.list()?;
    let tensors = beside(&keys, anchor).ok_or_else(|| {
        let held = match choose(&keys) {
            _ if keys.is_empty() => "it holds no tensors".to_owned(),
            Ok(_) => format!("its tensors ({}) are networks of ID-GAN", listed(&keys)),
            Err(_) => match looks_like(&keys) {
                Some(known) => format!("its tensors ({}) look like {known}", listed(&keys)),
                None => format!("its tensors are {}", listed(&keys)),
            },
        };
        CheckpointError::content(format!("it has no tensor `{anchor}`; {held}"), path)
    })?;
    let tensors = tensors.into_iter().map(|(name, i)| (name, handles[i].clone())).collect();
    reader.read(&tensors)
}
