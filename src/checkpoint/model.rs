use crate::base::{Array, Arrays};

use super::ModelDescription;

/// A model in memory: its description and the weights of each network it has.
///
/// Weights are named as in the published state dicts, without the bundle's group prefix:
/// `vae` holds `encoder.layer.0.weight` and `decoder.layer.0.weight`, `generator` holds
/// `resnet.0.conv_0.weight` or `layer.0.weight`.
#[derive(Clone, Debug)]
pub struct Model {
    /// What the model is.
    pub description: ModelDescription,
    /// Encoder and decoder of the VAE; empty without one.
    pub vae: Arrays,
    /// The generator that is shown and measured (the moving average where training kept one); empty without one.
    pub generator: Arrays,
    /// The discriminator; empty without one.
    pub discriminator: Arrays,
    /// What the encoder finds on the training data.
    pub stats: Option<Stats>,
    /// SHA-256 of the file or files the model was read from, in hexadecimal; empty for a model that was never
    /// on disk.
    pub hash: String,
}

/// The encoder's view of its training data, from which ranges, histograms and posterior samples derive.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    /// Posterior means of 4096 random training pictures, `(4096, c_dim)`.
    pub mu: Array,
    /// Their log variances, `(4096, c_dim)`.
    pub logvar: Array,
    /// Mean KL divergence from the prior of each dimension in nats, `(c_dim,)`.
    pub kl: Array,
}
