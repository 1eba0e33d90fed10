//! Small untrained models of the methods beside ID-GAN.
#![allow(dead_code, reason = "each test binary uses what it needs")]

use std::collections::BTreeMap;

use idgan::base::{Arrays, Stream};
use idgan::graph::{Graph, Role};
use idgan::model::{Model, ModelDescription};
use idgan::nets::{
    IaeConditioning, IaeConfig, IbGanConfig, IbGanForm, OoganConfig, OoganKind, Parameters, TranslatorConfig,
};

/// IB-GAN in the form for photos.
pub fn ib_gan() -> Model {
    filled(ModelDescription::ibgan(
        "small-ibgan",
        IbGanConfig {
            form: IbGanForm::Photos,
            channels: 3,
            z_dim: 4,
            r_dim: 3,
            generator_width: 3,
            discriminator_width: 2,
        },
    ))
}

/// OOGAN with its own input and reader.
pub fn oogan() -> Model {
    let config = OoganConfig {
        size: 64,
        channels: 3,
        c_dim: 3,
        z_dim: 4,
        width: 2,
        input: OoganKind::Oogan,
        reader: OoganKind::Oogan,
        is_certain: false,
    };
    filled(ModelDescription::oogan("small-oogan", config))
}

/// An implicit autoencoder of a Gaussian code with noise.
pub fn iae() -> Model {
    let config = IaeConfig { units: 20, width: 4, size: 64, ..IaeConfig::svhn(3, 4) };
    filled(ModelDescription::iae("small-iae", config))
}

/// One of three clusters with a style.
pub fn clusters() -> Model {
    clusters_of(3)
}

/// The same of so many clusters.
pub fn clusters_of(count: usize) -> Model {
    let sizes = IaeConfig { units: 20, hidden: 16, width: 4, ..IaeConfig::mnist(count, 2) };
    let config = IaeConfig { is_categorical: true, conditioning: IaeConditioning::ByChannel, ..sizes };
    filled(ModelDescription::iae("small-clusters", config))
}

/// A CycleIAE from coloured pictures of 16 pixels to grey ones and back, with noise on the way back.
pub fn cycle() -> Model {
    let there = TranslatorConfig { size: 16, takes: 3, gives: 1, width: 2, blocks: 1, noise_dim: 0 };
    let back = TranslatorConfig { takes: 1, gives: 3, noise_dim: 4, ..there };
    filled(ModelDescription::cycle_iae("small-cycle", there, back))
}

/// A model of the description with random weights, such that signals about keep their size and codes are seen.
fn filled(description: ModelDescription) -> Model {
    let mut graphs: BTreeMap<String, Vec<Graph>> = BTreeMap::new();
    for network in description.networks.values() {
        graphs.entry(network.weights.clone()).or_default().extend(network.architecture.graph());
    }
    graphs.into_iter().fold(Model::new(description), |model, (group, graphs)| {
        let weights = weights(&graphs, &group);
        model.with_weights(&group, weights)
    })
}

fn weights(graphs: &Vec<Graph>, name: &str) -> Arrays {
    let mut stream = Stream::new(1, name);
    let mut arrays = graphs.initialise_uniform(&mut stream);
    for parameter in graphs.parameters() {
        let deviation = (2.0 / parameter.summed.max(1) as f32).sqrt();
        if let (Role::Weight, Some(array)) = (parameter.role, arrays.get_mut(&parameter.name)) {
            array.data_mut().iter_mut().for_each(|value| *value = deviation * stream.normal());
        }
    }
    arrays
}
