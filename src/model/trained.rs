use std::collections::BTreeMap;

use crate::base::{Array, Arrays};

use super::ModelDescription;

/// A model in memory: its description and the weights of its networks.
#[derive(Clone, Debug)]
pub struct Model {
    /// What the model is.
    pub description: ModelDescription,
    /// The weights in groups, by [`super::Network::weights`]. Within a group they are named as in the published state
    /// dicts: `vae` holds `encoder.layer.0.weight` and `decoder.layer.0.weight`, `generator` holds
    /// `resnet.0.conv_0.weight` or `layer.0.weight` (the moving average where training kept one).
    pub weights: BTreeMap<String, Arrays>,
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

/// The weights of a group that a model does not have.
static NONE: Arrays = Arrays::new();

impl Model {
    /// A model that was never on disk, without weights.
    pub fn new(description: ModelDescription) -> Self {
        Self { description, weights: BTreeMap::new(), stats: None, hash: String::new() }
    }

    /// The same with `arrays` as the weights of `group`; none at all leave the group out.
    pub fn with_weights(mut self, group: &str, arrays: Arrays) -> Self {
        self.weights.remove(group);
        if !arrays.is_empty() {
            self.weights.insert(group.to_owned(), arrays);
        }
        self
    }

    /// The weights of `group`, none where the model lacks it.
    pub fn group(&self, group: &str) -> &Arrays {
        self.weights.get(group).unwrap_or(&NONE)
    }

    /// Takes the weights of `group` out of the model.
    pub fn take_group(&mut self, group: &str) -> Arrays {
        self.weights.remove(group).unwrap_or_default()
    }
}
