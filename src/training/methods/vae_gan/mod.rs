//! VAE-GAN, a VAE whose decoder is a generator (paper section 5.3).

mod trainer;

use candle_core::Device;

use crate::base::{Arrays, Stream};
use crate::model::{DISCRIMINATOR, Model, Stats, VAE};
use crate::nets::Parameters;
use crate::training::state::State;
use crate::training::steps::Recorder;
use crate::training::{GanTraining, StepReport, TrainConfig, TrainError, VaeTraining};

use super::method::{Inputs, Normals, TrainMethod};
use super::shared::{bound, describe_vae, initial_vae, model, vae_values};
use crate::training::methods::gan::gan_values;

pub use trainer::{VaeGanBatch, VaeGanTrainer};

/// VAE-GAN.
pub(in crate::training) struct VaeGanMethod {
    trainer: VaeGanTrainer,
    vae: VaeTraining,
    values: GanTraining,
    size: usize,
    data: String,
    recorder: Recorder,
}

impl VaeGanMethod {
    pub(in crate::training) fn start(
        config: &TrainConfig,
        data: &str,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let mut stream = Stream::new(config.seed, "weights");
        let vae = initial_vae(&vae_values(config)?, &mut stream);
        let discriminator = gan_values(config)?.discriminator(config.size).initialise_uniform(&mut stream);
        Self::new(config, data, &vae, &discriminator, device)
    }

    pub(in crate::training) fn restore(
        config: &TrainConfig,
        data: &str,
        state: &State,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let model = &state.model;
        let mut method = Self::new(config, data, model.group(VAE), model.group(DISCRIMINATOR), device)?;
        method.trainer.restore(model.group(VAE), model.group(DISCRIMINATOR), &state.arrays)?;
        Ok(method)
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

impl TrainMethod for VaeGanMethod {
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

    fn recorder(&self) -> Option<&Recorder> {
        Some(&self.recorder)
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
