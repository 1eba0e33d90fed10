use super::builder::Builder;
use super::executor::{Plan, Step, Targets};
use super::weights::Weights;
use crate::inference::RenderError;
use crate::ops::cpu::blocked::{DirectConv, FewConv, Footprint, Linear, MapShape};
use crate::ops::cpu::isa::Isa;

/// Compiles the VAE decoder's shape (Locatello et al.; also the small generator): linear to 256, a transposed
/// convolution to 4x4, four that double the map, rectifiers between.
///
/// Layers are numbered as in the published sequential, rectifiers and the reshape included.
pub(super) fn compile(
    isa: Isa,
    code_dim: usize,
    channels: usize,
    weights: &Weights<'_>,
) -> Result<Plan, RenderError> {
    if code_dim == 0 || !matches!(channels, 1 | 3) {
        return Err(RenderError::Weights(format!(
            "no decoder takes {code_dim} code dimensions to {channels} channels"
        )));
    }
    let mut builder = Builder::new(isa);
    let code = builder.row(code_dim);

    let (weight, bias) = weights.layer("layer.0", &[256, code_dim], 256)?;
    let layer = Linear::to_row(isa, code_dim, weight, bias, 0.0);
    let hidden = builder.row(layer.output_len());
    builder.push(Step::Linear { layer, input: code, output: hidden });

    // On a map of one pixel the transposed convolution is a linear layer to a 4x4 map.
    let mut shape = MapShape::new(64, 4, 4);
    let (weight, bias) = weights.layer("layer.3", &[256, 64, 4, 4], 64)?;
    let area = shape.height() * shape.width();
    let outputs = shape.channels() * area;
    let mut rows = vec![0.0; outputs * 256];
    for (i, value) in weight.iter().enumerate() {
        rows[i % outputs * 256 + i / outputs] = *value;
    }
    let biases: Vec<f32> = (0..outputs).map(|o| bias[o / area]).collect();
    let layer = Linear::to_map(isa, 256, &rows, &biases, 0.0, shape);
    let mut map = builder.map(shape);
    builder.push(Step::Linear { layer, input: hidden, output: map });

    for (number, outputs) in [(5, 64), (7, 32), (9, 32)] {
        let (weight, bias) =
            weights.layer(&format!("layer.{number}"), &[shape.channels(), outputs, 4, 4], outputs)?;
        let conv = DirectConv::new(isa, Footprint::Double4x4, shape, outputs, weight, bias);
        shape = conv.output();
        let output = builder.map(shape);
        let targets = Targets { active: Some((output, 0.0)), ..Targets::default() };
        builder.push(Step::Direct { conv, input: map, targets });
        map = output;
    }

    let (weight, bias) = weights.layer("layer.11", &[shape.channels(), channels, 4, 4], channels)?;
    let conv = FewConv::new(isa, Footprint::Double4x4, shape, channels, weight, bias);
    builder.push(Step::Pixels { conv, input: map });
    builder.finish()
}
