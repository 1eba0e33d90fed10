//! Weights of models that were trained before.

use std::path::Path;

use crate::base::{Arrays, Stream};
use crate::checkpoint::{Sources, open};
use crate::model::{DISCRIMINATOR, GAN, GENERATOR, Model, ModelDescription, VAE};
use crate::nets::{
    DiscriminatorConfig, GeneratorConfig, Parameters, VaeConfig, grown_discriminator, grown_generator,
};
use crate::training::methods::gan::trainer::GanWeights;
use crate::training::{GanTraining, TrainError, VaeTraining};

/// The VAE that `vae.start` names, with the SHA-256 of the file.
///
/// # Errors
/// When it does not open, or is no VAE of the sizes asked for.
pub(in crate::training) fn start_vae(values: &VaeTraining) -> Result<(Arrays, String), TrainError> {
    let path = Path::new(&values.start);
    let mut model = open(&Sources { checkpoint: Some(path.to_owned()), ..Sources::default() })?.model;
    let refuse = |what: String| Err(TrainError::Mismatch(format!("{what}: {}", path.display())));
    let here = values.network();
    match model.description.encoder() {
        Some(_) if model.description.decoder().is_none() => {
            refuse("--start needs a whole VAE, and this has no decoder".to_owned())
        }
        Some(config) if config == here => Ok((model.take_group(VAE), model.hash)),
        Some(there) => {
            let words = |config: VaeConfig| {
                format!("c of {} dimensions and {} channel(s)", config.c_dim, config.channels)
            };
            refuse(format!("--start does not fit: there are {}, here {}", words(there), words(here)))
        }
        None => refuse("--start needs a VAE, as the run folders of `idgan train vae` hold it".to_owned()),
    }
}

/// Keeps in a model's description what its run started from.
pub(in crate::training) fn note_start(description: &mut ModelDescription, hash: Option<&String>) {
    if let Some(hash) = hash {
        description.provenance.insert("start".into(), hash.clone().into());
    }
}

/// What [`note_start`] kept.
pub(in crate::training) fn start_hash(model: &Model) -> Option<String> {
    Some(model.description.provenance.get("start")?.as_str()?.to_owned())
}

/// The GAN that `gan.start` names: its own weights where its networks have the sizes asked for, and grown ones where
/// its pictures are half as large; with the SHA-256 of the file. `vae` is the VAE that is distilled
/// here: that another one was distilled there is allowed, and told.
///
/// # Errors
/// When it does not open, or its networks are neither.
pub(in crate::training) fn start_gan(
    values: &GanTraining,
    size: usize,
    c_dim: usize,
    vae: Option<DistilledHere<'_>>,
    stream: &mut Stream,
) -> Result<(GanWeights, String), TrainError> {
    let path = Path::new(&values.start);
    let model = open(&Sources { checkpoint: Some(path.to_owned()), ..Sources::default() })?.model;
    let (Some(old_generator), Some(old_discriminator)) =
        (model.description.generator(), model.description.discriminator())
    else {
        return Err(TrainError::Mismatch(format!(
            "--start needs a generator and a discriminator, as the run folders of `idgan train gan` hold them; this \
             holds not both: {}",
            path.display()
        )));
    };
    if vae.is_some_and(|vae| vae.is_another_than(&model)) {
        log::warn!(
            "the GAN named with --start learnt the code of another VAE than that of --vae (or of the same before it was \
             trained on); where its dimensions mean other things, the GAN learns them anew: {}",
            path.display()
        );
    }
    let (generator, discriminator) = (values.generator(size, c_dim), values.discriminator(size));
    let old_split = split(&model.description);
    let has_same_code = old_split.is_none_or(|split| split == (values.s_dim, c_dim));
    let weights = match old_generator.size() {
        _ if !has_same_code => None,
        old if old == size => own(&model, (&old_generator, &old_discriminator), &generator, &discriminator),
        old if 2 * old == size => grown_generator(&generator, model.group(GENERATOR), stream)
            .zip(grown_discriminator(&discriminator, model.group(DISCRIMINATOR), stream)),
        _ => None,
    };
    let Some((generator, discriminator)) = weights else {
        let there = words(&old_generator, &old_discriminator, old_split);
        let here = words(&generator, &discriminator, Some((values.s_dim, c_dim)));
        return Err(TrainError::Mismatch(format!(
            "--start does not fit: there are {there}; here are {here}. A GAN starts from one of its own sizes, or from one \
             of half the picture size with the same gan.nfilter and half the gan.nfilter_max: {}",
            path.display()
        )));
    };
    Ok((GanWeights::new(generator, discriminator), model.hash))
}

/// The VAE that a run distils.
#[derive(Clone, Copy)]
pub(in crate::training) struct DistilledHere<'a> {
    pub(in crate::training) weights: &'a Arrays,
    /// SHA-256 of the file that it was trained on from.
    pub(in crate::training) started_from: Option<&'a str>,
}

impl DistilledHere<'_> {
    /// Whether `gan` distilled a VAE that is neither this one, rounded or not, nor the one that this was trained on from.
    fn is_another_than(self, gan: &Model) -> bool {
        let there = gan.description.provenance.get("vae").and_then(|hash| hash.as_str());
        if gan.group(VAE).is_empty() || (there.is_some() && there == self.started_from) {
            return false;
        }
        // Bundles may hold half precision.
        let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-3 * a.abs().max(1e-3);
        let mut encoder = self.weights.iter().filter(|(name, _)| name.starts_with("encoder."));
        !encoder.all(|(name, own)| {
            let other = gan.group(VAE).get(name).filter(|other| other.shape() == own.shape());
            other.is_some_and(|other| own.data().iter().zip(other.data()).all(close))
        })
    }
}

/// The weights of networks that have the same parameters.
fn own(
    model: &Model,
    old: (&GeneratorConfig, &DiscriminatorConfig),
    generator: &GeneratorConfig,
    discriminator: &DiscriminatorConfig,
) -> Option<(Arrays, Arrays)> {
    let same =
        old.0.parameters() == generator.parameters() && old.1.parameters() == discriminator.parameters();
    same.then(|| (model.group(GENERATOR).clone(), model.group(DISCRIMINATOR).clone()))
}

/// Dimensions of s and c among a generator's inputs, where it has no others.
fn split(description: &ModelDescription) -> Option<(usize, usize)> {
    let generator = description.generator()?;
    let inputs = description.inputs(GAN);
    let dims = |name: &str| match inputs.contains(&name) {
        true => description.block(name).map_or(0, |block| block.dims),
        false => 0,
    };
    let (s, c) = (dims("s"), dims("c"));
    (s + c == generator.z_dim()).then_some((s, c))
}

/// Networks in the words of the configuration.
fn words(
    generator: &GeneratorConfig,
    discriminator: &DiscriminatorConfig,
    split: Option<(usize, usize)>,
) -> String {
    let nets = match discriminator {
        DiscriminatorConfig::Small { .. } => "small",
        DiscriminatorConfig::Resnet { .. } => "resnet",
        DiscriminatorConfig::ResnetVdb { .. } => "resnet-vdb",
    };
    let widths = match generator {
        GeneratorConfig::Small { .. } => String::new(),
        GeneratorConfig::Resnet { trunk, .. } => {
            format!(", gan.nfilter {}, gan.nfilter_max {}", trunk.nfilter, trunk.nfilter_max)
        }
    };
    let code = match split {
        Some((s, c)) => format!("s of {s} and c of {c} dimensions"),
        None => format!("a code of {} dimensions", generator.z_dim()),
    };
    let (size, channels) = (generator.size(), generator.channels());
    format!("{nets} networks, size {size}, {channels} channel(s), {code}{widths}")
}
