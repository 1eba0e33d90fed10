//! IB-GAN's networks (Jeon et al., AAAI 2021; insujeon/IB-GAN), for pictures of 64x64.
//!
//! The emitter makes the representation r of noise z, the generator draws r, the reader Q tells z from a picture, and the
//! discriminator judges it. Emitter and generator are one group of weights, reader and discriminator another, as in the
//! published files, whose names the parameters have. The same networks without an emitter are InfoGAN, and without the reader
//! as well a GAN.

mod config;
mod graph;
#[cfg(test)]
mod tests;

pub use config::{IbGanConfig, IbGanForm, IbGanNetwork, IbGanPart};
