//! The tensors of each network: their published state-dict names and shapes.

use std::collections::BTreeMap;

use crate::nets::{DiscriminatorConfig, GeneratorConfig, ResnetTrunk, VaeConfig};

/// Names and shapes of a network's tensors, outermost dimension first.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// Feature maps of the small networks between picture and code.
const SMALL_WIDTHS: [usize; 5] = [32, 32, 64, 64, 256];

/// The tensors of a VAE: `encoder.layer.N.*` and `decoder.layer.N.*`.
pub fn vae_shapes(config: &VaeConfig) -> Shapes {
    let mut shapes = Shapes::new();
    small_encoder(&mut shapes, "encoder.", config.channels, 2 * config.c_dim);
    small_decoder(&mut shapes, "decoder.", config.c_dim, config.channels);
    shapes
}

/// The tensors of a generator: `layer.N.*`, or `fc.*`, `resnet.N.*` and `conv_img.*`.
pub fn generator_shapes(config: &GeneratorConfig) -> Shapes {
    let mut shapes = Shapes::new();
    match *config {
        GeneratorConfig::Small { z_dim, channels } => small_decoder(&mut shapes, "", z_dim, channels),
        GeneratorConfig::Resnet { z_dim, trunk } => {
            let levels = trunk.levels();
            layer(&mut shapes, "fc", &[trunk.width(levels) * 16, z_dim]);
            for level in 0..levels {
                let halvings = levels - level;
                block(&mut shapes, 2 * level, trunk.width(halvings), trunk.width(halvings - 1));
            }
            block(&mut shapes, 2 * levels, trunk.width(0), trunk.width(0));
            layer(&mut shapes, "conv_img", &[trunk.channels, trunk.width(0), 3, 3]);
        }
    }
    shapes
}

/// The tensors of a discriminator: `layer.N.*`, or `conv_img.*`, `resnet.N.*` and `fc.*`, with `mean_fn.*` and
/// `logstd_fn.*` for the variational bottleneck.
pub fn discriminator_shapes(config: &DiscriminatorConfig) -> Shapes {
    let mut shapes = Shapes::new();
    match config {
        DiscriminatorConfig::Small { channels } => small_encoder(&mut shapes, "", *channels, 1),
        DiscriminatorConfig::Resnet { trunk } => resnet_discriminator(&mut shapes, trunk),
        DiscriminatorConfig::ResnetVdb { trunk } => {
            resnet_discriminator(&mut shapes, trunk);
            let width = trunk.width(trunk.levels());
            layer(&mut shapes, "mean_fn", &[width, width, 1, 1]);
            layer(&mut shapes, "logstd_fn", &[width, width, 1, 1]);
        }
    }
    shapes
}

fn resnet_discriminator(shapes: &mut Shapes, trunk: &ResnetTrunk) {
    let levels = trunk.levels();
    layer(shapes, "conv_img", &[trunk.width(0), trunk.channels, 3, 3]);
    block(shapes, 0, trunk.width(0), trunk.width(0));
    for level in 0..levels {
        block(shapes, 2 * level + 2, trunk.width(level), trunk.width(level + 1));
    }
    layer(shapes, "fc", &[1, trunk.width(levels) * 16]);
}

/// A residual block; only one that changes the width has a shortcut convolution, which has no bias.
fn block(shapes: &mut Shapes, index: usize, from: usize, to: usize) {
    let hidden = from.min(to);
    layer(shapes, &format!("resnet.{index}.conv_0"), &[hidden, from, 3, 3]);
    layer(shapes, &format!("resnet.{index}.conv_1"), &[to, hidden, 3, 3]);
    if from != to {
        shapes.insert(format!("resnet.{index}.conv_s.weight"), vec![to, from, 1, 1]);
    }
}

/// Convolutions from a 64x64 picture to `outputs` numbers. Numbers count activations and reshapes too.
fn small_encoder(shapes: &mut Shapes, prefix: &str, channels: usize, outputs: usize) {
    let [a, b, c, d, e] = SMALL_WIDTHS;
    for (index, to, from) in [(0, a, channels), (2, b, a), (4, c, b), (6, d, c), (8, e, d)] {
        layer(shapes, &format!("{prefix}layer.{index}"), &[to, from, 4, 4]);
    }
    layer(shapes, &format!("{prefix}layer.11"), &[outputs, e]);
}

/// Its mirror image; a transposed convolution's weight has its input channels first.
fn small_decoder(shapes: &mut Shapes, prefix: &str, inputs: usize, channels: usize) {
    let [a, b, c, d, e] = SMALL_WIDTHS;
    layer(shapes, &format!("{prefix}layer.0"), &[e, inputs]);
    for (index, from, to) in [(3, e, d), (5, d, c), (7, c, b), (9, b, a), (11, a, channels)] {
        shapes.insert(format!("{prefix}layer.{index}.weight"), vec![from, to, 4, 4]);
        shapes.insert(format!("{prefix}layer.{index}.bias"), vec![to]);
    }
}

/// A layer whose weight has its outputs first, and its bias.
fn layer(shapes: &mut Shapes, name: &str, weight: &[usize]) {
    shapes.insert(format!("{name}.weight"), weight.to_vec());
    shapes.insert(format!("{name}.bias"), vec![weight[0]]);
}

/// Compares the tensors of a network with what its architecture needs.
///
/// # Errors
/// Names the first tensor (in name order) that is missing, has another shape, or belongs to something else.
pub(crate) fn check_shapes(network: &str, found: &Shapes, expected: &Shapes) -> Result<(), String> {
    for (name, shape) in expected {
        match found.get(name) {
            None => {
                return Err(format!("tensor `{name}` of the {network} is missing (expected shape {shape:?})"));
            }
            Some(other) if other != shape => {
                let swapped = other.len() > 1 && sorted(other) == sorted(shape);
                let hint = if swapped { "; it seems to be transposed" } else { "" };
                return Err(format!(
                    "tensor `{name}` of the {network} has shape {other:?}, expected {shape:?}{hint}"
                ));
            }
            Some(_) => {}
        }
    }
    match found.iter().find(|(name, _)| !expected.contains_key(*name)) {
        Some((name, shape)) => Err(format!(
            "tensor `{name}` with shape {shape:?} belongs to no layer of the {network}; it comes from another \
             architecture"
        )),
        None => Ok(()),
    }
}

fn sorted(shape: &[usize]) -> Vec<usize> {
    let mut shape = shape.to_vec();
    shape.sort_unstable();
    shape
}
