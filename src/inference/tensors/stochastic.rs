use candle_core::{Device, Result, Tensor, bail};

use crate::base::{Arrays, Pool, Stream};
use crate::graph::{Graph, Shape};
use crate::inference::batch::{Footprint, MemoryBudget};
use crate::inference::{Computer, Encoder, RenderError};
use crate::ops;

use super::encode_in_turn;
use super::interpreter::Interpreter;

/// Draws of the noise that a picture is read with.
const DRAWS: usize = 16;
/// The least variance that is told, where the noise changes nothing: that of a code without uncertainty.
const LEAST: f32 = 1.5e-8;

/// A network from a picture and noise N(0, I) to a code, through candle: it is read with the same few draws of the noise for
/// every picture, and what they spread is its uncertainty.
pub(in crate::inference) struct StochasticEncoder {
    net: Interpreter,
    picture_shape: [usize; 3],
    code_dim: usize,
    /// A row a draw.
    noise: Vec<Tensor>,
    footprint: Footprint,
    budget: MemoryBudget,
    device: Device,
    pool: Pool,
}

impl StochasticEncoder {
    /// A network from a picture, then noise, to the numbers of one code; other weights may lie beside its own.
    ///
    /// # Errors
    /// When it is another, the weights do not fit, or the device cannot hold them.
    pub(in crate::inference) fn new(
        graph: &Graph,
        weights: &Arrays,
        computer: &Computer,
        pool: &Pool,
    ) -> std::result::Result<Self, RenderError> {
        let device = &computer.device;
        let taken: Vec<Shape> = graph.inputs().collect();
        let (&[Shape::Map(picture_shape), Shape::Row(noise_dim)], &[Shape::Row(code_dim)]) =
            (&taken[..], &graph.output_shapes()?[..])
        else {
            return Err(RenderError::Chain(
                "the network does not give one code of a picture and noise".into(),
            ));
        };
        let mut stream = Stream::new(0, "noise of an encoder");
        let noise = (0..DRAWS).map(|_| Tensor::from_vec(stream.normals(noise_dim), (1, noise_dim), device));
        Ok(Self {
            net: Interpreter::new(graph, weights, device)?,
            picture_shape,
            code_dim,
            noise: noise.collect::<Result<_>>()?,
            footprint: Footprint::of_graph(graph)?,
            budget: MemoryBudget::of(device),
            device: device.clone(),
            pool: pool.clone(),
        })
    }

    /// Means and log variances over the draws, of pictures that go through the network at once.
    fn forward(&self, pictures: &[f32]) -> Result<(Vec<f32>, Vec<f32>)> {
        let [channels, height, width] = self.picture_shape;
        self.pool.run(|| {
            let n = pictures.len() / (channels * height * width);
            let x = ops::upload(pictures, (n, channels, height, width), &self.device)?;
            let read = |noise: &Tensor| match self.net.run(&[x.clone(), noise.repeat((n, 1))?])?.pop() {
                Some(code) => Ok(code),
                None => bail!("the network gives no code"),
            };
            let codes = Tensor::stack(&self.noise.iter().map(read).collect::<Result<Vec<_>>>()?, 0)?;
            let mean = codes.mean_keepdim(0)?;
            let variance = (codes.broadcast_sub(&mean)?.sqr()?.sum(0)? / (DRAWS - 1) as f64)?;
            let mut logvar: Vec<f32> = variance.flatten_all()?.to_vec1()?;
            logvar.iter_mut().for_each(|variance| *variance = variance.max(LEAST).ln());
            Ok((mean.flatten_all()?.to_vec1()?, logvar))
        })
    }
}

impl Encoder for StochasticEncoder {
    fn code_dim(&self) -> usize {
        self.code_dim
    }

    fn at_once(&self) -> usize {
        self.budget.pictures(self.footprint)
    }

    fn picture_shape(&self) -> [usize; 3] {
        self.picture_shape
    }

    fn encode(
        &mut self,
        pictures: &[f32],
        mu: &mut [f32],
        logvar: &mut [f32],
    ) -> std::result::Result<(), RenderError> {
        let sizes = (self.picture_shape.iter().product(), self.code_dim);
        encode_in_turn(pictures, [mu, logvar], sizes, self.at_once(), |pictures| self.forward(pictures))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Linear, Operation, random};
    use crate::inference::open;
    use crate::model::{CodeValue, Model, ModelDescription};
    use crate::nets::{IaeConfig, Parameters};

    #[test]
    fn the_draws_mean_and_spread_are_those_of_the_code() {
        let mut graph = Graph::default();
        let picture = graph.input(Shape::Map([1, 2, 2]));
        let row = graph.reshape(picture, Shape::Row(4));
        let noise = graph.input(Shape::Row(3));
        let both = graph.apply(Operation::Concat, &[row, noise]);
        let code = graph.linear(both, Linear::new("fc", 7, 2));
        graph.give(code);
        let weights = random::weights(&graph, &mut Stream::new(1, "weights"));
        let pool = Pool::new("test", 1).expect("starts");
        let mut encoder =
            StochasticEncoder::new(&graph, &weights, &Computer::processor(), &pool).expect("fits");
        let (pictures, [mut mu, mut logvar]) = (Stream::new(2, "pictures").normals(8), [[f32::NAN; 4]; 2]);
        encoder.encode(&pictures, &mut mu, &mut logvar).expect("reads");
        // By hand, with the same draws.
        let mut stream = Stream::new(0, "noise of an encoder");
        let draws: Vec<Vec<f32>> = (0..DRAWS).map(|_| stream.normals(3)).collect();
        let (weight, bias) = (weights["fc.weight"].data(), weights["fc.bias"].data());
        for (i, (mean, logvar)) in mu.iter().zip(&logvar).enumerate() {
            let (picture, o) = (&pictures[4 * (i / 2)..][..4], i % 2);
            let code = |noise: &Vec<f32>| {
                let taken = picture.iter().chain(noise);
                taken.zip(&weight[7 * o..]).map(|(x, w)| f64::from(x * w)).sum::<f64>() + f64::from(bias[o])
            };
            let codes: Vec<f64> = draws.iter().map(code).collect();
            let expected = codes.iter().sum::<f64>() / DRAWS as f64;
            let spread = codes.iter().map(|code| (code - expected).powi(2)).sum::<f64>() / (DRAWS - 1) as f64;
            assert!((f64::from(*mean) - expected).abs() < 1e-5, "{mean} for {expected}");
            assert!((f64::from(*logvar) - spread.ln()).abs() < 1e-4, "{logvar} for {}", spread.ln());
        }
    }

    #[test]
    fn a_model_whose_encoder_takes_noise_reads_with_it() {
        let pool = Pool::new("test", 1).expect("starts");
        for eps_dim in [0, 3] {
            let config = IaeConfig { eps_dim, units: 9, width: 2, size: 16, ..IaeConfig::svhn(4, 2) };
            let description = ModelDescription::iae("small", config);
            let mut stream = Stream::new(1, "weights");
            let mut model = Model::new(description.clone());
            for network in description.networks.values() {
                let graphs: Vec<Graph> = network.architecture.graph().into_iter().collect();
                model = model.with_weights(&network.weights, graphs.initialise_uniform(&mut stream));
            }
            let mut networks = open(&model, &Computer::processor(), &pool).expect("opens");
            let is_certain = eps_dim == 0;
            assert_eq!(networks.warnings.len(), usize::from(is_certain), "{:?}", networks.warnings);
            let encoder = networks.encoder.as_mut().expect("there");
            let (mut mu, mut logvar) = ([f32::NAN; 4], [f32::NAN; 4]);
            encoder.encode(&[0.5; 3 * 16 * 16], &mut mu, &mut logvar).expect("reads");
            assert!(mu.iter().all(|value| value.is_finite()));
            assert!(logvar.iter().all(|&value| (value == CodeValue::CERTAIN) == is_certain), "{logvar:?}");
        }
    }
}
