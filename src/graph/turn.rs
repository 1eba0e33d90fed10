//! Transposed convolutions that move by single pixels, as the convolutions that they are.

use std::borrow::Cow;

use crate::base::{Array, Arrays};

use super::{Convolution, Graph, GraphError, Operation, Shape, check_weights};

impl Graph {
    /// The same network and its weights with transposed convolutions of stride 1 as convolutions with their kernels turned
    /// around and their channels exchanged, which more backends know and are quicker with.
    ///
    /// Those of a single pixel, with groups, or that share their parameters stay as they are.
    ///
    /// # Errors
    /// As [`Graph::shapes`], and when weights are missing or have other shapes.
    pub fn turned<'a>(&self, weights: &'a Arrays) -> Result<(Self, Cow<'a, Arrays>), GraphError> {
        let shapes = self.shapes()?;
        check_weights(weights, &self.parameters())?;
        let is_alone =
            |name: &str| self.nodes.iter().filter(|node| node.operation.name() == Some(name)).count() == 1;
        let (mut graph, mut arrays) = (self.clone(), Cow::Borrowed(weights));
        for node in &mut graph.nodes {
            let Operation::TransposedConvolution(layer) = &node.operation else { continue };
            let is_pixel = node
                .inputs
                .first()
                .is_none_or(|input| matches!(shapes[input.index()], Shape::Map([_, 1, 1])));
            let Some(plain) = plain(layer).filter(|_| !is_pixel && is_alone(&layer.name)) else { continue };
            let name = format!("{}.weight", layer.name);
            if let Some(turned) = arrays.get(&name).and_then(turned) {
                arrays.to_mut().insert(name, turned);
                node.operation = Operation::Convolution(plain);
            }
        }
        Ok((graph, arrays))
    }
}

/// The convolution that a transposed one of stride 1 is; `None` of others.
fn plain(layer: &Convolution) -> Option<Convolution> {
    let is_plain = layer.stride == 1 && layer.groups == 1 && layer.output_padding == 0;
    let padding = |axis: usize| layer.kernel[axis].checked_sub(1 + layer.padding[axis]);
    let padding = [padding(0)?, padding(1)?];
    is_plain.then(|| Convolution { padding, ..layer.clone() })
}

/// A weight `(inputs, outputs, rows, columns)` as `(outputs, inputs, rows, columns)`, each kernel turned by half a turn.
fn turned(weight: &Array) -> Option<Array> {
    let &[inputs, outputs, rows, columns] = weight.shape() else { return None };
    let area = rows * columns;
    let mut turned = Array::zeros([outputs, inputs, rows, columns]);
    for (i, kernel) in weight.data().chunks_exact(area).enumerate() {
        let at = (i % outputs * inputs + i / outputs) * area;
        let places = turned.data_mut()[at..at + area].iter_mut();
        places.zip(kernel.iter().rev()).for_each(|(place, value)| *place = *value);
    }
    Some(turned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_turned_and_channels_exchanged() {
        let weight = Array::new([1, 2, 1, 2], vec![1.0, 2.0, 3.0, 4.0]).expect("fits");
        let turned = turned(&weight).expect("four sides");
        assert_eq!((turned.shape(), turned.data()), (&[2, 1, 1, 2][..], &[2.0, 1.0, 4.0, 3.0][..]));
    }

    #[test]
    fn only_those_of_single_pixels_steps_are_convolutions() {
        let conv = |kernel: usize| Convolution::new("conv", 2, 4, kernel);
        let padding = |layer: Convolution, side: usize| {
            let mut graph = Graph::default();
            let x = graph.input(Shape::Map([2, side, side]));
            let y = graph.transposed(x, layer);
            graph.give(y);
            let weights = graph.parameters().into_iter().map(|p| (p.name, Array::zeros(p.shape))).collect();
            let (turned, weights) = graph.turned(&weights).expect("sound");
            assert_eq!(turned.output_shapes(), graph.output_shapes());
            match &turned.nodes()[1].operation {
                Operation::Convolution(layer) => {
                    assert_eq!(weights["conv.weight"].shape()[..2], [4, 2]);
                    Some(layer.padding)
                }
                _ => None,
            }
        };
        assert_eq!(padding(conv(3).padding(1), 8), Some([1, 1]));
        assert_eq!(padding(conv(4), 8), Some([3, 3]));
        assert_eq!(padding(conv(4), 1), None, "a single pixel");
        assert_eq!(padding(conv(4).stride(2).padding(1), 8), None);
        assert_eq!(padding(conv(3).groups(2), 8), None);
        assert_eq!(padding(conv(3).padding(3), 8), None, "it cuts off more than there is");
    }
}
