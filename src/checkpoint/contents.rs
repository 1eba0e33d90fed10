//! What one file holds: networks found by name, before their values are read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::base::{Array, Arrays, FileError};
use crate::formats::{Source, sha256, shorten};

use super::pickle::{Encoding, TensorRef, TorchFile, Value};
use super::shapes::Shapes;
use super::tensors::TensorFile;
use super::{CheckpointError, ModelDescription};

/// The key of the model description in a bundle's metadata.
pub(crate) const DESCRIPTION_KEY: &str = "idgan";
/// The key in [`ModelDescription::training`] of the VAE's training iterations, a whole number.
pub const VAE_ITERATION: &str = "vae_iteration";
/// The same of the GAN.
pub const GAN_ITERATION: &str = "gan_iteration";
/// The bundle in a run folder.
pub const RUN_CHECKPOINT: &str = "checkpoint.safetensors";

/// The kind of file a model came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A safetensors file with a model description.
    Bundle,
    /// A safetensors file of another program.
    Safetensors,
    /// A PyTorch file in the zip encoding.
    TorchZip,
    /// A PyTorch file in the encoding before 1.6.
    TorchLegacy,
}

impl Format {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bundle => "idgan bundle (safetensors)",
            Self::Safetensors => "safetensors without a model description",
            Self::TorchZip => "PyTorch (zip)",
            Self::TorchLegacy => "PyTorch (before 1.6)",
        }
    }
}

/// Where the values of one tensor lie.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    pub(crate) shape: Vec<usize>,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Named(String),
    Torch(TensorRef),
}

/// Tensors of one network by their name within it.
pub(crate) type Handles = BTreeMap<String, Handle>;

/// Everything in a file that this program understands.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) description: Option<ModelDescription>,
    pub(crate) vae: Handles,
    pub(crate) generator: Handles,
    pub(crate) discriminator: Handles,
    pub(crate) stats: Handles,
    /// What the file says about its training: iteration, whether optimisers are kept.
    pub(crate) training: BTreeMap<String, Json>,
    pub(crate) warnings: Vec<String>,
}

/// An open file of any format.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) path: PathBuf,
    pub(crate) source: Source,
    pub(crate) format: Format,
    pub(crate) found: Found,
    reader: Reader,
}

#[derive(Debug)]
enum Reader {
    Tensors(TensorFile),
    Torch(TorchFile),
}

impl Contents {
    /// Opens a bundle, a published PyTorch file, a state dict of another program, or a run folder.
    pub(crate) fn open(path: &Path) -> Result<Self, CheckpointError> {
        let path = if path.is_dir() { run_checkpoint(path)? } else { path.to_owned() };
        let source = Source::open(&path)?;
        let wrong = |what: String| CheckpointError::content(what, &path);
        let mut start = [0; 9];
        let head = start.len().min(source.len() as usize);
        source.read_exact_at(&mut start[..head], 0).map_err(|error| CheckpointError::io(error, &path))?;
        let (format, found, reader) = match start {
            _ if head == 0 => return Err(wrong("the file is empty".into())),
            [b'P', b'K', ..] | [0x80, ..] if start[8] != b'{' => {
                let file = TorchFile::from_source(source.clone())?;
                let format = match file.encoding() {
                    Encoding::Zip => Format::TorchZip,
                    Encoding::Legacy => Format::TorchLegacy,
                };
                (format, found_in_torch(file.root()).map_err(wrong)?, Reader::Torch(file))
            }
            [.., b'{'] => {
                let file = TensorFile::from_source(source.clone())?;
                let found = found_in_tensors(&file).map_err(wrong)?;
                let format = if found.description.is_some() { Format::Bundle } else { Format::Safetensors };
                (format, found, Reader::Tensors(file))
            }
            _ => {
                return Err(wrong(
                    "this is neither a safetensors file nor a PyTorch checkpoint; was it downloaded completely?"
                        .into(),
                ));
            }
        };
        Ok(Self { path, source, format, found, reader })
    }

    /// Reads the values of `handles`.
    pub(crate) fn read(&mut self, handles: &Handles) -> Result<Arrays, CheckpointError> {
        handles.iter().map(|(name, handle)| Ok((name.clone(), self.read_one(handle)?))).collect()
    }

    fn read_one(&mut self, handle: &Handle) -> Result<Array, CheckpointError> {
        match (&mut self.reader, &handle.place) {
            (Reader::Tensors(file), Place::Named(name)) => file.array(name),
            (Reader::Torch(file), Place::Torch(tensor)) => file.array(tensor),
            _ => Err(CheckpointError::content("a tensor of another file was asked for", &self.path)),
        }
    }

    /// SHA-256 of the file in hexadecimal.
    pub(crate) fn sha256(&self) -> Result<String, CheckpointError> {
        sha256(&[&self.source]).map_err(|error| CheckpointError::io(error, &self.path))
    }
}

/// Names and shapes alone.
pub(crate) fn shapes(handles: &Handles) -> Shapes {
    handles.iter().map(|(name, handle)| (name.clone(), handle.shape.clone())).collect()
}

/// The newest checkpoint of a run.
fn run_checkpoint(folder: &Path) -> Result<PathBuf, CheckpointError> {
    let path = folder.join(RUN_CHECKPOINT);
    if path.is_file() {
        return Ok(path);
    }
    let any = std::fs::read_dir(folder)
        .map_err(|error| FileError::new(error, folder))?
        .any(|entry| entry.is_ok_and(|e| e.file_name() == "config.toml"));
    if any {
        return Err(CheckpointError::content(
            format!("this run has not written {RUN_CHECKPOINT} yet; wait for its first checkpoint"),
            folder,
        ));
    }
    let what = format!("this folder is no run (it has no {RUN_CHECKPOINT}); name a run or a file inside it");
    Err(CheckpointError::content(what, folder))
}

fn found_in_tensors(file: &TensorFile) -> Result<Found, String> {
    let handles = file.shapes().map(|(name, shape)| {
        (name.to_owned(), Handle { shape: shape.to_vec(), place: Place::Named(name.to_owned()) })
    });
    let mut found = sort_by_network(handles.collect())?;
    if let Some(text) = file.metadata().get(DESCRIPTION_KEY) {
        found.description = Some(parse_description(text)?);
    }
    Ok(found)
}

fn parse_description(text: &str) -> Result<ModelDescription, String> {
    let json: Json =
        serde_json::from_str(text).map_err(|error| format!("its model description is no JSON ({error})"))?;
    let format = json.get("format").and_then(Json::as_u64).unwrap_or(0);
    if format > u64::from(ModelDescription::FORMAT) {
        return Err(format!(
            "it was written by a newer idgan (format {format}, this one reads up to {}); update idgan",
            ModelDescription::FORMAT
        ));
    }
    serde_json::from_value(json).map_err(|error| format!("its model description is not sound ({error})"))
}

fn found_in_torch(root: Value<'_>) -> Result<Found, String> {
    if root.entries().is_none() {
        return Err(format!("it holds {}, not the dict of a checkpoint", root.kind()));
    }
    let mut found = Found::default();
    if let Some(states) = root.get("model_states") {
        let net =
            states.get("net").ok_or("it has `model_states` without a `net`, so it is no VAE checkpoint")?;
        found.vae = state_dict(net, "VAE")?;
        note_iteration(&mut found, VAE_ITERATION, root.get("iter"));
        let optimiser = root.get("optim_states").and_then(|states| states.get("optim"));
        note_optimiser(&mut found, "vae_optimiser", optimiser);
        for (key, tensor, axis) in
            [("c_dim", "decoder.layer.0.weight", 1), ("nc", "encoder.layer.0.weight", 1)]
        {
            let stated = states.get(key).and_then(Value::as_int);
            let actual = found.vae.get(tensor).and_then(|handle| handle.shape.get(axis));
            if let (Some(stated), Some(&actual)) = (stated, actual)
                && usize::try_from(stated) != Ok(actual)
            {
                return Err(format!("it says {key} {stated}, but tensor `{tensor}` has {actual}"));
            }
        }
    }
    let moving_average = root.get("generator_test");
    if let Some(generator) = moving_average.or_else(|| root.get("generator")) {
        found.generator = state_dict(generator, "generator")?;
        if moving_average.is_none() {
            found.warnings.push(
                "it has no `generator_test`, so the raw generator serves instead of its moving average; \
                 pictures may look rougher"
                    .into(),
            );
        }
    }
    if let Some(discriminator) = root.get("discriminator") {
        found.discriminator = state_dict(discriminator, "discriminator")?;
    }
    if !found.generator.is_empty() || !found.discriminator.is_empty() {
        note_iteration(&mut found, GAN_ITERATION, root.get("it"));
        note_optimiser(
            &mut found,
            "gan_optimisers",
            root.get("g_optimizer").or_else(|| root.get("d_optimizer")),
        );
    }
    if found.vae.is_empty() && found.generator.is_empty() && found.discriminator.is_empty() {
        // A bare state dict, or one under the name that many scripts use.
        let plain = root.get("state_dict").unwrap_or(root);
        let handles = state_dict(plain, "model").map_err(|_| {
            let keys = root.entries().into_iter().flatten().filter_map(|(key, _)| key.as_text());
            let keys: Vec<String> = keys.take(8).map(shorten).collect();
            format!(
                "this PyTorch file holds neither a VAE (`model_states`) nor a GAN (`generator`); its keys are: {}",
                if keys.is_empty() { "none".into() } else { keys.join(", ") }
            )
        })?;
        return sort_by_network(handles);
    }
    Ok(found)
}

/// The tensors of a state dict, without the prefix that DataParallel adds.
fn state_dict(value: Value<'_>, network: &str) -> Result<Handles, String> {
    let entries =
        value.entries().ok_or_else(|| format!("its {network} is {}, not a state dict", value.kind()))?;
    let mut handles = Handles::new();
    for (key, value) in entries {
        let name =
            key.as_text().ok_or_else(|| format!("its {network} has {} among its names", key.kind()))?;
        let tensor = value.as_tensor().ok_or_else(|| {
            format!("`{}` of its {network} is {}, not a tensor", shorten(name), value.kind())
        })?;
        let handle = Handle { shape: tensor.shape().to_vec(), place: Place::Torch(tensor.clone()) };
        let name = name.strip_prefix("module.").unwrap_or(name);
        if handles.insert(name.to_owned(), handle).is_some() {
            return Err(format!("its {network} has tensor `{}` twice", shorten(name)));
        }
    }
    if handles.is_empty() {
        return Err(format!("its {network} holds no tensors"));
    }
    Ok(handles)
}

/// Distributes tensors over the networks by their names.
fn sort_by_network(handles: Handles) -> Result<Found, String> {
    let mut found = Found::default();
    let mut bare = Handles::new();
    let mut others: Vec<String> = Vec::new();
    for (full, handle) in handles {
        let name = full.strip_prefix("module.").unwrap_or(&full);
        let (group, name) = match name.split_once('.') {
            Some(("vae", rest)) => (&mut found.vae, rest),
            Some(("encoder" | "decoder", _)) => (&mut found.vae, name),
            Some(("generator", rest)) => (&mut found.generator, rest),
            Some(("discriminator", rest)) => (&mut found.discriminator, rest),
            // What a training state keeps beside its model.
            Some(("training", _)) => continue,
            Some(("stats", rest)) => (&mut found.stats, rest),
            Some(("layer" | "fc" | "resnet" | "conv_img" | "mean_fn" | "logstd_fn", _)) => (&mut bare, name),
            _ => {
                others.push(full);
                continue;
            }
        };
        let name = name.strip_prefix("module.").unwrap_or(name);
        if group.insert(name.to_owned(), handle).is_some() {
            return Err(format!("it has tensor `{}` twice", shorten(name)));
        }
    }
    if !bare.is_empty() {
        // A state dict without a network's name: a discriminator ends in one number or starts from a picture.
        let shape = |name: &str| bare.get(name).map(|handle| handle.shape.as_slice());
        let judges = matches!(shape("fc.weight"), Some([1, _]))
            || matches!(shape("layer.0.weight"), Some([_, _, _, _]));
        let group = if judges { &mut found.discriminator } else { &mut found.generator };
        if !group.is_empty() {
            return Err("it holds the same network twice, with and without its name".into());
        }
        *group = bare;
    }
    let Some(first) = others.first().map(|name| shorten(name)) else { return Ok(found) };
    if found.vae.is_empty() && found.generator.is_empty() && found.discriminator.is_empty() {
        return Err(format!(
            "its tensors (the first is `{first}`) belong to no network that idgan knows; it reads the VAE, the \
             generators and discriminators of ID-GAN"
        ));
    }
    found
        .warnings
        .push(format!("{} tensors belong to no network and were left out, first `{first}`", others.len()));
    Ok(found)
}

fn note_iteration(found: &mut Found, key: &str, value: Option<Value<'_>>) {
    if let Some(iteration) = value.and_then(Value::as_int) {
        found.training.insert(key.into(), iteration.into());
    }
}

fn note_optimiser(found: &mut Found, key: &str, value: Option<Value<'_>>) {
    let filled = |state: Value<'_>| state.entries().is_some_and(|mut entries| entries.next().is_some());
    let present = value.and_then(|optimiser| optimiser.get("state")).is_some_and(filled);
    found.training.insert(key.into(), present.into());
}
