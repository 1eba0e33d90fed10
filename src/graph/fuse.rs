//! Layers: products together with what surrounds them, as backends run them.

use super::{Graph, GraphError, Node, Operation, Shape, Value};

/// One step of a network: `shortcut + scale * after(operation(before(x)))`.
///
/// Only a [`Operation::Linear`], [`Operation::Convolution`] or [`Operation::TransposedConvolution`] has anything around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What is computed.
    pub operation: Operation,
    /// Of what, in order.
    pub inputs: Vec<Value>,
    /// The slope of a leaky ReLU on the operand of a convolution.
    pub before: Option<f64>,
    /// The slope of a leaky ReLU on the result.
    pub after: Option<f64>,
    /// What the result is added to, and the result's weight in the sum.
    pub shortcut: Option<(Value, f64)>,
    /// The result of the graph that it makes.
    pub output: Value,
}

impl Layer {
    /// The operation of a node by itself.
    fn plain(node: &Node, output: usize) -> Self {
        let (operation, inputs) = (node.operation.clone(), node.inputs.clone());
        Self { operation, inputs, before: None, after: None, shortcut: None, output: Value(output) }
    }

    /// Every result that it takes.
    pub fn takes(&self) -> impl Iterator<Item = Value> {
        self.inputs.iter().copied().chain(self.shortcut.map(|(value, _)| value))
    }
}

impl Graph {
    /// One layer an operation, nothing fused: the definition that everything else is compared with.
    ///
    /// # Errors
    /// As [`Graph::shapes`].
    pub fn layers(&self) -> Result<Vec<Layer>, GraphError> {
        self.shapes()?;
        Ok(self.nodes().iter().enumerate().map(|(i, node)| Layer::plain(node, i)).collect())
    }

    /// The layers in an order in which they can be run; activations and sums are fused into the products next to them, and
    /// what no result needs is left out, but for inputs.
    ///
    /// # Errors
    /// As [`Graph::shapes`].
    pub fn fused(&self) -> Result<Vec<Layer>, GraphError> {
        let shapes = self.shapes()?;
        let uses = self.uses();
        let mut only_user: Vec<Option<usize>> = vec![None; self.nodes().len()];
        for (i, node) in self.nodes().iter().enumerate() {
            for input in node.inputs.iter().filter(|input| uses[input.index()] == 1) {
                only_user[input.index()] = Some(i);
            }
        }
        // Each stands at the place of its last operation; nothing stands where the others were.
        let mut layers: Vec<Option<Layer>> =
            self.nodes().iter().enumerate().map(|(i, node)| Some(Layer::plain(node, i))).collect();
        for i in 0..layers.len() {
            if is_product(&self.nodes()[i].operation) {
                self.extend(i, &shapes, &only_user, &mut layers);
            }
        }
        for i in 0..layers.len() {
            self.take_activation(i, &mut layers);
        }
        self.leave_out_unused(&mut layers);
        Ok(layers.into_iter().flatten().collect())
    }

    /// Makes what alone takes the result of product number `start` part of its layer.
    fn extend(
        &self,
        start: usize,
        shapes: &[Shape],
        only_user: &[Option<usize>],
        layers: &mut [Option<Layer>],
    ) {
        let Some(mut layer) = layers[start].take() else { return };
        let mut end = start;
        if let Some(user) = only_user[end]
            && let Some(slope) = sound_slope(&self.nodes[user].operation)
        {
            layer.after = Some(slope);
            (layers[user], end) = (None, user);
        }
        if let Some(user) = only_user[end]
            && let Operation::Add { scale } = self.nodes[user].operation
            && let [other, change] = self.nodes[user].inputs[..]
            && change.index() == end
            && shapes[other.index()] == shapes[end]
        {
            layer.shortcut = Some((other, scale));
            (layers[user], end) = (None, user);
        }
        layer.output = Value(end);
        layers[end] = Some(layer);
    }

    /// Lets a convolution do the leaky ReLU on its operand, where no layer has done it yet.
    fn take_activation(&self, i: usize, layers: &mut [Option<Layer>]) {
        let Some(layer) = &layers[i] else { return };
        if !matches!(layer.operation, Operation::Convolution(_) | Operation::TransposedConvolution(_)) {
            return;
        }
        let taken = layer.inputs[0];
        let Some(Layer { operation, inputs, .. }) = &layers[taken.index()] else { return };
        let (Some(slope), Some(&before)) = (sound_slope(operation), inputs.first()) else { return };
        if let Some(layer) = &mut layers[i] {
            (layer.before, layer.inputs) = (Some(slope), vec![before]);
        }
    }

    /// Drops layers whose result nobody takes.
    fn leave_out_unused(&self, layers: &mut [Option<Layer>]) {
        let mut is_needed = vec![false; layers.len()];
        self.outputs().iter().for_each(|value| is_needed[value.index()] = true);
        for i in (0..layers.len()).rev() {
            let is_input = matches!(self.nodes()[i].operation, Operation::Input(_));
            if !is_needed[i] && !is_input {
                layers[i] = None;
            }
            for value in layers[i].iter().flat_map(Layer::takes) {
                is_needed[value.index()] = true;
            }
        }
    }
}

fn is_product(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Linear(_) | Operation::Convolution(_) | Operation::TransposedConvolution(_)
    )
}

/// The slope of a leaky ReLU that kernels can do: not a negative one.
fn sound_slope(operation: &Operation) -> Option<f64> {
    operation.leaky_slope().filter(|slope| *slope >= 0.0)
}
