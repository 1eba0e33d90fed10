//! OOGAN's networks (Liu et al., AAAI 2020; odegeasslbc/OOGAN-pytorch), for square pictures of 32 to 256 pixels.
//!
//! The generator draws controls c in [0, 1] and noise z. The discriminator and the reader Q of c share the layers down to maps
//! of 16x16, and one group of weights. Instead of OOGAN's own input and reader both may have InfoGAN's.
//!
//! Three or four layers are spectrally normalised ([`OoganConfig::spectral_layers`]). Their `weight` is the normalised one: what
//! training keeps beside it (`weight_orig`, `weight_u`, `weight_v` of published files) is no part of the graph.

mod config;
mod graph;
#[cfg(test)]
mod tests;
mod widths;

pub use config::{OoganConfig, OoganKind, OoganNetwork, OoganPart};
