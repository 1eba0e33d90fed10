//! Reading and writing PyTorch files without running anything in them.
//!
//! A pickle is a program for a small stack machine, and Python runs whatever it names. The machine here knows only
//! the handful of constructors that tensors are made of; what any other name would make is kept as an opaque value
//! with that name and never run. Values live in one arena and refer to each other by number, so that cycles and deep
//! nesting cost nothing to hold or drop.

mod element;
mod file;
mod input;
mod machine;
#[cfg(test)]
mod tests;
mod torch;
mod tree;
mod write;

pub use file::{Encoding, TorchFile};
pub use torch::{StorageRef, TensorRef};
pub use tree::Value;
pub(crate) use write::{Object, write_torch};
