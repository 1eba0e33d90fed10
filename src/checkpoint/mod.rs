//! Models on disk: the native bundle with its description, import and export of the published PyTorch files,
//! and all parsing of untrusted bytes.

mod description;
mod model;

pub use description::{CodeBlock, CodeKind, GeneratorPart, ModelDescription, VaePart};
pub use model::{Model, Stats};
