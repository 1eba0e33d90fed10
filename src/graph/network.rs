use crate::base::PixelRange;

use serde::{Deserialize, Serialize};

use super::{Convolution, Linear, Operation, Shape};

/// A network: operations in the order in which they run, and which of their results it gives.
///
/// It is only written down here; [`Graph::shapes`] says whether it can be computed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) outputs: Vec<Value>,
}

/// An operation and the results that it takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// What is computed.
    pub operation: Operation,
    /// Of what, in order.
    pub inputs: Vec<Value>,
}

/// The result of one operation of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Value(pub(super) usize);

impl Value {
    /// The place of its operation in the graph, counted from 0.
    pub fn index(self) -> usize {
        self.0
    }
}

impl Graph {
    /// Adds an operation on earlier results.
    pub fn apply(&mut self, operation: Operation, inputs: &[Value]) -> Value {
        self.nodes.push(Node { operation, inputs: inputs.to_vec() });
        Value(self.nodes.len() - 1)
    }

    /// Adds something that comes from outside; inputs are given in the order in which they are added.
    pub fn input(&mut self, shape: Shape) -> Value {
        self.apply(Operation::Input(shape), &[])
    }

    /// Adds a fully connected layer.
    pub fn linear(&mut self, x: Value, layer: Linear) -> Value {
        self.apply(Operation::Linear(layer), &[x])
    }

    /// Adds a convolution.
    pub fn convolution(&mut self, x: Value, layer: Convolution) -> Value {
        self.apply(Operation::Convolution(layer), &[x])
    }

    /// Adds a transposed convolution.
    pub fn transposed(&mut self, x: Value, layer: Convolution) -> Value {
        self.apply(Operation::TransposedConvolution(layer), &[x])
    }

    /// Adds a leaky ReLU of this slope.
    pub fn leaky_relu(&mut self, x: Value, slope: f64) -> Value {
        self.apply(Operation::leaky_relu(slope), &[x])
    }

    /// Adds a ReLU.
    pub fn relu(&mut self, x: Value) -> Value {
        self.apply(Operation::RELU, &[x])
    }

    /// Adds a batch normalisation of so many channels that adds 1e-5 to variances, as PyTorch does where nothing is said.
    pub fn batch_norm(&mut self, x: Value, name: impl Into<String>, channels: usize) -> Value {
        self.apply(Operation::BatchNorm { name: name.into(), channels, epsilon: 1e-5 }, &[x])
    }

    /// Adds a change of shape.
    pub fn reshape(&mut self, x: Value, shape: Shape) -> Value {
        self.apply(Operation::Reshape(shape), &[x])
    }

    /// Gives `value`, after what is given already.
    pub fn give(&mut self, value: Value) {
        self.outputs.push(value);
    }

    /// Gives `values` and nothing else.
    pub fn give_only(&mut self, values: &[Value]) {
        self.outputs = values.to_vec();
    }

    /// The operations in their order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The operation that makes `value`; `None` for one of another graph.
    pub fn node(&self, value: Value) -> Option<&Node> {
        self.nodes.get(value.0)
    }

    /// What it gives, in order.
    pub fn outputs(&self) -> &[Value] {
        &self.outputs
    }

    /// Shapes of what it takes, in order.
    pub fn inputs(&self) -> impl Iterator<Item = Shape> {
        self.nodes.iter().filter_map(|node| match node.operation {
            Operation::Input(shape) => Some(shape),
            _ => None,
        })
    }

    /// The same with `operation` done to its first result, which is then the only one.
    pub fn followed_by(mut self, operation: Operation) -> Self {
        let last: Vec<Value> = self.outputs.first().copied().into_iter().collect();
        let value = self.apply(operation, &last);
        Self { outputs: vec![value], ..self }
    }

    /// The same with its first result, a picture of these values, turned into values in [0, 1]; the only result then.
    pub fn to_pixels(self, range: PixelRange) -> Self {
        self.followed_by(Operation::ToPixels(range))
    }

    /// The graph that gives what the operation behind its only result takes, and that operation.
    pub fn without_last(mut self) -> Option<(Self, Operation)> {
        let [last] = self.outputs[..] else { return None };
        let node = self.node(last)?.clone();
        let [before] = node.inputs[..] else { return None };
        self.outputs = vec![before];
        Some((self, node.operation))
    }

    /// How often each result is taken, by operations and as a result of the network.
    pub(super) fn uses(&self) -> Vec<usize> {
        let mut uses = vec![0; self.nodes.len()];
        for value in self.nodes.iter().flat_map(|node| &node.inputs).chain(&self.outputs) {
            if let Some(count) = uses.get_mut(value.0) {
                *count += 1;
            }
        }
        uses
    }
}
