//! IB-GAN's published files: two state dicts, `G` with emitter and generator and `DR` with discriminator and reader.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::Graph;
use crate::model::{DISCRIMINATOR, GENERATOR, ModelDescription};
use crate::nets::{IbGanConfig, IbGanForm, Parameters};

use super::infer::{check_channels, sizes};
use super::kind::Method;
use super::shapes::{Shapes, check_shapes, shapes_of};

/// Emitter and generator.
pub(super) static IBGAN_GENERATOR: Method = Method {
    name: "generator of IB-GAN",
    whose: "the generator of IB-GAN (insujeon/IB-GAN)",
    group: GENERATOR,
    unused: &[],
    warning: None,
    names: || names(generator_graphs),
    check: |found| generator(found).map(drop),
    expected: |found| shapes_of(&generator_graphs(&probe(generator_form(found)))),
    describe,
};

/// Discriminator and reader.
pub(super) static IBGAN_DISCRIMINATOR: Method = Method {
    name: "discriminator of IB-GAN",
    whose: "the discriminator of IB-GAN (insujeon/IB-GAN)",
    group: DISCRIMINATOR,
    unused: &[],
    warning: None,
    names: || names(discriminator_graphs),
    check: |found| discriminator(found).map(drop),
    expected: |found| shapes_of(&discriminator_graphs(&probe(discriminator_form(found)))),
    describe,
};

/// Sizes that no other number of the networks equals, nor a product of one.
const CHANNELS: usize = 1009;
const Z_DIM: usize = 1013;
const R_DIM: usize = 1019;
const WIDTH: usize = 1021;

fn probe(form: IbGanForm) -> IbGanConfig {
    IbGanConfig {
        form,
        channels: CHANNELS,
        z_dim: Z_DIM,
        r_dim: R_DIM,
        generator_width: WIDTH,
        discriminator_width: WIDTH,
    }
}

fn generator_graphs(config: &IbGanConfig) -> Vec<Graph> {
    vec![config.emitter_graph(), config.generator_graph()]
}

fn discriminator_graphs(config: &IbGanConfig) -> Vec<Graph> {
    vec![config.critic_graph()]
}

/// All names that networks of either form have.
fn names(graphs: fn(&IbGanConfig) -> Vec<Graph>) -> BTreeSet<String> {
    let forms = [IbGanForm::Sprites, IbGanForm::Photos].into_iter();
    forms.flat_map(|form| graphs(&probe(form)).parameters()).map(|parameter| parameter.name).collect()
}

fn generator_form(found: &Shapes) -> IbGanForm {
    form(found.contains_key("emb.1.weight"))
}

fn discriminator_form(found: &Shapes) -> IbGanForm {
    form(found.contains_key("front.0.weight"))
}

fn form(is_for_photos: bool) -> IbGanForm {
    if is_for_photos { IbGanForm::Photos } else { IbGanForm::Sprites }
}

/// The sizes of emitter and generator with these tensors; those of the discriminator are the generator's.
fn generator(found: &Shapes) -> Result<IbGanConfig, String> {
    let network = IBGAN_GENERATOR.name;
    let graphs = generator_graphs(&probe(generator_form(found)));
    let [channels, z_dim, r_dim, width] = sizes(network, found, &graphs, [CHANNELS, Z_DIM, R_DIM, WIDTH])?;
    let config = IbGanConfig {
        form: generator_form(found),
        channels,
        z_dim,
        r_dim,
        generator_width: width,
        discriminator_width: width,
    };
    check(network, found, &config, generator_graphs)
}

/// The sizes of discriminator and reader with these tensors; those of the generator are the discriminator's.
fn discriminator(found: &Shapes) -> Result<IbGanConfig, String> {
    let network = IBGAN_DISCRIMINATOR.name;
    let graphs = discriminator_graphs(&probe(discriminator_form(found)));
    let [channels, z_dim, width] = sizes(network, found, &graphs, [CHANNELS, Z_DIM, WIDTH])?;
    let config = IbGanConfig {
        form: discriminator_form(found),
        channels,
        z_dim,
        r_dim: z_dim,
        generator_width: width,
        discriminator_width: width,
    };
    check(network, found, &config, discriminator_graphs)
}

fn check(
    network: &str,
    found: &Shapes,
    config: &IbGanConfig,
    graphs: fn(&IbGanConfig) -> Vec<Graph>,
) -> Result<IbGanConfig, String> {
    check_channels(network, config.channels)?;
    config.check().map_err(|what| format!("the {network} {what}"))?;
    check_shapes(network, found, &shapes_of(&graphs(config)))?;
    Ok(*config)
}

/// The model that both make.
fn describe(groups: &BTreeMap<String, Shapes>, c_dim: Option<usize>) -> Result<ModelDescription, String> {
    if c_dim.is_some() {
        return Err(
            "--c-dim is for files that do not say how many codes they have, and IB-GAN's do; leave it out"
                .into(),
        );
    }
    let found = [(GENERATOR, generator as fn(&Shapes) -> _), (DISCRIMINATOR, discriminator)]
        .map(|(group, infer)| groups.get(group).map(infer));
    let [Some(generator), discriminator] = found else {
        return Err(
            "it holds the discriminator of an IB-GAN without its generator, so that there is nothing to draw"
                .into(),
        );
    };
    let generator = generator?;
    let Some(discriminator) = discriminator.transpose()? else {
        return Ok(ModelDescription::ibgan("", generator));
    };
    let config = IbGanConfig { discriminator_width: discriminator.discriminator_width, ..generator };
    let both = IbGanConfig { r_dim: config.r_dim, generator_width: config.generator_width, ..discriminator };
    if both != config {
        return Err(format!(
            "its generator ({}) and its discriminator ({}) were not trained together",
            said(&config),
            said(&both)
        ));
    }
    Ok(ModelDescription::ibgan("", config))
}

/// What both have to agree on.
fn said(config: &IbGanConfig) -> String {
    let form = match config.form {
        IbGanForm::Sprites => "for sprites",
        IbGanForm::Photos => "for photos",
    };
    format!("{form}, {} channel(s), {} dimensions of z", config.channels, config.z_dim)
}
