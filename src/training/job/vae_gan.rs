use candle_core::Device;

use crate::base::{Arrays, Stream};
use crate::model::{DISCRIMINATOR, Model, Stats, VAE};
use crate::nets::Parameters;
use crate::training::state::State;
use crate::training::turns::Recorder;
use crate::training::vae_gan::{VaeGanBatch, VaeGanTrainer};
use crate::training::{GanTraining, StepReport, TrainConfig, TrainError, VaeTraining};

use super::{Inputs, Normals, TrainMethod, bound, describe_vae, gan_values, initial_vae, model, vae_values};

/// VAE-GAN.
pub(super) struct VaeGanJob {
    trainer: VaeGanTrainer,
    vae: VaeTraining,
    values: GanTraining,
    size: usize,
    data: String,
    recorder: Recorder,
}

impl VaeGanJob {
    pub(super) fn start(config: &TrainConfig, data: &str, device: &Device) -> Result<Self, TrainError> {
        let mut stream = Stream::new(config.seed, "weights");
        let vae = initial_vae(&vae_values(config)?, &mut stream);
        let discriminator = gan_values(config)?.discriminator(config.size).initialise_uniform(&mut stream);
        Self::new(config, data, &vae, &discriminator, device)
    }

    pub(super) fn restore(
        config: &TrainConfig,
        data: &str,
        state: &State,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let model = &state.model;
        let mut job = Self::new(config, data, model.group(VAE), model.group(DISCRIMINATOR), device)?;
        job.trainer.restore(model.group(VAE), model.group(DISCRIMINATOR), &state.arrays)?;
        Ok(job)
    }

    fn new(
        config: &TrainConfig,
        data: &str,
        weights: &Arrays,
        discriminator: &Arrays,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let (vae, values) = (vae_values(config)?, gan_values(config)?);
        let trainer = VaeGanTrainer::new(vae.clone(), &values, weights, discriminator, device)?;
        let recorder = Recorder::new(device);
        Ok(Self { trainer, vae, values, size: config.size, data: data.to_owned(), recorder })
    }
}

impl TrainMethod for VaeGanJob {
    fn step(
        &mut self,
        inputs: Inputs,
        step: u64,
        normals: &mut Normals<'_>,
    ) -> Result<StepReport, TrainError> {
        let mut batches = Vec::new();
        for pictures in inputs.pictures {
            let shape = [pictures.dim(0)?, self.vae.c_dim];
            batches.push(VaeGanBatch {
                pictures,
                noise_c: normals.draw(&shape)?,
                prior_discriminator: normals.draw(&shape)?,
                prior_vae: normals.draw(&shape)?,
            });
        }
        Ok(self.recorder.step(&mut self.trainer, &batches, step)?)
    }

    fn score(&self, report: &StepReport) -> f64 {
        bound(report, "code_kl")
    }

    fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    fn state(&self) -> Result<Arrays, TrainError> {
        Ok(self.trainer.state()?)
    }

    /// The decoder is the generator, so there is no other.
    fn model(&self, stats: Option<Stats>) -> Result<Model, TrainError> {
        let description = describe_vae(&self.data, self.vae.network(), &[])
            .with_discriminator(self.values.discriminator(self.size));
        Ok(model(description, self.trainer.vae().to_arrays()?, stats)
            .with_weights(DISCRIMINATOR, self.trainer.discriminator().to_arrays()?))
    }
}
