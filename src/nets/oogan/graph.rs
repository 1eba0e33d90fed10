use crate::graph::{Activation, Convolution, Graph, Linear, Operation, Pool, Shape, Value};

use super::widths::Widths;
use super::{OoganConfig, OoganKind};

/// Slope of the leaky ReLUs behind the generator's first layers.
const FIRST_SLOPE: f64 = 0.01;
/// The same behind each doubling, and in the reader.
const UP_SLOPE: f64 = 0.1;
/// The same behind each halving.
const DOWN_SLOPE: f64 = 0.2;
/// Height and width of the maps that the discriminator's score and the reader's product are made of.
const SMALLEST: usize = 4;

impl OoganConfig {
    /// From c and z, side by side, to a picture in [-1, 1].
    pub fn generator_graph(&self) -> Graph {
        let (mut graph, w) = (Graph::default(), self.width);
        let codes = graph.input(Shape::Row(self.c_dim + self.z_dim));
        let Some(widths) = Widths::of(self.size) else { return graph };
        let [small, large] = widths.first.map(|times| times * w);
        let mut x = match self.input {
            OoganKind::InfoGan => {
                let x = spread(&mut graph, codes, "init_block.main", self.c_dim + self.z_dim, small);
                up(&mut graph, x, "init_block.main.4", small, large)
            }
            OoganKind::Oogan => self.competing(&mut graph, codes, small, large),
        };
        let mut inputs = large;
        for (i, outputs) in widths.doubled.iter().map(|times| times * w).enumerate() {
            x = up(&mut graph, x, &format!("blocks.{i}"), inputs, outputs);
            inputs = outputs;
        }
        let last = format!("blocks.{}.0", widths.doubled.len());
        x = graph.convolution(x, Convolution::new(last, inputs, self.channels, 1));
        x = graph.apply(Operation::Activation(Activation::Tanh), &[x]);
        graph.give(x);
        graph
    }

    /// OOGAN's input: `F(c) + k A(c) Z(z)` with a number `A` for each of the `k` feature maps, so that c alone decides what is
    /// drawn and how much of the noise is seen.
    fn competing(&self, graph: &mut Graph, codes: Value, small: usize, large: usize) -> Value {
        let name = |rest: &str| format!("init_block.{rest}");
        let c = graph.apply(Operation::slice(0, self.c_dim), &[codes]);
        let x = spread(graph, c, &name("from_c_4"), self.c_dim, small);
        let drawn = up(graph, x, &name("from_c_8"), small, large);
        if self.z_dim == 0 {
            return drawn;
        }
        let z = graph.apply(Operation::slice(self.c_dim, self.z_dim), &[codes]);
        let half = self.z_dim / 2;
        let x = spread(graph, z, &name("from_z_8"), self.z_dim, half);
        let noise = up(graph, x, &name("from_z_8.4"), half, large);
        let mut share =
            graph.linear(c, Linear::new(name("attn_from_c.channel_attention.0"), self.c_dim, large));
        share = graph.relu(share);
        share = graph.linear(share, Linear::new(name("attn_from_c.channel_attention.2"), large, large));
        share = graph.reshape(share, Shape::Map([large, 1, 1]));
        let noise = graph.apply(Operation::Multiply, &[noise, share]);
        graph.apply(Operation::Add { scale: large as f64 }, &[drawn, noise])
    }

    /// From a picture in [-1, 1] to the discriminator's score.
    pub fn discriminator_graph(&self) -> Graph {
        self.on_a_picture(|config, widths, graph, trunk| vec![config.score(widths, graph, trunk)])
    }

    /// From a picture in [-1, 1] to mean and log variance of c, twice the logarithm of the standard deviation; or to c alone.
    pub fn reader_graph(&self) -> Graph {
        self.on_a_picture(|config, widths, graph, trunk| {
            let mut read = config.read_from(widths, graph, trunk);
            if let [_, logarithm] = &mut read[..] {
                *logarithm = graph.apply(Operation::Add { scale: 1.0 }, &[*logarithm; 2]);
            }
            read
        })
    }

    /// From a picture in [-1, 1] to the discriminator's score, the mean of c and the **logarithm of its standard deviation**
    /// (not for a reader that is certain), with what they share run once: what training runs.
    pub fn critic_graph(&self) -> Graph {
        self.on_a_picture(|config, widths, graph, trunk| {
            let score = config.score(widths, graph, trunk);
            [vec![score], config.read_from(widths, graph, trunk)].concat()
        })
    }

    /// The shared layers, and what `ends` makes of them.
    fn on_a_picture(&self, ends: impl Fn(&Self, &Widths, &mut Graph, Value) -> Vec<Value>) -> Graph {
        let (mut graph, w) = (Graph::default(), self.width);
        let picture = graph.input(Shape::Map(self.picture_shape()));
        let Some(widths) = Widths::of(self.size) else { return graph };
        let mut x = picture;
        let mut inputs = self.channels;
        for (i, outputs) in widths.trunk.iter().map(|times| times * w).enumerate() {
            let name = format!("feat_16.{i}");
            x = match i {
                0 => graph.convolution(x, Convolution::new(name, inputs, outputs, 1)),
                _ => down(&mut graph, x, &name, inputs, outputs),
            };
            inputs = outputs;
        }
        let given = ends(self, widths, &mut graph, x);
        graph.give_only(&given);
        graph
    }

    fn score(&self, widths: &Widths, graph: &mut Graph, trunk: Value) -> Value {
        let (inputs, [first, second]) = self.heads(widths);
        let x = down(graph, trunk, "real_fake.0", inputs, first);
        let x = down(graph, x, "real_fake.1", first, second);
        let x = graph.convolution(x, Convolution::new("real_fake.2", second, 1, SMALLEST));
        graph.reshape(x, Shape::Row(1))
    }

    /// The mean of c, and the logarithm of its standard deviation unless the reader is certain.
    fn read_from(&self, widths: &Widths, graph: &mut Graph, trunk: Value) -> Vec<Value> {
        let (inputs, [first, _]) = self.heads(widths);
        let read = self.read();
        let x = down(graph, trunk, "pred_c.0", inputs, first);
        let x = match self.reader {
            OoganKind::InfoGan => {
                let x = down(graph, x, "pred_c.1", first, read);
                graph.convolution(x, Convolution::new("pred_c.2", read, read, SMALLEST))
            }
            OoganKind::Oogan => {
                let conv = Convolution::new("pred_c.1.main.0", first, read, 3).padding(1);
                let x = graph.convolution(x, conv);
                let x = graph.leaky_relu(x, UP_SLOPE);
                let conv = Convolution::new("pred_c.1.main.2.conv", read, read, 4).stride(2).padding(1);
                let x = graph.convolution(x, conv.groups(read));
                let shape = [read, SMALLEST, SMALLEST];
                let x = graph.apply(Operation::Weighted { name: "pred_c.1.trans".into(), shape }, &[x]);
                graph.apply(Operation::AveragePool(pool(SMALLEST)), &[x])
            }
        };
        let row = graph.reshape(x, Shape::Row(read));
        if self.is_certain {
            return vec![row];
        }
        [0, self.c_dim].map(|start| graph.apply(Operation::slice(start, self.c_dim), &[row])).into()
    }

    /// Feature maps of 16x16, and of the two sizes behind them.
    fn heads(&self, widths: &Widths) -> (usize, [usize; 2]) {
        let trunk = widths.trunk.last().map_or(0, |times| times * self.width);
        (trunk, widths.last.map(|times| times * self.width))
    }
}

/// From a row to maps of 4x4: layers 1 and 2 of the sequential `name`.
fn spread(graph: &mut Graph, row: Value, name: &str, inputs: usize, outputs: usize) -> Value {
    let x = graph.reshape(row, Shape::Map([inputs, 1, 1]));
    let x = graph.transposed(x, Convolution::new(format!("{name}.1"), inputs, outputs, SMALLEST));
    let x = graph.batch_norm(x, format!("{name}.2"), outputs);
    graph.leaky_relu(x, FIRST_SLOPE)
}

/// Doubles a map.
fn up(graph: &mut Graph, x: Value, name: &str, inputs: usize, outputs: usize) -> Value {
    let x = graph.apply(Operation::Double, &[x]);
    let x = graph.convolution(x, Convolution::new(format!("{name}.main.1"), inputs, outputs, 3).padding(1));
    let x = graph.batch_norm(x, format!("{name}.main.2"), outputs);
    graph.leaky_relu(x, UP_SLOPE)
}

/// Halves a map.
fn down(graph: &mut Graph, x: Value, name: &str, inputs: usize, outputs: usize) -> Value {
    let x = graph.convolution(x, Convolution::new(format!("{name}.main.0"), inputs, outputs, 3).padding(1));
    let x = graph.batch_norm(x, format!("{name}.main.1"), outputs);
    let x = graph.apply(Operation::AveragePool(pool(2)), &[x]);
    graph.leaky_relu(x, DOWN_SLOPE)
}

/// Averages of squares that lie side by side.
fn pool(side: usize) -> Pool {
    Pool { kernel: side, stride: side, padding: 0, counts_padding: true }
}
