use super::{Graph, GraphError, Operation, Shape};

impl Graph {
    /// Multiply-adds of one picture by definition: every weight of a layer meets every place of its map once. What is done
    /// to single values (biases, activations, sums) is not counted.
    ///
    /// # Errors
    /// As [`Graph::shapes`].
    pub fn multiply_adds(&self) -> Result<usize, GraphError> {
        let shapes = self.shapes()?;
        let products = self.nodes().iter().zip(&shapes).map(|(node, result)| {
            let taken = node.inputs.first().map(|input| shapes[input.index()]);
            node.operation.multiply_adds(taken, *result)
        });
        Ok(products.fold(0, usize::saturating_add))
    }

    /// Values that a convolution of the network reads at most: its kernel's at every place of its result.
    ///
    /// # Errors
    /// As [`Graph::shapes`].
    pub fn most_values_read(&self) -> Result<usize, GraphError> {
        let shapes = self.shapes()?;
        let read = self.nodes().iter().zip(&shapes).map(|(node, result)| match &node.operation {
            Operation::Convolution(layer) => {
                let [height, width] = layer.kernel;
                product([layer.inputs, height, width, pixels(*result)])
            }
            Operation::TransposedConvolution(layer) => {
                let [height, width] = layer.kernel;
                let taken = node.inputs.first().map_or(0, |input| pixels(shapes[input.index()]));
                product([layer.outputs, height, width, taken])
            }
            _ => result.values(),
        });
        Ok(read.max().unwrap_or(0))
    }
}

impl Operation {
    fn multiply_adds(&self, taken: Option<Shape>, result: Shape) -> usize {
        match self {
            Self::Linear(layer) => layer.inputs.saturating_mul(layer.outputs),
            Self::Convolution(layer) | Self::TransposedConvolution(layer) => {
                let [height, width] = layer.kernel;
                let at = if matches!(self, Self::Convolution(_)) { Some(result) } else { taken };
                let weights = product([layer.inputs / layer.groups.max(1), layer.outputs, height, width]);
                weights.saturating_mul(at.map_or(0, pixels))
            }
            _ => 0,
        }
    }
}

/// Pixels of a map.
fn pixels(shape: Shape) -> usize {
    match shape {
        Shape::Row(_) => 1,
        Shape::Map([_, height, width]) => height.saturating_mul(width),
    }
}

fn product<const N: usize>(factors: [usize; N]) -> usize {
    factors.into_iter().fold(1, usize::saturating_mul)
}
