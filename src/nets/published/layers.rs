//! Stacks of layers that several published VAEs have, under names of their own.

use crate::graph::{Convolution, Graph, Linear, Operation, Shape, Value};

/// Channels of the maps of Burgess et al.
pub(super) const MAPS: usize = 32;
/// Height and width of the smallest of their maps.
const SMALLEST: usize = 4;
/// Units of their linear layers.
pub(super) const UNITS: usize = 256;
/// Numbers in the smallest maps.
pub(super) const FEATURES: usize = MAPS * SMALLEST * SMALLEST;

/// A 4x4 convolution, or transposed one, that halves or doubles a map.
fn by_two(name: &str, inputs: usize, outputs: usize) -> Convolution {
    Convolution::new(name, inputs, outputs, 4).stride(2).padding(1)
}

/// Halves a picture of `channels` with each of the layers `names`, ReLU after each, down to maps of 4x4, as a row.
pub(super) fn halved(graph: &mut Graph, mut x: Value, channels: usize, names: &[&str]) -> Value {
    for (i, name) in names.iter().enumerate() {
        x = graph.convolution(x, by_two(name, if i == 0 { channels } else { MAPS }, MAPS));
        x = graph.apply(Operation::RELU, &[x]);
    }
    graph.apply(Operation::Reshape(Shape::Row(FEATURES)), &[x])
}

/// Linear layers from `inputs` numbers by `widths`, ReLU after each.
pub(super) fn bent(graph: &mut Graph, mut x: Value, inputs: usize, layers: &[(&str, usize)]) -> Value {
    let mut width = inputs;
    for (name, outputs) in layers {
        x = graph.linear(x, Linear::new(*name, width, *outputs));
        x = graph.apply(Operation::RELU, &[x]);
        width = *outputs;
    }
    x
}

/// Doubles maps of 4x4, given as a row, with each of the layers `names`, ReLU between them, to a picture of `channels`.
pub(super) fn doubled(graph: &mut Graph, row: Value, channels: usize, names: &[&str]) -> Value {
    let mut x = graph.apply(Operation::Reshape(Shape::Map([MAPS, SMALLEST, SMALLEST])), &[row]);
    for (i, name) in names.iter().enumerate() {
        if i > 0 {
            x = graph.apply(Operation::RELU, &[x]);
        }
        x = graph.transposed(x, by_two(name, MAPS, if i + 1 == names.len() { channels } else { MAPS }));
    }
    x
}
