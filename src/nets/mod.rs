//! One network family per file, built from a plain configuration; parameter names equal the published
//! state-dict names, so that weights travel between here and PyTorch without a table of renamings.

mod config;
mod conv_stack;
mod gan;
mod growth;
mod inception;
mod mlp;
mod parameters;
mod projection;
mod resnet;
mod resnet_block;
mod slope;
mod vae;
mod weights;

pub use config::{DiscriminatorConfig, EncoderConfig, GeneratorConfig, ResnetTrunk, VaeConfig};
pub use conv_stack::{ConvDecoder, ConvEncoder};
pub use gan::{Discriminator, Generator, Verdict};
pub use growth::{grown_discriminator, grown_generator};
pub use inception::Inception;
pub use mlp::{Mlp, MlpConfig};
pub use parameters::{Parameter, Parameters};
pub use projection::{Projection, ProjectionConfig};
pub use resnet::{ResnetDiscriminator, ResnetGenerator};
pub use vae::{Posterior, PosteriorEncoder, Vae};
pub use weights::{Weights, check_parameters};
