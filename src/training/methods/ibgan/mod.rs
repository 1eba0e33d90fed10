//! IB-GAN, and the InfoGAN and GAN in its networks that it is compared with (Jeon et al., AAAI 2021; insujeon/IB-GAN).

pub(in crate::training) mod config;
pub(in crate::training) mod presets;
mod trainer;

use candle_core::Device;

use crate::base::{Arrays, Stream};
use crate::model::{DISCRIMINATOR, GENERATOR, Model, ModelDescription, Stats};
use crate::nets::{IbGanConfig, Parameters};
use crate::training::methods::method::{Inputs, Normals, TrainMethod};
use crate::training::methods::shared::section;
use crate::training::state::State;
use crate::training::{Method, StepReport, TrainConfig, TrainError};

pub use config::{IbGanInitialisation, IbGanTraining};
pub use trainer::{IbGanBatch, IbGanTrainer};

/// IB-GAN and its baselines.
pub(in crate::training) struct IbGanMethod {
    trainer: IbGanTrainer,
    values: IbGanTraining,
    method: Method,
    data: String,
}

impl IbGanMethod {
    pub(in crate::training) fn start(
        config: &TrainConfig,
        data: &str,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let values = values(config)?;
        let mut stream = Stream::new(config.seed, "weights");
        let networks = values.networks(config.method);
        let mut start = |graphs: Vec<_>| match values.initialisation {
            IbGanInitialisation::Normal => graphs.initialise_normal(&mut stream),
            IbGanInitialisation::Orthogonal => graphs.initialise_orthogonal(&mut stream),
        };
        let generator = start(match config.method {
            Method::IbGan => vec![networks.emitter_graph(), networks.generator_graph()],
            _ => vec![networks.generator_graph()],
        });
        let discriminator = start(match config.method {
            Method::IbGanGan => vec![networks.discriminator_graph()],
            _ => vec![networks.critic_graph()],
        });
        Self::new(config, data, &generator, &discriminator, device)
    }

    pub(in crate::training) fn restore(
        config: &TrainConfig,
        data: &str,
        state: &State,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let model = &state.model;
        let mut method = Self::new(config, data, model.group(GENERATOR), model.group(DISCRIMINATOR), device)?;
        method.trainer.restore(&state.arrays)?;
        Ok(method)
    }

    fn new(
        config: &TrainConfig,
        data: &str,
        generator: &Arrays,
        discriminator: &Arrays,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let values = values(config)?;
        let trainer = IbGanTrainer::new(values.clone(), config.method, generator, discriminator, device)?;
        Ok(Self { trainer, values, method: config.method, data: data.to_owned() })
    }

    fn describe(&self, config: IbGanConfig) -> ModelDescription {
        let described = match self.method {
            Method::IbGan => ModelDescription::ibgan("", config),
            method => ModelDescription::ibgan_baseline("", config, method == Method::IbGanInfogan),
        };
        ModelDescription { data: Some(self.data.clone()), ..described }
    }
}

impl TrainMethod for IbGanMethod {
    fn step(
        &mut self,
        inputs: Inputs,
        step: u64,
        normals: &mut Normals<'_>,
    ) -> Result<StepReport, TrainError> {
        let Some(pictures) = inputs.pictures.into_iter().next() else { return Ok(StepReport::default()) };
        let (rows, shape) = (pictures.dim(0)?, pictures.dims().to_vec());
        let sigma = self.values.noise.at(step) as f32;
        let batch = IbGanBatch {
            z: normals.draw(&[rows, self.values.z_dim])?,
            noise_r: normals.draw(&[rows, self.values.r_dim])?,
            noise_generated: normals.draw_noise(&shape, sigma)?,
            noise_real: normals.draw_noise(&shape, sigma)?,
            real_labels: normals.draw_uniform(&[rows], self.values.real_labels)?,
            pictures,
        };
        Ok(self.trainer.step(batch, step)?)
    }

    /// How little of z is read back. No loss judges a GAN without a reader.
    fn score(&self, report: &StepReport) -> f64 {
        -report.get("information").unwrap_or(f64::NAN)
    }

    fn state(&self) -> Result<Arrays, TrainError> {
        Ok(self.trainer.state()?)
    }

    fn model(&self, stats: Option<Stats>) -> Result<Model, TrainError> {
        let description = self.describe(self.values.networks(self.method));
        let model = Model::new(description)
            .with_weights(GENERATOR, self.trainer.generator().to_arrays()?)
            .with_weights(DISCRIMINATOR, self.trainer.discriminator().to_arrays()?);
        Ok(Model { stats, ..model })
    }
}

fn values(config: &TrainConfig) -> Result<IbGanTraining, TrainError> {
    section(config.ibgan.as_ref(), "ibgan")
}
