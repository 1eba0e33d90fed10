//! Stage 2, and the GANs that take the same turns (paper sections 4, 5.1 and 5.3).

mod parts;
pub(in crate::training) mod trainer;

use std::path::PathBuf;

use candle_core::Device;

use crate::base::{Arrays, Stream};
use crate::checkpoint::{Sources, VAE_ITERATION, VAE_RATE, open};
use crate::model::{DISCRIMINATOR, GENERATOR, Model, Stats, VAE};
use crate::nets::{Parameters, Projection, ProjectionConfig, VaeConfig};
use crate::objectives::AdaptiveBottleneck;
use crate::training::state::State;
use crate::training::steps::Recorder;
use crate::training::{ConfigError, GanTraining, Method, StepReport, TrainConfig, TrainError, note_training};

use super::method::{Inputs, Normals, TrainMethod};
use super::shared::{describe, describe_vae, model};
use super::start::{DistilledHere, note_start, start_gan, start_hash};

pub use crate::training::steps::FrozenEncoder;
pub(in crate::training) use parts::{gan_batches, gan_values, initial_gan, saved_gan, with_gan};
pub use trainer::{GanBatch, GanTrainer, GanWeights, Guide, LearnedEncoder};

/// Stage 2: every method of [`GanTrainer`].
pub(in crate::training) struct GanMethod {
    trainer: GanTrainer,
    values: GanTraining,
    size: usize,
    data: String,
    code: Code,
    /// SHA-256 of the file that its networks started from.
    start_hash: Option<String>,
    recorder: Recorder,
}

/// What the code c of a method is.
enum Code {
    /// There is none.
    None,
    /// That of a trained VAE, which travels along.
    OfVae(Box<Distilled>),
    /// InfoGAN's, with an encoder of these sizes.
    Learned(VaeConfig),
}

/// The VAE that stage 2 distils.
struct Distilled {
    config: VaeConfig,
    /// Whether there is a decoder: InfoGAN's encoder was trained with a generator, not with one.
    has_decoder: bool,
    weights: Arrays,
    stats: Option<Stats>,
    labels: Vec<String>,
    hash: String,
    /// The method that trained it, where its file says so.
    method: Option<Method>,
    /// How long it was trained and at which rate, where its file says so.
    training: Vec<(&'static str, serde_json::Value)>,
    /// SHA-256 of the file that it was trained on from.
    started_from: Option<String>,
}

impl Distilled {
    /// The VAE of `model`, a file with SHA-256 `hash`.
    fn new(mut model: Model, hash: String, values: &GanTraining) -> Result<Self, TrainError> {
        let missing = || TrainError::Mismatch("the file named with --vae holds no VAE".into());
        let config = model.description.encoder().ok_or_else(missing)?;
        if config.channels != values.channels {
            return Err(TrainError::Mismatch(format!(
                "the VAE takes pictures of {} channel(s), the GAN makes {}; set gan.channels or name another --vae",
                config.channels, values.channels
            )));
        }
        let provenance = &model.description.provenance;
        let said = provenance.get("vae_method").or_else(|| provenance.get("config")?.get("method"));
        // a saved state of this method has its own configuration there
        let method = said.and_then(|name| Method::from_name(name.as_str()?)).filter(|m| !m.takes_a_vae());
        let started_from = start_hash(&model);
        note_training(&mut model.description);
        let note = |key| Some((key, model.description.training.get(key)?.clone()));
        let training = [VAE_ITERATION, VAE_RATE].into_iter().filter_map(note).collect();
        let code = model.description.encoded().and_then(|code| model.description.block(code));
        let labels = code.map(|block| block.labels.clone());
        Ok(Self {
            config,
            has_decoder: model.description.decoder().is_some(),
            weights: model.take_group(VAE),
            stats: model.stats,
            labels: labels.unwrap_or_default(),
            hash,
            method,
            training,
            started_from,
        })
    }

    fn here(&self) -> DistilledHere<'_> {
        DistilledHere { weights: &self.weights, started_from: self.started_from.as_deref() }
    }
}

impl Code {
    fn dims(&self) -> usize {
        match self {
            Self::None => 0,
            Self::OfVae(vae) => vae.config.c_dim,
            Self::Learned(config) => config.c_dim,
        }
    }
}

impl GanMethod {
    pub(in crate::training) fn start(
        config: &TrainConfig,
        data: &str,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let values = gan_values(config)?;
        let code = match config.method {
            Method::Gan => Code::None,
            Method::Infogan => Code::Learned(infogan_encoder(&values)?),
            _ => Code::OfVae(Box::new(opened_vae(&values, data)?)),
        };
        Self::over(code, config, data, device)
    }

    /// The same over a VAE of `c_dim` dimensions with random weights. For measuring, not for training.
    pub(in crate::training) fn bench(
        config: &TrainConfig,
        c_dim: usize,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let values = gan_values(config)?;
        let network = VaeConfig { channels: values.channels, c_dim };
        let weights = network.initialise_uniform(&mut Stream::new(config.seed, "rehearsal weights"));
        let vae = model(describe_vae(&config.data, network, &[]), weights, None);
        let code = Code::OfVae(Box::new(Distilled::new(vae, String::new(), &values)?));
        Self::over(code, config, &config.data, device)
    }

    /// Fresh weights for a method with this code.
    fn over(code: Code, config: &TrainConfig, data: &str, device: &Device) -> Result<Self, TrainError> {
        let values = gan_values(config)?;
        let mut stream = Stream::new(config.seed, "weights");
        let generator = values.generator(config.size, code.dims());
        let (mut weights, start_hash) = match values.start.is_empty() {
            true => (initial_gan(&values, config.size, &generator, &mut stream), None),
            false => {
                let vae = if let Code::OfVae(vae) = &code { Some(vae.here()) } else { None };
                let (weights, hash) = start_gan(&values, config.size, code.dims(), vae, &mut stream)?;
                (weights, Some(hash))
            }
        };
        let encoder = match &code {
            Code::Learned(config) => encoder_half(config.initialise_uniform(&mut stream)),
            _ => Arrays::new(),
        };
        if config.method == Method::Cgan {
            let features = values.discriminator(config.size).features();
            let projection = ProjectionConfig { c_dim: code.dims(), features };
            weights.discriminator.extend(projection.initialise_uniform(&mut stream));
        }
        Ok(Self { start_hash, ..Self::new(config, data, code, &weights, &encoder, device)? })
    }

    pub(in crate::training) fn restore(
        config: &TrainConfig,
        data: &str,
        state: &State,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let values = gan_values(config)?;
        let model = &state.model;
        let mut weights = saved_gan(model);
        if let Some(weight) = state.arrays.get(Projection::WEIGHT) {
            weights.discriminator.insert(Projection::WEIGHT.to_owned(), weight.clone());
        }
        let code = match config.method {
            Method::Gan => Code::None,
            Method::Infogan => Code::Learned(infogan_encoder(&values)?),
            _ => {
                let hash = model.description.provenance.get("vae").and_then(|v| v.as_str());
                Code::OfVae(Box::new(Distilled::new(
                    model.clone(),
                    hash.unwrap_or_default().to_owned(),
                    &values,
                )?))
            }
        };
        let mut method = Self::new(config, data, code, &weights, model.group(VAE), device)?;
        method.start_hash = start_hash(model);
        method.trainer.restore(
            model.group(GENERATOR),
            model.group(DISCRIMINATOR),
            &state.arrays,
            state.progress.bottleneck,
        )?;
        Ok(method)
    }

    /// A method of these weights; `encoder` is InfoGAN's.
    fn new(
        config: &TrainConfig,
        data: &str,
        code: Code,
        weights: &GanWeights,
        encoder: &Arrays,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let values = gan_values(config)?;
        let guide = match &code {
            Code::None => Guide::None,
            Code::OfVae(vae) => {
                Guide::Frozen(FrozenEncoder::new(vae.config, &vae.weights, values.downsample, device)?)
            }
            Code::Learned(config) => {
                Guide::Learned(Box::new(LearnedEncoder::new(*config, encoder, &values, device)?))
            }
        };
        let generator = values.generator(config.size, code.dims());
        let discriminator = values.discriminator(config.size);
        let trainer = GanTrainer::new(values.clone(), &generator, &discriminator, weights, guide, device)?;
        let (size, recorder) = (config.size, Recorder::new(device));
        Ok(Self { trainer, values, size, data: data.to_owned(), code, start_hash: None, recorder })
    }
}

impl TrainMethod for GanMethod {
    fn step(
        &mut self,
        inputs: Inputs,
        step: u64,
        normals: &mut Normals<'_>,
    ) -> Result<StepReport, TrainError> {
        let batches = gan_batches(inputs.pictures, &self.values, self.size, self.code.dims(), normals)?;
        Ok(self.recorder.step(&mut self.trainer, &batches, step)?)
    }

    /// How well c is read back. No loss judges a GAN without c.
    fn score(&self, report: &StepReport) -> f64 {
        report.get("info").unwrap_or(f64::NAN)
    }

    fn recorder(&self) -> Option<&Recorder> {
        Some(&self.recorder)
    }

    fn state(&self) -> Result<Arrays, TrainError> {
        Ok(self.trainer.state()?)
    }

    fn model(&self, stats: Option<Stats>) -> Result<Model, TrainError> {
        let mut description = match &self.code {
            Code::None => describe(&self.data, 0, &[]),
            Code::OfVae(vae) => {
                let described = describe(&self.data, vae.config.c_dim, &vae.labels);
                match vae.has_decoder {
                    true => described.with_vae(vae.config, "c"),
                    false => described.with_encoder(vae.config, "c"),
                }
            }
            Code::Learned(config) => describe(&self.data, config.c_dim, &[]).with_encoder(*config, "c"),
        };
        description = with_gan(description, &self.values, self.size);
        note_start(&mut description, self.start_hash.as_ref());
        let encoder = match &self.code {
            Code::OfVae(vae) => {
                description.provenance.insert("vae".into(), vae.hash.clone().into());
                if let Some(method) = vae.method {
                    description.provenance.insert("vae_method".into(), method.name().into());
                }
                let noted = vae.training.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
                description.training.extend(noted);
                vae.weights.clone()
            }
            _ => match self.trainer.learned_encoder() {
                Some(weights) => weights.to_arrays()?,
                None => Arrays::new(),
            },
        };
        let mut discriminator = self.trainer.discriminator().to_arrays()?;
        // only training has a use for it, and the published discriminators have none
        discriminator.remove(Projection::WEIGHT);
        let generator = self.trainer.average().to_arrays()?;
        Ok(model(description, encoder, stats)
            .with_weights(GENERATOR, generator)
            .with_weights(DISCRIMINATOR, discriminator))
    }

    fn initial_stats(&self) -> Option<Stats> {
        match &self.code {
            Code::OfVae(vae) => vae.stats.clone(),
            _ => None,
        }
    }

    fn bottleneck(&self) -> Option<AdaptiveBottleneck> {
        self.trainer.bottleneck()
    }
}

/// The VAE that the configuration names.
/// The VAE that `gan.vae` names, for pictures of `data`.
fn opened_vae(values: &GanTraining, data: &str) -> Result<Distilled, TrainError> {
    if values.vae.is_empty() {
        let what = "this method takes the code of a trained VAE; name it with --vae FILE or --vae RUN";
        return Err(ConfigError(what.into()).into());
    }
    let sources = Sources { vae: Some(PathBuf::from(&values.vae)), ..Sources::default() };
    let model = open(&sources)?.model;
    if let Some(warning) = model.description.other_drawing(data) {
        log::warn!("{warning}: {}", values.vae);
    }
    let hash = model.hash.clone();
    Distilled::new(model, hash, values)
}

fn infogan_encoder(values: &GanTraining) -> Result<VaeConfig, TrainError> {
    let missing = || ConfigError("infogan: gan.c_dim, the dimensions of its code, is missing".into());
    Ok(VaeConfig { channels: values.channels, c_dim: values.c_dim.ok_or_else(missing)? })
}

fn encoder_half(vae: Arrays) -> Arrays {
    vae.into_iter().filter(|(name, _)| name.starts_with("encoder.")).collect()
}
