//! What one file holds: networks found by name, before their values are read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::base::Arrays;
use crate::formats::{hexadecimal, shorten};
use crate::model::{DISCRIMINATOR, GENERATOR, ModelDescription, VAE};

use super::CheckpointError;
use super::keys::{Key, choose, listed};
use super::kind::Kind;
use super::pickle::{TorchFile, Value};
use super::reader::{Format, Handle, Handles, Reader};
use super::shapes::Shapes;
use super::spectral::joined_shapes;

/// The key of the model description in a bundle's metadata.
pub(crate) const DESCRIPTION_KEY: &str = "idgan";
/// The key in [`ModelDescription::training`] of the VAE's training iterations, a whole number.
pub const VAE_ITERATION: &str = "vae_iteration";
/// The same of the GAN.
pub const GAN_ITERATION: &str = "gan_iteration";
/// The key there of the learning rate that the VAE's optimiser had last.
pub const VAE_RATE: &str = "vae_learning_rate";
/// The same of the generator.
pub const GENERATOR_RATE: &str = "generator_learning_rate";
/// The same of the discriminator.
pub const DISCRIMINATOR_RATE: &str = "discriminator_learning_rate";
/// What the description of an imported model keeps of the training of its files.
pub(crate) const KEPT_NOTES: [&str; 5] =
    [VAE_ITERATION, GAN_ITERATION, VAE_RATE, GENERATOR_RATE, DISCRIMINATOR_RATE];
/// The bundle in a run folder.
pub const RUN_CHECKPOINT: &str = "checkpoint.safetensors";

/// Everything in a file that this program understands.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) description: Option<ModelDescription>,
    /// The tensors of networks by their group; no group is empty.
    pub(crate) groups: BTreeMap<String, Handles>,
    /// What each of them is, where its names and shapes tell and no description does.
    pub(crate) kinds: BTreeMap<String, &'static dyn Kind>,
    pub(crate) stats: Handles,
    /// The version of PyTorch Lightning that wrote the file, where one did and says so.
    pub(crate) lightning: Option<String>,
    /// Whether the generator is a moving average of the one that was trained.
    pub(crate) is_averaged: bool,
    /// What the file says about its training: iteration, whether optimisers are kept.
    pub(crate) training: BTreeMap<String, Json>,
    pub(crate) warnings: Vec<String>,
}

/// An open file of any format.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
    pub(crate) found: Found,
    /// The names of its tensors, for a message.
    pub(crate) listed: String,
    reader: Reader,
}

impl Contents {
    /// Opens a bundle, a published PyTorch file, a state dict of another program, or a folder with one of these.
    pub(crate) fn open(path: &Path) -> Result<Self, CheckpointError> {
        let reader = Reader::open(path)?;
        let path = reader.path().to_owned();
        let wrong = |what: String| CheckpointError::content(what, &path);
        let (keys, handles) = reader.list()?;
        let listed = listed(&keys);
        let description = reader.tensors().and_then(|file| file.metadata().get(DESCRIPTION_KEY));
        let (format, found) = match (description, reader.torch()) {
            (Some(text), _) => {
                let description = ModelDescription::parse(text).map_err(wrong)?;
                (Format::Bundle, found_in_bundle(description, keys, handles))
            }
            (None, Some(file)) => (reader.format(), found_in_torch(file, &keys, &handles).map_err(wrong)?),
            (None, None) => (reader.format(), found_by_keys(&keys, &handles).map_err(wrong)?),
        };
        Ok(Self { path, format, found, listed, reader })
    }

    /// Reads the values of `handles`.
    pub(crate) fn read(&mut self, handles: &Handles) -> Result<Arrays, CheckpointError> {
        self.reader.read(handles)
    }

    /// Its size on disk in bytes.
    pub(crate) fn len(&self) -> Result<u64, CheckpointError> {
        self.reader.len()
    }

    /// SHA-256 of the file in hexadecimal.
    pub(crate) fn sha256(&self) -> Result<String, CheckpointError> {
        sha256(&[self])
    }
}

/// SHA-256 over the files, one after the other, in hexadecimal.
pub(crate) fn sha256(files: &[&Contents]) -> Result<String, CheckpointError> {
    let mut hasher = Sha256::new();
    files.iter().try_for_each(|file| file.reader.digest(&mut hasher))?;
    Ok(hexadecimal(hasher))
}

/// Names and shapes alone, of weights that are kept in parts in one.
pub(crate) fn shapes(handles: &Handles) -> Shapes {
    joined_shapes(&handles.iter().map(|(name, handle)| (name.clone(), handle.shape.clone())).collect())
}

/// A bundle says what it holds: its groups are taken by their names.
fn found_in_bundle(description: ModelDescription, keys: Vec<Key>, handles: Vec<Handle>) -> Found {
    let mut groups = BTreeSet::from([VAE, GENERATOR, DISCRIMINATOR]);
    groups.extend(description.networks.values().map(|network| network.weights.as_str()));
    let mut found = Found::default();
    let mut others: Vec<String> = Vec::new();
    for (Key { full, .. }, handle) in keys.into_iter().zip(handles) {
        let (group, name) = match full.split_once('.') {
            Some(("stats", rest)) => (&mut found.stats, rest),
            Some((group, rest)) if groups.contains(group) => {
                (found.groups.entry(group.to_owned()).or_default(), rest)
            }
            // What a training state keeps beside its model.
            Some(("training", _)) => continue,
            _ => {
                others.push(full);
                continue;
            }
        };
        group.insert(name.to_owned(), handle);
    }
    if let Some(first) = others.first() {
        let first = shorten(first);
        let text =
            format!("{} tensors belong to no network and were left out, first `{first}`", others.len());
        found.warnings.push(text);
    }
    found.description = Some(description);
    found
}

/// The networks of a file that says nothing about itself.
fn found_by_keys(keys: &[Key], handles: &[Handle]) -> Result<Found, String> {
    let choices = choose(keys)?;
    let mut found = Found { warnings: choices.warnings, ..Found::default() };
    for (group, choice) in choices.networks {
        let tensors = choice.tensors.into_iter().map(|(name, i)| (name, handles[i].clone())).collect();
        found.groups.insert(group.to_owned(), tensors);
        found.kinds.insert(group.to_owned(), choice.kind);
        found.is_averaged |= group == GENERATOR && choice.is_averaged;
    }
    // A bundle that another program saved without its description.
    for (key, handle) in keys.iter().zip(handles) {
        if let Some(name @ ("mu" | "logvar" | "kl")) = key.full.strip_prefix("stats.") {
            found.stats.insert(name.to_owned(), handle.clone());
        }
    }
    Ok(found)
}

fn found_in_torch(file: &TorchFile, keys: &[Key], handles: &[Handle]) -> Result<Found, String> {
    let root = file.root();
    let mut found = found_by_keys(keys, handles).map_err(|what| no_network(file, keys, what))?;
    check_stated(root, &found)?;
    let version = root.get("pytorch-lightning_version").and_then(Value::as_text);
    found.lightning = version.map(ToOwned::to_owned);
    let iteration = |name: &str| {
        let names = [name, "iteration", "global_step", "step"];
        names.iter().find_map(|name| root.get(name)?.as_int()).map(Json::from)
    };
    if found.groups.contains_key(VAE) {
        note(&mut found, VAE_ITERATION, iteration("iter"));
        let optimiser = root.get("optim_states").and_then(|states| states.get("optim"));
        let optimiser = optimiser.or_else(|| root.get("optimizer_state_dict"));
        note(&mut found, "vae_optimiser", Some(has_state(optimiser).into()));
        note(&mut found, VAE_RATE, rate(optimiser));
    }
    if [GENERATOR, DISCRIMINATOR].iter().any(|group| found.groups.contains_key(*group)) {
        // IB-GAN's files have other names than ID-GAN's.
        note(&mut found, GAN_ITERATION, iteration("it").or_else(|| iteration("iter")));
        let states = root.get("optim_states");
        let optimisers = [("g_optimizer", "GR_optim"), ("d_optimizer", "D_optim")]
            .map(|(own, other)| root.get(own).or_else(|| states?.get(other)));
        note(&mut found, "gan_optimisers", Some(has_state(optimisers[0].or(optimisers[1])).into()));
        note(&mut found, GENERATOR_RATE, rate(optimisers[0]));
        note(&mut found, DISCRIMINATOR_RATE, rate(optimisers[1]));
    }
    // The published files keep the raw generator and its moving average under these names.
    let has_generator = root.get("generator").is_some() && found.groups.contains_key(GENERATOR);
    if has_generator && !found.is_averaged && root.get("generator_test").is_none() {
        found.warnings.push(
            "it has no `generator_test`, so the raw generator serves instead of its moving average; pictures may look \
             rougher"
                .into(),
        );
    }
    if let [first, ..] = file.suspicious_names()[..] {
        found.warnings.push(format!(
            "it asks to run `{}`, which weights do not need and idgan never does; do not open it in programs that do",
            shorten(first)
        ));
    }
    Ok(found)
}

/// Why a PyTorch file holds no network, where its values say more than the names of its tensors, `what`.
fn no_network(file: &TorchFile, keys: &[Key], what: String) -> String {
    let advice = "if you trust where it comes from, load it in PyTorch and save its state_dict alone";
    if let [first, ..] = file.suspicious_names()[..] {
        return format!("this file asks to run `{}`, which weights do not need; {advice}", shorten(first));
    }
    if let Some(class) = file.whole_module() {
        return format!(
            "it holds a whole Python object (`{}`), not its weights alone; load it in PyTorch where its class is known and \
             save the state_dict: torch.save(model.state_dict(), FILE)",
            shorten(class)
        );
    }
    if !keys.is_empty() {
        return what;
    }
    let root = file.root();
    let class = root.entries().into_iter().flatten().find_map(|(_, value)| value.class());
    if let Some(class) = root.class().or(class) {
        return format!("this file asks to run `{}`, which weights do not need; {advice}", shorten(class));
    }
    let names = root.entries().into_iter().flatten().filter_map(|(key, _)| key.as_text());
    let names: Vec<String> = names.take(8).map(|name| format!("`{}`", shorten(name))).collect();
    match (names.is_empty(), root.is_container()) {
        (true, true) => "it holds no weights".into(),
        (true, false) => format!("it holds {} alone, not a dict of named weights", root.kind()),
        (false, _) => format!("it holds no weights; its keys are {}", names.join(", ")),
    }
}

/// Checks the sizes that published files state: the VAE's and IB-GAN's.
fn check_stated(root: Value<'_>, found: &Found) -> Result<(), String> {
    for (key, group, tensor, axis) in [
        ("c_dim", VAE, "decoder.layer.0.weight", 1),
        ("nc", VAE, "encoder.layer.0.weight", 1),
        ("z_dim", GENERATOR, "emb.0.weight", 1),
        ("r_dim", GENERATOR, "fe.0.weight", 1),
        ("nc", GENERATOR, "conv.12.weight", 1),
        ("ngf", GENERATOR, "conv.12.weight", 0),
        ("ndf", DISCRIMINATOR, "disc.2.weight", 1),
        ("ndf", DISCRIMINATOR, "front.0.weight", 0),
    ] {
        let stated = root.get("model_states").and_then(|states| states.get(key)).or_else(|| root.get(key));
        let actual = found
            .groups
            .get(group)
            .and_then(|tensors| tensors.get(tensor))
            .and_then(|handle| handle.shape.get(axis));
        if let (Some(stated), Some(&actual)) = (stated.and_then(Value::as_int), actual)
            && usize::try_from(stated) != Ok(actual)
        {
            return Err(format!("it says {key} {stated}, but tensor `{tensor}` has {actual}"));
        }
    }
    Ok(())
}

fn note(found: &mut Found, key: &str, value: Option<Json>) {
    if let Some(value) = value {
        found.training.insert(key.into(), value);
    }
}

/// Whether an optimiser is kept with what it remembers of each weight.
fn has_state(optimiser: Option<Value<'_>>) -> bool {
    let is_filled = |state: Value<'_>| state.entries().is_some_and(|mut entries| entries.next().is_some());
    optimiser.and_then(|optimiser| optimiser.get("state")).is_some_and(is_filled)
}

/// The learning rate of an optimiser's first group of weights.
fn rate(optimiser: Option<Value<'_>>) -> Option<Json> {
    let groups = optimiser?.get("param_groups")?;
    let rate = groups.items()?.next()?.get("lr")?.as_float()?;
    serde_json::Number::from_f64(rate).map(Json::Number)
}
