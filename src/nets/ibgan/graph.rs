use crate::graph::{Activation, Convolution, Graph, Linear, Operation, Shape, Value};

use super::{IbGanConfig, IbGanForm};

/// Slope of the leaky ReLUs in discriminator and reader.
const SLOPE: f64 = 0.2;
/// Height and width of the smallest maps.
const SMALLEST: usize = 8;
/// Units of the emitter's layers for sprites.
const SPRITES_EMITTER: [usize; 2] = [32, 32];
/// Those for photos.
const PHOTOS_EMITTER: [usize; 3] = [64, 64, 32];

/// What the names of the reader's layers begin with.
const READER: &str = "encoder";
/// The same of the discriminator's.
const DISCRIMINATOR: &str = "disc";
/// The same of those that both have in the form for photos.
const SHARED: &str = "front";

impl IbGanConfig {
    /// From z to mean and log variance of r, side by side.
    pub fn emitter_graph(&self) -> Graph {
        let (widths, is_normalised): (&[usize], _) = match self.form {
            IbGanForm::Sprites => (&SPRITES_EMITTER, false),
            IbGanForm::Photos => (&PHOTOS_EMITTER, true),
        };
        let mut graph = Graph::default();
        let mut x = graph.input(Shape::Row(self.z_dim));
        // Layers are numbered with what stands between them.
        let (mut inputs, mut number) = (self.z_dim, 0);
        for &width in widths {
            x = graph.linear(x, Linear::new(format!("emb.{number}"), inputs, width));
            if is_normalised {
                number += 1;
                x = graph.batch_norm(x, format!("emb.{number}"), width);
            }
            x = graph.relu(x);
            (inputs, number) = (width, number + 2);
        }
        let posterior = graph.linear(x, Linear::new(format!("emb.{number}"), inputs, 2 * self.r_dim));
        graph.give(posterior);
        graph
    }

    /// From r to a picture in [-1, 1].
    pub fn generator_graph(&self) -> Graph {
        let n = self.generator_width;
        let mut graph = Graph::default();
        let mut x = graph.input(Shape::Row(self.r_dim));
        let smallest = Shape::Map([4 * n, SMALLEST, SMALLEST]);
        for (number, inputs, outputs) in [(0, self.r_dim, 16 * n), (3, 16 * n, smallest.values())] {
            x = graph.linear(x, Linear::new(format!("fe.{number}"), inputs, outputs));
            x = graph.batch_norm(x, format!("fe.{}", number + 1), outputs);
            x = graph.relu(x);
        }
        x = graph.reshape(x, smallest);
        for (number, inputs, outputs, kernel, stride) in
            [(0, 4 * n, 4 * n, 3, 1), (3, 4 * n, 4 * n, 3, 1), (6, 4 * n, 2 * n, 4, 2), (9, 2 * n, n, 4, 2)]
        {
            let conv = Convolution::new(format!("conv.{number}"), inputs, outputs, kernel);
            x = graph.transposed(x, conv.stride(stride).padding(1).without_bias());
            x = graph.batch_norm(x, format!("conv.{}", number + 1), outputs);
            x = graph.relu(x);
        }
        x = graph.transposed(x, Convolution::new("conv.12", n, self.channels, 4).stride(2).padding(1));
        x = graph.apply(Operation::Activation(Activation::Tanh), &[x]);
        graph.give(x);
        graph
    }

    /// From a picture in [-1, 1] to the discriminator's logit.
    pub fn discriminator_graph(&self) -> Graph {
        let (mut graph, picture) = self.on_a_picture();
        let tower = self.tower(&mut graph, picture);
        let logit = tower.judged(&mut graph);
        graph.give(logit);
        graph
    }

    /// From a picture in [-1, 1] to mean and log variance of z: Q(z|x) is N(z_hat, I), so that the log variance is 0.
    pub fn reader_graph(&self) -> Graph {
        let (mut graph, picture) = self.on_a_picture();
        let tower = self.tower(&mut graph, picture);
        let mean = tower.read(&mut graph);
        let logvar = graph.apply(Operation::Activation(Activation::Clamp(0.0, 0.0)), &[mean]);
        graph.give_only(&[mean, logvar]);
        graph
    }

    /// From a picture in [-1, 1] to the discriminator's logit and the reader's z_hat, with what they share run once: what
    /// training runs.
    pub fn critic_graph(&self) -> Graph {
        let (mut graph, picture) = self.on_a_picture();
        let tower = self.tower(&mut graph, picture);
        let mean = tower.read(&mut graph);
        let logit = tower.judged(&mut graph);
        graph.give_only(&[logit, mean]);
        graph
    }

    fn on_a_picture(&self) -> (Graph, Value) {
        let mut graph = Graph::default();
        let picture = graph.input(Shape::Map(self.picture_shape()));
        (graph, picture)
    }

    /// What discriminator and reader have in common, added to `graph`.
    fn tower(&self, graph: &mut Graph, picture: Value) -> Tower {
        let start = match self.form {
            IbGanForm::Sprites => picture,
            IbGanForm::Photos => halved(graph, picture, SHARED, self.channels, self.discriminator_width),
        };
        Tower { config: *self, start }
    }
}

/// Discriminator and reader from where they part.
struct Tower {
    config: IbGanConfig,
    /// The picture, or what the layers next to it make of it.
    start: Value,
}

impl Tower {
    /// Adds the discriminator's own layers.
    fn judged(&self, graph: &mut Graph) -> Value {
        let (x, number) = self.body(graph, DISCRIMINATOR);
        self.last(graph, x, DISCRIMINATOR, number, 1)
    }

    /// Adds the reader's own layers.
    fn read(&self, graph: &mut Graph) -> Value {
        let (mut x, mut number) = self.body(graph, READER);
        let width = 16 * self.config.discriminator_width;
        if self.config.form == IbGanForm::Sprites {
            x = graph.convolution(x, Convolution::new(layer(READER, number), width, width, 1));
            x = normalised(graph, x, READER, number + 1, width);
            number += 3;
        }
        self.last(graph, x, READER, number, self.config.z_dim)
    }

    /// Layers down to a single place, and the number of the next one.
    fn body(&self, graph: &mut Graph, name: &str) -> (Value, usize) {
        let Self { config, start } = *self;
        let m = config.discriminator_width;
        let (mut x, mut number, widths): (_, _, &[usize]) = match config.form {
            IbGanForm::Sprites => (halved(graph, start, name, config.channels, m), 8, &[8]),
            IbGanForm::Photos => (start, 0, &[4, 4]),
        };
        let mut inputs = 4 * m;
        for outputs in widths.iter().map(|times| times * m) {
            let conv = Convolution::new(layer(name, number), inputs, outputs, 3).padding(1);
            x = graph.convolution(x, conv.without_bias());
            x = normalised(graph, x, name, number + 1, outputs);
            (inputs, number) = (outputs, number + 3);
        }
        let whole = Convolution::new(layer(name, number), inputs, 16 * m, SMALLEST);
        x = graph.convolution(x, whole.without_bias());
        (normalised(graph, x, name, number + 1, 16 * m), number + 3)
    }

    /// The layer to so many numbers.
    fn last(&self, graph: &mut Graph, x: Value, name: &str, number: usize, outputs: usize) -> Value {
        let inputs = 16 * self.config.discriminator_width;
        let x = graph.convolution(x, Convolution::new(layer(name, number), inputs, outputs, 1));
        graph.reshape(x, Shape::Row(outputs))
    }
}

/// Halves a picture three times, to maps of 8x8.
fn halved(graph: &mut Graph, picture: Value, name: &str, channels: usize, m: usize) -> Value {
    let by_two = |number: usize, inputs: usize, outputs: usize| {
        Convolution::new(layer(name, number), inputs, outputs, 4).stride(2).padding(1)
    };
    let x = graph.convolution(picture, by_two(0, channels, m));
    let mut x = graph.leaky_relu(x, SLOPE);
    for (number, inputs, outputs) in [(2, m, 2 * m), (5, 2 * m, 4 * m)] {
        x = graph.convolution(x, by_two(number, inputs, outputs).without_bias());
        x = normalised(graph, x, name, number + 1, outputs);
    }
    x
}

/// Batch normalisation and a leaky ReLU.
fn normalised(graph: &mut Graph, x: Value, name: &str, number: usize, channels: usize) -> Value {
    let x = graph.batch_norm(x, layer(name, number), channels);
    graph.leaky_relu(x, SLOPE)
}

/// The name of layer `number` of a sequential, which counts activations and normalisations.
fn layer(name: &str, number: usize) -> String {
    format!("{name}.{number}")
}
