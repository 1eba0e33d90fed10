//! The settings of a node, with ONNX's defaults.

use crate::formats::onnx::{Attribute, Node};
use crate::formats::shorten;

type Outcome<T> = Result<T, String>;

/// A whole number.
pub(super) fn integer(node: &Node<'_>, name: &str, default: i64) -> Outcome<i64> {
    match node.attribute(name) {
        None => Ok(default),
        Some(Attribute::Integer(value)) => Ok(*value),
        Some(_) => Err(wrong(name)),
    }
}

/// A number.
pub(super) fn float(node: &Node<'_>, name: &str, default: f32) -> Outcome<f32> {
    match node.attribute(name) {
        None => Ok(default),
        Some(Attribute::Float(value)) => Ok(*value),
        Some(_) => Err(wrong(name)),
    }
}

/// A word.
pub(super) fn text<'a>(node: &Node<'a>, name: &str, default: &'a str) -> Outcome<&'a str> {
    match node.attribute(name) {
        None => Ok(default),
        Some(Attribute::Text(value)) => Ok(value),
        Some(_) => Err(wrong(name)),
    }
}

/// Whole numbers, where there are any.
pub(super) fn integers(node: &Node<'_>, name: &str) -> Outcome<Option<Vec<i64>>> {
    match node.attribute(name) {
        None => Ok(None),
        Some(Attribute::Integers(values)) => Ok(Some(values.clone())),
        Some(_) => Err(wrong(name)),
    }
}

/// Two sizes, height and width.
pub(super) fn pair(node: &Node<'_>, name: &str, default: usize) -> Outcome<[usize; 2]> {
    let Some(values) = integers(node, name)? else { return Ok([default; 2]) };
    if let [height, width] = values[..]
        && let (Ok(height), Ok(width)) = (usize::try_from(height), usize::try_from(width))
    {
        return Ok([height, width]);
    }
    Err(format!("has the setting {name} {values:?}; networks of pictures have two sizes, height and width"))
}

fn wrong(name: &str) -> String {
    format!("has a setting {} of another kind", shorten(name))
}
