use std::collections::BTreeMap;

use crate::formats::shorten;
use crate::model::{ModelDescription, VAE};
use crate::nets::Parameters;

/// Names and shapes of a network's tensors, outermost dimension first.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// The tensors that a network of this architecture has.
pub(crate) fn shapes_of(network: &impl Parameters) -> Shapes {
    network.parameters().into_iter().map(|parameter| (parameter.name, parameter.shape)).collect()
}

/// The tensors of the networks of `description` that keep their weights in `group`; `None` where one of them is of an
/// architecture that is not known, so that nobody can tell.
pub(crate) fn shapes_of_group(description: &ModelDescription, group: &str) -> Option<Shapes> {
    let mut shapes = Shapes::new();
    for network in description.networks.values().filter(|network| network.weights == group) {
        let parameters = network.architecture.graph()?.parameters();
        shapes.extend(parameters.into_iter().map(|parameter| (parameter.name, parameter.shape)));
    }
    Some(shapes)
}

/// What people call the networks of a group of weights.
pub(crate) fn group_title(group: &str) -> &str {
    if group == VAE { "VAE" } else { group }
}

/// Compares the tensors of a network with what its architecture needs.
///
/// # Errors
/// Names the first tensor (in name order) that is missing, has another shape, or belongs to something else.
pub(crate) fn check_shapes(network: &str, found: &Shapes, expected: &Shapes) -> Result<(), String> {
    for (name, shape) in expected {
        match found.get(name) {
            None => return Err(format!("{} (expected shape {shape:?})", missing(network, found, name))),
            Some(other) if other != shape => {
                let swapped = other.len() > 1 && sorted(other) == sorted(shape);
                let hint = if swapped { "; it seems to be transposed" } else { "" };
                return Err(format!(
                    "tensor `{name}` of the {network} has shape {other:?}, expected {shape:?}{hint}"
                ));
            }
            Some(_) => {}
        }
    }
    match found.iter().find(|(name, _)| !expected.contains_key(*name)) {
        Some((name, shape)) => Err(format!(
            "tensor `{}` with shape {shape:?} belongs to no layer of the {network}; it comes from another \
             architecture",
            shorten(name)
        )),
        None => Ok(()),
    }
}

/// Endings of a weight that a normalisation keeps in several tensors.
const SPLIT: [&str; 4] =
    ["_orig", "_g", "parametrizations.weight.original", "parametrizations.weight.original0"];

/// The name that a weight has without normalisation, if `name` is the first of the tensors that keep it.
pub(crate) fn unsplit(name: &str) -> Option<String> {
    let layer = SPLIT.iter().find_map(|ending| match ending.strip_prefix('_') {
        Some(_) => name.strip_suffix(ending)?.strip_suffix("weight"),
        None => name.strip_suffix(ending),
    })?;
    Some(format!("{layer}weight"))
}

/// Says that the tensor `name` is not among those `found`, or how it is kept there instead.
pub(crate) fn missing(network: &str, found: &Shapes, name: &str) -> String {
    match found.keys().find(|other| unsplit(other).as_deref() == Some(name)) {
        Some(split) => format!(
            "the {network}'s weights are kept as spectral or weight normalisation splits them (`{}`); call \
             torch.nn.utils.remove_spectral_norm or remove_weight_norm on its layers and save it again",
            shorten(split)
        ),
        None => format!("tensor `{name}` of the {network} is missing"),
    }
}

fn sorted(shape: &[usize]) -> Vec<usize> {
    let mut shape = shape.to_vec();
    shape.sort_unstable();
    shape
}
