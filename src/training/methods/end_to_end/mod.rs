//! ID-GAN and its VAE trained together (paper section 5.3).

mod trainer;

use candle_core::Device;

use crate::base::{Arrays, Stream};
use crate::model::{DISCRIMINATOR, GENERATOR, Model, Stats, VAE};
use crate::objectives::AdaptiveBottleneck;
use crate::training::methods::gan::GanWeights;
use crate::training::state::State;
use crate::training::steps::Recorder;
use crate::training::{GanTraining, StepReport, TrainConfig, TrainError, VaeTraining};

use super::method::{Inputs, Normals, TrainMethod};
use super::shared::{bound, describe_vae, initial_vae, model, vae_values};
use crate::training::methods::gan::{gan_batches, gan_values, initial_gan, saved_gan, with_gan};

pub use trainer::EndToEndTrainer;

/// ID-GAN with its VAE.
pub(in crate::training) struct EndToEndMethod {
    trainer: EndToEndTrainer,
    vae: VaeTraining,
    values: GanTraining,
    size: usize,
    data: String,
    recorder: Recorder,
}

impl EndToEndMethod {
    pub(in crate::training) fn start(
        config: &TrainConfig,
        data: &str,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let (vae, values) = (vae_values(config)?, gan_values(config)?);
        let mut stream = Stream::new(config.seed, "weights");
        let encoder = initial_vae(&vae, &mut stream);
        let generator = values.generator(config.size, vae.c_dim);
        let weights = initial_gan(&values, config.size, &generator, &mut stream);
        Self::new(config, data, &encoder, &weights, device)
    }

    pub(in crate::training) fn restore(
        config: &TrainConfig,
        data: &str,
        state: &State,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let model = &state.model;
        let mut method = Self::new(config, data, model.group(VAE), &saved_gan(model), device)?;
        let weights = [VAE, GENERATOR, DISCRIMINATOR].map(|group| model.group(group));
        method.trainer.restore(weights, &state.arrays, state.progress.bottleneck)?;
        Ok(method)
    }

    fn new(
        config: &TrainConfig,
        data: &str,
        encoder: &Arrays,
        weights: &GanWeights,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let (vae, values) = (vae_values(config)?, gan_values(config)?);
        let trainer =
            EndToEndTrainer::new(vae.clone(), values.clone(), config.size, encoder, weights, device)?;
        let recorder = Recorder::new(device);
        Ok(Self { trainer, vae, values, size: config.size, data: data.to_owned(), recorder })
    }
}

impl TrainMethod for EndToEndMethod {
    fn step(
        &mut self,
        inputs: Inputs,
        step: u64,
        normals: &mut Normals<'_>,
    ) -> Result<StepReport, TrainError> {
        let batches = gan_batches(inputs.pictures, &self.values, self.size, self.vae.c_dim, normals)?;
        Ok(self.recorder.step(&mut self.trainer, &batches, step)?)
    }

    fn score(&self, report: &StepReport) -> f64 {
        bound(report, "code_kl")
    }

    fn recorder(&self) -> Option<&Recorder> {
        Some(&self.recorder)
    }

    fn state(&self) -> Result<Arrays, TrainError> {
        Ok(self.trainer.state()?)
    }

    fn model(&self, stats: Option<Stats>) -> Result<Model, TrainError> {
        let description = describe_vae(&self.data, self.vae.network(), &[]);
        let description = with_gan(description, &self.values, self.size);
        Ok(model(description, self.trainer.vae().to_arrays()?, stats)
            .with_weights(GENERATOR, self.trainer.average().to_arrays()?)
            .with_weights(DISCRIMINATOR, self.trainer.discriminator().to_arrays()?))
    }

    fn bottleneck(&self) -> Option<AdaptiveBottleneck> {
        self.trainer.bottleneck()
    }
}
