//! Decoders and encoders of other programs, out of ONNX files.
//!
//! The nodes that a result needs are turned into a graph one by one (`import.rs`); what has no operation of its own in
//! graphs becomes one that has: uneven padding zeros of a wider kernel, pixel shuffles kernels of zeros and ones. Nothing
//! is executed, and what cannot be computed here is named with its node.

mod arithmetic;
mod arrange;
mod export;
mod file;
mod import;
mod importer;
mod known;
mod layers;
mod pictures;
mod question;
mod reading;
mod settings;
mod space;
mod whole;

pub use self::export::{export_onnx, to_onnx};
pub(super) use self::pictures::{Contained, contained, open_onnx};
pub use self::question::EncoderQuestion;
pub use self::reading::{Halves, Reading, is_onnx};
