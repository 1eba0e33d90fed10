//! The networks of implicit autoencoders (Makhzani 2018).
//!
//! The encoder reads the code z from a picture, and noise eps where it is stochastic; the decoder draws z and noise n. One
//! discriminator judges pairs of a picture and its code, a second one codes, and that of the flipped form pictures alone. Sizes
//! are those of the paper's tables 1 to 3; their order (a layer, ReLU, batch normalisation) is the tables', and where noise
//! enters is our choice: side by side with what the first fully connected layer takes.

mod config;
mod discriminators;
mod graph;
#[cfg(test)]
mod tests;

pub use config::{IaeConditioning, IaeConfig, IaeLayout, IaeNetwork, IaePart};
