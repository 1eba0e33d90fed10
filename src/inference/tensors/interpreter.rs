use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor, bail};

use crate::base::Arrays;
use crate::graph::{Graph, Layer, Operation, Shape, Value, check_weights};
use crate::inference::RenderError;

use super::operations::{compute, scaled_by};

/// How operands of batch normalisations are normalised.
type Normalise<'a> = dyn FnMut(Value, &Tensor, f64) -> Result<Tensor> + 'a;

/// A graph that candle runs, layer by layer.
pub(in crate::inference) struct Interpreter {
    layers: Vec<Layer>,
    /// After each layer, the results that nobody takes any more.
    finished: Vec<Vec<Value>>,
    outputs: Vec<Value>,
    /// Of every result of the graph.
    shapes: Vec<Shape>,
    parameters: BTreeMap<String, Tensor>,
}

impl Interpreter {
    /// Fuses what can be fused, and takes the graph's parameters out of `weights`, in which others may lie.
    ///
    /// # Errors
    /// When the graph cannot be computed, weights do not fit, or the device cannot hold them.
    pub(in crate::inference) fn new(
        graph: &Graph,
        weights: &Arrays,
        device: &Device,
    ) -> std::result::Result<Self, RenderError> {
        let graph = graph.moved_late()?;
        Self::of_layers(&graph, graph.fused()?, weights, device)
    }

    /// The graph as it is written, operation by operation.
    pub(super) fn unfused(
        graph: &Graph,
        weights: &Arrays,
        device: &Device,
    ) -> std::result::Result<Self, RenderError> {
        Self::of_layers(graph, graph.layers()?, weights, device)
    }

    fn of_layers(
        graph: &Graph,
        layers: Vec<Layer>,
        weights: &Arrays,
        device: &Device,
    ) -> std::result::Result<Self, RenderError> {
        check_weights(weights, &graph.parameters())?;
        let mut parameters = BTreeMap::new();
        for parameter in graph.parameters() {
            if let Some(array) = weights.get(&parameter.name) {
                parameters.insert(parameter.name, Tensor::from_slice(array.data(), array.shape(), device)?);
            }
        }
        let shapes = graph.shapes()?;
        let mut is_taken = vec![false; shapes.len()];
        graph.outputs().iter().for_each(|value| is_taken[value.index()] = true);
        let mut finished: Vec<Vec<Value>> = Vec::with_capacity(layers.len());
        for layer in layers.iter().rev() {
            let last: Vec<Value> = layer.takes().filter(|value| !is_taken[value.index()]).collect();
            last.iter().for_each(|value| is_taken[value.index()] = true);
            finished.push(last);
        }
        finished.reverse();
        Ok(Self { layers, finished, outputs: graph.outputs().to_vec(), shapes, parameters })
    }

    /// The graph's results for `inputs`, one for each of its inputs, with the batch as their first axis.
    ///
    /// # Errors
    /// When there are fewer inputs, or of other shapes, and when the device fails.
    pub(in crate::inference) fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(self.run_while(inputs, &mut || Ok(true))?.unwrap_or_default())
    }

    /// The same as long as `goes_on`, which is asked before each layer and says no when nobody wants the results any more;
    /// then there are none.
    ///
    /// # Errors
    /// As [`Interpreter::run`], and those of `goes_on`.
    pub(in crate::inference) fn run_while(
        &self,
        inputs: &[Tensor],
        goes_on: &mut dyn FnMut() -> Result<bool>,
    ) -> Result<Option<Vec<Tensor>>> {
        self.run_with(inputs, goes_on, None)
    }

    /// The graph's results where batch normalisations have no statistics of their own: `normalise` makes what a gain and a shift
    /// are applied to, of the number of the normalisation in the graph, its operand and what is added to variances.
    ///
    /// # Errors
    /// As [`Interpreter::run`], and those of `normalise`.
    pub(super) fn run_normalising(&self, inputs: &[Tensor], normalise: &mut Normalise<'_>) -> Result<()> {
        self.run_with(inputs, &mut || Ok(true), Some(normalise)).map(drop)
    }

    fn run_with(
        &self,
        inputs: &[Tensor],
        goes_on: &mut dyn FnMut() -> Result<bool>,
        mut normalise: Option<&mut Normalise<'_>>,
    ) -> Result<Option<Vec<Tensor>>> {
        let mut inputs = inputs.iter();
        let mut results: Vec<Option<Tensor>> = vec![None; self.shapes.len()];
        for (layer, finished) in self.layers.iter().zip(&self.finished) {
            let result = match layer.operation {
                Operation::Input(shape) => input(inputs.next(), shape)?,
                _ if !goes_on()? => return Ok(None),
                _ => {
                    let result = |value: Value| match &results[value.index()] {
                        Some(tensor) => Ok(tensor),
                        None => bail!("the result of operation {} was not computed", value.index()),
                    };
                    match (&layer.operation, &mut normalise) {
                        (Operation::BatchNorm { name, epsilon, .. }, Some(normalise)) => {
                            let x = normalise(layer.output, result(layer.inputs[0])?, *epsilon)?;
                            scaled_by(name, &x, &self.parameters)?
                        }
                        _ => compute(layer, self.shapes[layer.output.index()], &result, &self.parameters)?,
                    }
                }
            };
            results[layer.output.index()] = Some(result);
            finished.iter().for_each(|value| results[value.index()] = None);
        }
        let output = |value: &Value| match &results[value.index()] {
            Some(tensor) => Ok(tensor.clone()),
            None => bail!("the network does not compute the result of operation {}", value.index()),
        };
        self.outputs.iter().map(output).collect::<Result<_>>().map(Some)
    }
}

fn input(tensor: Option<&Tensor>, shape: Shape) -> Result<Tensor> {
    let Some(tensor) = tensor else { bail!("the network takes another input") };
    let fits = match (shape, tensor.dims()) {
        (Shape::Row(length), [_, width]) => length == *width,
        (Shape::Map(sides), [_, rest @ ..]) => sides == rest,
        _ => false,
    };
    if fits { Ok(tensor.clone()) } else { bail!("the network takes {shape}, not {:?}", tensor.dims()) }
}
