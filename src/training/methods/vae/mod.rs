//! Stage 1: the VAE and its relatives (paper section 3).

mod trainer;

use candle_core::{Device, Tensor};

use crate::base::{Arrays, Stream};
use crate::model::{Model, Stats, VAE};
use crate::training::state::State;
use crate::training::steps::Recorder;
use crate::training::{Method, StepReport, TrainConfig, TrainError, VaeTraining};

use super::method::{Inputs, Normals, Second, TrainMethod};
use super::shared::{bound, describe_vae, initial_vae, model, vae_values};
use super::start::{note_start, start_hash, start_vae};

pub use trainer::{SecondBatch, VaeBatch, VaeTrainer};

/// More parts than a batch is ever split in, to number them over all steps.
const PARTS: u64 = 1 << 20;

/// Stage 1.
pub(in crate::training) struct VaeMethod {
    trainer: VaeTrainer,
    values: VaeTraining,
    data: String,
    seed: u64,
    /// SHA-256 of the file that its weights started from.
    start_hash: Option<String>,
    recorder: Recorder,
}

impl VaeMethod {
    pub(in crate::training) fn start(
        config: &TrainConfig,
        data: &str,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let (values, mut stream) = (vae_values(config)?, Stream::new(config.seed, "weights"));
        let (weights, start_hash) = match values.start.is_empty() {
            true => (initial_vae(&values, &mut stream), None),
            false => {
                let (weights, hash) = start_vae(&values)?;
                (weights, Some(hash))
            }
        };
        Ok(Self { start_hash, ..Self::new(config, data, &weights, device, &mut stream)? })
    }

    pub(in crate::training) fn restore(
        config: &TrainConfig,
        data: &str,
        state: &State,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let mut stream = Stream::new(config.seed, "weights");
        let mut method = Self::new(config, data, state.model.group(VAE), device, &mut stream)?;
        method.trainer.restore(state.model.group(VAE), &state.arrays)?;
        method.start_hash = start_hash(&state.model);
        Ok(method)
    }

    fn new(
        config: &TrainConfig,
        data: &str,
        weights: &Arrays,
        device: &Device,
        stream: &mut Stream,
    ) -> Result<Self, TrainError> {
        let values = vae_values(config)?;
        let trainer = VaeTrainer::new(config.method, values.clone(), weights, device, stream)?;
        let recorder = Recorder::new(device);
        Ok(Self { trainer, values, data: data.to_owned(), seed: config.seed, start_hash: None, recorder })
    }
}

impl VaeMethod {
    /// FactorVAE's permutations for a batch of `[rows, c_dim]`.
    fn orders(
        &self,
        [rows, dims]: [usize; 2],
        item: u64,
        normals: &mut Normals<'_>,
    ) -> Result<Tensor, TrainError> {
        let mut stream = Stream::for_item(self.seed, "permutation", item);
        let orders: Vec<f32> =
            (0..dims).flat_map(|_| stream.permutation(rows)).map(|row| row as f32).collect();
        Ok(normals.feed.put(&orders, &[dims, rows])?)
    }
}

impl TrainMethod for VaeMethod {
    fn step(
        &mut self,
        inputs: Inputs,
        step: u64,
        normals: &mut Normals<'_>,
    ) -> Result<StepReport, TrainError> {
        let mut second = inputs.second.map(Vec::into_iter);
        let mut batches = Vec::new();
        for (i, pictures) in inputs.pictures.into_iter().enumerate() {
            let shape = [pictures.dim(0)?, self.values.c_dim];
            let noise = normals.draw(&shape)?;
            let second = match second.as_mut().and_then(Iterator::next) {
                Some(pictures) => Some(SecondBatch {
                    pictures,
                    noise: normals.draw(&shape)?,
                    orders: self.orders(shape, step * PARTS + i as u64, normals)?,
                }),
                None => None,
            };
            let log_weights = match self.trainer.method() {
                Method::BetaTcVae => {
                    let weights = self.values.sampling.log_weights(shape[0], inputs.all);
                    Some(normals.feed.put(&weights, &[shape[0]; 2])?)
                }
                _ => None,
            };
            batches.push(VaeBatch { pictures, noise, second, log_weights });
        }
        Ok(self.recorder.step(&mut self.trainer, &batches, step)?)
    }

    fn score(&self, report: &StepReport) -> f64 {
        bound(report, "kl")
    }

    fn recorder(&self) -> Option<&Recorder> {
        Some(&self.recorder)
    }

    fn state(&self) -> Result<Arrays, TrainError> {
        Ok(self.trainer.state()?)
    }

    fn model(&self, stats: Option<Stats>) -> Result<Model, TrainError> {
        let mut description = describe_vae(&self.data, self.values.network(), &[]);
        note_start(&mut description, self.start_hash.as_ref());
        Ok(model(description, self.trainer.weights().to_arrays()?, stats))
    }

    fn second(&self) -> Second {
        if self.trainer.method() == Method::FactorVae { Second::Again } else { Second::None }
    }
}
