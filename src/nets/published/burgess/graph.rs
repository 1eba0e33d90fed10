use crate::graph::{Activation, Graph, Linear, Operation, Shape};
use crate::nets::published::PublishedSizes;
use crate::nets::published::layers::{FEATURES, UNITS, bent, doubled, halved};

/// Side of the larger pictures, which one more layer halves and doubles.
const LARGE: usize = 64;

/// From a picture in [0, 1] to mean and log variance of z, which the last layer gives in turns: every mean before its log
/// variance.
pub(super) fn encoder(sizes: &PublishedSizes) -> Graph {
    let PublishedSizes { channels, side, z_dim } = *sizes;
    let names = ["encoder.conv1", "encoder.conv2", "encoder.conv3", "encoder.conv_64"];
    let mut graph = Graph::default();
    let x = graph.input(Shape::Map([channels, side, side]));
    let x = halved(&mut graph, x, channels, if side == LARGE { &names } else { &names[..3] });
    let x = bent(&mut graph, x, FEATURES, &[("encoder.lin1", UNITS), ("encoder.lin2", UNITS)]);
    let both = graph.linear(x, Linear::new("encoder.mu_logvar_gen", UNITS, 2 * z_dim));
    for start in [0, 1] {
        let half = graph.apply(Operation::Slice { start, length: z_dim, step: 2 }, &[both]);
        graph.give(half);
    }
    graph
}

/// From z to a picture in [0, 1].
pub(super) fn decoder(sizes: &PublishedSizes) -> Graph {
    let PublishedSizes { channels, side, z_dim } = *sizes;
    let names = ["decoder.convT_64", "decoder.convT1", "decoder.convT2", "decoder.convT3"];
    let layers = [("decoder.lin1", UNITS), ("decoder.lin2", UNITS), ("decoder.lin3", FEATURES)];
    let mut graph = Graph::default();
    let z = graph.input(Shape::Row(z_dim));
    let x = bent(&mut graph, z, z_dim, &layers);
    let x = doubled(&mut graph, x, channels, if side == LARGE { &names } else { &names[1..] });
    graph.give(x);
    graph.followed_by(Operation::Activation(Activation::Sigmoid))
}
