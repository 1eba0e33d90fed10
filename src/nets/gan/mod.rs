//! Any generator and any discriminator.

mod config;
mod eager;
mod graph;

pub use config::{DiscriminatorConfig, GeneratorConfig};
pub use eager::{Discriminator, DiscriminatorOutput, Generator};
