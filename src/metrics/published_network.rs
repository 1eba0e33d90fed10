//! Networks that others have published, by which pictures are described.

use std::path::Path;

use crate::base::Arrays;
use crate::checkpoint::{CheckpointError, read_state_dict};

/// What `build` makes of the weights beside the tensor `anchor` in a file, and the file's name. What is wrong with others is said
/// with the file that is `wanted`.
///
/// # Errors
/// When the file cannot be read or holds other weights, for which `build` has a reason.
pub(super) fn published_network<N>(
    path: &Path,
    anchor: &str,
    wanted: &str,
    build: impl FnOnce(&Arrays) -> Result<N, String>,
) -> Result<(N, String), CheckpointError> {
    let wrong = |what: String| CheckpointError::content(format!("{what}; {wanted}"), path);
    let weights = read_state_dict(path, anchor).map_err(|error| match error {
        CheckpointError::Content { what, .. } => wrong(what),
        other => other,
    })?;
    let network = build(&weights).map_err(wrong)?;
    Ok((network, path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()))
}
