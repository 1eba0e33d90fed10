//! One network family per file, built from a plain configuration; parameter names equal the published
//! state-dict names, so that weights travel between here and PyTorch without a table of renamings.

mod config;
mod parameters;

pub use config::{DiscriminatorConfig, GeneratorConfig, ResnetTrunk, VaeConfig};
pub use parameters::{Parameter, Parameters};
