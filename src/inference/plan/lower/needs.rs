use crate::graph::{Layer, Shape, Value};

use super::views::Views;

/// How the layers behind it ask for a result.
#[derive(Clone, Default)]
pub(super) struct Need {
    /// Whether anybody asks for it as it is.
    as_it_is: bool,
    /// The slopes of the leaky ReLUs that others ask for it through.
    slopes: Vec<f64>,
    /// The shapes that they take it in.
    shapes: Vec<Shape>,
}

impl Need {
    pub(super) fn is_needed(&self) -> bool {
        self.as_it_is || !self.slopes.is_empty()
    }

    /// The slope of the leaky ReLU that all ask for it through, if they do.
    pub(super) fn slope(&self) -> Option<f64> {
        let first = self.slopes.first().copied().filter(|_| !self.as_it_is)?;
        self.slopes.iter().all(|slope| *slope == first).then_some(first)
    }

    /// Whether kernels can do every leaky ReLU that it is asked for through: those with slopes from 0 to 1.
    pub(super) fn is_sound(&self) -> bool {
        self.slopes.iter().all(|slope| (0.0..=1.0).contains(slope))
    }

    /// The sides of the map that all take it for, if they do and it has more than one pixel.
    pub(super) fn map(&self) -> Option<[usize; 3]> {
        let Shape::Map(sides) = *self.shapes.first()? else { return None };
        let is_one = self.shapes.iter().all(|shape| *shape == Shape::Map(sides));
        (is_one && sides[1] * sides[2] > 1).then_some(sides)
    }

    fn add(&mut self, before: Option<f64>, shape: Shape) {
        match before {
            Some(slope) => self.slopes.push(slope),
            None => self.as_it_is = true,
        }
        self.shapes.push(shape);
    }
}

/// The needs of every result of a graph: what leads to its outputs, or to `pixels`, has some.
pub(super) fn needs(views: &Views<'_>, layers: &[Layer], pixels: Option<Value>) -> Vec<Need> {
    let mut needs = vec![Need::default(); views.shapes.len()];
    match pixels {
        Some(value) => needs[value.index()].add(None, views.shape(value)),
        None => {
            for output in views.graph.outputs() {
                let (value, ..) = views.of_output(*output);
                needs[value.index()].add(None, views.shape(value));
            }
        }
    }
    for layer in layers.iter().rev().filter(|layer| layer.operation.name().is_some()) {
        if !needs[layer.output.index()].is_needed() {
            continue;
        }
        let operands = layer.inputs.iter().map(|&value| (value, layer.before));
        for (value, before) in operands.chain(layer.shortcut.map(|(value, _)| (value, None))) {
            let view = views.of(value, before);
            needs[view.value.index()].add(view.before, view.shape);
        }
    }
    needs
}
