//! Descriptions, first weights and configuration values that several methods share.

use crate::base::{Arrays, Stream};
use crate::model::{CodeBlock, Model, ModelDescription, Stats, VAE};
use crate::nets::{Parameters, VaeConfig};
use crate::training::{ConfigError, Initialisation, StepReport, TrainConfig, TrainError, VaeTraining};

/// A model of no networks, with a code block `c` where it has a code.
pub(in crate::training) fn describe(data: &str, c_dim: usize, labels: &[String]) -> ModelDescription {
    let block = CodeBlock { labels: labels.to_vec(), ..CodeBlock::disentangled(c_dim) };
    ModelDescription {
        codes: if c_dim > 0 { vec![block] } else { Vec::new() },
        data: Some(data.to_owned()),
        ..ModelDescription::empty("")
    }
}

/// The same with a VAE of that code.
pub(in crate::training) fn describe_vae(
    data: &str,
    config: VaeConfig,
    labels: &[String],
) -> ModelDescription {
    describe(data, config.c_dim, labels).with_vae(config, "c")
}

/// A model of these weights.
pub(in crate::training) fn model(description: ModelDescription, vae: Arrays, stats: Option<Stats>) -> Model {
    Model { stats, ..Model::new(description).with_weights(VAE, vae) }
}

/// The initial weights of a VAE.
pub(in crate::training) fn initial_vae(values: &VaeTraining, stream: &mut Stream) -> Arrays {
    match values.initialisation {
        Initialisation::Normal => values.network().initialise_normal(stream),
        Initialisation::Uniform => values.network().initialise_uniform(stream),
        Initialisation::He => values.network().initialise_he(stream),
    }
}

pub(in crate::training) fn vae_values(config: &TrainConfig) -> Result<VaeTraining, TrainError> {
    section(config.vae.as_ref(), "vae")
}

/// Minus the evidence bound with beta 1, which judges the methods that train a VAE.
pub(in crate::training) fn bound(report: &StepReport, kl: &str) -> f64 {
    let value = |name| report.get(name).unwrap_or(f64::NAN);
    value("reconstruction") + value(kl)
}

/// A copy of a section of the configuration called `name`.
pub(in crate::training) fn section<T: Clone>(section: Option<&T>, name: &str) -> Result<T, TrainError> {
    section.cloned().ok_or_else(|| ConfigError(format!("the section [{name}] is missing")).into())
}
