use crate::graph::{Convolution, Graph, Linear, Operation, Shape, Value};

use super::{FEATURES, SIZE};

/// Channels between the picture's and the vector.
const WIDTHS: [usize; 4] = [32, 32, 64, 64];
/// Height and width of every kernel.
const KERNEL: usize = 4;

/// The numbers of the encoder's convolutions in the published sequential, which counts activations and the reshape.
pub(super) const ENCODER_CONVS: [usize; 5] = [0, 2, 4, 6, 8];
/// That of the linear layer behind them.
pub(super) const ENCODER_LINEAR: usize = 11;
/// The number of the decoder's linear layer.
pub(super) const DECODER_LINEAR: usize = 0;
/// Those of the transposed convolutions behind it.
pub(super) const DECODER_CONVS: [usize; 5] = [3, 5, 7, 9, 11];

/// The name of layer `number`.
pub(super) fn layer(prefix: &str, number: usize) -> String {
    format!("{prefix}layer.{number}")
}

/// Stride and padding of convolution `i` counted from the picture: the one next to the 1x1 map covers it whole.
pub(super) fn geometry(i: usize) -> (usize, usize) {
    if i == 4 { (1, 0) } else { (2, 1) }
}

/// Channels from the picture to the vector.
fn widths(channels: usize) -> [usize; 6] {
    let [first, second, third, fourth] = WIDTHS;
    [channels, first, second, third, fourth, FEATURES]
}

/// Convolutions with ReLU down to the vector, then a linear layer; what it makes is given by the caller.
pub(in crate::nets) fn encoder(prefix: &str, channels: usize, outputs: usize) -> (Graph, Value) {
    let mut graph = Graph::default();
    let mut x = graph.input(Shape::Map([channels, SIZE, SIZE]));
    let widths = widths(channels);
    for (i, &number) in ENCODER_CONVS.iter().enumerate() {
        let (stride, padding) = geometry(i);
        let conv = Convolution::new(layer(prefix, number), widths[i], widths[i + 1], KERNEL);
        x = graph.convolution(x, conv.stride(stride).padding(padding));
        x = graph.apply(Operation::RELU, &[x]);
    }
    x = graph.apply(Operation::Reshape(Shape::Row(FEATURES)), &[x]);
    let last = graph.linear(x, Linear::new(layer(prefix, ENCODER_LINEAR), FEATURES, outputs));
    (graph, last)
}

/// A linear layer to the vector, then transposed convolutions with ReLU between them; gives the last one's result.
pub(in crate::nets) fn decoder(prefix: &str, inputs: usize, channels: usize) -> Graph {
    let mut graph = Graph::default();
    let code = graph.input(Shape::Row(inputs));
    let mut x = graph.linear(code, Linear::new(layer(prefix, DECODER_LINEAR), inputs, FEATURES));
    x = graph.apply(Operation::Reshape(Shape::Map([FEATURES, 1, 1])), &[x]);
    let widths = widths(channels);
    for (i, &number) in DECODER_CONVS.iter().enumerate() {
        x = graph.apply(Operation::RELU, &[x]);
        let (stride, padding) = geometry(4 - i);
        let conv = Convolution::new(layer(prefix, number), widths[5 - i], widths[4 - i], KERNEL);
        x = graph.transposed(x, conv.stride(stride).padding(padding));
    }
    graph.give(x);
    graph
}
