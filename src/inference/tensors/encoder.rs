use candle_core::{Device, Result, Tensor, bail};

use crate::base::{Arrays, Pool};
use crate::graph::{Activation, Graph, Operation, Shape};
use crate::inference::batch::{Footprint, MemoryBudget};
use crate::inference::{Encoder, RenderError};
use crate::model::CodeValue;
use crate::ops;

use super::encode_in_turn;
use super::interpreter::Interpreter;

/// A network from pictures to the posterior of a code through candle.
pub struct TensorEncoder {
    net: Interpreter,
    ends: EncoderEnds,
    footprint: Footprint,
    /// Memory for the pictures that go through the network at once.
    budget: MemoryBudget,
    device: Device,
    pool: Pool,
}

impl TensorEncoder {
    /// A network from one picture to the mean of a code and, where it knows it, the log variance; other weights may lie beside
    /// its own.
    ///
    /// # Errors
    /// When it is another, the weights do not fit, or the device cannot hold them.
    pub fn new(
        graph: &Graph,
        weights: &Arrays,
        device: &Device,
        pool: &Pool,
    ) -> std::result::Result<Self, RenderError> {
        let (ends, graph) = ends(graph)?;
        Ok(Self {
            net: Interpreter::new(&graph, weights, device)?,
            ends,
            footprint: Footprint::of_graph(&graph)?,
            budget: MemoryBudget::of(device),
            device: device.clone(),
            pool: pool.clone(),
        })
    }

    /// The same within another budget than the device's.
    pub fn within(self, budget: MemoryBudget) -> Self {
        Self { budget, ..self }
    }

    /// Means and log variances of pictures that go through the network at once.
    fn forward(&self, pictures: &[f32]) -> Result<(Vec<f32>, Vec<f32>)> {
        let [channels, height, width] = self.ends.picture_shape;
        self.pool.run(|| {
            let n = pictures.len() / (channels * height * width);
            let x = ops::upload(pictures, (n, channels, height, width), &self.device)?;
            let values = self.net.run(&[x])?;
            let row = |values: &Tensor| values.flatten_all()?.to_vec1();
            match (&values[..], self.ends.logvar) {
                ([mu], Some(always)) => row(mu).map(|mu| (mu.clone(), vec![always; mu.len()])),
                ([mu, logvar], None) => Ok((row(mu)?, row(logvar)?)),
                _ => bail!("the network gives no posterior"),
            }
        })
    }
}

/// What is around a network from pictures to a code.
#[derive(Clone, Copy)]
pub(in crate::inference) struct EncoderEnds {
    /// Channels, height and width of the pictures.
    pub(in crate::inference) picture_shape: [usize; 3],
    /// Width of the code.
    pub(in crate::inference) code_dim: usize,
    /// The log variance of every dimension, where it is the same whatever the picture; the network gives the mean alone then.
    pub(in crate::inference) logvar: Option<f32>,
}

/// What is around a network from one picture to mean and log variance of a code, and the network that makes what is not always
/// the same: one that gives a single row is certain.
pub(in crate::inference) fn ends(graph: &Graph) -> std::result::Result<(EncoderEnds, Graph), RenderError> {
    let taken: Vec<Shape> = graph.inputs().collect();
    let (picture_shape, code_dim, logvar) = match (&taken[..], &graph.output_shapes()?[..]) {
        (&[Shape::Map(picture)], &[Shape::Row(mu)]) => (picture, mu, Some(CodeValue::CERTAIN)),
        (&[Shape::Map(picture)], &[Shape::Row(mu), Shape::Row(logvar)]) if mu == logvar => {
            (picture, mu, always(graph))
        }
        _ => {
            return Err(RenderError::Chain(
                "the network does not give mean and log variance of one code".into(),
            ));
        }
    };
    let mut graph = graph.clone();
    if let (Some(_), Some(&mean)) = (logvar, graph.outputs().first()) {
        graph.give_only(&[mean]);
    }
    Ok((EncoderEnds { picture_shape, code_dim, logvar }, graph))
}

/// What the second result of a network is whatever it is given, if it is.
fn always(graph: &Graph) -> Option<f32> {
    let &[_, second] = graph.outputs() else { return None };
    match graph.node(second)?.operation {
        Operation::Activation(Activation::Clamp(low, high)) if low == high => Some(low as f32),
        _ => None,
    }
}

impl Encoder for TensorEncoder {
    fn code_dim(&self) -> usize {
        self.ends.code_dim
    }

    fn at_once(&self) -> usize {
        self.budget.pictures(self.footprint)
    }

    fn picture_shape(&self) -> [usize; 3] {
        self.ends.picture_shape
    }

    fn encode(
        &mut self,
        pictures: &[f32],
        mu: &mut [f32],
        logvar: &mut [f32],
    ) -> std::result::Result<(), RenderError> {
        let EncoderEnds { picture_shape, code_dim, .. } = self.ends;
        let sizes = (picture_shape.iter().product(), code_dim);
        encode_in_turn(pictures, [mu, logvar], sizes, self.at_once(), |pictures| self.forward(pictures))
    }
}
