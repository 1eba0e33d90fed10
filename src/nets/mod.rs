//! One network family a folder: its graph from a plain configuration (`graph.rs`), of which parameters, their shapes and
//! their start derive, and for ID-GAN's own how it is trained (`eager.rs`); the VAEs of others, which are not trained here, are
//! in `published`, and the networks that describe pictures files of their own. All have their parameters' names from the graph, and these equal the published state-dict names, so that
//! weights travel between here and PyTorch without a table of renamings.

mod any;
mod config;
mod conv;
mod cycle;
mod dinov2;
mod gan;
mod graph_net;
mod iae;
mod ibgan;
mod inception;
mod initialise;
mod input_gradient;
mod mlp;
mod oogan;
mod orthogonal;
mod projection;
mod published;
mod resnet;
mod vae;
mod weights;

#[cfg(test)]
mod tests;

pub use any::AnyGraph;
pub use config::NetworkConfig;
pub use conv::{ConvDecoder, ConvEncoder};
pub use cycle::{PatchChannels, PatchDiscriminatorConfig, TranslatorConfig};
pub use dinov2::DinoV2;
pub use gan::{Discriminator, DiscriminatorConfig, DiscriminatorOutput, Generator, GeneratorConfig};
pub use graph_net::{GraphNet, Pass, Statistics, normalise_spectrally};
pub use iae::{IaeConditioning, IaeConfig, IaeLayout, IaeNetwork, IaePart};
pub use ibgan::{IbGanConfig, IbGanForm, IbGanNetwork, IbGanPart};
pub use inception::Inception;
pub use initialise::Parameters;
pub use mlp::{Mlp, MlpConfig};
pub use oogan::{OoganConfig, OoganKind, OoganNetwork, OoganPart};
pub use projection::{Projection, ProjectionConfig};
pub use published::{
    Half, PUBLISHED, Published, PublishedHalf, PublishedRange, PublishedSizes, PublishedVae,
};
pub use resnet::{ResnetDiscriminator, ResnetGenerator, ResnetTrunk, grown_discriminator, grown_generator};
pub use vae::{
    EncoderConfig, Posterior, PosteriorEncoder, Vae, VaeConfig, VaeDecoderConfig, VaeEncoderConfig,
};
pub use weights::{Weights, check_parameters, is_buffer};
