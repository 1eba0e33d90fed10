//! Linear layers with leaky ReLUs between them.

mod eager;
mod graph;

pub use eager::Mlp;

/// Widths of a stack of linear layers, inputs first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MlpConfig(pub Vec<usize>);
