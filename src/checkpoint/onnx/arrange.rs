//! What moves values without changing them.

use crate::formats::onnx::Node;
use crate::graph::{Linear, Operation};

use super::importer::{Importer, Outcome};
use super::known::{Computed, Constant, Known, Size, Sizes, shape_of};
use super::{layers, settings};

/// The same values with other sides.
pub(super) fn reshape<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    let target = importer.sizes(node, 1)?.ok_or("does not say its new sides")?;
    let keeps_zero = settings::integer(node, "allowzero", 0)? != 0;
    match importer.operand(node, 0)? {
        Known::Computed(x) => {
            let sides = sides_behind_batch(importer, &x, &target.values, keeps_zero)?;
            reshaped(importer, &x, sides).map(Known::Computed)
        }
        Known::Constant(numbers) => {
            let target = target.known()?;
            let sides = filled_in(&target, &numbers.sides, numbers.values.len(), keeps_zero)?;
            Ok(Known::Constant(Constant { sides, ..numbers }))
        }
        Known::Sizes(sizes) => Ok(Known::Sizes(Sizes { is_single: target.values.is_empty(), ..sizes })),
        other => Err(format!("takes {}", other.kind())),
    }
}

/// The new sides of a value of each picture, of new sides with the batch in front.
fn sides_behind_batch(
    importer: &Importer<'_>,
    x: &Computed,
    target: &[Size],
    keeps_zero: bool,
) -> Outcome<Vec<usize>> {
    let mixed =
        || format!("mixes the pictures of a batch: from (batch, {}) to {target:?}", layers::list(&x.sides));
    let [first, rest @ ..] = target else { return Err(mixed()) };
    let rest = Sizes { values: rest.to_vec(), is_single: false }.known().map_err(|_| mixed())?;
    let is_batch = match first {
        Size::Batch | Size::Known(-1) => true,
        Size::Known(0) => !keeps_zero,
        Size::Known(number) => importer.batch == u64::try_from(*number).ok(),
    };
    if !is_batch || (*first == Size::Known(-1) && rest.contains(&-1)) {
        return Err(mixed());
    }
    filled_in(&rest, &x.sides, x.len(), keeps_zero).map_err(|_| mixed())
}

/// Sides with what 0 (as it was) and -1 (what is left) stand for.
fn filled_in(target: &[i64], former: &[usize], len: usize, keeps_zero: bool) -> Outcome<Vec<usize>> {
    let wrong = || format!("turns {len} numbers into sides {target:?}");
    let mut sides = Vec::new();
    for (place, side) in target.iter().enumerate() {
        sides.push(match side {
            0 if !keeps_zero => *former.get(place).ok_or_else(wrong)?,
            -1 => 1,
            side => usize::try_from(*side).map_err(|_| wrong())?,
        });
    }
    let product =
        sides.iter().try_fold(1usize, |product, side| product.checked_mul(*side)).ok_or_else(wrong)?;
    if let Some(place) = target.iter().position(|side| *side == -1) {
        sides[place] = len.checked_div(product).ok_or_else(wrong)?;
    }
    if sides.iter().product::<usize>() == len { Ok(sides) } else { Err(wrong()) }
}

/// `x` with the sides `sides`.
fn reshaped(importer: &mut Importer<'_>, x: &Computed, sides: Vec<usize>) -> Outcome<Computed> {
    let (from, to) = (x.straight()?.shape(), shape_of(&sides));
    let value = if from == to { x.value } else { importer.graph.apply(Operation::Reshape(to), &[x.value]) };
    Ok(Computed::new(value, sides))
}

/// A row of each picture.
pub(super) fn flatten<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    let x = importer.computed(node, 0)?;
    if settings::integer(node, "axis", 1)? != 1 {
        return Err("flattens along another axis than the first behind the batch".into());
    }
    reshaped(importer, &x, vec![x.len()]).map(Known::Computed)
}

/// Takes sides of 1 away, or adds them.
pub(super) fn squeeze<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    let axes = match importer.sizes(node, 1)? {
        Some(axes) => Some(axes.known()?),
        None => settings::integers(node, "axes")?,
    };
    let adds = node.operator == "Unsqueeze";
    match importer.operand(node, 0)? {
        Known::Sizes(sizes) => {
            Ok(Known::Sizes(Sizes { is_single: !adds && sizes.values.len() == 1, ..sizes }))
        }
        Known::Constant(numbers) => {
            let sides = squeezed(&numbers.sides, axes, adds)?;
            Ok(Known::Constant(Constant { sides, ..numbers }))
        }
        Known::Computed(x) => {
            // The batch stands in front with a side that is never 1.
            let all: Vec<usize> = std::iter::once(usize::MAX).chain(x.sides.iter().copied()).collect();
            match squeezed(&all, axes, adds)?[..] {
                [usize::MAX, ref sides @ ..] => reshaped(importer, &x, sides.to_vec()).map(Known::Computed),
                _ => Err("puts another side in front of the batch".into()),
            }
        }
        other => Err(format!("takes {}", other.kind())),
    }
}

fn squeezed(sides: &[usize], axes: Option<Vec<i64>>, adds: bool) -> Outcome<Vec<usize>> {
    let axes = axes.unwrap_or_else(|| {
        (0..sides.len()).filter(|axis| sides[*axis] == 1).map(|axis| axis as i64).collect()
    });
    let rank = sides.len() + if adds { axes.len() } else { 0 };
    let places = axes.iter().map(|axis| place(*axis, rank)).collect::<Outcome<Vec<_>>>()?;
    if !adds {
        if let Some(place) = places.iter().find(|place| sides[**place] != 1) {
            return Err(format!("takes away side {place}, which is not 1"));
        }
        return Ok((0..rank).filter(|axis| !places.contains(axis)).map(|axis| sides[axis]).collect());
    }
    let mut former = sides.iter();
    Ok((0..rank)
        .map(|axis| if places.contains(&axis) { 1 } else { former.next().copied().unwrap_or(1) })
        .collect())
}

/// An axis of `rank`; negative ones count from the end.
pub(super) fn place(axis: i64, rank: usize) -> Outcome<usize> {
    let counted = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(counted)
        .ok()
        .filter(|place| *place < rank)
        .ok_or_else(|| format!("names axis {axis} of {rank}"))
}

/// Sides in another order. Of computed values nothing is moved: who takes them has to want that order.
pub(super) fn transpose<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    let order = settings::integers(node, "perm")?;
    match importer.operand(node, 0)? {
        Known::Computed(x) => {
            let rank = x.sides.len() + 1;
            let order = order.unwrap_or_else(|| (0..rank as i64).rev().collect());
            let places = permutation(&order, rank)?;
            if places[0] != 0 {
                return Err("moves the batch from the front".into());
            }
            let moved = |list: &[usize]| places[1..].iter().map(|place| list[place - 1]).collect();
            Ok(Known::Computed(Computed { value: x.value, sides: moved(&x.sides), order: moved(&x.order) }))
        }
        Known::Constant(numbers) => {
            let rank = numbers.sides.len();
            let order = order.unwrap_or_else(|| (0..rank as i64).rev().collect());
            Ok(Known::Constant(turned(&numbers, &permutation(&order, rank)?)))
        }
        other => Err(format!("takes {}", other.kind())),
    }
}

fn permutation(order: &[i64], rank: usize) -> Outcome<Vec<usize>> {
    let places = order.iter().map(|axis| place(*axis, rank)).collect::<Outcome<Vec<_>>>()?;
    if (0..rank).all(|axis| places.contains(&axis)) && places.len() == rank {
        return Ok(places);
    }
    Err(format!("puts {rank} sides in the order {order:?}"))
}

fn turned(numbers: &Constant, order: &[usize]) -> Constant {
    let sides: Vec<usize> = order.iter().map(|axis| numbers.sides[*axis]).collect();
    let steps: Vec<usize> = order.iter().map(|axis| numbers.sides[axis + 1..].iter().product()).collect();
    let at = |place: usize| {
        let (mut rest, mut index) = (place, 0);
        for axis in (0..sides.len()).rev() {
            index += rest % sides[axis] * steps[axis];
            rest /= sides[axis];
        }
        numbers.values[index]
    };
    let values = (0..numbers.values.len()).map(at).collect();
    Constant { sides, values }
}

/// Values side by side.
pub(super) fn concat<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    let operands = (0..node.inputs.len()).map(|i| importer.operand(node, i)).collect::<Outcome<Vec<_>>>()?;
    let mut sizes = Vec::new();
    let mut computed: Vec<Computed> = Vec::new();
    for operand in operands {
        match operand {
            Known::Sizes(list) => sizes.extend(list.values),
            Known::Computed(x) => computed.push(x),
            other => return Err(format!("puts {} beside others", other.kind())),
        }
    }
    let Some(first) = computed.first() else {
        return Ok(Known::Sizes(Sizes { values: sizes, is_single: false }));
    };
    let axis = place(settings::integer(node, "axis", 1)?, first.sides.len() + 1)?;
    let is_alike = computed.iter().all(|x| x.order == first.order && x.sides.len() == first.sides.len());
    if !sizes.is_empty() || !is_alike || !is_of_channels(first, axis) {
        return Err(format!("puts values side by side along axis {axis}; known are channels"));
    }
    let mut sides = first.sides.clone();
    sides[axis - 1] = computed.iter().map(|x| x.sides[axis - 1]).sum();
    let values: Vec<_> = computed.iter().map(|x| x.value).collect();
    let value = importer.graph.apply(Operation::Concat, &values);
    Ok(Known::Computed(Computed { value, sides, order: first.order.clone() }))
}

/// Whether `axis`, counted with the batch, is the graph's channels, or the places of a row.
fn is_of_channels(x: &Computed, axis: usize) -> bool {
    axis > 0 && matches!(x.sides.len(), 1 | 3) && x.order[axis - 1] == 0
}

/// Parts of a value, one behind the other.
pub(super) fn split<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Vec<Known>> {
    let x = importer.computed(node, 0)?;
    let axis = place(settings::integer(node, "axis", 0)?, x.sides.len() + 1)?;
    if axis == 0 {
        return Err("takes the pictures of a batch apart".into());
    }
    let side = x.sides[axis - 1];
    let lengths = match importer.sizes(node, 1)? {
        Some(lengths) => lengths.known()?,
        None => match settings::integers(node, "split")? {
            Some(lengths) => lengths,
            None => {
                let length = side.div_ceil(node.outputs.len().max(1));
                (0..side).step_by(length.max(1)).map(|start| length.min(side - start) as i64).collect()
            }
        },
    };
    let mut start = 0;
    let mut parts = Vec::new();
    for length in lengths {
        let length = usize::try_from(length).map_err(|_| "makes parts of negative sizes")?;
        let end = start + length.min(side + 1);
        if end > side {
            return Err(format!("makes parts up to {end} of {side}"));
        }
        parts.push(Known::Computed(selected(importer, &x, axis, &(start..end).collect::<Vec<_>>())?));
        start = end;
    }
    Ok(parts)
}

/// Part of a value.
pub(super) fn slice<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    let mut numbers = |place: usize, name: &str| match importer.sizes(node, place)? {
        Some(sizes) => Ok(Some(sizes.known()?)),
        None => settings::integers(node, name),
    };
    let starts = numbers(1, "starts")?.ok_or("does not say where it begins")?;
    let ends = numbers(2, "ends")?.ok_or("does not say where it ends")?;
    let axes = numbers(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = numbers(4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err("names other numbers of starts than of ends".into());
    }
    let mut value = importer.operand(node, 0)?;
    for (((start, end), axis), step) in starts.into_iter().zip(ends).zip(axes).zip(steps) {
        let step = usize::try_from(step).ok().filter(|step| *step > 0).ok_or("goes backwards")?;
        value = match value {
            Known::Computed(x) => {
                let axis = place(axis, x.sides.len() + 1)?;
                let side = if axis == 0 { 1 } else { x.sides[axis - 1] };
                let places: Vec<usize> = range(start, end, side).step_by(step).collect();
                match axis {
                    0 if (start, step) == (0, 1) && end >= i64::from(i32::MAX) => Known::Computed(x),
                    0 => return Err("takes some pictures of a batch".into()),
                    _ => Known::Computed(selected(importer, &x, axis, &places)?),
                }
            }
            Known::Sizes(sizes) => {
                let places = range(start, end, sizes.values.len()).step_by(step);
                Known::Sizes(Sizes {
                    values: places.map(|place| sizes.values[place]).collect(),
                    is_single: false,
                })
            }
            other => return Err(format!("takes a part of {}", other.kind())),
        };
    }
    Ok(value)
}

/// From `start` up to `end` of `side` places; negative numbers count from the end, large ones are cut off.
fn range(start: i64, end: i64, side: usize) -> std::ops::Range<usize> {
    let limit = |number: i64| {
        let counted = if number < 0 { number.saturating_add(side as i64) } else { number };
        usize::try_from(counted).unwrap_or(0).min(side)
    };
    limit(start)..limit(end).max(limit(start))
}

/// Places of a value, by number.
pub(super) fn gather<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    let Some(chosen) = importer.sizes(node, 1)? else { return Err("does not say which places".into()) };
    let axis = settings::integer(node, "axis", 0)?;
    let numbers = chosen.known()?;
    match importer.operand(node, 0)? {
        Known::Sizes(sizes) => {
            let places = numbers
                .iter()
                .map(|number| place(*number, sizes.values.len()))
                .collect::<Outcome<Vec<_>>>()?;
            let values = places.into_iter().map(|place| sizes.values[place]).collect();
            Ok(Known::Sizes(Sizes { values, is_single: chosen.is_single }))
        }
        Known::Computed(x) => {
            let axis = place(axis, x.sides.len() + 1)?;
            if axis == 0 {
                return Err("takes some pictures of a batch".into());
            }
            let places = numbers
                .iter()
                .map(|number| place(*number, x.sides[axis - 1]))
                .collect::<Outcome<Vec<_>>>()?;
            let part = selected(importer, &x, axis, &places)?;
            if !chosen.is_single {
                return Ok(Known::Computed(part));
            }
            let mut sides = part.sides.clone();
            sides.remove(axis - 1);
            reshaped(importer, &part, sides).map(Known::Computed)
        }
        other => Err(format!("takes places of {}", other.kind())),
    }
}

/// Places of `x` along `axis`, which is counted with the batch: neighbours among its channels are a slice, others of a row
/// are taken out by a matrix of zeros and ones.
fn selected(importer: &mut Importer<'_>, x: &Computed, axis: usize, places: &[usize]) -> Outcome<Computed> {
    let side = x.sides[axis - 1];
    let Some(&start) = places.first() else { return Err("takes no places at all".into()) };
    let mut sides = x.sides.clone();
    sides[axis - 1] = places.len();
    let is_run = places.iter().enumerate().all(|(i, place)| *place == start + i);
    if is_run && places.len() == side {
        return Ok(x.clone());
    }
    if is_run && is_of_channels(x, axis) {
        let operation = Operation::slice(start, places.len());
        let value = importer.graph.apply(operation, &[x.value]);
        return Ok(Computed { value, sides, order: x.order.clone() });
    }
    let (inputs, outputs) = (x.straight()?.len(), sides.iter().product::<usize>());
    if inputs.saturating_mul(outputs) > MOST_CHOSEN {
        return Err(format!("takes places of {inputs} numbers that are not neighbours"));
    }
    let inner: usize = sides[axis..].iter().product();
    let mut weight = vec![0.0; outputs * inputs];
    for (output, row) in weight.chunks_exact_mut(inputs).enumerate() {
        let (outer, place, rest) =
            (output / inner / places.len(), output / inner % places.len(), output % inner);
        row[(outer * side + places[place]) * inner + rest] = 1.0;
    }
    let name = importer.layer_name(None);
    importer.store(&name, "weight", vec![outputs, inputs], weight)?;
    let row = reshaped(importer, x, vec![inputs])?;
    let chosen = importer.graph.linear(row.value, Linear::new(name, inputs, outputs).without_bias());
    reshaped(importer, &Computed::new(chosen, vec![outputs]), sides)
}

/// Most numbers of a matrix that takes places out.
const MOST_CHOSEN: usize = 1 << 22;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_sides_are_filled_in() {
        assert_eq!(filled_in(&[0, -1], &[2, 3, 4], 24, false), Ok(vec![2, 12]));
        assert_eq!(filled_in(&[4, 3, 2], &[24], 24, false), Ok(vec![4, 3, 2]));
        for target in [&[5, -1][..], &[-2, 12], &[0, 0, 0, 0], &[i64::MAX, 3], &[0, -1]] {
            assert!(filled_in(target, &[0, 2, 3], 24, target.len() == 2).is_err(), "{target:?}");
        }
    }

    #[test]
    fn sides_of_one_come_and_go() {
        assert_eq!(squeezed(&[2, 3], Some(vec![-1, 0]), true), Ok(vec![1, 2, 3, 1]));
        assert_eq!(squeezed(&[1, 2, 1], None, false), Ok(vec![2]));
        assert_eq!(squeezed(&[1, 2, 1], Some(vec![-1]), false), Ok(vec![1, 2]));
        assert!(
            squeezed(&[2], Some(vec![0]), false).is_err() && squeezed(&[2], Some(vec![4]), true).is_err()
        );
    }

    #[test]
    fn parts_are_counted_from_both_ends() {
        assert_eq!(range(0, i64::MAX, 5), 0..5);
        assert_eq!(range(-2, 9, 5), 3..5);
        assert_eq!(range(3, 1, 5), 3..3);
        assert_eq!(range(i64::MIN, -1, 5), 0..4);
    }

    #[test]
    fn constants_are_turned() {
        let numbers = Constant { sides: vec![2, 3], values: vec![0., 1., 2., 3., 4., 5.] };
        let turned = turned(&numbers, &[1, 0]);
        assert_eq!((turned.sides, turned.values), (vec![3, 2], vec![0., 3., 1., 4., 2., 5.]));
        assert!(permutation(&[0, 0], 2).is_err() && permutation(&[0], 2).is_err());
    }
}
