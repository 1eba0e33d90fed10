//! Linear layers with leaky ReLUs between them.

mod eager;
mod graph;

use serde::{Deserialize, Serialize};

pub use eager::Mlp;

/// A stack of linear layers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MlpConfig {
    /// Widths from the inputs to the outputs.
    pub widths: Vec<usize>,
}
