use std::path::{Path, PathBuf};

use crate::base::{PixelRange, option_words};
use crate::data::absolute_spec;
use crate::model::{CodeBlock, Model, ModelDescription, Network};
use crate::nets::{PublishedRange, PublishedVae};

use super::CheckpointError;
use super::bundled::BundledModel;
use super::contents::{KEPT_NOTES, RUN_CHECKPOINT, sha256};
use super::describe::{describe_blocks, is_explained, with_vae};
use super::fit::check_fit;
use super::onnx::{Reading, is_onnx, open_onnx};
use super::opened::{Opened, RangeGuess, Unsaid};
use super::part::{Depth, Part, Wanted};

/// The files a model is made of. Each may be a bundle, a published PyTorch file in either encoding, a state dict
/// of another program (PyTorch, safetensors or npz), a PyTorch file that was unpacked, or a run folder.
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
    /// What ONNX files and some of others do not say about themselves.
    pub reading: Reading,
}

impl Sources {
    /// The command line's words that name them again.
    pub fn arguments(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(path) = &self.checkpoint {
            let word = BundledModel::name_or_path(path);
            words.push(if word.starts_with('-') { format!("--checkpoint={word}") } else { word });
        }
        let shown = |path: &PathBuf| path.display().to_string();
        let options = [
            ("--vae", self.vae.as_ref().map(shown)),
            ("--gan", self.gan.as_ref().map(shown)),
            ("--c-dim", self.c_dim.map(|dims| dims.to_string())),
        ];
        let said = options.into_iter().filter_map(|(name, value)| Some(option_words(name, value?)));
        words.extend(said.flatten());
        words.extend(self.reading.arguments());
        words
    }

    /// The ONNX file that they name, if they name one.
    fn onnx(&self) -> Result<Option<&Path>, CheckpointError> {
        let path = self.checkpoint.as_deref().filter(|path| is_onnx(path));
        if path.is_none() && self.reading.is_for_onnx() {
            return Err(CheckpointError::request(
                "an encoder and its results are named for an ONNX decoder (decoder.onnx); other files say these themselves",
            ));
        }
        Ok(path)
    }
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
    let mut opened = match sources.onnx()? {
        Some(path) => open_onnx(path, &sources.reading)?,
        None => {
            let (lone_vae, whole) = parts_of(sources, Depth::Values)?;
            assemble(lone_vae, whole, sources, Depth::Values)?
        }
    };
    say_data(&mut opened.model.description, sources)?;
    Ok(opened)
}

/// Notes the data set that somebody says the model was trained on.
fn say_data(description: &mut ModelDescription, sources: &Sources) -> Result<(), CheckpointError> {
    let Some(said) = sources.reading.data.as_deref().filter(|said| !said.is_empty()) else { return Ok(()) };
    let said = absolute_spec(said);
    match &description.data {
        Some(known) if *known != said => Err(CheckpointError::request(format!(
            "the model says that it was trained on {known}; leave --trained-on out"
        ))),
        _ => {
            description.data = Some(said);
            Ok(())
        }
    }
}

/// What a model is, without the values of its tensors: its networks and code blocks. Where it comes from is left out.
///
/// # Errors
/// As [`open`], but for what only values tell.
pub fn describe(sources: &Sources) -> Result<ModelDescription, CheckpointError> {
    if let Some(path) = sources.onnx()? {
        return Ok(open_onnx(path, &sources.reading)?.model.description);
    }
    let (lone_vae, whole) = parts_of(sources, Depth::Names)?;
    let mut description = assemble(lone_vae, whole, sources, Depth::Names)?.model.description;
    say_data(&mut description, sources)?;
    Ok(description)
}

/// The file of a VAE alone, and that with the GAN or with everything.
fn parts_of(sources: &Sources, depth: Depth) -> Result<(Option<Part>, Option<Part>), CheckpointError> {
    let request = |what: &str| Err(CheckpointError::request(what));
    match (&sources.checkpoint, &sources.vae, &sources.gan) {
        (None, None, None) => {
            request("no model was named; give a checkpoint, or a VAE file and/or a GAN file")
        }
        (Some(path), None, None) => Ok((None, Some(Part::read(path, Wanted::All, sources.c_dim, depth)?))),
        (Some(_), _, _) => request("give either one checkpoint, or a VAE file and/or a GAN file, not both"),
        (None, vae, gan) => {
            let vae = vae.as_deref().map(|path| Part::read(path, Wanted::Vae, None, depth)).transpose()?;
            let gan = gan.as_deref().map(|path| Part::read(path, Wanted::Gan, None, depth)).transpose()?;
            Ok((vae, gan))
        }
    }
}

/// Puts the parts together; `whole` is the file with the GAN, or with everything.
fn assemble(
    lone_vae: Option<Part>,
    whole: Option<Part>,
    sources: &Sources,
    depth: Depth,
) -> Result<Opened, CheckpointError> {
    let c_dim = sources.c_dim;
    let parts = || lone_vae.iter().chain(&whole);
    let described = whole.as_ref().and_then(|part| part.description.as_ref());
    let vae_part = parts().find(|part| part.vae.is_some());
    let vae = vae_part.and_then(|part| part.vae);
    let generator = whole.as_ref().and_then(|part| part.generator);
    let discriminator = whole.as_ref().and_then(|part| part.discriminator);
    check_fit(lone_vae.as_ref(), whole.as_ref(), c_dim)?;

    let named = whole.as_ref().or(lone_vae.as_ref()).map(|part| part.contents.path.as_path());
    let name = named.map_or_else(|| "model".into(), model_name);
    let mut description = match (described, &lone_vae) {
        (Some(description), _) => description.clone(),
        (None, Some(Part { description: Some(description), .. })) if whole.is_none() => description.clone(),
        (None, Some(Part { description: Some(description), .. })) => {
            ModelDescription { name, ..description.clone() }
        }
        (None, _) => ModelDescription::empty(name),
    };
    let code =
        vae_part.and_then(|part| part.description.as_ref()).and_then(|d| d.block(d.encoded()?).cloned());
    let published = whole.as_ref().filter(|part| part.description.is_none());
    let published = published.and_then(|part| Some((part, part.published?)));
    let (range, guess) = range_of(sources, published)?;
    let method = whole.as_ref().and_then(|part| part.method.clone());
    description = match (described, published) {
        (None, _) if let Some(method) = method => ModelDescription { name: description.name, ..method },
        (None, Some((_, vae))) => {
            let range = range.unwrap_or(vae.range);
            let codes = vec![CodeBlock::latent(vae.sizes.z_dim)];
            ModelDescription { codes, ..description }.with_published(PublishedVae { range, ..vae }, CODE)
        }
        (Some(described), _) if is_explained(described) => match (&lone_vae, vae) {
            (Some(_), Some(vae)) => with_vae(description, vae, "c"),
            _ => description,
        },
        (Some(_), _) if lone_vae.is_none() && c_dim.is_none() => description,
        _ => describe_blocks(description, vae, generator, code, c_dim),
    };
    if let Some(config) = discriminator.filter(|config| description.discriminator() != Some(*config)) {
        description = description.with_discriminator(config);
    }
    let is_there = |network: &Network| parts().any(|part| part.groups.contains_key(&network.weights));
    let lacking = description.networks.iter().filter(|(_, network)| !is_there(network));
    for name in lacking.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
        description = description.without(&name);
    }
    if depth == Depth::Values && (lone_vae.is_some() || described.is_none()) {
        for part in parts() {
            // Iterations and rates stay true of the weights; optimisers are not taken along.
            let training = &part.contents.found.training;
            let kept = training.iter().filter(|(key, _)| KEPT_NOTES.contains(&key.as_str()));
            description.training.extend(kept.map(|(key, value)| (key.clone(), value.clone())));
        }
        let origins = parts().map(Part::origin).collect::<Result<Vec<_>, _>>()?;
        description.provenance.insert("sources".into(), origins.into());
        let importer = format!("idgan {}", env!("CARGO_PKG_VERSION"));
        description.provenance.insert("imported_by".into(), importer.into());
    }
    description.validate().map_err(CheckpointError::request)?;

    let hash = match depth {
        Depth::Names => String::new(),
        Depth::Values => sha256(&parts().map(|part| &part.contents).collect::<Vec<_>>())?,
    };
    let model = Model { hash, ..Model::new(description) };
    let is_asked = published.is_some() && sources.reading.data.is_none();
    let unsaid = Unsaid { range: guess, data: is_asked && model.description.encoded().is_some() };
    let mut opened = Opened { model, warnings: Vec::new(), unsaid };
    for part in lone_vae.into_iter().chain(whole) {
        opened.warnings.extend(part.warnings);
        let model = &mut opened.model;
        model.weights.extend(part.groups);
        model.stats = part.stats.or(model.stats.take());
    }
    Ok(opened)
}

/// The code block of a VAE of which nothing else is known.
const CODE: &str = "z";

/// The range of a published VAE's pictures: what files say, what was asked for, or a guess.
fn range_of(
    sources: &Sources,
    published: Option<(&Part, PublishedVae)>,
) -> Result<(Option<PixelRange>, Option<RangeGuess>), CheckpointError> {
    let asked = sources.reading.range;
    let either = published.and_then(|(part, vae)| match vae.family.range {
        PublishedRange::Either { choices, guess } => Some((part, vae, choices, guess)),
        PublishedRange::Always(_) => None,
    });
    let Some((part, vae, choices, guess)) = either else {
        return match asked {
            None => Ok((published.map(|(_, vae)| vae.range), None)),
            Some(_) => Err(CheckpointError::request(
                "--pixels is for files that do not say which numbers their pictures are in, and this model does; leave --pixels \
                 out",
            )),
        };
    };
    match asked {
        Some(range) if choices.contains(&range) => Ok((Some(range), None)),
        Some(range) => Err(CheckpointError::request(format!(
            "--pixels says {}, but the {} gives {} or {}: {}",
            range.name(),
            vae.family.title,
            choices[0].name(),
            choices[1].name(),
            part.contents.path.display()
        ))),
        None => {
            let (range, why) = guess(part.lightning.as_deref());
            let others = choices.into_iter().filter(|other| *other != range).collect();
            Ok((Some(range), Some(RangeGuess { range, why, others })))
        }
    }
}

/// A name for people: the file's, or its folder's where the file has the name that every run gives.
fn model_name(path: &Path) -> String {
    let text = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let name = text(path.file_name()).unwrap_or_default();
    let endings = [".pt", ".safetensors", ".ckpt", ".pth"];
    let stem = endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    let numbered = stem.strip_prefix("model_").unwrap_or(stem);
    let usual = matches!(stem, "last" | "model") || name == RUN_CHECKPOINT || numbered.parse::<u64>().is_ok();
    let folder = text(path.parent().and_then(Path::file_name));
    folder.filter(|folder| usual && !folder.is_empty()).unwrap_or_else(|| stem.to_owned())
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
    fn a_model_is_named_again_as_it_was_given() {
        let words = |sources: Sources| sources.arguments();
        let gan = Sources { gan: Some("a b/model.pt".into()), c_dim: Some(20), ..Sources::default() };
        assert_eq!(words(gan), ["--gan", "a b/model.pt", "--c-dim", "20"]);
        let dash = Sources { checkpoint: Some("-x.onnx".into()), ..Sources::default() };
        assert_eq!(words(dash), ["--checkpoint=-x.onnx"], "it is no option");
        let reading =
            Reading { encoder: Some("-e.onnx".into()), mean: Some("mu".into()), ..Reading::default() };
        let onnx = Sources { checkpoint: Some("d.onnx".into()), reading, ..Sources::default() };
        assert_eq!(words(onnx), ["d.onnx", "--encoder=-e.onnx", "--mean", "mu"]);
    }
}
