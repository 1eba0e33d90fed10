use std::collections::BTreeSet;
use std::path::Path;

use crate::base::{Array, Arrays};
use crate::model::Model;

use super::CheckpointError;
use super::contents::DESCRIPTION_KEY;
use super::shapes::{Shapes, check_shapes, group_title, shapes_of_group};
use super::tensors::{Precision, write_tensors};

/// Writes `model` as a bundle: one safetensors file with the weights in their groups (`vae.*`, `generator.*`,
/// `discriminator.*`, ...), `stats.*`, and the description as JSON in its metadata under `idgan`. Any safetensors tool reads it, and
/// the same model gives the same bytes.
///
/// `precision` holds for the networks; statistics are always f32. [`Model::hash`] is not stored.
///
/// # Errors
/// When the model contradicts its description, a weight is too large for f16, or the file cannot be written; the
/// path then holds what it held before.
pub fn write_bundle(path: &Path, model: &Model, precision: Precision) -> Result<(), CheckpointError> {
    write_bundle_with(path, model, precision, &Arrays::new())
}

/// The same with more f32 arrays under names of their own, which readers of bundles pass over: a training state.
///
/// # Errors
/// As [`write_bundle`].
pub fn write_bundle_with(
    path: &Path,
    model: &Model,
    precision: Precision,
    extra: &Arrays,
) -> Result<(), CheckpointError> {
    let wrong = |what: String| CheckpointError::content(what, path);
    check_networks(model).map_err(wrong)?;
    let json = model.description.to_json().map_err(wrong)?;
    let mut tensors: Vec<(String, &Array, Precision)> = Vec::new();
    for (group, arrays) in &model.weights {
        tensors.extend(named(group, arrays, precision));
    }
    if let Some(stats) = &model.stats {
        for (name, array) in [("mu", &stats.mu), ("logvar", &stats.logvar), ("kl", &stats.kl)] {
            tensors.push((format!("stats.{name}"), array, Precision::F32));
        }
    }
    tensors.extend(extra.iter().map(|(name, array)| (name.clone(), array, Precision::F32)));
    write_tensors(path, &tensors, (DESCRIPTION_KEY, &json))
}

/// Checks that the model's description is sound and that its weights are those of the networks it describes.
pub(super) fn check_networks(model: &Model) -> Result<(), String> {
    let description = &model.description;
    description.validate()?;
    let described = description.networks.values().map(|network| &network.weights);
    let groups: BTreeSet<&String> = model.weights.keys().chain(described).collect();
    for group in groups {
        let arrays = model.group(group).iter();
        let found: Shapes = arrays.map(|(name, array)| (name.clone(), array.shape().to_vec())).collect();
        if let Some(expected) = shapes_of_group(description, group) {
            check_shapes(group_title(group), &found, &expected)?;
        }
    }
    Ok(())
}

fn named<'a>(
    group: &'a str,
    arrays: &'a Arrays,
    precision: Precision,
) -> impl Iterator<Item = (String, &'a Array, Precision)> {
    arrays.iter().map(move |(name, array)| (format!("{group}.{name}"), array, precision))
}
