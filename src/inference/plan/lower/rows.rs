use crate::graph::{Convolution, Layer, Linear as LinearLayer};
use crate::inference::RenderError;
use crate::inference::plan::steps::{Slot, Step};
use crate::ops::cpu::blocked::{BLOCK, Linear, MapShape};
use crate::ops::cpu::element::Element;

use super::{Form, Lowering, Operand, unsupported};

/// The slope of no leaky ReLU.
const NONE: f64 = 1.0;

impl<E: Element> Lowering<'_, E> {
    pub(super) fn linear(&mut self, layer: &Layer, linear: &LinearLayer) -> Result<(), RenderError> {
        match self.operand(layer)? {
            Operand { form: Form::Row { slot, length }, doubled: false, before: None } => {
                self.product(layer, linear.bias, slot, length, linear.outputs)
            }
            Operand { form: Form::Map { slot, shape }, doubled: false, before: None } => {
                self.of_map(layer, linear.bias, slot, shape, linear.outputs)
            }
            _ => Err(unsupported(&layer.operation)),
        }
    }

    /// A linear layer from a row to a row, or to the map that all take its result for.
    pub(super) fn product(
        &mut self,
        layer: &Layer,
        bias: bool,
        input: Slot,
        inputs: usize,
        outputs: usize,
    ) -> Result<(), RenderError> {
        let (weight, bias) = self.weights(layer, bias, outputs)?;
        self.store(layer, input, inputs, &weight, &bias)
    }

    /// A convolution that covers its whole map: on a map of its own size it is a linear layer.
    pub(super) fn whole(
        &mut self,
        layer: &Layer,
        conv: &Convolution,
        input: Slot,
        shape: MapShape,
    ) -> Result<(), RenderError> {
        self.of_map(layer, conv.bias, input, shape, conv.outputs)
    }

    /// A transposed convolution of a single pixel: a linear layer to a map of the kernel's size.
    pub(super) fn spread(
        &mut self,
        layer: &Layer,
        conv: &Convolution,
        input: Slot,
    ) -> Result<(), RenderError> {
        let [height, width] = conv.kernel;
        let shape = MapShape::new(conv.outputs, height, width);
        let (weight, bias) = self.weights(layer, conv.bias, conv.outputs)?;
        let area = height * width;
        let outputs = conv.outputs * area;
        let mut rows = vec![0.0; outputs * conv.inputs];
        for (i, value) in weight.iter().enumerate() {
            rows[i % outputs * conv.inputs + i / outputs] = *value;
        }
        let biases: Vec<f32> = (0..outputs).map(|o| bias[o / area]).collect();
        self.store_as_map(layer, input, conv.inputs, &rows, &biases, shape)
    }

    /// A product with all values of a map; its inputs come in the order of the blocked layout.
    fn of_map(
        &mut self,
        layer: &Layer,
        bias: bool,
        input: Slot,
        shape: MapShape,
        outputs: usize,
    ) -> Result<(), RenderError> {
        let (weight, bias) = self.weights(layer, bias, outputs)?;
        let area = shape.height() * shape.width();
        let (values, inputs) = (shape.channels() * area, shape.blocks() * BLOCK * area);
        let mut reordered = vec![0.0; outputs * inputs];
        for (i, value) in weight.iter().enumerate() {
            let (out, channel, pixel) = (i / values, i % values / area, i % area);
            reordered[out * inputs + (channel / BLOCK * area + pixel) * BLOCK + channel % BLOCK] = *value;
        }
        self.builder.begin_groups();
        let row = self.flattened(input, shape, inputs);
        self.store(layer, row, inputs, &reordered, &bias)
    }

    /// The row of a map's values, `inputs` with those that fill its last block up; the same for every layer that takes it, so
    /// that those are run one after the other.
    fn flattened(&mut self, input: Slot, shape: MapShape, inputs: usize) -> Slot {
        if let Some(row) = self.flattened.get(&input) {
            return *row;
        }
        let row = self.builder.row(inputs);
        self.builder.push(Step::Flatten { shape, input, output: row });
        self.flattened.insert(input, row);
        row
    }

    fn store(
        &mut self,
        layer: &Layer,
        input: Slot,
        inputs: usize,
        weight: &[f32],
        bias: &[f32],
    ) -> Result<(), RenderError> {
        if let Some([channels, height, width]) = self.needs[layer.output.index()].map() {
            let shape = MapShape::new(channels, height, width);
            return self.store_as_map(layer, input, inputs, weight, bias, shape);
        }
        let (slope, active) = self.slope(layer)?;
        let linear = Linear::to_row(self.builder.isa, inputs, weight, bias, slope);
        let output = self.builder.row(linear.output_len());
        self.builder.push(Step::Linear { layer: linear, input, output });
        self.put(layer.output, Form::Row { slot: output, length: bias.len() }, active);
        Ok(())
    }

    fn store_as_map(
        &mut self,
        layer: &Layer,
        input: Slot,
        inputs: usize,
        weight: &[f32],
        bias: &[f32],
        shape: MapShape,
    ) -> Result<(), RenderError> {
        let (slope, active) = self.slope(layer)?;
        let linear = Linear::to_map(self.builder.isa, inputs, weight, bias, slope, shape);
        let output = self.builder.map(shape);
        self.builder.push(Step::Spread { layer: linear, input, output });
        self.put(layer.output, Form::Map { slot: output, shape }, active);
        Ok(())
    }

    /// The slope of the leaky ReLU that a product ends in, and that which its result has been through for others.
    fn slope(&self, layer: &Layer) -> Result<(f32, Option<f64>), RenderError> {
        if layer.shortcut.is_some() || self.pixels == Some(layer.output) {
            return Err(unsupported("a linear layer that is part of a sum or makes pixels"));
        }
        let later = self.needs[layer.output.index()].slope();
        let slope = layer.after.or(later).unwrap_or(NONE) as f32;
        Ok((slope, if layer.after.is_none() { later } else { None }))
    }
}
