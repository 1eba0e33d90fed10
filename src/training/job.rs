//! What is trained, behind one face for the session: either stage, its noise, its model and its state.

use std::collections::BTreeMap;
use std::path::PathBuf;

use candle_core::{Device, Tensor};

use crate::base::{Arrays, Stream};
use crate::checkpoint::{CodeBlock, GeneratorPart, Model, ModelDescription, Sources, Stats, VaePart, open};
use crate::nets::{Parameters, VaeConfig};
use crate::objectives::AdaptiveBottleneck;

use super::stage1::{SecondBatch, VaeBatch, VaeTrainer};
use super::stage2::{FrozenEncoder, GanBatch, GanTrainer, GanWeights};
use super::state::{Progress, State};
use super::{
    ConfigError, GanTraining, Initialisation, Method, StepReport, TrainConfig, TrainError, VaeTraining,
};

/// More parts than a batch is ever split in, to number them over all steps.
const PARTS: u64 = 1 << 20;

/// One stage in training.
pub(super) enum Job {
    Vae(Box<VaeJob>),
    Gan(Box<GanJob>),
}

/// Stage 1.
pub(super) struct VaeJob {
    trainer: VaeTrainer,
    values: VaeTraining,
    data: String,
    seed: u64,
}

/// Stage 2, with the VAE it distils.
pub(super) struct GanJob {
    trainer: GanTrainer,
    values: GanTraining,
    size: usize,
    vae: VaeConfig,
    vae_weights: Arrays,
    vae_stats: Option<Stats>,
    labels: Vec<String>,
    vae_hash: String,
    data: String,
}

/// The pictures of one step, in parts.
pub(super) struct Inputs {
    /// Stage 1: [0, 1]; stage 2: [-1, 1].
    pub(super) pictures: Vec<Tensor>,
    /// FactorVAE's second minibatch.
    pub(super) second: Option<Vec<Tensor>>,
}

impl Job {
    /// Fresh weights for `config`; stage 2 opens the VAE it names.
    pub(super) fn new(config: &TrainConfig, data: &str, device: &Device) -> Result<Self, TrainError> {
        let mut stream = Stream::new(config.seed, "weights");
        if let Some(values) = config.vae {
            let weights = match values.initialisation {
                Initialisation::Normal => values.network().initialise_normal(&mut stream),
                Initialisation::Uniform => values.network().initialise_uniform(&mut stream),
            };
            let trainer = VaeTrainer::new(config.method, values, &weights, device, &mut stream)?;
            return Ok(Self::Vae(Box::new(VaeJob {
                trainer,
                values,
                data: data.to_owned(),
                seed: config.seed,
            })));
        }
        let values = gan_values(config)?;
        if values.vae.is_empty() {
            return Err(
                ConfigError("stage 2 distils a VAE; name it with --vae FILE or --vae RUN".into()).into()
            );
        }
        let sources = Sources { vae: Some(PathBuf::from(&values.vae)), ..Sources::default() };
        let vae = open(&sources)?.model;
        let c_dim = vae_part(&vae)?.config.c_dim;
        let generator = values.generator(config.size, c_dim).initialise_uniform(&mut stream);
        let weights = GanWeights {
            average: generator.clone(),
            generator,
            discriminator: values.discriminator(config.size).initialise_uniform(&mut stream),
        };
        let hash = vae.hash.clone();
        Ok(Self::Gan(Box::new(GanJob::new(config, data, vae, hash, &weights, device)?)))
    }

    /// The job that goes on from `state`.
    pub(super) fn restore(
        config: &TrainConfig,
        data: &str,
        state: &State,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let mut stream = Stream::new(config.seed, "weights");
        let model = &state.model;
        if let Some(values) = config.vae {
            let mut trainer = VaeTrainer::new(config.method, values, &model.vae, device, &mut stream)?;
            trainer.restore(&model.vae, &state.arrays)?;
            return Ok(Self::Vae(Box::new(VaeJob {
                trainer,
                values,
                data: data.to_owned(),
                seed: config.seed,
            })));
        }
        let hash = model.description.provenance.get("vae").and_then(|v| v.as_str()).unwrap_or_default();
        let weights = GanWeights {
            average: model.generator.clone(),
            generator: model.generator.clone(),
            discriminator: model.discriminator.clone(),
        };
        let mut job = GanJob::new(config, data, model.clone(), hash.to_owned(), &weights, device)?;
        job.trainer.restore(
            &model.generator,
            &model.discriminator,
            &state.arrays,
            state.progress.bottleneck,
        )?;
        Ok(Self::Gan(Box::new(job)))
    }

    /// Whether each step takes a second minibatch.
    pub(super) fn needs_second_batch(&self) -> bool {
        matches!(self, Self::Vae(job) if job.trainer.method() == Method::FactorVae)
    }

    /// Statistics known before training: those of the VAE that stage 2 distils.
    pub(super) fn initial_stats(&self) -> Option<Stats> {
        match self {
            Self::Vae(_) => None,
            Self::Gan(job) => job.vae_stats.clone(),
        }
    }

    /// Trains on one batch, with noise from `noise`.
    pub(super) fn step(
        &mut self,
        inputs: Inputs,
        step: u64,
        noise: &mut Stream,
        device: &Device,
    ) -> Result<StepReport, TrainError> {
        let mut normals =
            |shape: &[usize]| Tensor::from_vec(noise.normals(shape.iter().product()), shape, device);
        match self {
            Self::Vae(job) => {
                let VaeJob { trainer, values, seed, .. } = job.as_mut();
                let mut second = inputs.second.map(Vec::into_iter);
                let mut parts = Vec::new();
                for pictures in inputs.pictures {
                    let rows = pictures.dim(0)?;
                    let codes = normals(&[rows, values.c_dim])?;
                    let second = match second.as_mut().and_then(Iterator::next) {
                        Some(pictures) => {
                            let codes = normals(&[rows, values.c_dim])?;
                            Some((pictures, codes))
                        }
                        None => None,
                    };
                    parts.push((pictures, codes, second));
                }
                let batches: Vec<VaeBatch> = parts
                    .into_iter()
                    .enumerate()
                    .map(|(i, (pictures, codes, second))| VaeBatch {
                        pictures,
                        noise: codes,
                        second: second.map(|(pictures, noise)| SecondBatch {
                            pictures,
                            noise,
                            permutation: Stream::for_item(*seed, "permutation", step * PARTS + i as u64),
                        }),
                    })
                    .collect();
                Ok(trainer.step(&batches, step)?)
            }
            Self::Gan(job) => {
                let mut batches = Vec::new();
                for pictures in inputs.pictures {
                    let rows = pictures.dim(0)?;
                    let bottleneck = match job.values.discriminator(job.size).noise_shape(rows) {
                        Some(shape) => Some([normals(&shape)?, normals(&shape)?, normals(&shape)?]),
                        None => None,
                    };
                    batches.push(GanBatch {
                        pictures,
                        noise_c: normals(&[rows, job.vae.c_dim])?,
                        s_discriminator: normals(&[rows, job.values.s_dim])?,
                        s_generator: normals(&[rows, job.values.s_dim])?,
                        noise_bottleneck: bottleneck,
                    });
                }
                Ok(job.trainer.step(&batches, step)?)
            }
        }
    }

    /// The loss that judges a state, lower is better: stage 1 the negative evidence bound with beta 1, stage 2 the
    /// distillation loss.
    pub(super) fn score(&self, report: &StepReport) -> f64 {
        let value = |name| report.get(name).unwrap_or(f64::NAN);
        match self {
            Self::Vae(_) => value("reconstruction") + value("kl"),
            Self::Gan(_) => value("info"),
        }
    }

    /// The variational bottleneck's weight.
    pub(super) fn bottleneck(&self) -> Option<AdaptiveBottleneck> {
        match self {
            Self::Vae(_) => None,
            Self::Gan(job) => job.trainer.bottleneck(),
        }
    }

    /// The arrays that only training needs.
    pub(super) fn state(&self) -> Result<Arrays, TrainError> {
        Ok(match self {
            Self::Vae(job) => job.trainer.state()?,
            Self::Gan(job) => job.trainer.state()?,
        })
    }

    /// The model as it stands.
    pub(super) fn model(
        &self,
        config: &TrainConfig,
        progress: &Progress,
        stats: Option<Stats>,
    ) -> Result<Model, TrainError> {
        let mut model = match self {
            Self::Vae(job) => Model {
                description: describe(&job.data, job.values.network(), &[]),
                vae: job.trainer.weights().to_arrays()?,
                generator: Arrays::new(),
                discriminator: Arrays::new(),
                stats,
                hash: String::new(),
            },
            Self::Gan(job) => job.model(stats)?,
        };
        let description = &mut model.description;
        let text = |value: &str| serde_json::Value::String(value.to_owned());
        description.name = if config.preset.is_empty() { "untitled".into() } else { config.preset.clone() };
        description.training.insert("steps".into(), progress.step.into());
        description.training.insert("seconds".into(), progress.seconds.round().into());
        description.training.insert("dropped_steps".into(), progress.dropped.into());
        description.provenance.insert("program".into(), text(concat!("idgan ", env!("CARGO_PKG_VERSION"))));
        let effective = serde_json::to_value(config).unwrap_or_default();
        description.provenance.insert("config".into(), effective);
        Ok(model)
    }
}

impl GanJob {
    fn new(
        config: &TrainConfig,
        data: &str,
        vae: Model,
        vae_hash: String,
        weights: &GanWeights,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let values = gan_values(config)?;
        let part = vae_part(&vae)?.clone();
        if part.config.channels != values.channels {
            return Err(TrainError::Mismatch(format!(
                "the VAE takes pictures of {} channel(s), the GAN makes {}; set gan.channels or name another --vae",
                part.config.channels, values.channels
            )));
        }
        let encoder = FrozenEncoder::new(part.config, &vae.vae, values.downsample, device)?;
        let generator = values.generator(config.size, part.config.c_dim);
        let discriminator = values.discriminator(config.size);
        let trainer = GanTrainer::new(values.clone(), &generator, &discriminator, weights, encoder, device)?;
        let labels = vae.description.block(&part.code).map(|block| block.labels.clone()).unwrap_or_default();
        Ok(Self {
            trainer,
            values,
            size: config.size,
            vae: part.config,
            vae_weights: vae.vae,
            vae_stats: vae.stats,
            labels,
            vae_hash,
            data: data.to_owned(),
        })
    }

    fn model(&self, stats: Option<Stats>) -> Result<Model, TrainError> {
        let mut description = describe(&self.data, self.vae, &self.labels);
        let mut inputs = vec!["c".to_owned()];
        if self.values.s_dim > 0 {
            description.codes.push(CodeBlock::nuisance(self.values.s_dim));
            inputs.insert(0, "s".into());
        }
        let config = self.values.generator(self.size, self.vae.c_dim);
        description.generator = Some(GeneratorPart { config, inputs });
        description.discriminator = Some(self.values.discriminator(self.size));
        description.provenance.insert("vae".into(), self.vae_hash.clone().into());
        Ok(Model {
            description,
            vae: self.vae_weights.clone(),
            generator: self.trainer.average().to_arrays()?,
            discriminator: self.trainer.discriminator().to_arrays()?,
            stats,
            hash: String::new(),
        })
    }
}

/// A model with a VAE of code `c` and nothing else yet.
fn describe(data: &str, config: VaeConfig, labels: &[String]) -> ModelDescription {
    let block = CodeBlock { labels: labels.to_vec(), ..CodeBlock::disentangled(config.c_dim) };
    ModelDescription {
        format: ModelDescription::FORMAT,
        name: String::new(),
        codes: vec![block],
        generator: None,
        discriminator: None,
        vae: Some(VaePart { config, code: "c".into() }),
        data: Some(data.to_owned()),
        training: BTreeMap::new(),
        provenance: BTreeMap::new(),
    }
}

fn gan_values(config: &TrainConfig) -> Result<GanTraining, TrainError> {
    config.gan.clone().ok_or_else(|| ConfigError("the section [gan] is missing".into()).into())
}

fn vae_part(model: &Model) -> Result<&VaePart, TrainError> {
    let missing = || TrainError::Mismatch("the file named with --vae holds no VAE".into());
    model.description.vae.as_ref().ok_or_else(missing)
}
