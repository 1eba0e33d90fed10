//! What is trained, behind one face for the session: a method, its noise, its model and its state.

mod end_to_end;
mod gan;
mod start;
mod vae;
mod vae_gan;

use candle_core::{Device, Tensor};

use crate::base::{Arrays, Stream};
use crate::model::{CodeBlock, DISCRIMINATOR, GENERATOR, Model, ModelDescription, Stats, VAE};
use crate::nets::{GeneratorConfig, Parameters, VaeConfig};
use crate::objectives::AdaptiveBottleneck;

use super::stage2::{GanBatch, GanWeights};
use super::state::{RunProgress, State};
use super::turns::{Feed, Recorder};
use super::{
    ConfigError, GanTraining, Initialisation, Method, StepReport, TrainConfig, TrainError, VaeTraining,
    note_training,
};

/// A method in training.
pub(super) trait TrainMethod: Send {
    /// Trains on one batch, with noise from `normals`.
    fn step(
        &mut self,
        inputs: Inputs,
        step: u64,
        normals: &mut Normals<'_>,
    ) -> Result<StepReport, TrainError>;

    /// The loss that judges a state, lower is better; NaN where none does.
    fn score(&self, report: &StepReport) -> f64;

    /// The arrays that only training needs.
    fn state(&self) -> Result<Arrays, TrainError>;

    /// The model as it stands, without what [`model_of`] adds.
    fn model(&self, stats: Option<Stats>) -> Result<Model, TrainError>;

    /// Whether each step takes a second minibatch.
    fn needs_second_batch(&self) -> bool {
        false
    }

    /// Statistics known before training: those of the VAE that stage 2 distils.
    fn initial_stats(&self) -> Option<Stats> {
        None
    }

    /// What makes its steps.
    fn recorder(&self) -> &Recorder;

    /// The variational bottleneck's weight.
    fn bottleneck(&self) -> Option<AdaptiveBottleneck> {
        None
    }
}

/// The pictures of one step, in parts.
pub(super) struct Inputs {
    /// Stage 1: [0, 1]; the others: [-1, 1].
    pub(super) pictures: Vec<Tensor>,
    /// FactorVAE's second minibatch.
    pub(super) second: Option<Vec<Tensor>>,
}

/// Noise from N(0, I) on the device of the networks.
pub(super) struct Normals<'a> {
    pub(super) stream: &'a mut Stream,
    pub(super) feed: &'a mut Feed,
}

impl Normals<'_> {
    fn draw(&mut self, shape: &[usize]) -> Result<Tensor, TrainError> {
        let values = self.stream.normals(shape.iter().product());
        Ok(self.feed.put(&values, shape)?)
    }
}

/// Fresh weights for `config`; methods that distil a VAE open it.
pub(super) fn new_job(
    config: &TrainConfig,
    data: &str,
    device: &Device,
) -> Result<Box<dyn TrainMethod>, TrainError> {
    match config.method {
        method if method.is_stage_1() => Ok(Box::new(vae::VaeJob::start(config, data, device)?)),
        Method::IdganEndToEnd => Ok(Box::new(end_to_end::EndToEndJob::start(config, data, device)?)),
        Method::VaeGan => Ok(Box::new(vae_gan::VaeGanJob::start(config, data, device)?)),
        _ => Ok(Box::new(gan::GanJob::start(config, data, device)?)),
    }
}

/// Fresh weights for `config`, which need not name a VAE: a method that distils one gets one of `c_dim` dimensions
/// with random weights. For measuring, not for training.
pub(super) fn bench_job(
    config: &TrainConfig,
    c_dim: usize,
    device: &Device,
) -> Result<Box<dyn TrainMethod>, TrainError> {
    match config.method.takes_a_vae() {
        true => Ok(Box::new(gan::GanJob::bench(config, c_dim, device)?)),
        false => new_job(config, &config.data, device),
    }
}

/// The job that goes on from `state`, which must hold the networks that `config` describes.
pub(super) fn restored_job(
    config: &TrainConfig,
    data: &str,
    state: &State,
    device: &Device,
) -> Result<Box<dyn TrainMethod>, TrainError> {
    let job: Box<dyn TrainMethod> = match config.method {
        method if method.is_stage_1() => Box::new(vae::VaeJob::restore(config, data, state, device)?),
        Method::IdganEndToEnd => Box::new(end_to_end::EndToEndJob::restore(config, data, state, device)?),
        Method::VaeGan => Box::new(vae_gan::VaeGanJob::restore(config, data, state, device)?),
        _ => Box::new(gan::GanJob::restore(config, data, state, device)?),
    };
    let (wanted, saved) = (job.model(None)?.description, &state.model.description);
    if wanted.networks != saved.networks {
        return Err(TrainError::Mismatch(
            "its networks are not those of config.toml; put back the values it was started with, or start a new run"
                .into(),
        ));
    }
    Ok(job)
}

/// The model of a job as it stands, with where it comes from.
pub(super) fn model_of(
    job: &dyn TrainMethod,
    config: &TrainConfig,
    progress: &RunProgress,
    stats: Option<Stats>,
) -> Result<Model, TrainError> {
    let mut model = job.model(stats)?;
    let description = &mut model.description;
    let text = |value: &str| serde_json::Value::String(value.to_owned());
    description.name = if config.preset.is_empty() { "untitled".into() } else { config.preset.clone() };
    description.training.insert("steps".into(), progress.step.into());
    description.training.insert("seconds".into(), progress.seconds.round().into());
    description.training.insert("dropped_steps".into(), progress.dropped.into());
    description.provenance.insert("program".into(), text(concat!("idgan ", env!("CARGO_PKG_VERSION"))));
    if !progress.drawing.is_first() {
        let drawing = serde_json::to_value(progress.drawing).unwrap_or_default();
        description.provenance.insert("drawing".into(), drawing);
    }
    let effective = serde_json::to_value(config).unwrap_or_default();
    description.provenance.insert("config".into(), effective);
    note_training(description);
    Ok(model)
}

/// A model of no networks, with a code block `c` where it has a code.
fn describe(data: &str, c_dim: usize, labels: &[String]) -> ModelDescription {
    let block = CodeBlock { labels: labels.to_vec(), ..CodeBlock::disentangled(c_dim) };
    ModelDescription {
        codes: if c_dim > 0 { vec![block] } else { Vec::new() },
        data: Some(data.to_owned()),
        ..ModelDescription::empty("")
    }
}

/// The same with a VAE of that code.
fn describe_vae(data: &str, config: VaeConfig, labels: &[String]) -> ModelDescription {
    describe(data, config.c_dim, labels).with_vae(config, "c")
}

/// The same with a generator of s, where it has dimensions, and of c, where the description has it, and its
/// discriminator.
fn with_gan(mut description: ModelDescription, values: &GanTraining, size: usize) -> ModelDescription {
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

/// A model of these weights.
fn model(description: ModelDescription, vae: Arrays, stats: Option<Stats>) -> Model {
    Model { stats, ..Model::new(description).with_weights(VAE, vae) }
}

/// The initial weights of a VAE.
fn initial_vae(values: &VaeTraining, stream: &mut Stream) -> Arrays {
    match values.initialisation {
        Initialisation::Normal => values.network().initialise_normal(stream),
        Initialisation::Uniform => values.network().initialise_uniform(stream),
        Initialisation::He => values.network().initialise_he(stream),
    }
}

/// The initial weights of generator and discriminator.
fn initial_gan(
    values: &GanTraining,
    size: usize,
    generator: &GeneratorConfig,
    stream: &mut Stream,
) -> GanWeights {
    let generator = generator.initialise_uniform(stream);
    GanWeights::new(generator, values.discriminator(size).initialise_uniform(stream))
}

/// The weights of a saved GAN; [`super::stage2::GanTrainer::restore`] and its like put the raw generator into place.
fn saved_gan(model: &Model) -> GanWeights {
    GanWeights::new(model.group(GENERATOR).clone(), model.group(DISCRIMINATOR).clone())
}

/// The batches of a step of stage 2 with noise for a code of `c_dim` dimensions.
fn gan_batches(
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

fn gan_values(config: &TrainConfig) -> Result<GanTraining, TrainError> {
    config.gan.clone().ok_or_else(|| ConfigError("the section [gan] is missing".into()).into())
}

fn vae_values(config: &TrainConfig) -> Result<VaeTraining, TrainError> {
    config.vae.clone().ok_or_else(|| ConfigError("the section [vae] is missing".into()).into())
}

/// Minus the evidence bound with beta 1, which judges the methods that train a VAE.
fn bound(report: &StepReport, kl: &str) -> f64 {
    let value = |name| report.get(name).unwrap_or(f64::NAN);
    value("reconstruction") + value(kl)
}
