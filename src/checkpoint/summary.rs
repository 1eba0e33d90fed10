use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use crate::model::{Architecture, DISCRIMINATOR, GENERATOR, ModelDescription, Network, VAE};
use crate::nets::{DiscriminatorConfig, GeneratorConfig, PublishedVae, VaeConfig};

use super::contents::{Contents, Found, shapes};
use super::error::one_line;
use super::infer::{infer_discriminator, infer_generator, infer_published, infer_vae};
use super::kind::Inferred;
use super::onnx::{Contained, contained, is_onnx};
use super::part::describe;
use super::reader::Handles;
use super::shapes::{check_shapes, shapes_of_group};
use super::{CheckpointError, Shapes};

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
    pub vae: Option<NetworkSummary<VaeConfig>>,
    /// The generator, if it holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<NetworkSummary<GeneratorConfig>>,
    /// The discriminator, if it holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discriminator: Option<NetworkSummary<DiscriminatorConfig>>,
    /// A VAE that others have published, if it holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<NetworkSummary<PublishedVae>>,
    /// The networks that are none of these, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, NetworkSummary<Architecture>>,
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
pub struct NetworkSummary<C> {
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
    if is_onnx(path) {
        return summarise_onnx(path);
    }
    let mut contents = Contents::open(path)?;
    let found = std::mem::take(&mut contents.found);
    let mut warnings = found.warnings.clone();
    if let Some(Err(what)) = found.description.as_ref().map(ModelDescription::validate) {
        warnings.push(what);
    }
    let described = found.description.as_ref();
    let encoder = described.filter(|d| d.decoder().is_none()).and_then(|d| Some((d, d.encoder()?)));
    let groups = &found.groups;
    let published = published(&found, &mut warnings);
    let vae = match encoder {
        _ if published.is_some() => None,
        Some((description, config)) => {
            let expected = shapes_of_group(description, VAE).unwrap_or_default();
            let check = |shapes: &Shapes| check_shapes("VAE", shapes, &expected).map(|()| config);
            network(groups.get(VAE), check, &mut warnings)
        }
        None => network(groups.get(VAE), infer_vae, &mut warnings),
    };
    let method = match described {
        Some(_) => None,
        None => describe(groups, &found.kinds, None)
            .and_then(|made| made.map_err(|what| warnings.push(what)).ok()),
    };
    let networks = || described.or(method.as_ref()).into_iter().flat_map(|description| &description.networks);
    // Of no description, or of one that says that it is ID-GAN's.
    let own = |group: &str| {
        let is_own = |network: &Network| {
            matches!(network.architecture, Architecture::Generator(_) | Architecture::Discriminator(_))
        };
        let mut others = networks().filter(|(_, network)| network.weights == group && !is_own(network));
        groups.get(group).filter(|_| others.next().is_none())
    };
    let (generator, discriminator) = (own(GENERATOR), own(DISCRIMINATOR));
    let generator = network(generator, infer_generator, &mut warnings);
    let discriminator = network(discriminator, infer_discriminator, &mut warnings);
    let mut others = BTreeMap::new();
    for (name, part) in networks() {
        let is_counted = match part.weights.as_str() {
            VAE => true,
            GENERATOR => generator.is_some(),
            DISCRIMINATOR => discriminator.is_some(),
            _ => false,
        };
        if !is_counted && let Some(handles) = groups.get(&part.weights) {
            others.insert(name.clone(), of_network(part, handles));
        }
    }
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
        published,
        others,
        stats_rows: found.stats.get("mu").and_then(|handle| handle.shape.first().copied()),
        training,
        description: found.description,
        warnings: warnings.iter().map(|text| one_line(text)).collect(),
    })
}

/// A network that a description names, whose group others may share.
fn of_network(network: &Network, handles: &Handles) -> NetworkSummary<Architecture> {
    let graph = network.architecture.graph();
    let names: Option<BTreeSet<String>> =
        graph.map(|graph| graph.parameters().into_iter().map(|parameter| parameter.name).collect());
    let is_its = |name: &String| names.as_ref().is_none_or(|names| names.contains(name));
    let own = shapes(handles).into_iter().filter(|(name, _)| is_its(name)).map(|(_, shape)| shape);
    let sizes: Vec<usize> = own.map(|shape| size(&shape)).collect();
    NetworkSummary {
        architecture: Some(network.architecture.clone()),
        tensors: sizes.len(),
        parameters: sizes.into_iter().fold(0, usize::saturating_add),
    }
}

fn size(shape: &[usize]) -> usize {
    shape.iter().fold(1, |size, &dim| size.saturating_mul(dim))
}

/// The same of an ONNX file, whose network has no name.
fn summarise_onnx(path: &Path) -> Result<Summary, CheckpointError> {
    let Contained { bytes, sha256, architecture, tensors, parameters, producer } = contained(path)?;
    let (architecture, warnings) = match architecture {
        Ok(architecture) => (Some(architecture), Vec::new()),
        Err(what) => (None, vec![one_line(&what)]),
    };
    let training = (!producer.is_empty()).then(|| ("written by".to_owned(), producer.into()));
    Ok(Summary {
        path: path.display().to_string(),
        format: "ONNX",
        bytes,
        sha256,
        vae: None,
        generator: None,
        discriminator: None,
        published: None,
        others: BTreeMap::from([(
            "network".to_owned(),
            NetworkSummary { architecture, tensors, parameters },
        )]),
        stats_rows: None,
        training: training.into_iter().collect(),
        description: None,
        warnings,
    })
}

/// The VAE of others that a file holds by its description, or else by its tensors.
fn published(found: &Found, warnings: &mut Vec<String>) -> Option<NetworkSummary<PublishedVae>> {
    let handles = found.groups.get(VAE);
    if let Some(vae) = found.description.as_ref().and_then(ModelDescription::published) {
        let check = |shapes: &Shapes| infer_published(vae.family, shapes).map(|_| vae);
        return network(handles, check, warnings);
    }
    let Ok(Inferred::Published(vae)) = found.kinds.get(VAE)?.infer(&shapes(handles?)) else { return None };
    network(handles, |_| Ok(vae), warnings)
}

fn network<C>(
    handles: Option<&Handles>,
    infer: impl Fn(&Shapes) -> Result<C, String>,
    warnings: &mut Vec<String>,
) -> Option<NetworkSummary<C>> {
    let handles = handles?;
    let architecture = infer(&shapes(handles)).map_err(|what| warnings.push(what)).ok();
    let parameters = handles.values().fold(0usize, |sum, handle| sum.saturating_add(size(&handle.shape)));
    Some(NetworkSummary { architecture, tensors: handles.len(), parameters })
}
