//! An implicit autoencoder of points in the plane: figure 5 of Makhzani 2018. One seed takes half a minute; all three
//! of `docs/results/iae.md`: `IDGAN_SEEDS=3 cargo test --release --test training points -- --nocapture`.

use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor};

use idgan::base::{Arrays, Stream};
use idgan::graph::{Graph, Linear, Operation, Shape, Value};
use idgan::nets::{GraphNet, Parameters, Weights};
use idgan::objectives::{loss_as_fake, loss_as_real};
use idgan::ops::backward;
use idgan::optim::{Gradients, Optimiser, Rule};
use idgan::training::Method;
use idgan::training::methods::iae::{IaeBatch, IaeGraphs, IaeTrainer, IaeWeights};

/// Units of the two hidden layers of every network.
const UNITS: usize = 128;
pub(crate) const BATCH: usize = 256;
pub(crate) const RATE: f64 = 1e-3;
pub(crate) const BETAS: [f64; 2] = [0.5, 0.999];

/// A network of rows that lie side by side.
pub(crate) fn perceptron(inputs: &[usize], outputs: usize) -> Graph {
    let mut graph = Graph::default();
    let rows: Vec<Value> = inputs.iter().map(|&length| graph.input(Shape::Row(length))).collect();
    let mut row = match rows[..] {
        [row] => row,
        _ => graph.apply(Operation::Concat, &rows),
    };
    let mut length = inputs.iter().sum();
    for layer in ["first", "second"] {
        row = graph.linear(row, Linear::new(layer, length, UNITS));
        row = graph.relu(row);
        length = UNITS;
    }
    let row = graph.linear(row, Linear::new("last", length, outputs));
    graph.give(row);
    graph
}

/// One that ends in the logits of a choice, normalised as those of a picture's encoder are, or in its probabilities.
fn chooser(inputs: usize, outputs: usize, gives_probabilities: bool) -> Graph {
    let mut graph = perceptron(&[inputs], outputs);
    let logits = graph.outputs()[0];
    let mut row = graph.batch_norm(logits, "last_norm", outputs);
    if gives_probabilities {
        row = graph.apply(Operation::Softmax, &[row]);
    }
    graph.give_only(&[row]);
    graph
}

pub(crate) fn started(graph: &Graph, stream: &mut Stream) -> Arrays {
    vec![graph.clone()].initialise_uniform(stream)
}

pub(crate) fn trainer(graphs: &IaeGraphs, method: Method, stream: &mut Stream) -> IaeTrainer {
    let weights = IaeWeights {
        encoder: started(&graphs.encoder, stream),
        decoder: started(&graphs.decoder, stream),
        pairs: started(&graphs.pairs, stream),
        single: started(&graphs.single, stream),
    };
    IaeTrainer::new(graphs, method, RATE, &weights, &Device::Cpu).unwrap()
}

pub(crate) fn rows(values: Vec<f32>, dims: usize) -> Tensor {
    let count = values.len() / dims.max(1);
    Tensor::from_vec(values, (count, dims), &Device::Cpu).unwrap()
}

pub(crate) fn none(count: usize) -> Tensor {
    Tensor::zeros((count, 0), candle_core::DType::F32, &Device::Cpu).unwrap()
}

pub(crate) fn normals(count: usize, dims: usize, stream: &mut Stream) -> Tensor {
    rows(stream.normals(count * dims), dims)
}

/// Rows of zeros with a one, and where it is.
fn choices(count: usize, dims: usize, stream: &mut Stream) -> (Tensor, Vec<usize>) {
    let chosen: Vec<usize> = (0..count).map(|_| stream.below(dims)).collect();
    let mut values = vec![0.0; count * dims];
    chosen.iter().enumerate().for_each(|(row, &choice)| values[row * dims + choice] = 1.0);
    (rows(values, dims), chosen)
}

/// The place of the largest value of each row.
fn largest(tensor: &Tensor) -> Vec<usize> {
    tensor.argmax(1).unwrap().to_vec1::<u32>().unwrap().into_iter().map(|place| place as usize).collect()
}

/// Seeds to try: one, or as many as `IDGAN_SEEDS` says.
pub(crate) fn seeds() -> u64 {
    std::env::var("IDGAN_SEEDS").map_or(1, |seeds| seeds.parse().expect("IDGAN_SEEDS is a number"))
}

const COMPONENTS: usize = 7;
const SPREAD: f32 = 0.2;

/// Seven Gaussians of deviation .2 on a circle of radius 2.
fn centre(component: usize) -> [f32; 2] {
    let angle = std::f32::consts::TAU * component as f32 / COMPONENTS as f32;
    [2.0 * angle.cos(), 2.0 * angle.sin()]
}

fn mixture(count: usize, stream: &mut Stream) -> (Tensor, Vec<usize>) {
    let components: Vec<usize> = (0..count).map(|_| stream.below(COMPONENTS)).collect();
    let point = |&component: &usize| {
        let [x, y] = centre(component);
        [x + SPREAD * stream.normal(), y + SPREAD * stream.normal()]
    };
    (rows(components.iter().flat_map(point).collect(), 2), components)
}

/// The component nearest to each point.
fn nearest(points: &Tensor) -> Vec<usize> {
    let distance = |point: &[f32], component: usize| {
        let [x, y] = centre(component);
        (point[0] - x).powi(2) + (point[1] - y).powi(2)
    };
    let near = |point: &Vec<f32>| {
        (0..COMPONENTS).min_by(|&a, &b| distance(point, a).total_cmp(&distance(point, b))).unwrap()
    };
    points.to_vec2::<f32>().unwrap().iter().map(near).collect()
}

/// How often a choice has the component that most of its points have.
fn agreement(choices: &[usize], components: &[usize]) -> f64 {
    let mut counts = [[0u32; COMPONENTS]; COMPONENTS];
    choices.iter().zip(components).for_each(|(&choice, &component)| counts[choice][component] += 1);
    let most: u32 = counts.iter().map(|counts| counts.iter().max().unwrap()).sum();
    f64::from(most) / choices.len() as f64
}

const STYLE: usize = 10;

/// An implicit autoencoder's clusters of the mixture: how well they agree with its components in points that are read, and
/// in points that are drawn.
fn clusters_of_an_autoencoder(seed: u64, steps: u64) -> [f64; 2] {
    let mut stream = Stream::new(seed, "points");
    let graphs = IaeGraphs {
        encoder: chooser(2, COMPONENTS, true),
        logits: chooser(2, COMPONENTS, false),
        decoder: perceptron(&[COMPONENTS + STYLE], 2),
        pairs: perceptron(&[2, COMPONENTS], 1),
        single: perceptron(&[COMPONENTS], 1),
    };
    let mut trainer = trainer(&graphs, Method::Iae, &mut stream);
    let batch = |count, stream: &mut Stream| {
        let (pictures, components) = mixture(count, stream);
        let z = choices(count, COMPONENTS, stream).0;
        let batch = IaeBatch {
            pictures,
            z,
            n: normals(count, STYLE, stream),
            eps: none(count),
            labelled: None,
            noise: None,
        };
        (batch, components)
    };
    for step in 0..steps {
        let report = trainer.step(batch(BATCH, &mut stream).0, step).unwrap();
        assert_eq!(report.not_finite, None);
    }
    let (batch, components) = batch(5000, &mut stream);
    let read = trainer.read(&batch.pictures, &batch.eps).unwrap();
    let drawn = trainer.draw(&read, &batch.n).unwrap();
    let chosen = largest(&read);
    [agreement(&chosen, &components), agreement(&chosen, &nearest(&drawn))]
}

/// A network that learns by itself.
pub(crate) struct Player {
    net: GraphNet,
    weights: Weights,
    optimiser: Optimiser,
}

impl Player {
    pub(crate) fn new(graph: &Graph, stream: &mut Stream) -> Self {
        let weights = Weights::trainable(&started(graph, stream), &Device::Cpu).unwrap();
        let rule = Rule::adam(RATE, BETAS[0], BETAS[1]);
        let (net, optimiser) =
            (GraphNet::new(graph, &weights).unwrap(), Optimiser::new(rule, &weights).unwrap());
        Self { net, weights, optimiser }
    }

    /// The result for one input.
    pub(crate) fn run(&self, input: &Tensor) -> Tensor {
        self.net.forward(std::slice::from_ref(input)).unwrap().output(0).unwrap().clone()
    }

    pub(crate) fn learn(&mut self, gradients: &mut GradStore) {
        let gradients = Gradients::take(gradients, &self.weights);
        self.optimiser.step(&gradients).unwrap();
    }
}

/// A generator and a discriminator.
pub(crate) struct Gan {
    pub(crate) generator: Player,
    discriminator: Player,
}

impl Gan {
    pub(crate) fn new(dims: usize, stream: &mut Stream) -> Self {
        let [generator, discriminator] =
            [perceptron(&[dims], 2), perceptron(&[2], 1)].map(|graph| Player::new(&graph, stream));
        Self { generator, discriminator }
    }

    fn judge(&self, points: &Tensor) -> Tensor {
        self.discriminator.run(points).flatten_all().unwrap()
    }

    /// The discriminator's turn; then the points drawn of `codes` and what it costs the generator that they are told apart.
    pub(crate) fn contest(&mut self, real: &Tensor, codes: &Tensor) -> (Tensor, Tensor) {
        let drawn = self.generator.run(codes);
        let fake = loss_as_fake(&self.judge(&drawn.detach())).unwrap();
        let loss = (loss_as_real(&self.judge(real)).unwrap() + fake).unwrap();
        self.discriminator.learn(&mut backward(&loss).unwrap());
        let cost = loss_as_real(&self.judge(&drawn)).unwrap();
        (drawn, cost)
    }
}

/// A GAN of the same decoder whose input has a choice of seven beside its noise: how well the choice agrees with the
/// component of what is drawn.
fn clusters_of_a_gan(seed: u64, steps: u64) -> f64 {
    let mut stream = Stream::new(seed, "points");
    let mut gan = Gan::new(COMPONENTS + STYLE, &mut stream);
    let codes = |count, stream: &mut Stream| {
        let (z, chosen) = choices(count, COMPONENTS, stream);
        (Tensor::cat(&[z, normals(count, STYLE, stream)], 1).unwrap(), chosen)
    };
    for _ in 0..steps {
        let real = mixture(BATCH, &mut stream).0;
        let (_, cost) = gan.contest(&real, &codes(BATCH, &mut stream).0);
        gan.generator.learn(&mut backward(&cost).unwrap());
    }
    let (codes, chosen) = codes(5000, &mut stream);
    agreement(&chosen, &nearest(&gan.generator.run(&codes)))
}

#[test]
fn seven_gaussians_become_seven_clusters_and_a_gan_passes_over_its_choice() {
    for seed in 0..seeds() {
        let [read, drawn] = clusters_of_an_autoencoder(seed, 2000);
        let gan = clusters_of_a_gan(seed, 2000);
        println!("seed {seed}: read {read:.4}, drawn {drawn:.4}, GAN {gan:.4}");
        assert!(read >= 0.95 && drawn >= 0.95 && gan < 0.5, "{read} {drawn} {gan}");
    }
}
