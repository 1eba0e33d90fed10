use std::collections::BTreeMap;

use crate::formats::shorten;
use crate::nets::Parameters;

/// Names and shapes of a network's tensors, outermost dimension first.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// The tensors that a network of this architecture has.
pub(crate) fn shapes_of(network: &impl Parameters) -> Shapes {
    network.parameters().into_iter().map(|parameter| (parameter.name, parameter.shape)).collect()
}

/// Compares the tensors of a network with what its architecture needs.
///
/// # Errors
/// Names the first tensor (in name order) that is missing, has another shape, or belongs to something else.
pub(crate) fn check_shapes(network: &str, found: &Shapes, expected: &Shapes) -> Result<(), String> {
    for (name, shape) in expected {
        match found.get(name) {
            None => {
                return Err(format!(
                    "tensor `{name}` of the {network} is missing (expected shape {shape:?})"
                ));
            }
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

fn sorted(shape: &[usize]) -> Vec<usize> {
    let mut shape = shape.to_vec();
    shape.sort_unstable();
    shape
}
