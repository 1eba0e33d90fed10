use crate::graph::{Activation, Convolution, Graph, Linear, Operation, Parameter, Pool, Shape, Value};

use super::ResnetTrunk;

/// Slope of the leaky ReLU everywhere in these networks.
pub(super) const SLOPE: f64 = 0.2;
/// Weight of a block's residual branch.
pub(super) const RESIDUAL: f64 = 0.1;
/// Height and width of the smallest map.
const SMALLEST: usize = 4;

/// The linear layer: from the code, or to the logit.
pub(super) const FC: &str = "fc";
/// The convolution next to the picture.
pub(super) const CONV_IMG: &str = "conv_img";
/// The bottleneck's convolution to means.
pub(super) const MEAN: &str = "mean_fn";
/// The bottleneck's convolution to logarithms of standard deviations.
pub(super) const LOGSTD: &str = "logstd_fn";

/// The convolutions of block `number`: two in a row, and the shortcut's where there is one. The published sequential
/// counts the resampling layers between the blocks as well.
pub(super) fn block_layers(number: usize) -> [String; 3] {
    ["conv_0", "conv_1", "conv_s"].map(|layer| format!("resnet.{}.{layer}", 2 * number))
}

/// The name of a layer's weight.
pub(super) fn weight(layer: &str) -> String {
    format!("{layer}.weight")
}

/// The name of its bias.
pub(super) fn bias(layer: &str) -> String {
    format!("{layer}.bias")
}

/// From a code to a picture in [-1, 1]: a linear layer to 4x4, then blocks with nearest doubling between them.
pub(in crate::nets) fn generator(z_dim: usize, trunk: &ResnetTrunk) -> Graph {
    let levels = trunk.levels();
    let widest = trunk.width(levels);
    let mut graph = Graph::default();
    let code = graph.input(Shape::Row(z_dim));
    let mut x = graph.linear(code, Linear::new(FC, z_dim, features(trunk)));
    x = graph.apply(Operation::Reshape(Shape::Map([widest, SMALLEST, SMALLEST])), &[x]);
    for i in 0..=levels {
        if i > 0 {
            x = graph.apply(Operation::Double, &[x]);
        }
        x = block(&mut graph, x, i, trunk.width(levels - i), trunk.width(levels.saturating_sub(i + 1)));
    }
    x = graph.leaky_relu(x, SLOPE);
    x = graph.convolution(x, same(CONV_IMG, trunk.width(0), trunk.channels));
    x = graph.apply(Operation::Activation(Activation::Tanh), &[x]);
    graph.give(x);
    graph
}

/// From a picture in [-1, 1] to a logit: blocks with average pooling between them, then a linear layer. With a `bottleneck`
/// the logit is that of its means, and the logarithms of its standard deviations are given as well.
pub(in crate::nets) fn discriminator(trunk: &ResnetTrunk, bottleneck: bool) -> Graph {
    let levels = trunk.levels();
    let widest = trunk.width(levels);
    let mut graph = Graph::default();
    let picture = graph.input(Shape::Map([trunk.channels, trunk.size, trunk.size]));
    let mut x = graph.convolution(picture, same(CONV_IMG, trunk.channels, trunk.width(0)));
    for i in 0..=levels {
        if i > 0 {
            let pool = Pool { kernel: 3, stride: 2, padding: 1, counts_padding: true };
            x = graph.apply(Operation::AveragePool(pool), &[x]);
        }
        x = block(&mut graph, x, i, trunk.width(i.saturating_sub(1)), trunk.width(i));
    }
    let mut spread = None;
    if bottleneck {
        let pointwise = |name| Convolution::new(name, widest, widest, 1);
        spread = Some(graph.convolution(x, pointwise(LOGSTD)));
        x = graph.convolution(x, pointwise(MEAN));
    }
    x = graph.leaky_relu(x, SLOPE);
    x = graph.apply(Operation::Reshape(Shape::Row(features(trunk))), &[x]);
    let logit = graph.linear(x, Linear::new(FC, features(trunk), 1));
    [Some(logit), spread].into_iter().flatten().for_each(|value| graph.give(value));
    graph
}

/// The parameters of a discriminator as PyTorch lists them: those of a bottleneck before the blocks.
pub(in crate::nets) fn discriminator_parameters(graph: &Graph) -> Vec<Parameter> {
    let mut parameters = graph.parameters();
    parameters.sort_by_key(|parameter| match parameter.name.split('.').next() {
        Some(CONV_IMG) => 0,
        Some(MEAN) => 1,
        Some(LOGSTD) => 2,
        Some(FC) => 4,
        _ => 3,
    });
    parameters
}

/// `shortcut(x) + 0.1 * conv_1(act(conv_0(act(x))))`.
fn block(graph: &mut Graph, x: Value, number: usize, inputs: usize, outputs: usize) -> Value {
    let hidden = inputs.min(outputs);
    let [conv_0, conv_1, conv_s] = block_layers(number);
    let mut change = graph.leaky_relu(x, SLOPE);
    change = graph.convolution(change, same(&conv_0, inputs, hidden));
    change = graph.leaky_relu(change, SLOPE);
    change = graph.convolution(change, same(&conv_1, hidden, outputs));
    let shortcut = if inputs == outputs {
        x
    } else {
        graph.convolution(x, Convolution::new(conv_s, inputs, outputs, 1).without_bias())
    };
    graph.apply(Operation::Add { scale: RESIDUAL }, &[shortcut, change])
}

/// A 3x3 convolution that keeps the map's size.
fn same(name: &str, inputs: usize, outputs: usize) -> Convolution {
    Convolution::new(name, inputs, outputs, 3).padding(1)
}

/// Values of the smallest map.
fn features(trunk: &ResnetTrunk) -> usize {
    trunk.width(trunk.levels()).saturating_mul(SMALLEST * SMALLEST)
}
