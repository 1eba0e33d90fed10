//! Whole numbers: sizes and places, which are computed while the network is read.

use crate::formats::onnx::{Attribute, Node};

use super::importer::{Importer, Outcome, constant as of_tensor};
use super::known::{Constant, Known, Size, Sizes};

/// A constant by itself.
pub(super) fn constant(node: &Node<'_>) -> Outcome<Known> {
    let numbers = |sides, values| Known::Constant(Constant { sides, values });
    match node.attributes.first() {
        Some(("value", Attribute::Tensor(tensor))) => of_tensor(tensor),
        Some(("value_float", Attribute::Float(value))) => Ok(numbers(vec![], vec![*value])),
        Some(("value_floats", Attribute::Floats(values))) => Ok(numbers(vec![values.len()], values.clone())),
        Some(("value_int", Attribute::Integer(value))) => {
            Ok(Known::Sizes(Sizes { is_single: true, ..Sizes::list([*value]) }))
        }
        Some(("value_ints", Attribute::Integers(values))) => {
            Ok(Known::Sizes(Sizes::list(values.iter().copied())))
        }
        _ => Err("is a constant of a kind that is not known here".into()),
    }
}

/// The sides of a value.
pub(super) fn shape<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    Ok(Known::Sizes(match importer.operand(node, 0)? {
        Known::Computed(x) => {
            let batch = importer.batch.map_or(Size::Batch, |batch| Size::Known(batch as i64));
            let sides = x.sides.iter().map(|side| Size::Known(*side as i64));
            Sizes { values: std::iter::once(batch).chain(sides).collect(), is_single: false }
        }
        Known::Constant(numbers) => Sizes::list(numbers.sides.iter().map(|side| *side as i64)),
        Known::Sizes(sizes) => Sizes::list((!sizes.is_single).then_some(sizes.values.len() as i64)),
        Known::Above(x, _) => return Err(format!("takes the sides of a comparison of {} numbers", x.len())),
    }))
}

/// `a` and `b` by `operator`, place by place; one that is single goes with all of the other.
pub(super) fn compute(operator: &str, a: &Sizes, b: &Sizes) -> Outcome<Sizes> {
    let count = match (a.values.len(), b.values.len()) {
        (a, b) if a == b => a,
        (1, count) | (count, 1) => count,
        (a, b) => return Err(format!("computes with {a} and {b} sizes")),
    };
    let at = |sizes: &Sizes, place: usize| sizes.values[if sizes.values.len() == 1 { 0 } else { place }];
    let values =
        (0..count).map(|place| single(operator, at(a, place), at(b, place))).collect::<Outcome<_>>()?;
    Ok(Sizes { values, is_single: a.is_single && b.is_single })
}

fn single(operator: &str, a: Size, b: Size) -> Outcome<Size> {
    let (Size::Known(a), Size::Known(b)) = (a, b) else {
        return match (operator, a, b) {
            ("Mul" | "Div", Size::Batch, Size::Known(1)) | ("Add" | "Sub", Size::Batch, Size::Known(0)) => {
                Ok(a)
            }
            ("Mul", Size::Known(1), Size::Batch) | ("Add", Size::Known(0), Size::Batch) => Ok(b),
            _ => Err("computes with the number of pictures in a batch".into()),
        };
    };
    let result = match operator {
        "Add" => a.checked_add(b),
        "Sub" => a.checked_sub(b),
        "Mul" => a.checked_mul(b),
        "Div" => a.checked_div(b),
        _ => None,
    };
    result.map(Size::Known).ok_or_else(|| format!("computes no size of {a} and {b}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_computed_and_the_batch_is_passed_on() {
        let of = |operator, a: &[i64], b: &[i64]| {
            compute(operator, &Sizes::list(a.iter().copied()), &Sizes::list(b.iter().copied()))
        };
        assert_eq!(of("Mul", &[2, 3], &[4]), Ok(Sizes::list([8, 12])));
        assert_eq!(of("Div", &[7], &[2]), Ok(Sizes::list([3])));
        assert!(of("Div", &[7], &[0]).is_err() && of("Add", &[i64::MAX], &[1]).is_err());
        assert!(of("Add", &[1, 2], &[1, 2, 3]).is_err());
        assert_eq!(single("Mul", Size::Batch, Size::Known(1)), Ok(Size::Batch));
        assert!(single("Mul", Size::Batch, Size::Known(2)).is_err());
    }
}
