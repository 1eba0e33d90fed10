//! What every method with ID-GAN's generator and discriminator has: their description, first weights and batches.

use candle_core::Tensor;

use crate::base::Stream;
use crate::model::{CodeBlock, DISCRIMINATOR, GENERATOR, Model, ModelDescription};
use crate::nets::{GeneratorConfig, Parameters};
use crate::training::methods::method::Normals;
use crate::training::methods::shared::section;
use crate::training::{GanTraining, TrainConfig, TrainError};

use super::trainer::{GanBatch, GanWeights};

/// The same with a generator of s, where it has dimensions, and of c, where the description has it, and its
/// discriminator.
pub(in crate::training) fn with_gan(
    mut description: ModelDescription,
    values: &GanTraining,
    size: usize,
) -> ModelDescription {
    let c_dim = description.block("c").map_or(0, |block| block.dims);
    let mut inputs = Vec::new();
    if values.s_dim > 0 {
        description.codes.push(CodeBlock::nuisance(values.s_dim));
        inputs.push("s");
    }
    if c_dim > 0 {
        inputs.push("c");
    }
    description
        .with_generator(values.generator(size, c_dim), inputs)
        .with_discriminator(values.discriminator(size))
}

/// The initial weights of generator and discriminator.
pub(in crate::training) fn initial_gan(
    values: &GanTraining,
    size: usize,
    generator: &GeneratorConfig,
    stream: &mut Stream,
) -> GanWeights {
    let generator = generator.initialise_uniform(stream);
    GanWeights::new(generator, values.discriminator(size).initialise_uniform(stream))
}

/// The weights of a saved GAN; [`crate::training::methods::gan::GanTrainer::restore`] and its like put the raw generator into place.
pub(in crate::training) fn saved_gan(model: &Model) -> GanWeights {
    GanWeights::new(model.group(GENERATOR).clone(), model.group(DISCRIMINATOR).clone())
}

/// The batches of a step of stage 2 with noise for a code of `c_dim` dimensions.
pub(in crate::training) fn gan_batches(
    pictures: Vec<Tensor>,
    values: &GanTraining,
    size: usize,
    c_dim: usize,
    normals: &mut Normals<'_>,
) -> Result<Vec<GanBatch>, TrainError> {
    let shape = |rows: usize| values.discriminator(size).noise_shape(rows);
    pictures
        .into_iter()
        .map(|pictures| {
            let rows = pictures.dim(0)?;
            let noise_bottleneck = match shape(rows) {
                Some(shape) => Some([normals.draw(&shape)?, normals.draw(&shape)?, normals.draw(&shape)?]),
                None => None,
            };
            Ok(GanBatch {
                pictures,
                noise_c: normals.draw(&[rows, c_dim])?,
                s_discriminator: normals.draw(&[rows, values.s_dim])?,
                s_generator: normals.draw(&[rows, values.s_dim])?,
                noise_bottleneck,
            })
        })
        .collect()
}

pub(in crate::training) fn gan_values(config: &TrainConfig) -> Result<GanTraining, TrainError> {
    section(config.gan.as_ref(), "gan")
}
