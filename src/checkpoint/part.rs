use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::json;

use crate::base::Arrays;
use crate::model::{DISCRIMINATOR, GENERATOR, ModelDescription, Stats, VAE};
use crate::nets::{DiscriminatorConfig, GeneratorConfig, PublishedVae, VaeConfig};

use super::CheckpointError;
use super::contents::{Contents, shapes};
use super::error::one_line;
use super::kind::{Inferred, Kind};
use super::reader::Handles;
use super::shapes::{Shapes, check_shapes, group_title, shapes_of_group};
use super::spectral::joined;

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

/// A VAE, or its encoder alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vae {
    pub(super) config: VaeConfig,
    pub(super) has_decoder: bool,
}

/// What one file contributes to a model.
pub(super) struct Part {
    pub(super) contents: Contents,
    pub(super) description: Option<ModelDescription>,
    pub(super) vae: Option<Vae>,
    pub(super) generator: Option<GeneratorConfig>,
    pub(super) discriminator: Option<DiscriminatorConfig>,
    /// A VAE that somebody else has published; there is no other then.
    pub(super) published: Option<PublishedVae>,
    /// A whole model of another method, by the names and shapes of its tensors.
    pub(super) method: Option<ModelDescription>,
    /// The version of PyTorch Lightning that wrote the file, where one did and says so.
    pub(super) lightning: Option<String>,
    /// The weights by group, without values where only names were to be read.
    pub(super) groups: BTreeMap<String, Arrays>,
    pub(super) stats: Option<Stats>,
    pub(super) warnings: Vec<String>,
}

impl Wanted {
    /// Whether the weights of `group` are among what is wanted.
    fn includes(self, group: &str) -> bool {
        match self {
            Self::All => true,
            Self::Vae => group == VAE,
            Self::Gan => [GENERATOR, DISCRIMINATOR].contains(&group),
        }
    }
}

impl Part {
    /// Opens the file at `path` and reads the networks that are wanted from it, or only their names and shapes. `c_dim` is what
    /// somebody says of its code.
    pub(super) fn read(
        path: &Path,
        wanted: Wanted,
        c_dim: Option<usize>,
        depth: Depth,
    ) -> Result<Self, CheckpointError> {
        let mut contents = Contents::open(path)?;
        let path = contents.path.clone();
        let wrong = |what: String| CheckpointError::content(what, &path);
        let mut found = std::mem::take(&mut contents.found);
        let description = found.description.take();
        found.groups.retain(|group, _| wanted.includes(group));
        let mut part = Self {
            contents,
            description: None,
            vae: None,
            generator: None,
            discriminator: None,
            published: None,
            method: None,
            lightning: found.lightning,
            groups: BTreeMap::new(),
            stats: None,
            warnings: found.warnings,
        };
        match description {
            Some(description) => part.read_described(description, found.groups, wanted, depth)?,
            None => part.read_inferred(&found.groups, &found.kinds, c_dim, depth)?,
        }
        let encoded = match (&part.description, part.vae) {
            (Some(description), _) => description
                .encoded()
                .filter(|_| wanted.includes(VAE))
                .and_then(|name| Some(description.block(name)?.dims)),
            (None, Some(vae)) => Some(vae.config.c_dim),
            (None, None) => part.published.map(|vae| vae.sizes.z_dim),
        };
        if let Some(dims) = encoded.filter(|_| !found.stats.is_empty() && depth == Depth::Values) {
            part.stats = Some(stats(part.contents.read(&found.stats)?, dims).map_err(wrong)?);
        }
        match wanted {
            Wanted::Vae if part.published.is_some() => {
                let title = part.published.map_or("VAE", |vae| vae.family.title);
                return Err(wrong(format!(
                    "this file holds a {title}, which goes with no GAN; open it by itself, without --vae"
                )));
            }
            Wanted::Vae if part.vae.is_none() => {
                return Err(wrong("this file holds no VAE (a GAN's file goes with --gan)".into()));
            }
            Wanted::Gan if part.method.is_some() => {
                return Err(wrong(
                    "this file holds a whole model of its own; open it by itself, without --gan".into(),
                ));
            }
            Wanted::Gan if part.generator.is_none() && part.discriminator.is_none() => {
                return Err(wrong("this file holds no GAN (a VAE's file goes with --vae)".into()));
            }
            _ if part.groups.is_empty() => return Err(wrong("this file holds no network".into())),
            _ => {}
        }
        part.warnings
            .extend(part.groups.iter().filter_map(|(group, arrays)| not_finite(group_title(group), arrays)));
        let path = path.display();
        part.warnings.iter_mut().for_each(|text| *text = format!("{}: {path}", one_line(text)));
        part.contents.found.training = found.training;
        Ok(part)
    }

    /// Reads the networks that the file says it has.
    fn read_described(
        &mut self,
        description: ModelDescription,
        mut groups: BTreeMap<String, Handles>,
        wanted: Wanted,
        depth: Depth,
    ) -> Result<(), CheckpointError> {
        description.validate().map_err(|what| CheckpointError::content(what, &self.contents.path))?;
        let described: BTreeSet<&String> = description
            .networks
            .values()
            .map(|network| &network.weights)
            .filter(|group| wanted.includes(group))
            .collect();
        for group in described {
            let handles = groups.remove(group).unwrap_or_default();
            let expected = shapes_of_group(&description, group);
            let check = |found: &Shapes| match &expected {
                Some(expected) => check_shapes(group_title(group), found, expected),
                None => Ok(()),
            };
            self.read_group(group, &handles, depth, check)?;
        }
        self.warnings.extend(groups.keys().map(|group| {
            let title = group_title(group);
            format!("it holds tensors of a {title} that its description does not mention; they were left out")
        }));
        if wanted.includes(VAE) {
            let has_decoder = description.decoder().is_some();
            self.vae = description.encoder().map(|config| Vae { config, has_decoder });
        }
        if wanted.includes(GENERATOR) {
            (self.generator, self.discriminator) = (description.generator(), description.discriminator());
        }
        self.published = description.published();
        self.description = Some(description);
        Ok(())
    }

    /// Reads the networks that the names and shapes of tensors tell.
    fn read_inferred(
        &mut self,
        groups: &BTreeMap<String, Handles>,
        kinds: &BTreeMap<String, &'static dyn Kind>,
        c_dim: Option<usize>,
        depth: Depth,
    ) -> Result<(), CheckpointError> {
        for (group, kind) in kinds {
            let Some(handles) = groups.get(group) else { continue };
            let inferred = self.read_group(group, handles, depth, |shapes| kind.infer(shapes))?;
            if let Some(arrays) = self.groups.get_mut(group) {
                arrays.retain(|name, _| !kind.is_unused(name));
            }
            match inferred {
                Inferred::Vae(config) => self.vae = Some(Vae { config, has_decoder: true }),
                Inferred::Generator(config) => self.generator = Some(config),
                Inferred::Discriminator(config) => self.discriminator = Some(config),
                Inferred::Published(vae) => self.published = Some(vae),
                Inferred::OfMethod => {}
            }
        }
        let described = describe(groups, kinds, c_dim).transpose();
        self.method = described.map_err(|what| CheckpointError::content(what, &self.contents.path))?;
        self.warnings.extend(kinds.values().find_map(|kind| kind.warning()).map(str::to_owned));
        if let Some(method) = &self.method {
            let is_its = |group: &String| method.networks.values().any(|network| network.weights == *group);
            self.groups.retain(|group, _| is_its(group));
        }
        Ok(())
    }

    /// Reads a group of weights after `check` has seen its shapes.
    fn read_group<C>(
        &mut self,
        group: &str,
        handles: &Handles,
        depth: Depth,
        check: impl FnOnce(&Shapes) -> Result<C, String>,
    ) -> Result<C, CheckpointError> {
        let checked = check(&shapes(handles)).map_err(|what| {
            let what = format!("{what}; its tensors are {}", self.contents.listed);
            CheckpointError::content(what, &self.contents.path)
        })?;
        let arrays = match depth {
            Depth::Values => joined(self.contents.read(handles)?)
                .map_err(|what| CheckpointError::content(what, &self.contents.path))?,
            Depth::Names => Arrays::new(),
        };
        self.groups.insert(group.to_owned(), arrays);
        Ok(checked)
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

/// The model that the networks of a file make together, where they are all of one method.
pub(super) fn describe(
    groups: &BTreeMap<String, Handles>,
    kinds: &BTreeMap<String, &'static dyn Kind>,
    c_dim: Option<usize>,
) -> Option<Result<ModelDescription, String>> {
    let used = |(group, handles): (&String, &Handles)| {
        let mut shapes = shapes(handles);
        shapes.retain(|name, _| kinds.get(group).is_none_or(|kind| !kind.is_unused(name)));
        (group.clone(), shapes)
    };
    let found = groups.iter().map(used).collect();
    kinds.values().find_map(|kind| kind.describe(&found, c_dim))
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
