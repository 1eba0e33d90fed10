//! From a graph to a plan.
//!
//! Layer by layer, in the graph's order. What lies between two layers without computing anything of its own (a doubling, a
//! change of shape, a leaky ReLU that the reading or the writing layer does) is no step: layers ask for what is behind it
//! (`views`), and each result is stored in the form in which it is asked for (`needs`).

mod convolution;
mod needs;
mod rows;
#[cfg(test)]
mod tests;
mod views;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::base::{Array, Arrays, PixelRange};
use crate::graph::{Activation, Graph, Layer, Operation, Shape, Value};
use crate::inference::RenderError;
use crate::ops::cpu::blocked::MapShape;
use crate::ops::cpu::element::Element;
use crate::ops::cpu::isa::Isa;

use super::builder::Builder;
use super::steps::{Outputs, Plan, RowPart, Slot, Targets};
use needs::{Need, needs};
use views::{View, Views};

/// Compiles a network from one code to a picture that ends in [`Operation::ToPixels`], or from one picture to rows, with maps
/// and weights of `E`.
///
/// # Errors
/// [`RenderError::Unsupported`] where the kernels do not reach; and when the graph cannot be computed, weights do not fit, or
/// its maps take too much memory.
pub(super) fn lower<E: Element>(isa: Isa, graph: &Graph, weights: &Arrays) -> Result<Plan<E>, RenderError> {
    let (graph, weights) = graph.folded(weights)?;
    let (graph, weights) = graph.widened(&weights)?;
    let (graph, weights) = graph.turned(&weights)?;
    let graph = graph.moved_late()?;
    let layers = graph.fused()?;
    let [input] = graph.inputs().collect::<Vec<_>>()[..] else { return Err(unsupported("several inputs")) };
    let picture = picture(&graph);
    let pixels = picture.map(|(value, _)| value);
    let views = Views::new(&graph, graph.shapes()?, &layers);
    let needs = needs(&views, &layers, pixels);
    let builder = Builder::new(isa, matches!(input, Shape::Map(_)));
    let (results, flattened) = (HashMap::new(), HashMap::new());
    let mut lowering = Lowering { views, weights: &weights, needs, pixels, builder, results, flattened };
    for layer in &layers {
        lowering.layer(layer)?;
    }
    let result = match picture {
        // Layers that only store maps, as one behind a doubling, would leave the picture as it was.
        Some(_) if !lowering.builder.draws() => return Err(unsupported("how the last layer makes pixels")),
        Some((_, gain)) => Outputs::Picture { gain },
        None => {
            let parts = graph.outputs().iter().map(|&value| lowering.row_part(value));
            Outputs::Rows(parts.collect::<Result<_, _>>()?)
        }
    };
    lowering.builder.finish(result)
}

/// A network on its way to a plan.
struct Lowering<'a, E> {
    views: Views<'a>,
    weights: &'a Arrays,
    /// How each result is asked for.
    needs: Vec<Need>,
    /// What becomes pixels.
    pixels: Option<Value>,
    builder: Builder<E>,
    /// Where results are.
    results: HashMap<Value, LayerResult>,
    /// The rows of maps that layers take as such, by the maps' buffers.
    flattened: HashMap<Slot, Slot>,
}

/// Where a result of the graph is, and in which form.
#[derive(Clone, Copy)]
struct LayerResult {
    form: Form,
    /// The slope of the leaky ReLU that it has been through already.
    active: Option<f64>,
}

/// Those of a parameter, as they are or scaled.
type Numbers<'a> = Cow<'a, [f32]>;

#[derive(Clone, Copy)]
enum Form {
    /// One number behind the other.
    Row { slot: Slot, length: usize },
    /// In the blocked layout.
    Map { slot: Slot, shape: MapShape },
    /// The picture that comes in.
    Picture { shape: MapShape },
}

/// What a layer reads.
#[derive(Clone, Copy)]
struct Operand {
    form: Form,
    /// Whether each pixel stands for 2x2.
    doubled: bool,
    /// The slope of a leaky ReLU that is still to be done.
    before: Option<f64>,
}

impl<'a, E: Element> Lowering<'a, E> {
    fn layer(&mut self, layer: &Layer) -> Result<(), RenderError> {
        let output = layer.output;
        let need = &self.needs[output.index()];
        if !need.is_needed() {
            return Ok(());
        }
        if !need.is_sound() || layer.after.is_some_and(|slope| !(0.0..=1.0).contains(&slope)) {
            return Err(unsupported("a leaky ReLU whose slope is not between 0 and 1"));
        }
        match &layer.operation {
            Operation::Input(Shape::Row(length)) => {
                let slot = self.builder.row(*length);
                self.put(output, Form::Row { slot, length: *length }, None);
                Ok(())
            }
            Operation::Input(Shape::Map([channels, height, width])) => {
                let shape = MapShape::new(*channels, *height, *width);
                self.put(output, Form::Picture { shape }, None);
                Ok(())
            }
            Operation::Linear(linear) => self.linear(layer, linear),
            Operation::Convolution(conv) => self.convolution(layer, conv),
            Operation::TransposedConvolution(conv) => self.transposed(layer, conv),
            other => Err(unsupported(other)),
        }
    }

    fn put(&mut self, value: Value, form: Form, active: Option<f64>) {
        self.results.insert(value, LayerResult { form, active });
    }

    /// What a layer reads, from behind what no step is made for.
    fn operand(&self, layer: &Layer) -> Result<Operand, RenderError> {
        self.behind(self.views.of(layer.inputs[0], layer.before))
    }

    fn behind(&self, view: View) -> Result<Operand, RenderError> {
        let View { value, doubled, before, shape } = view;
        let Some(result) = self.results.get(&value) else {
            let operation =
                self.views.graph.node(value).map(|node| node.operation.to_string()).unwrap_or_default();
            return Err(unsupported(operation));
        };
        let fits = match (result.form, shape) {
            (Form::Row { length, .. }, shape) => {
                shape == Shape::Row(length) || shape == Shape::Map([length, 1, 1])
            }
            (Form::Map { shape: map, .. } | Form::Picture { shape: map }, shape) => {
                let sides = [map.channels(), map.height(), map.width()];
                shape == Shape::Map(sides) || (shape == Shape::Row(sides.iter().product()) && !doubled)
            }
        };
        if !fits {
            return Err(unsupported(format!("{shape} out of other shapes")));
        }
        let before = match (result.active, before) {
            (Some(done), Some(wanted)) if done == wanted => None,
            (None, before) => before,
            _ => return Err(unsupported("one leaky ReLU after another")),
        };
        Ok(Operand { form: result.form, doubled, before })
    }

    /// Where the rows of an output are.
    fn row_part(&self, value: Value) -> Result<RowPart, RenderError> {
        let Shape::Row(length) = self.views.shape(value) else { return Err(unsupported("maps as a result")) };
        let (value, start, step) = self.views.of_output(value);
        match self.results.get(&value) {
            Some(LayerResult { form: Form::Row { slot, .. }, active: None }) => {
                Ok(RowPart { slot: *slot, start, length, step })
            }
            _ => Err(unsupported("a result that no linear layer makes")),
        }
    }

    /// Weight and bias of a layer of so many outputs, zeros where it has no bias; both times what the sum that the layer is
    /// part of multiplies it by.
    fn weights(
        &self,
        layer: &Layer,
        bias: bool,
        outputs: usize,
    ) -> Result<(Numbers<'a>, Numbers<'a>), RenderError> {
        let scale = layer.shortcut.map_or(1.0, |(_, scale)| scale as f32);
        let find = |ending: &str| {
            let name = format!("{}.{ending}", layer.operation.name().unwrap_or_default());
            let values = self.weights.get(&name).map(Array::data);
            let values = values.ok_or_else(|| RenderError::Weights(format!("{name} is missing")))?;
            Ok::<_, RenderError>(match scale == 1.0 {
                true => Cow::Borrowed(values),
                false => values.iter().map(|value| value * scale).collect(),
            })
        };
        Ok((find("weight")?, if bias { find("bias")? } else { vec![0.0; outputs].into() }))
    }

    /// Makes a buffer for the map that a layer stores, and says how: after its own leaky ReLU, or after the one that all ask
    /// for, or as it is.
    fn targets(&mut self, layer: &Layer, shape: MapShape) -> Result<Targets, RenderError> {
        let residual = match layer.shortcut {
            Some((value, _)) => Some(self.residual(value, shape)?),
            None => None,
        };
        if residual.is_some() && layer.after.is_some() {
            return Err(unsupported("an activation between a convolution and the sum that it is part of"));
        }
        let slot = self.builder.map(shape);
        let later = self.needs[layer.output.index()].slope();
        let active = layer.after.or(later).map(|slope| (slot, slope as f32));
        self.put(layer.output, Form::Map { slot, shape }, if layer.after.is_none() { later } else { None });
        Ok(Targets { residual, raw: active.is_none().then_some(slot), active })
    }

    /// The map that is added to one of `shape`.
    fn residual(&self, value: Value, shape: MapShape) -> Result<(Slot, MapShape, bool), RenderError> {
        let operand = self.behind(self.views.of(value, None))?;
        match operand {
            Operand { form: Form::Map { slot, shape: map }, doubled, before: None } => {
                Ok((slot, map.with_channels(shape.channels()), doubled))
            }
            _ => Err(unsupported("a sum with something else than a map")),
        }
    }
}

/// What becomes the pixels of a network's only result, and the gain of the sigmoid that makes them.
fn picture(graph: &Graph) -> Option<(Value, f32)> {
    let &[last] = graph.outputs() else { return None };
    let node = graph.node(last)?;
    let Operation::ToPixels(range) = node.operation else { return None };
    let &[value] = &node.inputs[..] else { return None };
    let before = graph.node(value)?;
    let inner = before.inputs.first().copied();
    match (range, &before.operation) {
        // (tanh(x) + 1) / 2 is the sigmoid of 2 x.
        (PixelRange::Signed, Operation::Activation(Activation::Tanh)) => Some((inner?, 2.0)),
        (PixelRange::Unit, Operation::Activation(Activation::Sigmoid)) => Some((inner?, 1.0)),
        (PixelRange::Logits, _) => Some((value, 1.0)),
        _ => None,
    }
}

fn unsupported(what: impl std::fmt::Display) -> RenderError {
    RenderError::Unsupported(what.to_string())
}
