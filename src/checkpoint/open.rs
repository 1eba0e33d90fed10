use std::path::{Path, PathBuf};

use serde_json::json;

use crate::base::Arrays;
use crate::nets::{DiscriminatorConfig, GeneratorConfig, VaeConfig};

use super::contents::{Contents, Format, RUN_CHECKPOINT, shapes};
use super::infer::{infer_discriminator, infer_generator, infer_vae};
use super::shapes::{check_shapes, shapes_of};
use super::source::sha256;
use super::{CheckpointError, CodeBlock, CodeKind, GeneratorPart, Model, ModelDescription, Stats, VaePart};

/// The files a model is made of. Each may be a bundle, a published PyTorch file in either encoding, a state dict
/// of another program, or a run folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// One file that holds all there is.
    pub checkpoint: Option<PathBuf>,
    /// The file with the VAE.
    pub vae: Option<PathBuf>,
    /// The file with the generator and the discriminator.
    pub gan: Option<PathBuf>,
    /// Dimensions of the disentangled code of a GAN without a VAE; otherwise all its input is one block `z`.
    pub c_dim: Option<usize>,
}

/// A model that was opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The model.
    pub model: Model,
    /// What its user should know, in sentences.
    pub warnings: Vec<String>,
}

/// Opens a model.
///
/// Everything that published files leave out (architecture, widths, resolution, nuisance dimensions) is inferred
/// from the shapes of their tensors. Shapes are checked before values are read.
///
/// # Errors
/// When a file cannot be read, is damaged, holds no known network, lacks a tensor or has one of another shape, and
/// when VAE and GAN do not fit each other.
pub fn open(sources: &Sources) -> Result<Opened, CheckpointError> {
    let request = |what: &str| Err(CheckpointError::Request(what.into()));
    match (&sources.checkpoint, &sources.vae, &sources.gan) {
        (None, None, None) => request("no model was named; give a checkpoint, or a VAE file and/or a GAN file"),
        (Some(path), None, None) => {
            let part = Part::read(path, Networks { vae: true, gan: true })?;
            assemble(None, Some(part), sources.c_dim)
        }
        (Some(_), _, _) => request("give either one checkpoint, or a VAE file and/or a GAN file, not both"),
        (None, vae, gan) => {
            let vae = vae.as_deref().map(|path| Part::read_vae(path)).transpose()?;
            let gan = gan.as_deref().map(|path| Part::read_gan(path)).transpose()?;
            assemble(vae, gan, sources.c_dim)
        }
    }
}

/// Which networks to take from a file.
#[derive(Clone, Copy)]
struct Networks {
    vae: bool,
    gan: bool,
}

/// What one file contributes.
struct Part {
    contents: Contents,
    description: Option<ModelDescription>,
    vae: Option<(VaeConfig, Arrays)>,
    generator: Option<(GeneratorConfig, Arrays)>,
    discriminator: Option<(DiscriminatorConfig, Arrays)>,
    stats: Option<Stats>,
    warnings: Vec<String>,
}

impl Part {
    fn read_vae(path: &Path) -> Result<Self, CheckpointError> {
        let part = Self::read(path, Networks { vae: true, gan: false })?;
        if part.vae.is_none() {
            let what = "this file holds no VAE (a GAN's file goes with --gan)";
            return Err(CheckpointError::content(what, &part.contents.path));
        }
        Ok(part)
    }

    fn read_gan(path: &Path) -> Result<Self, CheckpointError> {
        let part = Self::read(path, Networks { vae: false, gan: true })?;
        if part.generator.is_none() && part.discriminator.is_none() {
            let what = "this file holds no GAN (a VAE's file goes with --vae)";
            return Err(CheckpointError::content(what, &part.contents.path));
        }
        Ok(part)
    }

    fn read(path: &Path, wanted: Networks) -> Result<Self, CheckpointError> {
        let mut contents = Contents::open(path)?;
        let path = contents.path.clone();
        let wrong = |what: String| CheckpointError::content(what, &path);
        let found = std::mem::take(&mut contents.found);
        let description = found.description.clone();
        if let Some(description) = &description {
            description.validate().map_err(wrong)?;
        }
        let mut warnings = found.warnings.clone();

        let vae = if wanted.vae && !found.vae.is_empty() {
            let shapes = shapes(&found.vae);
            let config = match description.as_ref().and_then(|d| d.vae.as_ref()) {
                Some(part) => check_shapes("VAE", &shapes, &shapes_of(&part.config)).map(|()| part.config),
                None => infer_vae(&shapes),
            };
            Some((config.map_err(wrong)?, contents.read(&found.vae)?))
        } else {
            None
        };
        let generator = if wanted.gan && !found.generator.is_empty() {
            let shapes = shapes(&found.generator);
            let config = match description.as_ref().and_then(|d| d.generator.as_ref()) {
                Some(part) => {
                    check_shapes("generator", &shapes, &shapes_of(&part.config)).map(|()| part.config)
                }
                None => infer_generator(&shapes),
            };
            Some((config.map_err(wrong)?, contents.read(&found.generator)?))
        } else {
            None
        };
        let discriminator = if wanted.gan && !found.discriminator.is_empty() {
            let shapes = shapes(&found.discriminator);
            let config = match description.as_ref().and_then(|d| d.discriminator.as_ref()) {
                Some(config) => {
                    check_shapes("discriminator", &shapes, &shapes_of(config)).map(|()| *config)
                }
                None => infer_discriminator(&shapes),
            };
            Some((config.map_err(wrong)?, contents.read(&found.discriminator)?))
        } else {
            None
        };
        if let Some(description) = &description {
            let missing = [
                ("VAE", description.vae.is_some() && found.vae.is_empty()),
                ("generator", description.generator.is_some() && found.generator.is_empty()),
                ("discriminator", description.discriminator.is_some() && found.discriminator.is_empty()),
            ];
            if let Some((network, _)) = missing.iter().find(|(_, missing)| *missing) {
                return Err(wrong(format!("it describes a {network} but holds no tensors of one")));
            }
        }
        let stats = match &vae {
            Some((config, _)) if !found.stats.is_empty() => {
                Some(stats(contents.read(&found.stats)?, config.c_dim).map_err(wrong)?)
            }
            _ => None,
        };
        for (network, arrays) in [
            ("VAE", vae.as_ref().map(|(_, arrays)| arrays)),
            ("generator", generator.as_ref().map(|(_, arrays)| arrays)),
            ("discriminator", discriminator.as_ref().map(|(_, arrays)| arrays)),
        ] {
            warnings.extend(arrays.and_then(|arrays| not_finite(network, arrays)));
        }
        let warnings = warnings.into_iter().map(|text| format!("{text}: {}", path.display())).collect();
        contents.found.training = found.training;
        Ok(Self { contents, description, vae, generator, discriminator, stats, warnings })
    }

    /// Says where the part came from, for the provenance.
    fn origin(&self) -> Result<serde_json::Value, CheckpointError> {
        let name = self.contents.path.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(json!({
            "file": name,
            "format": self.contents.format.name(),
            "sha256": self.contents.sha256()?,
        }))
    }
}

/// The statistics of a bundle.
fn stats(mut arrays: Arrays, c_dim: usize) -> Result<Stats, String> {
    let mut take = |name: &str| arrays.remove(name).ok_or_else(|| format!("tensor `stats.{name}` is missing"));
    let stats = Stats { mu: take("mu")?, logvar: take("logvar")?, kl: take("kl")? };
    let rows = stats.mu.shape().first().copied().unwrap_or(0);
    for (name, array, expected) in [
        ("mu", &stats.mu, vec![rows, c_dim]),
        ("logvar", &stats.logvar, vec![rows, c_dim]),
        ("kl", &stats.kl, vec![c_dim]),
    ] {
        if array.shape() != expected {
            return Err(format!("tensor `stats.{name}` has shape {:?}, expected {expected:?}", array.shape()));
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

/// Puts the parts together; `whole` is the file with the GAN, or with everything.
fn assemble(
    lone_vae: Option<Part>,
    whole: Option<Part>,
    c_dim: Option<usize>,
) -> Result<Opened, CheckpointError> {
    let parts = || lone_vae.iter().chain(&whole);
    let described = whole.as_ref().and_then(|part| part.description.as_ref());
    let vae_part = parts().find(|part| part.vae.is_some());
    let vae = vae_part.and_then(|part| part.vae.as_ref()).map(|(config, _)| *config);
    let generator = whole.as_ref().and_then(|part| part.generator.as_ref()).map(|(config, _)| *config);
    let discriminator = whole.as_ref().and_then(|part| part.discriminator.as_ref()).map(|(config, _)| *config);
    if vae.is_none() && generator.is_none() && discriminator.is_none() {
        let path = whole.as_ref().map_or(Path::new("?"), |part| &part.contents.path);
        return Err(CheckpointError::content("it holds no network", path));
    }
    fit(lone_vae.as_ref(), whole.as_ref(), c_dim)?;

    let named = whole.as_ref().or(lone_vae.as_ref()).map(|part| part.contents.path.as_path());
    let mut description = match described.or(lone_vae.as_ref().and_then(|part| part.description.as_ref())) {
        Some(description) => description.clone(),
        None => ModelDescription::empty(named.map_or_else(|| "model".into(), model_name)),
    };
    let keeps_blocks = lone_vae.is_none() && described.is_some_and(|d| !is_unexplained(d)) && c_dim.is_none();
    if !keeps_blocks {
        let code = vae_part
            .and_then(|part| part.description.as_ref())
            .and_then(|d| d.block(&d.vae.as_ref()?.code).cloned());
        describe_blocks(&mut description, vae, generator, code, c_dim);
    }
    description.discriminator = discriminator;
    if lone_vae.is_some() || described.is_none() {
        for part in parts() {
            description.training.extend(part.contents.found.training.clone());
        }
        let origins = parts().map(Part::origin).collect::<Result<Vec<_>, _>>()?;
        description.provenance.insert("sources".into(), origins.into());
        let importer = format!("idgan {}", env!("CARGO_PKG_VERSION"));
        description.provenance.insert("imported_by".into(), importer.into());
    }
    description.validate().map_err(CheckpointError::Request)?;

    let sources: Vec<_> = parts().map(|part| &part.contents.source).collect();
    let hash = sha256(&sources).map_err(|error| {
        CheckpointError::io(error, named.unwrap_or(Path::new("?")))
    })?;
    let mut opened = Opened {
        model: Model {
            description,
            vae: Arrays::new(),
            generator: Arrays::new(),
            discriminator: Arrays::new(),
            stats: None,
            hash,
        },
        warnings: Vec::new(),
    };
    for part in lone_vae.into_iter().chain(whole) {
        opened.warnings.extend(part.warnings);
        let model = &mut opened.model;
        part.vae.into_iter().for_each(|(_, arrays)| model.vae = arrays);
        part.generator.into_iter().for_each(|(_, arrays)| model.generator = arrays);
        part.discriminator.into_iter().for_each(|(_, arrays)| model.discriminator = arrays);
        model.stats = part.stats.or(model.stats.take());
    }
    Ok(opened)
}

/// Checks that the networks work on the same codes and pictures, and that `c_dim` agrees with them.
fn fit(lone_vae: Option<&Part>, whole: Option<&Part>, asked: Option<usize>) -> Result<(), CheckpointError> {
    let path = |part: Option<&Part>| part.map(|p| p.contents.path.display().to_string()).unwrap_or_default();
    let refuse = |what: String| Err(CheckpointError::Request(what));
    let vae_part = lone_vae.or(whole.filter(|part| part.vae.is_some()));
    let vae = vae_part.and_then(|part| part.vae.as_ref()).map(|(config, _)| *config);
    let generator = whole.and_then(|part| part.generator.as_ref()).map(|(config, _)| *config);
    let discriminator = whole.and_then(|part| part.discriminator.as_ref()).map(|(config, _)| *config);
    let files = format!("VAE {}, GAN {}", path(vae_part), path(whole));
    if let (Some(vae), Some(generator)) = (vae, generator) {
        if vae.c_dim > generator.z_dim() {
            return refuse(format!(
                "the VAE's code has {} dimensions, but the generator takes only {} in all, so they were not trained \
                 together; choose the VAE that the GAN was trained with: {files}",
                vae.c_dim,
                generator.z_dim()
            ));
        }
        if vae.channels != generator.channels() {
            return refuse(format!(
                "the VAE works on pictures of {} channels and the generator on {}, so they were not trained \
                 together: {files}",
                vae.channels,
                generator.channels()
            ));
        }
        // Two bundles say which block they share; published files say nothing more.
        let trained = whole.and_then(|part| part.description.as_ref()).and_then(|d| d.block("c"));
        if let (Some(block), Some(_)) = (trained, lone_vae)
            && block.dims != vae.c_dim
        {
            return refuse(format!(
                "the VAE's code has {} dimensions and the GAN was trained with {}: {files}",
                vae.c_dim, block.dims
            ));
        }
    }
    if let (Some(generator), Some(discriminator)) = (generator, discriminator)
        && (generator.channels(), generator.size()) != (discriminator.channels(), discriminator.size())
    {
        return refuse(format!(
            "the generator makes {g} x {g} pictures of {} channels and the discriminator takes {d} x {d} of {}: {}",
            generator.channels(),
            discriminator.channels(),
            path(whole),
            g = generator.size(),
            d = discriminator.size(),
        ));
    }
    let Some(asked) = asked else { return Ok(()) };
    if let Some(vae) = vae {
        if asked != vae.c_dim {
            return refuse(format!(
                "--c-dim says {asked}, but the VAE's code has {} dimensions; leave --c-dim out: {}",
                vae.c_dim,
                path(vae_part)
            ));
        }
    } else if let Some(generator) = generator
        && !(1..=generator.z_dim()).contains(&asked)
    {
        return refuse(format!(
            "--c-dim says {asked}, but the generator takes {} numbers in all: {}",
            generator.z_dim(),
            path(whole)
        ));
    }
    let fixed = whole.and_then(|part| part.description.as_ref()).filter(|d| !is_unexplained(d));
    match fixed.and_then(|d| d.block("c")) {
        Some(block) if block.dims != asked => refuse(format!(
            "--c-dim says {asked}, but the model's code has {} dimensions; leave --c-dim out: {}",
            block.dims,
            path(whole)
        )),
        _ => Ok(()),
    }
}

/// Whether a description says no more about a GAN's input than its width.
fn is_unexplained(description: &ModelDescription) -> bool {
    description.vae.is_none() && description.generator.as_ref().is_none_or(|part| part.inputs == ["z"])
}

/// Writes the blocks of ID-GAN into `description`: `c` (from the VAE, or `c_dim` wide) and what is left of the
/// generator's input as `s`, which comes first in z; without either, one block `z`.
fn describe_blocks(
    description: &mut ModelDescription,
    vae: Option<VaeConfig>,
    generator: Option<GeneratorConfig>,
    code: Option<CodeBlock>,
    c_dim: Option<usize>,
) {
    let c_dim = vae.map(|config| config.c_dim).or(c_dim);
    let code = match (code, c_dim) {
        (Some(code), _) => Some(code),
        (None, Some(dims)) => Some(CodeBlock::disentangled(dims)),
        (None, None) => generator.map(|config| CodeBlock::latent(config.z_dim())),
    };
    let rest = generator.map_or(0, |config| config.z_dim() - code.as_ref().map_or(0, |code| code.dims));
    let nuisance = (rest > 0).then(|| CodeBlock::nuisance(rest));
    let name = code.as_ref().map(|code| code.name.clone());
    let inputs = nuisance.iter().map(|block| block.name.clone()).chain(name.clone()).collect();
    description.codes = code.into_iter().chain(nuisance).collect();
    description.generator = generator.map(|config| GeneratorPart { config, inputs });
    description.vae = vae.zip(name).map(|(config, code)| VaePart { config, code });
}

/// A name for people: the file's, or its folder's where the file has the name that every run gives.
fn model_name(path: &Path) -> String {
    let text = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let name = text(path.file_name()).unwrap_or_default();
    let stem = name.strip_suffix(".pt").or_else(|| name.strip_suffix(".safetensors")).unwrap_or(&name);
    let numbered = stem.strip_prefix("model_").unwrap_or(stem);
    let usual = matches!(stem, "last" | "model") || name == RUN_CHECKPOINT || numbered.parse::<u64>().is_ok();
    let folder = text(path.parent().and_then(Path::file_name));
    folder.filter(|folder| usual && !folder.is_empty()).unwrap_or_else(|| stem.to_owned())
}

/// Whether `block` is drawn as one piece without a meaning of its dimensions.
#[cfg(test)]
fn is_noise(block: &CodeBlock) -> bool {
    block.kind == CodeKind::Noise
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_named_after_their_file_or_its_folder() {
        for (path, name) in [
            ("runs/celeba/last", "celeba"),
            ("runs/celeba/model.pt", "celeba"),
            ("runs/celeba/model_00099999.pt", "celeba"),
            ("runs/celeba/120000", "celeba"),
            ("runs/celeba/checkpoint.safetensors", "celeba"),
            ("model.pt", "model"),
            ("faces.safetensors", "faces"),
            ("dir/faces-128.pt", "faces-128"),
        ] {
            assert_eq!(model_name(Path::new(path)), name, "{path}");
        }
    }

    #[test]
    fn what_the_vae_leaves_of_z_is_nuisance_and_comes_first() {
        let generator = GeneratorConfig::Small { z_dim: 14, channels: 1 };
        let vae = VaeConfig { channels: 1, c_dim: 10 };
        let blocks = |vae, generator, c_dim| {
            let mut description = ModelDescription::empty("test");
            describe_blocks(&mut description, vae, generator, None, c_dim);
            assert_eq!(description.validate(), Ok(()));
            let noise = description.codes.iter().filter(|block| is_noise(block)).count();
            let inputs = description.generator.map(|part| part.inputs.join(",")).unwrap_or_default();
            (description.codes.iter().map(|b| format!("{}{}", b.name, b.dims)).collect::<Vec<_>>().join(" "), inputs, noise)
        };
        let expect = |codes: &str, inputs: &str, noise| (codes.to_owned(), inputs.to_owned(), noise);
        assert_eq!(blocks(Some(vae), Some(generator), None), expect("c10 s4", "s,c", 1));
        assert_eq!(blocks(None, Some(generator), Some(14)), expect("c14", "c", 0));
        assert_eq!(blocks(None, Some(generator), Some(3)), expect("c3 s11", "s,c", 1));
        assert_eq!(blocks(None, Some(generator), None), expect("z14", "z", 0));
        assert_eq!(blocks(Some(vae), None, None), expect("c10", "", 0));
    }
}
