use crate::graph::{Activation, Convolution, Graph, Linear, Operation, Shape, Value};

use super::{PatchChannels, PatchDiscriminatorConfig, TranslatorConfig};

/// Slope of the leaky ReLUs in discriminators.
const SLOPE: f64 = 0.2;

impl TranslatorConfig {
    /// From a picture, and noise where there is any, to a picture.
    pub fn graph(&self) -> Graph {
        let Self { size, takes, gives, width, blocks, noise_dim } = *self;
        let mut graph = Graph::default();
        let picture = graph.input(Shape::Map([takes, size, size]));
        let noise = (noise_dim > 0).then(|| (graph.input(Shape::Row(noise_dim)), noise_dim));
        let mut layers = Layers { graph, noise };
        let mut x =
            layers.bent(picture, "first", Convolution::new("first", takes, width, 7).padding(3), false);
        for (name, inputs) in [("down.1", width), ("down.2", 2 * width)] {
            let conv = Convolution::new(name, inputs, 2 * inputs, 3).stride(2).padding(1);
            x = layers.bent(x, name, conv, false);
        }
        for number in 0..blocks {
            let name = |half: usize| format!("blocks.{number}.{half}");
            let conv = |half: usize| Convolution::new(name(half), 4 * width, 4 * width, 3).padding(1);
            let change = layers.bent(x, &name(0), conv(0), false);
            let change = layers.graph.convolution(change, conv(1).without_bias());
            let change = layers.normalised(change, &name(1), 4 * width);
            x = layers.graph.apply(Operation::Add { scale: 1.0 }, &[x, change]);
        }
        for (name, outputs) in [("up.1", 2 * width), ("up.2", width)] {
            let conv = Convolution::new(name, 2 * outputs, outputs, 3).stride(2).padding(1).output_padding(1);
            x = layers.bent(x, name, conv, true);
        }
        let mut graph = layers.graph;
        x = graph.convolution(x, Convolution::new("last", width, gives, 7).padding(3));
        x = graph.apply(Operation::Activation(Activation::Tanh), &[x]);
        graph.give(x);
        graph
    }
}

/// Layers with the noise that decides about their normalisation.
struct Layers {
    graph: Graph,
    /// The noise and its dimensions.
    noise: Option<(Value, usize)>,
}

impl Layers {
    /// A convolution, transposed or not, its normalisation and ReLU.
    fn bent(&mut self, x: Value, name: &str, conv: Convolution, is_transposed: bool) -> Value {
        let (channels, conv) = (conv.outputs, conv.without_bias());
        let x = match is_transposed {
            true => self.graph.transposed(x, conv),
            false => self.graph.convolution(x, conv),
        };
        let x = self.normalised(x, name, channels);
        self.graph.relu(x)
    }

    /// Batch normalisation; with noise `(1 + a) x + b` of its result, where a and b are linear in the noise.
    fn normalised(&mut self, x: Value, name: &str, channels: usize) -> Value {
        let graph = &mut self.graph;
        let x = graph.batch_norm(x, format!("{name}_norm"), channels);
        let Some((noise, dims)) = self.noise else { return x };
        let [gain, shift] = ["gain", "shift"].map(|what| {
            let row = graph.linear(noise, Linear::new(format!("{name}_{what}"), dims, channels));
            graph.reshape(row, Shape::Map([channels, 1, 1]))
        });
        let change = graph.apply(Operation::Multiply, &[x, gain]);
        let x = graph.apply(Operation::Add { scale: 1.0 }, &[x, change]);
        graph.apply(Operation::Add { scale: 1.0 }, &[x, shift])
    }
}

impl PatchDiscriminatorConfig {
    /// From a picture, or two that are put one behind the other channel by channel, to the logits of all places in a row.
    pub fn graph(&self) -> Graph {
        let Self { size, channels, width } = *self;
        let mut graph = Graph::default();
        let mut picture = |channels| graph.input(Shape::Map([channels, size, size]));
        let (mut x, mut inputs) = match channels {
            PatchChannels::One(channels) => (picture(channels), channels),
            PatchChannels::Pair(first, second) => {
                let both = [picture(first), picture(second)];
                (graph.apply(Operation::Concat, &both), first + second)
            }
        };
        let mut side = size;
        for (number, (times, stride)) in [(1, 2), (2, 2), (4, 2), (8, 1)].into_iter().enumerate() {
            let (name, outputs) = (format!("layers.{number}"), times * width);
            let conv = Convolution::new(&name, inputs, outputs, 4).stride(stride).padding(1);
            // The first layer is not normalised.
            x = match number {
                0 => graph.convolution(x, conv),
                _ => {
                    let x = graph.convolution(x, conv.without_bias());
                    graph.batch_norm(x, format!("{name}_norm"), outputs)
                }
            };
            x = graph.leaky_relu(x, SLOPE);
            inputs = outputs;
            side = if stride == 2 { side / 2 } else { side.saturating_sub(1) };
        }
        x = graph.convolution(x, Convolution::new("logits", inputs, 1, 4).padding(1));
        let places = side.saturating_sub(1).pow(2);
        x = graph.reshape(x, Shape::Row(places));
        graph.give(x);
        graph
    }
}
