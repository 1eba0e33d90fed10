//! A network as data: operations in the order in which they run, each by the values that it takes.
//!
//! Shapes, parameters and their names, and multiply-adds are computed from it; folding and fusion are passes over it. It
//! holds no tensors and knows no backend: one runs it operation by operation, another compiles it. A graph may come from
//! an untrusted file, so nothing is believed before [`Graph::shapes`] has checked it, and a malformed one is an error.

mod error;
mod fold;
mod fuse;
mod move_late;
mod network;
mod operation;
mod parameter;
#[cfg(test)]
pub(crate) mod random;
mod shape;
mod shapes;
#[cfg(test)]
mod tests;
mod turn;
mod widen;
mod work;

pub use error::GraphError;
pub use fuse::Layer;
pub use network::{Graph, Node, Value};
pub use operation::{Activation, Convolution, Corners, Linear, Operation, Pool};
pub use parameter::{Parameter, Role, check_weights};
pub use shape::Shape;
