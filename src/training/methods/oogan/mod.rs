//! OOGAN, and the InfoGAN that it is compared with (Liu et al., AAAI 2020; odegeasslbc/OOGAN-pytorch).

pub(in crate::training) mod config;
mod controls;
mod orthogonal;
pub(in crate::training) mod presets;
mod shown;
mod trainer;

use candle_core::Device;

use crate::base::{Arrays, Stream};
use crate::model::{DISCRIMINATOR, GENERATOR, Model, ModelDescription, Stats};
use crate::nets::{OoganPart, Parameters, normalise_spectrally};
use crate::training::methods::method::{Inputs, Normals, TrainMethod};
use crate::training::methods::shared::section;
use crate::training::state::State;
use crate::training::steps::part_of;
use crate::training::{StepReport, TrainConfig, TrainError};

use controls::{Controls, Drawn};
use shown::Gathering;

pub use config::OoganTraining;
pub use trainer::{OoganBatch, OoganCodes, OoganTrainer, OoganWeights};

/// OOGAN and its baseline.
pub(in crate::training) struct OoganMethod {
    trainer: OoganTrainer,
    /// Those of the method.
    values: OoganTraining,
    size: usize,
    gathering: Gathering,
    device: Device,
    data: String,
}

impl OoganMethod {
    pub(in crate::training) fn start(
        config: &TrainConfig,
        data: &str,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let networks = values(config)?.networks(config.size);
        let mut stream = Stream::new(config.seed, "weights");
        let mut start = |graph, part: &[OoganPart]| {
            let mut arrays = vec![graph].initialise_uniform(&mut stream);
            if let Some(product) = arrays.get_mut(orthogonal::PRODUCT) {
                product.data_mut().fill_with(|| stream.normal());
            }
            let mut layers: Vec<_> = part.iter().flat_map(|&part| networks.spectral_layers(part)).collect();
            layers.sort();
            layers.dedup();
            normalise_spectrally(&mut arrays, &layers, &mut stream);
            arrays
        };
        let generator = start(networks.generator_graph(), &[OoganPart::Generator]);
        let discriminator = start(networks.critic_graph(), &[OoganPart::Discriminator, OoganPart::Reader]);
        let weights = OoganWeights { average: generator.clone(), generator, discriminator };
        Self::new(config, data, &weights, device)
    }

    pub(in crate::training) fn restore(
        config: &TrainConfig,
        data: &str,
        state: &State,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let weights = OoganWeights {
            generator: part_of(&state.arrays, "generator."),
            average: part_of(&state.arrays, "average."),
            discriminator: part_of(&state.arrays, "discriminator."),
        };
        let mut method = Self::new(config, data, &weights, device)?;
        method.trainer.restore(&state.arrays)?;
        Ok(method)
    }

    fn new(
        config: &TrainConfig,
        data: &str,
        weights: &OoganWeights,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let values = values(config)?;
        let trainer = OoganTrainer::new(values.clone(), config.size, weights, device)?;
        Ok(Self {
            trainer,
            values,
            size: config.size,
            gathering: Gathering { seed: config.seed, batch: config.batch },
            device: device.clone(),
            data: data.to_owned(),
        })
    }

    fn codes(
        &self,
        controls: Controls,
        rows: usize,
        normals: &mut Normals<'_>,
    ) -> Result<OoganCodes, TrainError> {
        let shape = [rows, self.values.c_dim];
        let Drawn { c, chosen } = controls.draw(rows, self.values.c_dim, normals.stream);
        let (c, chosen) = (normals.feed.put(&c, &shape)?, normals.feed.put(&chosen, &shape)?);
        let z_dim = self.values.z_dim;
        let z = (z_dim > 0).then(|| normals.draw(&[rows, z_dim])).transpose()?;
        Ok(OoganCodes { c, chosen, z })
    }
}

impl TrainMethod for OoganMethod {
    fn step(
        &mut self,
        inputs: Inputs,
        step: u64,
        normals: &mut Normals<'_>,
    ) -> Result<StepReport, TrainError> {
        let Some(pictures) = inputs.pictures.into_iter().next() else { return Ok(StepReport::default()) };
        let (rows, shape) = (pictures.dim(0)?, pictures.dims().to_vec());
        let controls = Controls::at(step, self.values.one_hot);
        let noise = normals.draw_noise(&shape, self.values.noise.at(step) as f32)?;
        let batch = OoganBatch {
            pictures: (pictures + noise)?,
            codes: self.codes(controls, rows, normals)?,
            read: self.codes(controls, rows, normals)?,
            share: normals.draw_uniform(&[rows, 1, 1, 1], [0.0, 1.0])?,
        };
        Ok(self.trainer.step(batch, step)?)
    }

    /// How badly c is read back.
    fn score(&self, report: &StepReport) -> f64 {
        report.get("info").unwrap_or(f64::NAN)
    }

    fn encoder_side(&self) -> usize {
        self.size
    }

    fn state(&self) -> Result<Arrays, TrainError> {
        Ok(self.trainer.state()?)
    }

    fn model(&self, stats: Option<Stats>) -> Result<Model, TrainError> {
        let networks = self.values.networks(self.size);
        let generator = self.gathering.shown(&self.trainer, &self.values, &networks, &self.device)?;
        let discriminator = shown::whole(self.trainer.discriminator().to_arrays()?)?;
        let description =
            ModelDescription { data: Some(self.data.clone()), ..ModelDescription::oogan("", networks) };
        let model = Model::new(description)
            .with_weights(GENERATOR, generator)
            .with_weights(DISCRIMINATOR, discriminator);
        Ok(Model { stats, ..model })
    }
}

/// The values of the method.
fn values(config: &TrainConfig) -> Result<OoganTraining, TrainError> {
    Ok(section(config.oogan.as_ref(), "oogan")?.of(config.method))
}
