use crate::graph::{Graph, Linear, Operation, Shape};
use crate::nets::published::PublishedSizes;
use crate::nets::published::layers::{FEATURES, UNITS, bent, doubled, halved};

/// From a picture in [0, 1] to mean and log variance of z.
pub(super) fn encoder(sizes: &PublishedSizes) -> Graph {
    let PublishedSizes { channels, side, z_dim } = *sizes;
    let names = ["encoder.0", "encoder.2", "encoder.4", "encoder.6"];
    let mut graph = Graph::default();
    let x = graph.input(Shape::Map([channels, side, side]));
    let x = halved(&mut graph, x, channels, &names);
    let x = bent(&mut graph, x, FEATURES, &[("encoder.9", UNITS), ("encoder.11", UNITS)]);
    let both = graph.linear(x, Linear::new("encoder.13", UNITS, 2 * z_dim));
    for start in [0, z_dim] {
        let half = graph.apply(Operation::slice(start, z_dim), &[both]);
        graph.give(half);
    }
    graph
}

/// From z to the logits of a picture.
pub(super) fn decoder(sizes: &PublishedSizes) -> Graph {
    let PublishedSizes { channels, z_dim, .. } = *sizes;
    let names = ["decoder.7", "decoder.9", "decoder.11", "decoder.13"];
    let layers = [("decoder.0", UNITS), ("decoder.2", UNITS), ("decoder.4", FEATURES)];
    let mut graph = Graph::default();
    let z = graph.input(Shape::Row(z_dim));
    let x = bent(&mut graph, z, z_dim, &layers);
    let x = doubled(&mut graph, x, channels, &names);
    graph.give(x);
    graph
}
