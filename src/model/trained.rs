use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Array, Arrays};
use crate::graph::Graph;
use crate::nets::Parameters;

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

    /// Forgets what only training has a use for: networks that no chain runs, as discriminators, and the weights that no other
    /// network has.
    pub fn forget_discriminators(&mut self) {
        let Self { description, weights, .. } = self;
        let chains = description.render.iter().chain(&description.encode);
        let used: BTreeSet<&str> = chains.flat_map(|chain| &chain.steps).map(String::as_str).collect();
        description.networks.retain(|name, _| used.contains(name.as_str()));
        weights.retain(|group, arrays| {
            let of_group = description.networks.values().filter(|network| network.weights == *group);
            let graphs: Vec<Option<Graph>> = of_group.map(|network| network.architecture.graph()).collect();
            // Nobody can tell which weights a network has that nothing is known of.
            if let Some(graphs) = graphs.iter().cloned().collect::<Option<Vec<Graph>>>() {
                let names: BTreeSet<String> =
                    graphs.parameters().into_iter().map(|parameter| parameter.name).collect();
                arrays.retain(|name, _| names.contains(name));
            }
            !graphs.is_empty()
        });
    }

    /// Takes the weights of `group` out of the model.
    pub fn take_group(&mut self, group: &str) -> Arrays {
        self.weights.remove(group).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Stream;
    use crate::model::{DISCRIMINATOR, EMITTER, GENERATOR, READER, VAE};
    use crate::nets::{DiscriminatorConfig, GeneratorConfig, IbGanConfig, IbGanForm, VaeConfig};

    #[test]
    fn discriminators_are_forgotten_and_what_others_share_with_them_is_kept() {
        let config = IbGanConfig {
            form: IbGanForm::Photos,
            channels: 1,
            z_dim: 3,
            r_dim: 2,
            generator_width: 2,
            discriminator_width: 2,
        };
        let stream = &mut Stream::new(1, "weights");
        let mut model = Model::new(ModelDescription::ibgan("small", config))
            .with_weights(
                GENERATOR,
                vec![config.emitter_graph(), config.generator_graph()].initialise_uniform(stream),
            )
            .with_weights(DISCRIMINATOR, vec![config.critic_graph()].initialise_uniform(stream));
        let generating = model.group(GENERATOR).clone();
        model.forget_discriminators();
        assert_eq!(model.description.networks.keys().collect::<Vec<_>>(), [EMITTER, GENERATOR, READER]);
        assert_eq!(*model.group(GENERATOR), generating);
        let left: Vec<String> =
            vec![config.reader_graph()].parameters().into_iter().map(|parameter| parameter.name).collect();
        let kept = model.group(DISCRIMINATOR);
        assert!(kept.len() == left.len() && left.iter().all(|name| kept.contains_key(name)));
        assert_eq!(model.description.validate(), Ok(()));

        let (generator, vae) =
            (GeneratorConfig::Small { z_dim: 2, channels: 1 }, VaeConfig { channels: 1, c_dim: 2 });
        let judge = DiscriminatorConfig::Small { channels: 1 };
        let codes = vec![crate::model::CodeBlock::disentangled(2)];
        let description = ModelDescription { codes, ..ModelDescription::empty("ID-GAN") }
            .with_generator(generator, ["c"])
            .with_vae(vae, "c")
            .with_discriminator(judge);
        let mut model = Model::new(description)
            .with_weights(VAE, vae.initialise_uniform(stream))
            .with_weights(DISCRIMINATOR, judge.initialise_uniform(stream));
        let read = model.group(VAE).clone();
        model.forget_discriminators();
        assert_eq!((model.weights.len(), model.group(VAE)), (1, &read));
        assert!(model.description.discriminator().is_none());
    }
}
