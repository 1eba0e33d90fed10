//! Small models for the tests of this room.

use crate::base::{Cancel, Picture};
use crate::inference::{Outcome, RenderError, Renderer};
use crate::model::{CodeBlock, CodeKind, ModelDescription};
use crate::nets::{GeneratorConfig, VaeConfig};

/// ID-GAN in small: c with 3 dimensions, s with 2, both networks at 64 px.
pub(crate) fn description() -> ModelDescription {
    let codes = vec![CodeBlock::disentangled(3), CodeBlock::nuisance(2)];
    ModelDescription { codes, ..ModelDescription::empty("toy") }
        .with_generator(GeneratorConfig::Small { z_dim: 5, channels: 3 }, ["s", "c"])
        .with_vae(VaeConfig { channels: 3, c_dim: 3 }, "c")
}

/// A GAN without a VAE, with a code in [0, 1] and a choice of four.
pub(crate) fn infogan() -> ModelDescription {
    let block = |name: &str, dims, kind, range, neutral| CodeBlock {
        name: name.into(),
        dims,
        kind,
        range,
        neutral,
        labels: Vec::new(),
        opening: Vec::new(),
    };
    let codes = vec![
        block("u", 2, CodeKind::Uniform, [0.0, 1.0], 0.5),
        block("k", 4, CodeKind::OneHot, [0.0, 1.0], 0.0),
        block("z", 3, CodeKind::Noise, [-3.0, 3.0], 0.0),
    ];
    ModelDescription { codes, ..ModelDescription::empty("toy") }
        .with_generator(GeneratorConfig::Small { z_dim: 9, channels: 3 }, ["z", "k", "u"])
}

/// A renderer whose picture is flat: channel k holds sigmoid(code[k]).
pub(crate) struct Flat {
    pub(crate) code_dim: usize,
    pub(crate) shape: [usize; 3],
}

impl Renderer for Flat {
    fn code_dim(&self) -> usize {
        self.code_dim
    }

    fn picture_shape(&self) -> [usize; 3] {
        self.shape
    }

    fn render(
        &mut self,
        codes: &[f32],
        pictures: &mut [f32],
        cancel: &Cancel,
    ) -> Result<Outcome, RenderError> {
        let [channels, height, width] = self.shape;
        let expected = codes.len() / self.code_dim * channels * height * width;
        if pictures.len() != expected {
            return Err(RenderError::Length { what: "pictures", expected, actual: pictures.len() });
        }
        if cancel.is_cancelled() {
            return Ok(Outcome::Cancelled);
        }
        for (code, picture) in codes.chunks(self.code_dim).zip(pictures.chunks_mut(channels * height * width))
        {
            for (value, plane) in code.iter().zip(picture.chunks_mut(height * width)) {
                plane.fill(1.0 / (1.0 + (-value).exp()));
            }
        }
        Ok(Outcome::Done)
    }

    fn render_picture(
        &mut self,
        code: &[f32],
        picture: &mut Picture,
        cancel: &Cancel,
    ) -> Result<Outcome, RenderError> {
        let [channels, height, width] = self.shape;
        let mut values = vec![0.0; channels * height * width];
        let outcome = self.render(code, &mut values, cancel)?;
        *picture = Picture::from_chw(&values, channels, height, width).unwrap_or_default();
        Ok(outcome)
    }
}
