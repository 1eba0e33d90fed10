//! Kernels made wider by zeros, where backends are quick with the wider ones.

use std::borrow::Cow;

use crate::base::{Array, Arrays};

use super::{Convolution, Graph, GraphError, Operation, Shape, check_weights};

impl Graph {
    /// The same network and its weights with kernels that are a row and a column of zeros wider, below and to the right, where
    /// that gives the same numbers in a form that more backends know:
    ///
    /// - transposed convolutions with output padding, which have none then: the zeros reach where the padding was;
    /// - 3x3 kernels that halve maps of even sides, which are 4x4 then: the zeros meet what the stride passes over.
    ///
    /// Layers that share their parameters, and kernels that are not square, stay as they are.
    ///
    /// # Errors
    /// As [`Graph::shapes`], and when weights are missing or have other shapes.
    pub fn widened<'a>(&self, weights: &'a Arrays) -> Result<(Self, Cow<'a, Arrays>), GraphError> {
        let shapes = self.shapes()?;
        check_weights(weights, &self.parameters())?;
        let is_alone =
            |name: &str| self.nodes.iter().filter(|node| node.operation.name() == Some(name)).count() == 1;
        let (mut graph, mut arrays) = (self.clone(), Cow::Borrowed(weights));
        for node in &mut graph.nodes {
            let taken = node.inputs.first().map(|input| shapes[input.index()]);
            let (layer, more) = match &mut node.operation {
                Operation::TransposedConvolution(layer) => {
                    let more = layer.output_padding;
                    (layer, more)
                }
                Operation::Convolution(layer) => {
                    let more = usize::from(halves(layer) && taken.is_some_and(is_even));
                    (layer, more)
                }
                _ => continue,
            };
            if more == 0 || layer.kernel[0] != layer.kernel[1] || !is_alone(&layer.name) {
                continue;
            }
            let name = format!("{}.weight", layer.name);
            let wider = arrays.get(&name).and_then(|weight| with_zeros(weight, layer.kernel, more));
            if let Some(wider) = wider {
                layer.kernel = layer.kernel.map(|side| side + more);
                layer.output_padding = 0;
                arrays.to_mut().insert(name, wider);
            }
        }
        Ok((graph, arrays))
    }
}

/// Whether it is the 3x3 one that halves maps.
fn halves(layer: &Convolution) -> bool {
    layer.kernel == [3, 3] && layer.stride == 2 && layer.padding == [1, 1]
}

fn is_even(shape: Shape) -> bool {
    matches!(shape, Shape::Map([_, height, width]) if height.is_multiple_of(2) && width.is_multiple_of(2))
}

/// A weight `(.., rows, columns)` with `more` of both; `None` where there would be too many.
fn with_zeros(weight: &Array, [rows, columns]: [usize; 2], more: usize) -> Option<Array> {
    let &[first, second, _, _] = weight.shape() else { return None };
    let mut wider = Array::zeros([first, second, rows + more, columns + more]);
    let lines = wider.data_mut().chunks_exact_mut(columns + more);
    // The last lines of each kernel are the new ones.
    let kept = lines.enumerate().filter(|(number, _)| number % (rows + more) < rows).map(|(_, line)| line);
    for (line, values) in kept.zip(weight.data().chunks_exact(columns)) {
        line[..columns].copy_from_slice(values);
    }
    Some(wider)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_grow_below_and_to_the_right() {
        let weight = Array::new([1, 2, 2, 2], (1..=8).map(|value| value as f32).collect()).expect("fits");
        let wider = with_zeros(&weight, [2, 2], 1).expect("four sides");
        assert_eq!(wider.shape(), [1, 2, 3, 3]);
        let rows: Vec<&[f32]> = wider.data().chunks(3).collect();
        let expected: [[f32; 3]; 6] =
            [[1.0, 2.0, 0.0], [3.0, 4.0, 0.0], [0.0; 3], [5.0, 6.0, 0.0], [7.0, 8.0, 0.0], [0.0; 3]];
        assert_eq!(rows, expected);
    }

    #[test]
    fn only_what_keeps_its_numbers_is_widened() {
        let conv = |name: &str| Convolution::new(name, 1, 1, 3).stride(2).padding(1);
        let kernels = |operation: Operation, side: usize| {
            let mut graph = Graph::default();
            let x = graph.input(Shape::Map([1, side, side]));
            let y = graph.apply(operation, &[x]);
            graph.give(y);
            let weights = graph.parameters().into_iter().map(|p| (p.name, Array::zeros(p.shape))).collect();
            let (wider, weights) = graph.widened(&weights).expect("sound");
            assert_eq!(wider.output_shapes(), graph.output_shapes());
            weights["conv.weight"].shape()[2..].to_vec()
        };
        assert_eq!(kernels(Operation::Convolution(conv("conv")), 8), [4, 4]);
        assert_eq!(kernels(Operation::Convolution(conv("conv")), 7), [3, 3], "an odd side");
        assert_eq!(kernels(Operation::Convolution(conv("conv").padding(0)), 8), [3, 3]);
        assert_eq!(kernels(Operation::TransposedConvolution(conv("conv").output_padding(1)), 4), [4, 4]);
        assert_eq!(kernels(Operation::TransposedConvolution(conv("conv")), 4), [3, 3]);
    }
}
