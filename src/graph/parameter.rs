use std::collections::HashMap;

use crate::base::Arrays;

use super::{Convolution, Graph, GraphError, Operation};

/// One weight or bias of a network: its published state-dict name and its sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// State-dict name, for instance `resnet.0.conv_0.weight`.
    pub name: String,
    /// Sizes as PyTorch stores them.
    pub shape: Vec<usize>,
    /// What it is in its layer.
    pub role: Role,
    /// What PyTorch's default initialisation divides by: in_features, in_channels*k*k for a convolution,
    /// **out**_channels*k*k for a transposed convolution; a bias has its weight's.
    pub fan_in: usize,
    /// Products that are added up for each value of the layer's result: as `fan_in`, but for a transposed convolution
    /// in_channels*k*k over the square of its stride.
    pub summed: usize,
}

/// What a parameter is in its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The weight of a linear layer or a convolution.
    Weight,
    /// Its bias.
    Bias,
    /// What a normalisation multiplies a channel by.
    Gain,
    /// What it adds to it.
    Shift,
    /// The mean that it has seen.
    RunningMean,
    /// The variance that it has seen.
    RunningVariance,
}

impl Graph {
    /// Every parameter, layer by layer in the order in which they run.
    pub fn parameters(&self) -> Vec<Parameter> {
        self.nodes().iter().flat_map(|node| node.operation.parameters()).collect()
    }

    /// Checks that parameters of one name are one: layers may share theirs, but not by accident.
    pub(super) fn check_names(&self) -> Result<(), GraphError> {
        let mut shapes: HashMap<String, Vec<usize>> = HashMap::new();
        for Parameter { name, shape, .. } in self.parameters() {
            match shapes.get(&name) {
                Some(other) if *other != shape => {
                    return Err(GraphError::SameName(crate::base::visible(&name).into_owned()));
                }
                Some(_) => {}
                None => drop(shapes.insert(name, shape)),
            }
        }
        Ok(())
    }
}

/// Checks that every one of `parameters` is among `weights`, in its shape; others may lie beside them.
///
/// # Errors
/// Names the first that is missing or has another shape (both are given).
pub fn check_weights(weights: &Arrays, parameters: &[Parameter]) -> Result<(), GraphError> {
    for Parameter { name, shape, .. } in parameters {
        match weights.get(name).map(|array| array.shape()) {
            None => return Err(GraphError::Weights(format!("{name} is missing (expected shape {shape:?})"))),
            Some(other) if other != shape => {
                return Err(GraphError::Weights(format!("{name} has shape {other:?}, expected {shape:?}")));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

impl Operation {
    fn parameters(&self) -> Vec<Parameter> {
        match self {
            Self::Linear(layer) => {
                let shape = vec![layer.outputs, layer.inputs];
                with_bias(&layer.name, shape, layer.bias.then_some(layer.outputs), [layer.inputs; 2])
            }
            Self::Convolution(layer) => {
                let [height, width] = layer.kernel;
                let inputs = layer.inputs / layer.groups.max(1);
                let shape = vec![layer.outputs, inputs, height, width];
                with_bias(&layer.name, shape, layer.outputs_of_bias(), [inputs * height * width; 2])
            }
            Self::TransposedConvolution(layer) => {
                let [height, width] = layer.kernel;
                let [inputs, outputs] =
                    [layer.inputs, layer.outputs].map(|width| width / layer.groups.max(1));
                let shape = vec![layer.inputs, outputs, height, width];
                let taps = height * width;
                let summed = inputs * taps / layer.stride.pow(2).max(1);
                with_bias(&layer.name, shape, layer.outputs_of_bias(), [outputs * taps, summed])
            }
            Self::BatchNorm { name, channels, .. } => channelwise(
                name,
                *channels,
                &[
                    ("weight", Role::Gain),
                    ("bias", Role::Shift),
                    ("running_mean", Role::RunningMean),
                    ("running_var", Role::RunningVariance),
                ],
            ),
            Self::Affine { name, channels } => {
                channelwise(name, *channels, &[("weight", Role::Gain), ("bias", Role::Shift)])
            }
            Self::Weighted { name, shape: [channels, height, width] } => {
                let places = height * width;
                with_bias(name, vec![1, *channels, *height, *width], None, [places; 2])
            }
            _ => Vec::new(),
        }
    }
}

impl Convolution {
    fn outputs_of_bias(&self) -> Option<usize> {
        self.bias.then_some(self.outputs)
    }
}

/// A weight, and a bias of so many values where there is one.
fn with_bias(
    name: &str,
    shape: Vec<usize>,
    bias: Option<usize>,
    [fan_in, summed]: [usize; 2],
) -> Vec<Parameter> {
    let parameter = |ending: &str, shape, role| Parameter {
        name: format!("{name}.{ending}"),
        shape,
        role,
        fan_in,
        summed,
    };
    let bias = bias.map(|outputs| parameter("bias", vec![outputs], Role::Bias));
    std::iter::once(parameter("weight", shape, Role::Weight)).chain(bias).collect()
}

/// Parameters of one value a channel.
fn channelwise(name: &str, channels: usize, parts: &[(&str, Role)]) -> Vec<Parameter> {
    let part = |&(ending, role): &(&str, Role)| Parameter {
        name: format!("{name}.{ending}"),
        shape: vec![channels],
        role,
        fan_in: 1,
        summed: 1,
    };
    parts.iter().map(part).collect()
}
