//! Networks in training that are run from their graphs, operation by operation: nothing of them is written a second time.

mod chain;
mod compute;
mod forward;
mod input_gradient;
mod spectral;
mod statistics;
mod step;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::{Result, Tensor, bail};

use crate::graph::{Graph, Value};
use crate::nets::Weights;

pub use spectral::normalise_spectrally;
pub use statistics::Statistics;

use chain::Chain;
use step::Step;

/// A network in training. Batch normalisation goes by the statistics of the batch, a weight of which there is a `weight_orig`
/// is spectrally normalised.
#[derive(Clone, Debug)]
pub struct GraphNet {
    steps: Vec<Step>,
    /// The same steps, those that follow one another together.
    parts: Vec<Vec<Step>>,
    outputs: Vec<Value>,
    values: usize,
    weights: Weights,
}

/// What a network made of one batch.
#[derive(Debug)]
pub struct Pass {
    /// By operation; `None` where it was computed along with others, or not at all.
    results: Vec<Option<Tensor>>,
    outputs: Vec<Value>,
    statistics: Vec<Statistics>,
    /// The weights that were normalised, by the names of their layers.
    normalised: BTreeMap<String, Tensor>,
    /// What was computed outside the graph, in order.
    chains: Vec<Arc<Chain>>,
}

impl GraphNet {
    /// The network of `graph` with these weights, among which others may lie.
    ///
    /// # Errors
    /// When the graph cannot be computed, or a weight is missing.
    pub fn new(graph: &Graph, weights: &Weights) -> Result<Self> {
        graph.shapes().map_err(|error| candle_core::Error::Msg(error.to_string()))?;
        let steps = Step::list(graph);
        let is_link = |step: &Step| {
            let plain = |name: &str| weights.find(&format!("{name}.weight")).is_some();
            Chain::takes(step) && step.operation.name().is_none_or(plain)
        };
        let net = Self {
            parts: Step::parts(&steps, graph.outputs(), is_link),
            steps,
            outputs: graph.outputs().to_vec(),
            values: graph.nodes().len(),
            weights: weights.clone(),
        };
        let missing = graph.parameters().into_iter().find(|parameter| {
            let original = format!("{}_orig", parameter.name);
            net.weights.find(&parameter.name).or_else(|| net.weights.find(&original)).is_none()
        });
        match missing {
            Some(parameter) => bail!("the network has no parameter called {}", parameter.name),
            None => Ok(net),
        }
    }

    /// Moves the running statistics by what `pass` has seen, as `torch.nn.BatchNorm2d` does with its momentum of 0.1.
    ///
    /// # Errors
    /// When the device fails.
    pub fn follow(&self, pass: &Pass) -> Result<()> {
        pass.statistics.iter().try_for_each(|seen| seen.blend_into(&self.weights))
    }
}

impl Pass {
    /// What the network gives, the `index`th of its results.
    ///
    /// # Errors
    /// When it gives fewer.
    pub fn output(&self, index: usize) -> Result<&Tensor> {
        let result = self.outputs.get(index).and_then(|value| self.results.get(value.index())?.as_ref());
        result.ok_or_else(|| candle_core::Error::Msg(format!("the network gives no result {index}")))
    }

    /// The statistics of its batch normalisations, in the order in which they run.
    pub fn statistics(&self) -> &[Statistics] {
        &self.statistics
    }

    fn result(&self, value: Value) -> Result<&Tensor> {
        match self.results.get(value.index()).and_then(Option::as_ref) {
            Some(tensor) => Ok(tensor),
            None => bail!("the result of operation {} was not computed", value.index()),
        }
    }
}
