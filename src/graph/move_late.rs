//! Operations that only move values, done as late as they can be.
//!
//! What is done to single values, or to the channels of single pixels, may as well be done before pixels are doubled, on
//! a quarter of them: a shortcut's pointwise convolution, an activation. And what is done to single values does not care
//! for the shape that they have. Results are the same numbers.

use super::{Convolution, Graph, GraphError, Node, Operation, Shape, Value};

/// A result of the old graph: one of the new graph, and what still has to be done to it.
#[derive(Clone)]
struct Moved {
    value: Value,
    pending: Vec<Operation>,
}

/// What an operation may trade places with.
#[derive(Clone, Copy, PartialEq)]
enum Commutes {
    /// With everything that moves values.
    WithAll,
    /// With a doubling.
    WithDoubling,
    No,
}

impl Graph {
    /// The same network with doublings and reshapes as late as they can be.
    ///
    /// # Errors
    /// As [`Graph::shapes`].
    pub fn moved_late(&self) -> Result<Self, GraphError> {
        let shapes = self.shapes()?;
        let mut graph = Self::default();
        let mut results: Vec<Moved> = Vec::with_capacity(self.nodes().len());
        for (node, shape) in self.nodes().iter().zip(&shapes) {
            let operands: Vec<Moved> =
                node.inputs.iter().map(|input| results[input.index()].clone()).collect();
            results.push(graph.moved(node, *shape, operands));
        }
        for output in self.outputs() {
            let value = graph.settle(results[output.index()].clone());
            graph.give(value);
        }
        Ok(graph)
    }

    /// Adds `node` on `operands`, before what is pending on them where that can be.
    fn moved(&mut self, node: &Node, shape: Shape, operands: Vec<Moved>) -> Moved {
        let operation = &node.operation;
        if let (Operation::Double | Operation::Reshape(_), [operand]) = (operation, &operands[..]) {
            let mut moved = operand.clone();
            // Of two reshapes the second one decides.
            if matches!(
                (operation, moved.pending.last()),
                (Operation::Reshape(_), Some(Operation::Reshape(_)))
            ) {
                moved.pending.pop();
            }
            moved.pending.push(operation.clone());
            return moved;
        }
        let pending = operands.first().map(|operand| operand.pending.clone()).unwrap_or_default();
        let are_alike = operands.iter().all(|operand| operand.pending == pending);
        let only_doubles = pending.iter().all(|operation| *operation == Operation::Double);
        let is_before = are_alike
            && match commutes(operation) {
                Commutes::WithAll => true,
                Commutes::WithDoubling => only_doubles && matches!(shape, Shape::Map(_)),
                Commutes::No => false,
            };
        if is_before {
            let inputs: Vec<Value> = operands.iter().map(|operand| operand.value).collect();
            return Moved { value: self.apply(operation.clone(), &inputs), pending };
        }
        let inputs: Vec<Value> = operands.into_iter().map(|operand| self.settle(operand)).collect();
        Moved { value: self.apply(operation.clone(), &inputs), pending: Vec::new() }
    }

    /// Adds what is pending.
    fn settle(&mut self, moved: Moved) -> Value {
        moved.pending.into_iter().fold(moved.value, |value, operation| self.apply(operation, &[value]))
    }
}

fn commutes(operation: &Operation) -> Commutes {
    match operation {
        Operation::Activation(_) | Operation::Add { .. } | Operation::ToPixels(_) => Commutes::WithAll,
        Operation::Convolution(Convolution { kernel: [1, 1], stride: 1, padding: [0, 0], .. })
        | Operation::BatchNorm { .. }
        | Operation::Affine { .. }
        | Operation::Concat
        | Operation::Slice { .. }
        | Operation::Softmax => Commutes::WithDoubling,
        _ => Commutes::No,
    }
}
