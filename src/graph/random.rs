//! Networks that chance puts together, for the tests of whatever runs graphs.

use crate::base::{Array, Arrays, Stream};

use super::{Activation, Convolution, Graph, Operation, Pool, Role, Shape, Value};

/// Channels of every map.
pub(crate) const CHANNELS: usize = 4;
/// Height and width of the first map.
pub(crate) const SIZE: usize = 4;

/// A number below `below`.
fn pick(stream: &mut Stream, below: usize) -> usize {
    ((stream.uniform() * below as f32) as usize).min(below - 1)
}

/// Adds `count` operations of all kinds behind `start`, a map of [`CHANNELS`] and [`SIZE`], each on one of the results
/// before it. Returns all with their heights and widths, which are equal.
pub(crate) fn add_layers(
    graph: &mut Graph,
    start: Value,
    count: usize,
    stream: &mut Stream,
) -> Vec<(Value, usize)> {
    let mut results = vec![(start, SIZE)];
    for number in 0..count {
        let latest = pick(stream, results.len().min(3));
        let (x, size) = results[results.len() - 1 - latest];
        let conv = |kernel| Convolution::new(format!("layer{number}"), CHANNELS, CHANNELS, kernel);
        let other = results.iter().rfind(|(value, side)| *side == size && *value != x).copied();
        let (operation, inputs, size) = match pick(stream, 10) {
            0 | 1 => (Operation::Convolution(conv(3).padding(1)), vec![x], size),
            2 => (Operation::Convolution(conv(1).without_bias()), vec![x], size),
            3 if size > 4 => (Operation::Convolution(conv(4).stride(2).padding(1)), vec![x], size / 2),
            3 => (Operation::TransposedConvolution(conv(4).stride(2).padding(1)), vec![x], size * 2),
            4 | 5 => (Operation::leaky_relu([0.0, 0.2][pick(stream, 2)]), vec![x], size),
            6 => match other {
                Some((other, _)) => (Operation::Add { scale: 0.1 }, vec![other, x], size),
                None => (Operation::Activation(Activation::Tanh), vec![x], size),
            },
            7 if size < 16 => (Operation::Double, vec![x], size * 2),
            7 => {
                let pool = Pool { kernel: 2, stride: 2, padding: 0, counts_padding: true };
                (Operation::AveragePool(pool), vec![x], size / 2)
            }
            8 => {
                let row = graph.apply(Operation::Reshape(Shape::Row(CHANNELS * size * size)), &[x]);
                let bent = graph.leaky_relu(row, 0.5);
                (Operation::Reshape(Shape::Map([CHANNELS, size, size])), vec![bent], size)
            }
            _ => {
                let name = format!("layer{number}");
                (Operation::BatchNorm { name, channels: CHANNELS, epsilon: 1e-2 }, vec![x], size)
            }
        };
        results.push((graph.apply(operation, &inputs), size));
    }
    results
}

/// Weights that keep values about as large as they are; variances are above zero.
pub(crate) fn weights(graph: &Graph, stream: &mut Stream) -> Arrays {
    let mut weights = Arrays::new();
    for parameter in graph.parameters() {
        let scale = 1.4 / (parameter.summed as f32).sqrt();
        let mut array = Array::zeros(parameter.shape);
        for value in array.data_mut() {
            *value = match parameter.role {
                Role::RunningVariance => 0.5 + stream.uniform(),
                _ => scale * stream.normal(),
            };
        }
        weights.insert(parameter.name, array);
    }
    weights
}
