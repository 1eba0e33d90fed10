use super::builder::Builder;
use super::executor::{Plan, Slot, Step, Targets};
use super::weights::Weights;
use crate::inference::RenderError;
use crate::nets::ResnetTrunk;
use crate::ops::cpu::blocked::{DirectConv, FewConv, Footprint, Linear, MapShape, Variant, WinogradConv};
use crate::ops::cpu::isa::Isa;

/// Slope of the leaky rectifier in front of every convolution.
const SLOPE: f32 = 0.2;

/// Weight of a block's convolutions beside its shortcut.
const BLOCK_GAIN: f32 = 0.1;

/// Height and width of the map that the linear layer makes.
const FIRST: usize = 4;

/// Compiles the residual generator (paper section A.3).
pub(super) fn compile(
    isa: Isa,
    z_dim: usize,
    trunk: &ResnetTrunk,
    weights: &Weights<'_>,
) -> Result<Plan, RenderError> {
    if z_dim == 0 || !trunk.is_valid() {
        return Err(RenderError::Weights(format!(
            "no residual network takes {z_dim} codes and has the sizes {trunk:?}"
        )));
    }
    let levels = trunk.levels();
    let mut builder = Builder::new(isa);
    let code = builder.row(z_dim);

    let first = MapShape::new(trunk.width(levels), FIRST, FIRST);
    let values = first.channels() * FIRST * FIRST;
    let (weight, bias) = weights.layer("fc", &[values, z_dim], values)?;
    let layer = Linear::to_map(isa, z_dim, weight, bias, 1.0, first);
    let mut map = builder.map(first);
    builder.push(Step::Linear { layer, input: code, output: map });

    let mut shape = first;
    for level in 0..=levels {
        let last = level == levels;
        let block = Block {
            name: format!("resnet.{}", 2 * level),
            input: map,
            shape,
            outputs: trunk.width((levels - level).saturating_sub(1)),
            upsampled: level > 0,
            last,
        };
        (map, shape) = block.compile(&mut builder, weights)?;
    }

    let channels = trunk.channels;
    let (weight, bias) = weights.layer("conv_img", &[channels, shape.channels(), 3, 3], channels)?;
    let conv = FewConv::new(isa, Footprint::Same3x3, shape, channels, weight, bias);
    builder.push(Step::Pixels { conv, input: map });
    builder.finish()
}

/// One residual block with the upsampling in front of it.
struct Block {
    name: String,
    input: Slot,
    /// Shape of the input before upsampling.
    shape: MapShape,
    outputs: usize,
    upsampled: bool,
    /// Whether only the activated result is needed, by the layer that makes pixels.
    last: bool,
}

impl Block {
    /// Adds the block's steps; returns its output and the output's shape.
    fn compile(&self, builder: &mut Builder, weights: &Weights<'_>) -> Result<(Slot, MapShape), RenderError> {
        let (inputs, outputs) = (self.shape.channels(), self.outputs);
        let hidden = inputs.min(outputs);
        let scale = if self.upsampled { 2 } else { 1 };
        let size = [self.shape.height() * scale, self.shape.width() * scale];
        let hidden_shape = MapShape::new(hidden, size[0], size[1]);
        let shape = MapShape::new(outputs, size[0], size[1]);

        // The shortcut stays at the size of the input; it is upsampled when it is added.
        let shortcut = if inputs == outputs {
            self.input
        } else {
            let weight = weights.get(&format!("{}.conv_s.weight", self.name), &[outputs, inputs, 1, 1])?;
            let conv = DirectConv::new(
                builder.isa,
                Footprint::Pointwise,
                self.shape,
                outputs,
                weight,
                &vec![0.0; outputs],
            );
            let output = builder.map(conv.output());
            let targets = Targets { raw: Some(output), ..Targets::default() };
            builder.push(Step::Direct { conv, input: self.input, targets });
            output
        };

        let (weight, bias) =
            weights.layer(&format!("{}.conv_0", self.name), &[hidden, inputs, 3, 3], hidden)?;
        let hidden_map = builder.map(hidden_shape);
        let targets = Targets { active: Some((hidden_map, SLOPE)), ..Targets::default() };
        conv3x3(builder, self.input, self.shape, self.upsampled, hidden, weight, bias, true, targets);

        let (weight, bias) =
            weights.layer(&format!("{}.conv_1", self.name), &[outputs, hidden, 3, 3], outputs)?;
        let scaled = |values: &[f32]| values.iter().map(|v| v * BLOCK_GAIN).collect::<Vec<f32>>();
        let output = builder.map(shape);
        let targets = Targets {
            residual: Some((shortcut, self.shape.with_channels(outputs), self.upsampled)),
            raw: (!self.last).then_some(output),
            active: self.last.then_some((output, SLOPE)),
        };
        let (weight, bias) = (scaled(weight), scaled(bias));
        conv3x3(builder, hidden_map, hidden_shape, false, outputs, &weight, &bias, false, targets);
        Ok((output, shape))
    }
}

/// Adds a 3x3 convolution in the form that is fastest for its size. `rectify` sends the input through the leaky
/// rectifier first.
fn conv3x3(
    builder: &mut Builder,
    input: Slot,
    shape: MapShape,
    upsampled: bool,
    outputs: usize,
    weight: &[f32],
    bias: &[f32],
    rectify: bool,
    targets: Targets,
) {
    let isa = builder.isa;
    if let Some(variant) = best_variant(shape, upsampled) {
        let slope = rectify.then_some(SLOPE);
        let conv = WinogradConv::new(isa, variant, shape, outputs, weight, bias, slope);
        builder.push(Step::Winograd { conv, input, targets });
        return;
    }
    let input = if rectify {
        let output = builder.map(shape);
        builder.push(Step::Rectify { slope: SLOPE, input, output });
        output
    } else {
        input
    };
    let conv = DirectConv::new(isa, Footprint::Same3x3, shape, outputs, weight, bias);
    builder.push(Step::Direct { conv, input, targets });
}

/// The form of a 3x3 convolution; `None` is the direct one. Where maps are small the weights' size decides:
/// F4 multiplies least but reads four times as many weights as the direct form.
fn best_variant(shape: MapShape, upsampled: bool) -> Option<Variant> {
    match (upsampled, shape.height()) {
        (true, _) => Some(Variant::Up2),
        (false, ..8) => None,
        (false, ..16) => Some(Variant::F2),
        (false, _) => Some(Variant::F4),
    }
}
