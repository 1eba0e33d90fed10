//! OOGAN's published files: one state dict with everything below `generator` and `discriminator`.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::Graph;
use crate::model::{DISCRIMINATOR, GENERATOR, ModelDescription};
use crate::nets::{OoganConfig, OoganKind, OoganPart};

use super::infer::{check_channels, dim};
use super::kind::Method;
use super::shapes::{Shapes, check_shapes, shapes_of};

/// The generator.
pub(super) static OOGAN_GENERATOR: Method = Method {
    name: "generator of OOGAN",
    whose: "the generator of OOGAN (odegeasslbc/OOGAN-pytorch)",
    group: GENERATOR,
    unused: &["init_block.init_noise", "init_block.attn_from_c.instance_attention"],
    warning: Some(STATISTICS_WARNING),
    names: || names(generator_graph),
    check: |found| generator(found).map(drop),
    expected: |found| shapes(generator_graph(&likely(found))),
    describe,
};

/// Discriminator and reader.
pub(super) static OOGAN_DISCRIMINATOR: Method = Method {
    name: "discriminator of OOGAN",
    whose: "the discriminator of OOGAN (odegeasslbc/OOGAN-pytorch)",
    group: DISCRIMINATOR,
    unused: &[],
    warning: None,
    names: || names(OoganConfig::critic_graph),
    check: |found| discriminator(found).map(drop),
    expected: |found| shapes(likely(found).critic_graph()),
    describe,
};

/// What is warned of: the averaged weights draw with what others have gathered.
const STATISTICS_WARNING: &str = "its generator is a moving average of weights, but the statistics of its batch normalisation were gathered with others, so \
     that pictures may look washed out; idgan stats --normalisation gathers them anew";

/// The tensor that tells the dimensions of c.
const FROM_C: &str = "init_block.from_c_4.1.weight";
/// That of z.
const FROM_Z: &str = "init_block.from_z_8.1.weight";
/// That of both, where they come side by side.
const FROM_BOTH: &str = "init_block.main.1.weight";
/// That of the reader's numbers.
const READ: &str = "pred_c.1.main.0.bias";

fn generator_graph(config: &OoganConfig) -> Graph {
    config.generator_graph()
}

fn shapes(graph: Graph) -> Shapes {
    shapes_of(&vec![graph])
}

/// Every name that a network may have.
fn names(graph: fn(&OoganConfig) -> Graph) -> BTreeSet<String> {
    let sizes =
        OoganConfig::sizes().flat_map(|size| [OoganKind::Oogan, OoganKind::InfoGan].map(|kind| (size, kind)));
    let all = sizes.flat_map(|(size, kind)| shapes(graph(&smallest(size, kind))).into_keys());
    all.collect()
}

fn smallest(size: usize, kind: OoganKind) -> OoganConfig {
    OoganConfig {
        size,
        channels: 1,
        c_dim: 1,
        z_dim: 2,
        width: 1,
        input: kind,
        reader: kind,
        is_certain: false,
    }
}

/// A network with the layers that `found` has.
fn likely(found: &Shapes) -> OoganConfig {
    let is_there = |name: &str| found.keys().any(|key| key.starts_with(name));
    let levels = |layer: &dyn Fn(usize) -> String| (0..8).take_while(|&i| is_there(&layer(i))).count();
    let doublings = levels(&|i| format!("blocks.{i}.main."));
    let halvings = levels(&|i| format!("feat_16.{}.main.", i + 1));
    let size = if doublings > 0 { 8 << doublings } else { 16 << halvings };
    let size = OoganConfig::sizes().find(|known| *known == size).unwrap_or(64);
    let is_plain = is_there("init_block.main.") || is_there("pred_c.2.");
    smallest(size, if is_plain { OoganKind::InfoGan } else { OoganKind::Oogan })
}

/// The sizes of a generator with these tensors; where its codes come side by side, all of them are c.
fn generator(found: &Shapes) -> Result<OoganConfig, String> {
    let network = OOGAN_GENERATOR.name;
    let likely = likely(found);
    let size = |name: &str, rank, axis| dim(found, network, name, rank, axis);
    let (first, c_dim, z_dim) = match likely.input {
        OoganKind::InfoGan => (FROM_BOTH, size(FROM_BOTH, 4, 0)?, 0),
        OoganKind::Oogan if found.contains_key(FROM_Z) => (FROM_C, size(FROM_C, 4, 0)?, size(FROM_Z, 4, 0)?),
        OoganKind::Oogan => (FROM_C, size(FROM_C, 4, 0)?, 0),
    };
    let times = OoganConfig::first_width(likely.size).unwrap_or(1);
    let [last] = &likely.spectral_layers(OoganPart::Generator)[..] else {
        return Err(format!("the {network} has no last layer"));
    };
    let channels = size(&format!("{last}.weight"), 4, 0)?;
    let config = OoganConfig { channels, c_dim, z_dim, width: size(first, 4, 1)? / times, ..likely };
    check(network, found, &config, generator_graph)
}

/// The sizes of discriminator and reader with these tensors; every number that the reader gives is c's.
fn discriminator(found: &Shapes) -> Result<OoganConfig, String> {
    let network = OOGAN_DISCRIMINATOR.name;
    let first = "feat_16.0.weight";
    let (width, channels) = (dim(found, network, first, 4, 0)?, dim(found, network, first, 4, 1)?);
    let c_dim = dim(found, network, READ, 1, 0)?;
    let config = OoganConfig { channels, c_dim, width, is_certain: true, ..likely(found) };
    check(network, found, &config, OoganConfig::critic_graph)
}

fn check(
    network: &str,
    found: &Shapes,
    config: &OoganConfig,
    graph: fn(&OoganConfig) -> Graph,
) -> Result<OoganConfig, String> {
    check_channels(network, config.channels)?;
    config.check().map_err(|what| format!("the {network} {what}"))?;
    check_shapes(network, found, &shapes(graph(config)))?;
    Ok(*config)
}

/// The model that both make. Where the generator takes its codes side by side, c are as many as `c_dim` says, or else half of
/// the numbers that the reader gives.
fn describe(groups: &BTreeMap<String, Shapes>, c_dim: Option<usize>) -> Result<ModelDescription, String> {
    let found = [(GENERATOR, generator as fn(&Shapes) -> _), (DISCRIMINATOR, discriminator)]
        .map(|(group, infer)| groups.get(group).map(infer));
    let [Some(generator), discriminator] = found else {
        return Err(
            "it holds the discriminator of an OOGAN without its generator, so that there is nothing to draw"
                .into(),
        );
    };
    let (generator, discriminator) = (generator?, discriminator.transpose()?);
    let read = discriminator.map(|config| config.c_dim);
    let codes = generator.c_dim + generator.z_dim;
    let c = match (generator.input, c_dim, read) {
        (OoganKind::Oogan, Some(asked), _) if asked != generator.c_dim => {
            return Err(format!(
                "--c-dim says {asked}, but its generator takes {} controls; leave --c-dim out",
                generator.c_dim
            ));
        }
        (OoganKind::Oogan, ..) => generator.c_dim,
        (OoganKind::InfoGan, Some(asked), _) => asked,
        (OoganKind::InfoGan, None, Some(read)) => read / 2,
        (OoganKind::InfoGan, None, None) => {
            return Err(format!(
                "it does not say how many of the {codes} numbers that its generator takes are controls; say it by --c-dim"
            ));
        }
    };
    let Some(rest) = codes.checked_sub(c).filter(|rest| c > 0 && *rest != 1) else {
        return Err(format!(
            "its generator takes {codes} numbers, of which {c} cannot be controls; say how many are by --c-dim"
        ));
    };
    let config = OoganConfig { c_dim: c, z_dim: rest, ..generator };
    let Some(discriminator) = discriminator else { return Ok(ModelDescription::oogan("", config)) };
    let is_certain = read == Some(c);
    let is_fit = read == Some(if is_certain { c } else { 2 * c })
        && [discriminator.size, discriminator.channels, discriminator.width]
            == [config.size, config.channels, config.width];
    if !is_fit {
        return Err(format!(
            "its generator ({}, {c} controls) and its discriminator ({}, {} numbers read) do not fit each other; where the codes \
             come side by side, --c-dim says how many are controls",
            said(&config),
            said(&discriminator),
            discriminator.c_dim
        ));
    }
    Ok(ModelDescription::oogan("", OoganConfig { reader: discriminator.reader, is_certain, ..config }))
}

/// What both have to agree on.
fn said(config: &OoganConfig) -> String {
    format!("{} pixels, {} channel(s), width {}", config.size, config.channels, config.width)
}
