use crate::graph::{Convolution, Layer};
use crate::inference::RenderError;
use crate::inference::plan::steps::{GROUP, Slot, Step};
use crate::ops::cpu::blocked::{
    DirectConv, FewChannelConv, FirstConv, Footprint, MapShape, Variant, WinogradConv,
};
use crate::ops::cpu::element::Element;

use super::{Form, Lowering, Operand, unsupported};

/// The most that a sum may take of a layer whose rounding is magnified.
const SMALL_PART: f64 = 0.25;

impl<E: Element> Lowering<'_, E> {
    pub(super) fn convolution(&mut self, layer: &Layer, conv: &Convolution) -> Result<(), RenderError> {
        let operand = self.operand(layer)?;
        let geometry = conv.geometry().ok_or_else(|| unsupported(&layer.operation))?;
        let Operand { doubled, before, .. } = operand;
        let (slot, shape) = match operand.form {
            Form::Row { slot, length } if geometry == (1, 1, 0) && !doubled && before.is_none() => {
                return self.product(layer, conv.bias, slot, length, conv.outputs);
            }
            Form::Picture { shape } if geometry == (4, 2, 1) && before.is_none() => {
                return self.first_convolution(layer, conv, shape);
            }
            Form::Map { slot, shape } => (slot, shape),
            _ => return Err(unsupported(&layer.operation)),
        };
        let covers = [shape.height(), shape.width()] == conv.kernel && geometry.2 == 0;
        if covers && !doubled && before.is_none() && !self.is_pixels(layer) {
            return self.whole(layer, conv, slot, shape);
        }
        match (geometry, doubled) {
            ((3, 1, 1) | (1, 1, 0), false) if self.is_pixels(layer) => {
                let slot = self.after_leaky_relu(slot, shape, before);
                self.draw(layer, conv, Footprint::Same3x3, slot, shape)
            }
            ((3, 1, 1), _) => match best_variant(shape, doubled, self.may_magnify(layer)) {
                Some(variant) => self.winograd(layer, conv, variant, slot, shape, before),
                None => self.direct(layer, conv, Footprint::Same3x3, slot, shape, before),
            },
            ((1, 1, 0), false) => self.direct(layer, conv, Footprint::Pointwise, slot, shape, before),
            ((4, 2, 1), false)
                if self.may_magnify(layer) && Variant::Halve4.fits(shape.height(), shape.width()) =>
            {
                self.winograd(layer, conv, Variant::Halve4, slot, shape, before)
            }
            ((4, 2, 1), false) if shape.height().is_multiple_of(2) && shape.width().is_multiple_of(2) => {
                self.direct(layer, conv, Footprint::Halve4x4, slot, shape, before)
            }
            _ => Err(unsupported(&layer.operation)),
        }
    }

    pub(super) fn transposed(&mut self, layer: &Layer, conv: &Convolution) -> Result<(), RenderError> {
        let operand = self.operand(layer)?;
        let (Some(geometry), false) = (conv.geometry(), operand.doubled) else {
            return Err(unsupported(&layer.operation));
        };
        match (operand.form, geometry) {
            (Form::Row { slot, .. }, (_, _, 0)) if operand.before.is_none() => self.spread(layer, conv, slot),
            (Form::Map { slot, shape }, (4, 2, 1)) => {
                let footprint = Footprint::Double4x4;
                if self.is_pixels(layer) {
                    let slot = self.after_leaky_relu(slot, shape, operand.before);
                    return self.draw(layer, conv, footprint, slot, shape);
                }
                self.direct(layer, conv, footprint, slot, shape, operand.before)
            }
            _ => Err(unsupported(&layer.operation)),
        }
    }

    /// Whether a layer may be computed by `F4` or `Halve4`, whose transforms magnify what rounding their operands loses about
    /// tenfold: where that is little, or a sum takes a small part of the result.
    fn may_magnify(&self, layer: &Layer) -> bool {
        !E::IS_COARSE || layer.shortcut.is_some_and(|(_, scale)| scale.abs() <= SMALL_PART)
    }

    fn is_pixels(&self, layer: &Layer) -> bool {
        self.pixels == Some(layer.output)
    }

    /// The buffer after a leaky ReLU, which is a step of its own.
    fn after_leaky_relu(&mut self, input: Slot, shape: MapShape, before: Option<f64>) -> Slot {
        let Some(slope) = before else { return input };
        let output = self.builder.map(shape);
        self.builder.push(Step::LeakyRelu { slope: slope as f32, input, output });
        output
    }

    fn first_convolution(
        &mut self,
        layer: &Layer,
        conv: &Convolution,
        shape: MapShape,
    ) -> Result<(), RenderError> {
        if !shape.height().is_multiple_of(2) || !shape.width().is_multiple_of(2) || self.is_pixels(layer) {
            return Err(unsupported(&layer.operation));
        }
        let (weight, bias) = self.weights(layer, conv.bias, conv.outputs)?;
        let conv = FirstConv::new(self.builder.isa, shape, conv.outputs, &weight, &bias);
        let targets = self.targets(layer, conv.output())?;
        self.builder.push(Step::FirstConv { conv, targets });
        Ok(())
    }

    fn direct(
        &mut self,
        layer: &Layer,
        conv: &Convolution,
        footprint: Footprint,
        input: Slot,
        shape: MapShape,
        before: Option<f64>,
    ) -> Result<(), RenderError> {
        let (weight, bias) = self.weights(layer, conv.bias, conv.outputs)?;
        self.builder.is_grouped(shape);
        let input = self.after_leaky_relu(input, shape, before);
        let conv = DirectConv::new(self.builder.isa, footprint, shape, conv.outputs, &weight, &bias);
        let targets = self.targets(layer, conv.output())?;
        self.builder.push(Step::Direct { conv, input, targets });
        Ok(())
    }

    fn winograd(
        &mut self,
        layer: &Layer,
        conv: &Convolution,
        variant: Variant,
        input: Slot,
        shape: MapShape,
        before: Option<f64>,
    ) -> Result<(), RenderError> {
        let (weight, bias) = self.weights(layer, conv.bias, conv.outputs)?;
        let pictures = if self.builder.is_grouped(shape) { GROUP } else { 1 };
        let (isa, slope) = (self.builder.isa, before.map(|slope| slope as f32));
        let conv = WinogradConv::new(pictures, isa, variant, shape, conv.outputs, &weight, &bias, slope);
        let targets = self.targets(layer, conv.output())?;
        self.builder.push(Step::Winograd { conv, input, targets });
        Ok(())
    }

    /// The last layer, straight to pixels.
    fn draw(
        &mut self,
        layer: &Layer,
        conv: &Convolution,
        footprint: Footprint,
        input: Slot,
        shape: MapShape,
    ) -> Result<(), RenderError> {
        if !matches!(conv.outputs, 1 | 3) || layer.after.is_some() || layer.shortcut.is_some() {
            return Err(unsupported(
                "a picture of other than 1 or 3 channels, or behind an activation or sum",
            ));
        }
        let (mut weight, bias) = self.weights(layer, conv.bias, conv.outputs)?;
        if conv.kernel == [1, 1] {
            // A kernel of 3x3 with zeros around it: of few channels that is little work.
            weight =
                weight.iter().flat_map(|&value| [0.0, 0.0, 0.0, 0.0, value, 0.0, 0.0, 0.0, 0.0]).collect();
        }
        let conv = FewChannelConv::new(self.builder.isa, footprint, shape, conv.outputs, &weight, &bias);
        self.builder.push(Step::Pixels { conv, input });
        Ok(())
    }
}

/// The form of a 3x3 convolution; `None` is the direct one. Where maps are small the weights' size decides:
/// F4 multiplies least but reads four times as many weights as the direct form.
fn best_variant(shape: MapShape, doubled: bool, may_magnify: bool) -> Option<Variant> {
    let variant = match (doubled, shape.height()) {
        (true, _) => Variant::Up2,
        (false, ..8) => return None,
        (false, 16..) if may_magnify => Variant::F4,
        (false, _) => Variant::F2,
    };
    variant.fits(shape.height(), shape.width()).then_some(variant)
}
