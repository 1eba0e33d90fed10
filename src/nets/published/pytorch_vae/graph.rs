use crate::graph::{Activation, Convolution, Graph, Linear, Operation, Shape, Value};
use crate::nets::published::PublishedSizes;

/// Feature maps of each layer of the encoder, and backwards of the decoder.
const WIDTHS: [usize; 5] = [32, 64, 128, 256, 512];
/// Height and width of the smallest maps.
const SMALLEST: usize = 2;
/// Numbers in them.
const FEATURES: usize = WIDTHS[WIDTHS.len() - 1] * SMALLEST * SMALLEST;
/// Slope of the leaky ReLUs.
const SLOPE: f64 = 0.01;

/// From a picture to mean and log variance of z.
pub(super) fn encoder(sizes: &PublishedSizes) -> Graph {
    let PublishedSizes { channels, side, z_dim } = *sizes;
    let mut graph = Graph::default();
    let mut x = graph.input(Shape::Map([channels, side, side]));
    let mut inputs = channels;
    for (i, width) in WIDTHS.into_iter().enumerate() {
        let name = format!("encoder.{i}");
        x = graph.convolution(x, by_two(&format!("{name}.0"), inputs, width));
        x = normalised(&mut graph, x, format!("{name}.1"), width);
        inputs = width;
    }
    let row = graph.apply(Operation::Reshape(Shape::Row(FEATURES)), &[x]);
    for name in ["fc_mu", "fc_var"] {
        let part = graph.linear(row, Linear::new(name, FEATURES, z_dim));
        graph.give(part);
    }
    graph
}

/// From z to a picture, in [-1, 1] by a tanh.
pub(super) fn decoder(sizes: &PublishedSizes) -> Graph {
    let PublishedSizes { channels, z_dim, .. } = *sizes;
    let mut graph = Graph::default();
    let z = graph.input(Shape::Row(z_dim));
    let row = graph.linear(z, Linear::new("decoder_input", z_dim, FEATURES));
    let [.., mut inputs] = WIDTHS;
    let mut x = graph.apply(Operation::Reshape(Shape::Map([inputs, SMALLEST, SMALLEST])), &[row]);
    // The last layer doubles as many maps as it takes.
    let narrower = WIDTHS.into_iter().rev().skip(1).chain([WIDTHS[0]]);
    for (i, width) in narrower.enumerate() {
        let name = if i + 1 < WIDTHS.len() { format!("decoder.{i}") } else { "final_layer".to_owned() };
        x = graph.transposed(x, by_two(&format!("{name}.0"), inputs, width).output_padding(1));
        x = normalised(&mut graph, x, format!("{name}.1"), width);
        inputs = width;
    }
    x = graph.convolution(x, Convolution::new("final_layer.3", inputs, channels, 3).padding(1));
    graph.give(x);
    graph.followed_by(Operation::Activation(Activation::Tanh))
}

/// A 3x3 convolution that halves a map; a transposed one with output padding doubles it.
fn by_two(name: &str, inputs: usize, outputs: usize) -> Convolution {
    Convolution::new(name, inputs, outputs, 3).stride(2).padding(1)
}

fn normalised(graph: &mut Graph, x: Value, name: String, channels: usize) -> Value {
    let x = graph.batch_norm(x, name, channels);
    graph.leaky_relu(x, SLOPE)
}
