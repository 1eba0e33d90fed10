use candle_core::{Device, Result, bail};

use crate::base::{Arrays, Pool};
use crate::graph::{Graph, Shape};
use crate::inference::batch::{Footprint, MemoryBudget};
use crate::inference::{Encoder, RenderError};
use crate::ops;

use super::check_batch;
use super::interpreter::Interpreter;

/// A network from pictures to the posterior of a code through candle.
pub struct TensorEncoder {
    net: Interpreter,
    code_dim: usize,
    picture_shape: [usize; 3],
    footprint: Footprint,
    /// Memory for the pictures that go through the network at once.
    budget: MemoryBudget,
    device: Device,
    pool: Pool,
}

impl TensorEncoder {
    /// A network from one picture to the mean and the log variance of a code; other weights may lie beside its own.
    ///
    /// # Errors
    /// When it is another, the weights do not fit, or the device cannot hold them.
    pub fn new(
        graph: &Graph,
        weights: &Arrays,
        device: &Device,
        pool: &Pool,
    ) -> std::result::Result<Self, RenderError> {
        let (picture_shape, code_dim) = ends(graph)?;
        Ok(Self {
            net: Interpreter::new(graph, weights, device)?,
            code_dim,
            picture_shape,
            footprint: Footprint::of_graph(graph)?,
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
        let [channels, height, width] = self.picture_shape;
        self.pool.run(|| {
            let n = pictures.len() / (channels * height * width);
            let x = ops::upload(pictures, (n, channels, height, width), &self.device)?;
            let values = self.net.run(&[x])?;
            let [mu, logvar] = &values[..] else { bail!("the network gives no posterior") };
            Ok((mu.flatten_all()?.to_vec1()?, logvar.flatten_all()?.to_vec1()?))
        })
    }
}

/// The shape of the picture that a network takes and the width of the code whose posterior it gives, if it does.
pub(in crate::inference) fn ends(graph: &Graph) -> std::result::Result<([usize; 3], usize), RenderError> {
    match (&graph.inputs().collect::<Vec<_>>()[..], &graph.output_shapes()?[..]) {
        (&[Shape::Map(picture)], &[Shape::Row(mu), Shape::Row(logvar)]) if mu == logvar => Ok((picture, mu)),
        _ => Err(RenderError::Chain("the network does not give mean and log variance of one code".into())),
    }
}

impl Encoder for TensorEncoder {
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
        let [channels, height, width] = self.picture_shape;
        let picture_len = channels * height * width;
        check_batch(pictures.len(), picture_len, "pictures", mu.len(), self.code_dim, "mu")?;
        check_batch(pictures.len(), picture_len, "pictures", logvar.len(), self.code_dim, "logvar")?;
        let (at_once, dims) = (self.at_once(), self.code_dim.max(1));
        let outputs = mu.chunks_mut(at_once * dims).zip(logvar.chunks_mut(at_once * dims));
        for (pictures, (mu, logvar)) in pictures.chunks(at_once * picture_len).zip(outputs) {
            let posterior = self.forward(pictures)?;
            mu.copy_from_slice(&posterior.0);
            logvar.copy_from_slice(&posterior.1);
        }
        Ok(())
    }
}
