use crate::graph::{Graph, Layer, Operation, Shape, Value};

/// A graph with what computes in it: everything else moves or bends values on their way from one layer to another.
pub(super) struct Views<'a> {
    pub(super) graph: &'a Graph,
    /// Of every result.
    pub(super) shapes: Vec<Shape>,
    /// Whether a layer makes it.
    is_made: Vec<bool>,
}

/// What a layer takes: a result that another layer makes, and what happens to it on the way.
#[derive(Clone, Copy)]
pub(super) struct View {
    /// The result.
    pub(super) value: Value,
    /// Whether each of its pixels stands for 2x2.
    pub(super) doubled: bool,
    /// The slope of a leaky ReLU on it.
    pub(super) before: Option<f64>,
    /// The shape that it is taken in, before it is doubled.
    pub(super) shape: Shape,
}

impl<'a> Views<'a> {
    pub(super) fn new(graph: &'a Graph, shapes: Vec<Shape>, layers: &[Layer]) -> Self {
        let mut is_made = vec![false; shapes.len()];
        for layer in layers {
            is_made[layer.output.index()] = matches!(
                layer.operation,
                Operation::Input(_)
                    | Operation::Linear(_)
                    | Operation::Convolution(_)
                    | Operation::TransposedConvolution(_)
            );
        }
        Self { graph, shapes, is_made }
    }

    pub(super) fn shape(&self, value: Value) -> Shape {
        self.shapes[value.index()]
    }

    /// From a layer that takes `value` through a leaky ReLU of its own, of the slope `before`.
    pub(super) fn of(&self, value: Value, before: Option<f64>) -> View {
        let mut view = View { value, doubled: false, before, shape: self.shape(value) };
        let mut is_reshaped = false;
        while !self.is_made[view.value.index()]
            && let Some(node) = self.graph.node(view.value)
            && let [inner] = node.inputs[..]
        {
            match (&node.operation, node.operation.leaky_slope()) {
                (Operation::Double, _) if !view.doubled && !is_reshaped => {
                    (view.doubled, view.shape) = (true, self.shape(inner));
                }
                (Operation::Reshape(_), _) => is_reshaped = true,
                (_, Some(slope)) if view.before.is_none() => view.before = Some(slope),
                _ => break,
            }
            view.value = inner;
        }
        view
    }

    /// The row that an output of the network is part of, its first number there, and how far it is to the next.
    pub(super) fn of_output(&self, value: Value) -> (Value, usize, usize) {
        let (mut value, mut start, mut step) = (value, 0, 1);
        while let Some(node) = self.graph.node(value)
            && let [inner] = node.inputs[..]
        {
            match (&node.operation, self.shape(inner)) {
                (Operation::Slice { start: first, step: inside, .. }, _) => {
                    (start, step) = (first + start * inside, step * inside);
                }
                // Maps of a single place are stored as a row.
                (Operation::Reshape(_), Shape::Map([_, 1, 1]) | Shape::Row(_)) => {}
                _ => break,
            }
            value = inner;
        }
        (value, start, step)
    }
}
