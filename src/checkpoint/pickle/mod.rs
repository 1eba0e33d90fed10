//! Reading and writing PyTorch files without running anything in them.
//!
//! A pickle is a program for a small stack machine, and Python runs whatever it names. The machine here knows only
//! the handful of constructors that a state dict needs and ends with an error at the first other name. Values live
//! in one arena and refer to each other by number, so that cycles and deep nesting cost nothing to hold or drop.

mod file;
mod machine;
mod torch;
mod tree;
mod write;

pub use file::{Encoding, TorchFile};
pub use torch::{StorageRef, TensorRef};
pub use tree::Value;
pub(crate) use write::{Object, write_torch};
