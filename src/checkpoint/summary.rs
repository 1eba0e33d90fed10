use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::nets::{DiscriminatorConfig, GeneratorConfig, VaeConfig};

use super::contents::{Contents, shapes};
use super::error::one_line;
use super::infer::{infer_discriminator, infer_generator, infer_vae};
use super::reader::Handles;
use super::shapes::{check_shapes, shapes_of};
use super::{CheckpointError, ModelDescription};

/// What a file is, without the values of its tensors.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The file (in a run folder, its checkpoint).
    pub path: String,
    /// Its format in words.
    pub format: &'static str,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its content in hexadecimal.
    pub sha256: String,
    /// The VAE, if it holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vae: Option<Network<VaeConfig>>,
    /// The generator, if it holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<Network<GeneratorConfig>>,
    /// The discriminator, if it holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discriminator: Option<Network<DiscriminatorConfig>>,
    /// Pictures behind its statistics, if it holds any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats_rows: Option<usize>,
    /// What it says about its training: iterations, whether optimisers are kept.
    pub training: BTreeMap<String, serde_json::Value>,
    /// Its description, if it is a bundle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<ModelDescription>,
    /// What its user should know.
    pub warnings: Vec<String>,
}

/// One network of a file.
#[derive(Clone, Debug, Serialize)]
pub struct Network<C> {
    /// Its architecture and sizes; `None` when its tensors fit none that is known.
    pub architecture: Option<C>,
    /// Its tensors.
    pub tensors: usize,
    /// Its values in all tensors.
    pub parameters: usize,
}

/// Says what the file at `path` holds. A network whose tensors fit no known architecture is a warning here.
///
/// # Errors
/// When the file cannot be read or is no checkpoint.
pub fn summarise(path: &Path) -> Result<Summary, CheckpointError> {
    let mut contents = Contents::open(path)?;
    let found = std::mem::take(&mut contents.found);
    let mut warnings = found.warnings;
    if let Some(Err(what)) = found.description.as_ref().map(ModelDescription::validate) {
        warnings.push(what);
    }
    let encoder = found.description.as_ref().and_then(|d| d.vae.as_ref()).filter(|part| part.encoder_only);
    let vae = match encoder {
        Some(part) => {
            let check = |shapes: &super::Shapes| check_shapes("VAE", shapes, &shapes_of(part));
            network(&found.vae, |shapes| check(shapes).map(|()| part.config), &mut warnings)
        }
        None => network(&found.vae, infer_vae, &mut warnings),
    };
    let generator = network(&found.generator, infer_generator, &mut warnings);
    let discriminator = network(&found.discriminator, infer_discriminator, &mut warnings);
    let mut training = found.training;
    if let Some(description) = &found.description {
        training.extend(description.training.clone());
    }
    Ok(Summary {
        path: contents.path.display().to_string(),
        format: contents.format.name(),
        bytes: contents.len()?,
        sha256: contents.sha256()?,
        vae,
        generator,
        discriminator,
        stats_rows: found.stats.get("mu").and_then(|handle| handle.shape.first().copied()),
        training,
        description: found.description,
        warnings: warnings.iter().map(|text| one_line(text)).collect(),
    })
}

fn network<C>(
    handles: &Handles,
    infer: impl Fn(&super::Shapes) -> Result<C, String>,
    warnings: &mut Vec<String>,
) -> Option<Network<C>> {
    if handles.is_empty() {
        return None;
    }
    let architecture = infer(&shapes(handles)).map_err(|what| warnings.push(what)).ok();
    let size = |shape: &[usize]| shape.iter().fold(1usize, |size, &dim| size.saturating_mul(dim));
    let parameters = handles.values().fold(0usize, |sum, handle| sum.saturating_add(size(&handle.shape)));
    Some(Network { architecture, tensors: handles.len(), parameters })
}
