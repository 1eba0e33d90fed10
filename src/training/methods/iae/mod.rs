//! Implicit autoencoders and the flipped form (Makhzani 2018).

pub(in crate::training) mod config;
pub(in crate::training) mod presets;
mod trainer;

use candle_core::{Device, Tensor};

use crate::base::{Arrays, Stream};
use crate::model::{Model, ModelDescription, Stats};
use crate::nets::{IaePart, Parameters};
use crate::training::methods::method::{Inputs, Normals, Second, TrainMethod};
use crate::training::methods::shared::section;
use crate::training::state::State;
use crate::training::{Method, StepReport, TrainConfig, TrainError};

pub use config::IaeTraining;
pub use trainer::{IaeBatch, IaeGraphs, IaeLabelled, IaeNoise, IaeTrainer, IaeWeights};

/// Groups of weights in a model: encoder, decoder, discriminator of pairs, discriminator of codes.
const GROUPS: [&str; 4] = ["encoder", "decoder", "pair_discriminator", "code_discriminator"];
/// The last one in the flipped form, which is a discriminator of pictures.
const FLIPPED: &str = "discriminator";

/// An implicit autoencoder.
pub(in crate::training) struct IaeMethod {
    trainer: IaeTrainer,
    values: IaeTraining,
    method: Method,
    size: usize,
    data: String,
    /// What the choices of z are called, where labels teach them.
    labels: Vec<String>,
}

impl IaeMethod {
    pub(in crate::training) fn start(
        config: &TrainConfig,
        data: &str,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let networks = values(config)?.networks(config.size);
        let mut stream = Stream::new(config.seed, "weights");
        let mut start = |part| networks.part(part).initialise_normal(&mut stream);
        let weights = IaeWeights {
            encoder: start(IaePart::Encoder),
            decoder: start(IaePart::Decoder),
            pairs: start(IaePart::PairDiscriminator),
            single: start(match config.method {
                Method::Fiae => IaePart::PictureDiscriminator,
                _ => IaePart::CodeDiscriminator,
            }),
        };
        Self::new(config, data, &weights, device)
    }

    pub(in crate::training) fn restore(
        config: &TrainConfig,
        data: &str,
        state: &State,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let [encoder, decoder, pairs, single] =
            groups(config.method).map(|group| state.model.group(group).clone());
        let weights = IaeWeights { encoder, decoder, pairs, single };
        let mut method = Self::new(config, data, &weights, device)?;
        method.trainer.restore(&state.arrays)?;
        Ok(method)
    }

    fn new(
        config: &TrainConfig,
        data: &str,
        weights: &IaeWeights,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let values = values(config)?;
        let networks = values.networks(config.size);
        let graphs = IaeGraphs::of(&networks, config.method);
        let trainer = IaeTrainer::new(&graphs, config.method, values.learning_rate, weights, device)?;
        let (method, size, data) = (config.method, config.size, data.to_owned());
        Ok(Self { trainer, values, method, size, data, labels: Vec::new() })
    }

    /// Codes of the prior.
    fn prior(&self, rows: usize, normals: &mut Normals<'_>) -> Result<Tensor, TrainError> {
        let dims = self.values.z_dim;
        match self.values.categorical {
            true => normals.draw_choices(rows, dims),
            false => normals.draw(&[rows, dims]),
        }
    }
}

impl TrainMethod for IaeMethod {
    fn step(
        &mut self,
        inputs: Inputs,
        step: u64,
        normals: &mut Normals<'_>,
    ) -> Result<StepReport, TrainError> {
        let Some(pictures) = inputs.pictures.into_iter().next() else { return Ok(StepReport::default()) };
        let rows = pictures.dim(0)?;
        let batch = IaeBatch {
            z: self.prior(rows, normals)?,
            n: normals.draw(&[rows, self.values.n_dim])?,
            eps: normals.draw(&[rows, self.values.eps_dim])?,
            pictures,
            labelled: match (inputs.second.into_iter().flatten().next(), inputs.labels) {
                (Some(pictures), Some(labels)) => {
                    let eps = normals.draw(&[pictures.dim(0)?, self.values.eps_dim])?;
                    Some(IaeLabelled { pictures, labels, eps })
                }
                _ => None,
            },
            noise: None,
        };
        Ok(self.trainer.step(batch, step)?)
    }

    fn score(&self, report: &StepReport) -> f64 {
        report.get("mse").unwrap_or(f64::NAN)
    }

    fn second(&self) -> Second {
        match self.values.labelled {
            0 => Second::None,
            pictures => Second::Labelled { pictures, classes: self.values.z_dim },
        }
    }

    fn meet_labels(&mut self, names: &[String]) {
        self.labels = names.to_vec();
    }

    fn state(&self) -> Result<Arrays, TrainError> {
        Ok(self.trainer.state()?)
    }

    fn model(&self, stats: Option<Stats>) -> Result<Model, TrainError> {
        let networks = self.values.networks(self.size);
        let described = match self.method {
            Method::Fiae => ModelDescription::flipped_iae("", networks),
            _ => ModelDescription::iae("", networks),
        };
        let mut model = Model::new(ModelDescription { data: Some(self.data.clone()), ..described });
        let z = model.description.codes.iter_mut().find(|block| block.name == "z");
        z.into_iter().for_each(|block| block.labels.clone_from(&self.labels));
        for (group, weights) in groups(self.method).into_iter().zip(self.trainer.weights()) {
            model = model.with_weights(group, weights.to_arrays()?);
        }
        Ok(Model { stats, ..model })
    }
}

fn groups(method: Method) -> [&'static str; 4] {
    let [encoder, decoder, pairs, codes] = GROUPS;
    [encoder, decoder, pairs, if method == Method::Fiae { FLIPPED } else { codes }]
}

fn values(config: &TrainConfig) -> Result<IaeTraining, TrainError> {
    section(config.iae.as_ref(), "iae")
}
