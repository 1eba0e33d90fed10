//! The dimension that is selected.

use serde::{Deserialize, Serialize};

use crate::explore::LatentView;

/// A slider's dimension: block and index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dimension {
    pub(crate) block: String,
    pub(crate) dim: usize,
}

/// What a dimension is called: the person's name for it, or symbol and index.
pub(crate) fn title(latent: &LatentView, block: &str, dim: usize) -> String {
    match latent.name(block, dim) {
        "" => format!("{block} {dim}"),
        name => name.to_owned(),
    }
}
