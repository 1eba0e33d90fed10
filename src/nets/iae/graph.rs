use crate::graph::{Activation, Convolution, Graph, Linear, Operation, Shape, Value};

use super::{IaeConfig, IaeLayout};

impl IaeConfig {
    /// From a picture, and eps where there is any, to z; where z is a choice, to the probabilities of each.
    pub fn encoder_graph(&self) -> Graph {
        let (mut graph, z) = self.read();
        let z = if self.is_categorical { graph.apply(Operation::Softmax, &[z]) } else { z };
        graph.give(z);
        graph
    }

    /// The same for a z that is a choice, without the softmax: the logits, of which training makes probabilities and
    /// cross-entropies.
    pub fn logits_graph(&self) -> Graph {
        let (mut graph, z) = self.read();
        graph.give(z);
        graph
    }

    /// The encoder's layers up to z or its logits.
    fn read(&self) -> (Graph, Value) {
        let mut graph = Graph::default();
        let picture = graph.input(Shape::Map(self.picture_shape()));
        let (x, mut length) = match self.layout {
            IaeLayout::Linear => (picture, self.picture_shape().iter().product()),
            IaeLayout::Convolutional => self.halved(&mut graph, picture, None),
        };
        let mut row = graph.reshape(x, Shape::Row(length));
        if self.eps_dim > 0 {
            let eps = graph.input(Shape::Row(self.eps_dim));
            row = graph.apply(Operation::Concat, &[row, eps]);
            length += self.eps_dim;
        }
        if self.layout == IaeLayout::Linear {
            for number in 0..2 {
                row = graph.linear(row, Linear::new(format!("fc.{number}"), length, self.units));
                row = graph.relu(row);
                length = self.units;
            }
        }
        // A choice needs its normalisation even more: without it every picture soon makes the same one.
        let z = graph.linear(row, Linear::new("z", length, self.z_dim));
        let z = graph.batch_norm(z, "z_norm", self.z_dim);
        (graph, z)
    }

    /// From z and n, side by side, to a picture.
    pub fn decoder_graph(&self) -> Graph {
        let mut graph = Graph::default();
        let mut length = self.z_dim + self.n_dim;
        let mut row = graph.input(Shape::Row(length));
        if self.layout == IaeLayout::Linear {
            row = fully(&mut graph, row, "fc.0", length, self.hidden);
            length = self.hidden;
        }
        let (levels, smallest) = (self.levels(), self.size >> self.levels());
        let mut maps = self.width << (levels - 1);
        let start = Shape::Map([maps, smallest, smallest]);
        row = fully(&mut graph, row, "start", length, start.values());
        let mut x = graph.reshape(row, start);
        for number in 1..levels {
            let conv = self.by_two(format!("up.{number}"), maps, maps / 2);
            x = graph.transposed(x, conv);
            x = bent(&mut graph, x, format!("up_norm.{number}"), maps / 2);
            maps /= 2;
        }
        x = graph.transposed(x, self.by_two(format!("up.{levels}"), maps, self.channels));
        let last = match self.layout {
            IaeLayout::Linear => Activation::Sigmoid,
            IaeLayout::Convolutional => Activation::Tanh,
        };
        x = graph.apply(Operation::Activation(last), &[x]);
        graph.give(x);
        graph
    }

    /// Halves a picture down to the smallest maps, as many times as the layout says, and how many numbers these are. `added` is
    /// added to the results of the first convolution.
    pub(super) fn halved(&self, graph: &mut Graph, picture: Value, added: Option<Value>) -> (Value, usize) {
        let (mut x, mut inputs, mut maps) = (picture, self.channels, self.width);
        for number in 1..=self.levels() {
            x = graph.convolution(x, self.by_two(format!("down.{number}"), inputs, maps));
            if let (1, Some(added)) = (number, added) {
                x = graph.apply(Operation::Add { scale: 1.0 }, &[x, added]);
            }
            x = bent(graph, x, format!("down_norm.{number}"), maps);
            (inputs, maps) = (maps, 2 * maps);
        }
        let smallest = self.size >> self.levels();
        (x, inputs * smallest * smallest)
    }

    /// A convolution that halves a map, or a transposed one that doubles it.
    fn by_two(&self, name: String, inputs: usize, outputs: usize) -> Convolution {
        Convolution::new(name, inputs, outputs, self.kernel).stride(2).padding(self.kernel / 2 - 1)
    }
}

/// A linear layer, ReLU and batch normalisation.
pub(super) fn fully(graph: &mut Graph, row: Value, name: &str, inputs: usize, outputs: usize) -> Value {
    let row = graph.linear(row, Linear::new(name, inputs, outputs));
    bent(graph, row, format!("{name}_norm"), outputs)
}

/// ReLU and batch normalisation.
fn bent(graph: &mut Graph, x: Value, name: String, channels: usize) -> Value {
    let x = graph.relu(x);
    graph.batch_norm(x, name, channels)
}
