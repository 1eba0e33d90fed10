//! The plain convolutional pair of Locatello et al. for 64x64 pictures: the VAE's encoder and decoder, and with one output
//! or tanh the small discriminator and generator (paper section 5.1).

mod eager;
mod graph;

pub(super) use eager::ConvTrace;
pub use eager::{ConvDecoder, ConvEncoder};
pub(super) use graph::{decoder, encoder};

/// Height and width of its pictures.
pub(super) const SIZE: usize = 64;
/// Width of the vector between its convolutions and its linear layer.
pub(super) const FEATURES: usize = 256;
