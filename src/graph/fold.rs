//! Batch normalisation made part of the layer in front of it.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::base::{Array, Arrays};

use super::{Convolution, Graph, GraphError, Operation, Value, check_weights};

impl Graph {
    /// The same network without batch normalisations, and its weights: each is folded into the linear layer or convolution
    /// whose result it alone takes, and is an [`Operation::Affine`] elsewhere. Affine layers fold likewise. Layers that
    /// share their parameters with others stay as they are.
    ///
    /// # Errors
    /// As [`Graph::shapes`], and when weights are missing or have other shapes.
    pub fn folded<'a>(&self, weights: &'a Arrays) -> Result<(Self, Cow<'a, Arrays>), GraphError> {
        self.shapes()?;
        check_weights(weights, &self.parameters())?;
        if !self.nodes.iter().any(|node| is_scaling(&node.operation)) {
            return Ok((self.clone(), Cow::Borrowed(weights)));
        }
        let uses = self.uses();
        let mut named: HashMap<&str, usize> = HashMap::new();
        self.nodes.iter().filter_map(|node| node.operation.name()).for_each(|name| {
            *named.entry(name).or_default() += 1;
        });
        let is_alone = |name: Option<&str>| name.is_some_and(|name| named.get(name) == Some(&1));

        let (mut graph, mut arrays) = (Self::default(), weights.clone());
        let mut results: Vec<Value> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let inputs: Vec<Value> = node.inputs.iter().map(|input| results[input.index()]).collect();
            let scaling = Scaling::of(&node.operation, weights).filter(|_| is_alone(node.operation.name()));
            let Some(scaling) = scaling else {
                results.push(graph.apply(node.operation.clone(), &inputs));
                continue;
            };
            let product = &mut graph.nodes[inputs[0].index()].operation;
            let is_only_user = uses[node.inputs[0].index()] == 1 && is_alone(product.name());
            scaling.forget(&mut arrays);
            results.push(if is_only_user && scaling.fold_into(product, &mut arrays) {
                inputs[0]
            } else {
                graph.apply(scaling.store(&mut arrays), &inputs)
            });
        }
        self.outputs.iter().for_each(|output| graph.give(results[output.index()]));
        Ok((graph, Cow::Owned(arrays)))
    }
}

fn is_scaling(operation: &Operation) -> bool {
    matches!(operation, Operation::BatchNorm { .. } | Operation::Affine { .. })
}

/// `gain * x + shift`, one of each a channel.
struct Scaling {
    name: String,
    gain: Vec<f64>,
    shift: Vec<f64>,
}

impl Scaling {
    /// What a normalisation does; `None` of other operations.
    fn of(operation: &Operation, weights: &Arrays) -> Option<Self> {
        let (Operation::BatchNorm { name, .. } | Operation::Affine { name, .. }) = operation else {
            return None;
        };
        let values = |ending: &str| -> Option<Vec<f64>> {
            Some(weights.get(&format!("{name}.{ending}"))?.data().iter().map(|&v| f64::from(v)).collect())
        };
        let (mut gain, mut shift) = (values("weight")?, values("bias")?);
        if let Operation::BatchNorm { epsilon, .. } = operation {
            let (mean, variance) = (values("running_mean")?, values("running_var")?);
            for channel in 0..gain.len() {
                gain[channel] /= (variance[channel] + epsilon).sqrt();
                shift[channel] -= mean[channel] * gain[channel];
            }
        }
        Some(Self { name: name.clone(), gain, shift })
    }

    /// Removes the parameters that it was made of.
    fn forget(&self, arrays: &mut Arrays) {
        for ending in ["weight", "bias", "running_mean", "running_var"] {
            arrays.remove(&format!("{}.{ending}", self.name));
        }
    }

    /// Makes it part of a product, which has a bias from then on; not of another operation.
    fn fold_into(&self, product: &mut Operation, arrays: &mut Arrays) -> bool {
        let (name, bias, channel_of): (_, _, Box<dyn Fn(usize) -> usize>) = match product {
            Operation::Linear(layer) => {
                let inputs = layer.inputs;
                (&layer.name, &mut layer.bias, Box::new(move |i| i / inputs))
            }
            Operation::Convolution(layer) => {
                let filter = layer.inputs / layer.groups * layer.kernel[0] * layer.kernel[1];
                (&layer.name, &mut layer.bias, Box::new(move |i| i / filter))
            }
            Operation::TransposedConvolution(layer) => {
                let channel_of = transposed_channel(layer);
                (&layer.name, &mut layer.bias, Box::new(channel_of))
            }
            _ => return false,
        };
        let Some(weight) = arrays.get_mut(&format!("{name}.weight")) else { return false };
        for (i, value) in weight.data_mut().iter_mut().enumerate() {
            *value = (f64::from(*value) * self.gain[channel_of(i)]) as f32;
        }
        let former = arrays.get(&format!("{name}.bias")).filter(|_| *bias);
        let former = |channel: usize| former.map_or(0.0, |bias| f64::from(bias.data()[channel]));
        let shift =
            (0..self.gain.len()).map(|channel| former(channel) * self.gain[channel] + self.shift[channel]);
        let shift = array(shift);
        arrays.insert(format!("{name}.bias"), shift);
        *bias = true;
        true
    }

    /// Adds it to the weights by itself.
    fn store(self, arrays: &mut Arrays) -> Operation {
        let channels = self.gain.len();
        arrays.insert(format!("{}.weight", self.name), array(self.gain.into_iter()));
        arrays.insert(format!("{}.bias", self.name), array(self.shift.into_iter()));
        Operation::Affine { name: self.name, channels }
    }
}

/// The channel of the result that each value of a transposed convolution's weight `(inputs, outputs / groups, height,
/// width)` makes.
fn transposed_channel(layer: &Convolution) -> impl Fn(usize) -> usize + use<> {
    let (outputs, inputs) = (layer.outputs / layer.groups, layer.inputs / layer.groups);
    let taps = layer.kernel[0] * layer.kernel[1];
    move |i| i / (outputs * taps) / inputs * outputs + i / taps % outputs
}

fn array(values: impl Iterator<Item = f64>) -> Array {
    let values: Vec<f32> = values.map(|value| value as f32).collect();
    let mut array = Array::zeros([values.len()]);
    array.data_mut().copy_from_slice(&values);
    array
}
