use std::path::Path;

use serde_json::json;

use crate::base::Arrays;
use crate::nets::{DiscriminatorConfig, GeneratorConfig, Parameters};

use super::contents::{Contents, shapes};
use super::error::one_line;
use super::infer::{infer_discriminator, infer_generator, infer_vae};
use super::reader::Handles;
use super::shapes::{Shapes, check_shapes, shapes_of};
use super::{CheckpointError, ModelDescription, Stats, VaePart};

/// Which networks to take from a file.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    All,
    Vae,
    Gan,
}

/// How much of a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// All of it.
    Values,
    /// What its tensors are called and how large they are.
    Names,
}

/// What one file contributes to a model.
pub(super) struct Part {
    pub(super) contents: Contents,
    pub(super) description: Option<ModelDescription>,
    pub(super) vae: Option<(VaePart, Arrays)>,
    pub(super) generator: Option<(GeneratorConfig, Arrays)>,
    pub(super) discriminator: Option<(DiscriminatorConfig, Arrays)>,
    pub(super) stats: Option<Stats>,
    pub(super) warnings: Vec<String>,
}

impl Part {
    /// Opens the file at `path` and reads the networks that are wanted from it, or only their names and shapes.
    pub(super) fn read(path: &Path, wanted: Wanted, depth: Depth) -> Result<Self, CheckpointError> {
        let mut contents = Contents::open(path)?;
        let path = contents.path.clone();
        let wrong = |what: String| CheckpointError::content(what, &path);
        let mut found = std::mem::take(&mut contents.found);
        let description = found.description.take();
        if let Some(description) = &description {
            description.validate().map_err(wrong)?;
        }
        match wanted {
            Wanted::All => {}
            Wanted::Vae => {
                found.generator.clear();
                found.discriminator.clear();
            }
            Wanted::Gan => found.vae.clear(),
        }
        let described = description.as_ref();
        if let Some(description) = described {
            for (network, handles, known) in [
                ("VAE", &mut found.vae, description.vae.is_some()),
                ("generator", &mut found.generator, description.generator.is_some()),
                ("discriminator", &mut found.discriminator, description.discriminator.is_some()),
            ] {
                if !known && !handles.is_empty() {
                    handles.clear();
                    found.warnings.push(format!(
                        "it holds tensors of a {network} that its description does not mention; they were left out"
                    ));
                }
            }
        }
        let vae = description_of(described, wanted, Wanted::Vae, |d| d.vae.clone());
        let infer_whole = |found: &Shapes| Ok(VaePart::new(infer_vae(found)?, "c"));
        let vae = network(&mut contents, depth, &found.vae, "VAE", vae, infer_whole)?;
        let generator =
            description_of(described, wanted, Wanted::Gan, |d| d.generator.as_ref().map(|p| p.config));
        let generator =
            network(&mut contents, depth, &found.generator, "generator", generator, infer_generator)?;
        let discriminator = description_of(described, wanted, Wanted::Gan, |d| d.discriminator);
        let discriminator = network(
            &mut contents,
            depth,
            &found.discriminator,
            "discriminator",
            discriminator,
            infer_discriminator,
        )?;
        let stats = match &vae {
            Some((part, _)) if !found.stats.is_empty() && depth == Depth::Values => {
                Some(stats(contents.read(&found.stats)?, part.config.c_dim).map_err(wrong)?)
            }
            _ => None,
        };
        match wanted {
            Wanted::Vae if vae.is_none() => {
                return Err(wrong("this file holds no VAE (a GAN's file goes with --gan)".into()));
            }
            Wanted::Gan if generator.is_none() && discriminator.is_none() => {
                return Err(wrong("this file holds no GAN (a VAE's file goes with --vae)".into()));
            }
            _ if vae.is_none() && generator.is_none() && discriminator.is_none() => {
                return Err(wrong("this file holds no network".into()));
            }
            _ => {}
        }
        let mut warnings = std::mem::take(&mut found.warnings);
        warnings.extend(vae.as_ref().and_then(|(_, arrays)| not_finite("VAE", arrays)));
        warnings.extend(generator.as_ref().and_then(|(_, arrays)| not_finite("generator", arrays)));
        warnings.extend(discriminator.as_ref().and_then(|(_, arrays)| not_finite("discriminator", arrays)));
        warnings.iter_mut().for_each(|text| *text = format!("{}: {}", one_line(text), path.display()));
        contents.found.training = found.training;
        Ok(Self { contents, description, vae, generator, discriminator, stats, warnings })
    }

    /// Says where the part came from, for the provenance.
    pub(super) fn origin(&self) -> Result<serde_json::Value, CheckpointError> {
        let name = self.contents.path.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(json!({
            "file": name,
            "format": self.contents.format.name(),
            "sha256": self.contents.sha256()?,
        }))
    }
}

/// What the file says about a network, unless that network is not wanted from it.
fn description_of<C>(
    description: Option<&ModelDescription>,
    wanted: Wanted,
    group: Wanted,
    config: impl Fn(&ModelDescription) -> Option<C>,
) -> Option<C> {
    let taken =
        matches!((wanted, group), (Wanted::All, _) | (Wanted::Vae, Wanted::Vae) | (Wanted::Gan, Wanted::Gan));
    description.filter(|_| taken).and_then(config)
}

/// Reads one network after checking its shapes against what the file says it is, or else inferring that.
fn network<C: Parameters>(
    contents: &mut Contents,
    depth: Depth,
    handles: &Handles,
    name: &str,
    described: Option<C>,
    infer: impl Fn(&Shapes) -> Result<C, String>,
) -> Result<Option<(C, Arrays)>, CheckpointError> {
    if handles.is_empty() && described.is_none() {
        return Ok(None);
    }
    let shapes = shapes(handles);
    let config = match described {
        Some(config) => check_shapes(name, &shapes, &shapes_of(&config)).map(|()| config),
        None => infer(&shapes),
    };
    let config = config.map_err(|what| {
        let what = format!("{what}; its tensors are {}", contents.listed);
        CheckpointError::content(what, &contents.path)
    })?;
    match depth {
        Depth::Values => Ok(Some((config, contents.read(handles)?))),
        Depth::Names => Ok(Some((config, Arrays::new()))),
    }
}

/// The statistics of a bundle.
fn stats(mut arrays: Arrays, c_dim: usize) -> Result<Stats, String> {
    let mut take =
        |name: &str| arrays.remove(name).ok_or_else(|| format!("tensor `stats.{name}` is missing"));
    let stats = Stats { mu: take("mu")?, logvar: take("logvar")?, kl: take("kl")? };
    let rows = stats.mu.shape().first().copied().unwrap_or(0);
    for (name, array, expected) in [
        ("mu", &stats.mu, vec![rows, c_dim]),
        ("logvar", &stats.logvar, vec![rows, c_dim]),
        ("kl", &stats.kl, vec![c_dim]),
    ] {
        if array.shape() != expected {
            return Err(format!(
                "tensor `stats.{name}` has shape {:?}, expected {expected:?}",
                array.shape()
            ));
        }
    }
    Ok(stats)
}

/// A warning about weights that are NaN or infinite, if there are any.
fn not_finite(network: &str, arrays: &Arrays) -> Option<String> {
    let broken = |values: &[f32]| values.iter().filter(|value| !value.is_finite()).count();
    let total: usize = arrays.values().map(|array| broken(array.data())).sum();
    let first = arrays.iter().find(|(_, array)| broken(array.data()) > 0).map(|(name, _)| name)?;
    let (values, are) = if total == 1 { ("value", "is") } else { ("values", "are") };
    Some(format!(
        "{total} {values} of the {network} {are} not finite (NaN or infinite), first in `{first}`; its training \
         diverged or the file is damaged, and its pictures may be wrong"
    ))
}
