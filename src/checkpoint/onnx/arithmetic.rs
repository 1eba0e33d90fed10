//! Functions of single values, and sums and products of two.

use crate::formats::onnx::Node;
use crate::graph::{Activation, Operation};

use super::importer::{Importer, Outcome};
use super::known::{Computed, Constant, Known, MOST_SPREAD, shape_of};
use super::{layers, settings, whole};

/// A function of each value.
pub(super) fn function<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    let x = importer.computed(node, 0)?;
    let activation = match node.operator {
        "Relu" => Activation::LeakyRelu(0.0),
        "LeakyRelu" => Activation::LeakyRelu(settings::float(node, "alpha", 0.01)?.into()),
        "PRelu" => match importer.constant(node, 1)?.single() {
            Some(slope) => Activation::LeakyRelu(slope.into()),
            None => return Err("has one slope a channel; known is one for all".into()),
        },
        "Elu" => Activation::Elu(settings::float(node, "alpha", 1.0)?.into()),
        "Sigmoid" => Activation::Sigmoid,
        "Tanh" => Activation::Tanh,
        "Softplus" => Activation::Softplus,
        "Clip" => limits(importer, node)?,
        "Neg" => return scaled(importer, &x, -1.0, 0.0).map(Known::Computed),
        "HardSigmoid" => {
            let (alpha, beta) = (settings::float(node, "alpha", 0.2)?, settings::float(node, "beta", 0.5)?);
            return hard_sigmoid(importer, &x, alpha, beta).map(Known::Computed);
        }
        "HardSwish" => {
            let gate = hard_sigmoid(importer, &x, 1.0 / 6.0, 0.5)?;
            return times(importer, &x, &gate);
        }
        "Softmax" => return softmax(importer, node, &x),
        _ => return Err("is a function that is not known here".into()),
    };
    Ok(Known::Computed(importer.keep(Operation::Activation(activation), &x)))
}

/// What a clip leaves: its limits are settings of old files, operands of newer ones.
fn limits<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Activation> {
    let mut limit = |place: usize, name: &str, default: f32| match importer.optional(node, place)? {
        None => settings::float(node, name, default),
        Some(Known::Constant(constant)) => constant.single().ok_or_else(|| "has many limits".to_owned()),
        Some(other) => Err(format!("has {} for a limit", other.kind())),
    };
    Ok(Activation::Clamp(limit(1, "min", f32::MIN)?.into(), limit(2, "max", f32::MAX)?.into()))
}

fn softmax(importer: &mut Importer<'_>, node: &Node<'_>, x: &Computed) -> Outcome<Known> {
    let default = if importer.opset < 13 { 1 } else { -1 };
    let axis = settings::integer(node, "axis", default)?;
    let rank = x.straight()?.sides.len() as i64 + 1;
    if (axis == 1 || axis == 1 - rank) && (rank == 2 || importer.opset >= 13) {
        return Ok(Known::Computed(importer.keep(Operation::Softmax, x)));
    }
    Err(format!("sums over axis {axis}; known are channels"))
}

fn hard_sigmoid(importer: &mut Importer<'_>, x: &Computed, alpha: f32, beta: f32) -> Outcome<Computed> {
    let line = scaled(importer, x, alpha, beta)?;
    Ok(importer.keep(Operation::Activation(Activation::Clamp(0.0, 1.0)), &line))
}

/// `gain * x + shift`.
pub(super) fn scaled(importer: &mut Importer<'_>, x: &Computed, gain: f32, shift: f32) -> Outcome<Computed> {
    let channels = x.shape().channels();
    affine(importer, x, vec![gain; channels], vec![shift; channels])
}

/// `gain * x + shift`, with one of each a channel, or for each number of `x` in the graph's order.
fn affine(importer: &mut Importer<'_>, x: &Computed, gain: Vec<f32>, shift: Vec<f32>) -> Outcome<Computed> {
    let name = importer.layer_name(None);
    let channels = gain.len();
    importer.store(&name, "weight", vec![channels], gain)?;
    importer.store(&name, "bias", vec![channels], shift)?;
    let operation = Operation::Affine { name, channels };
    if channels == x.shape().channels() {
        return Ok(importer.keep(operation, x));
    }
    let row = importer.graph.apply(Operation::Reshape(shape_of(&[channels])), &[x.value]);
    let row = importer.graph.apply(operation, &[row]);
    let value = importer.graph.apply(Operation::Reshape(x.shape()), &[row]);
    Ok(Computed { value, ..x.clone() })
}

/// A sum, difference, product or quotient.
pub(super) fn operator<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    let kind = node.operator;
    match (importer.operand(node, 0)?, importer.operand(node, 1)?) {
        (Known::Sizes(a), Known::Sizes(b)) => whole::compute(kind, &a, &b).map(Known::Sizes),
        (Known::Constant(a), Known::Constant(b)) => of_constants(kind, &a, &b).map(Known::Constant),
        (Known::Computed(x), Known::Constant(c)) => {
            let c = spread(&x, &c)?;
            let (one, zero) = (vec![1.0; c.len()], vec![0.0; c.len()]);
            let (gain, shift) = match kind {
                "Add" => (one, c),
                "Sub" => (one, c.iter().map(|value| -value).collect()),
                "Mul" => (c, zero),
                _ => (c.iter().map(|value| value.recip()).collect(), zero),
            };
            affine(importer, &x, gain, shift).map(Known::Computed)
        }
        (Known::Constant(c), Known::Computed(x)) => {
            let c = spread(&x, &c)?;
            let (gain, shift) = match kind {
                "Add" => (vec![1.0; c.len()], c),
                "Sub" => (vec![-1.0; c.len()], c),
                "Mul" => (c.clone(), vec![0.0; c.len()]),
                _ => return Err("divides by a computed value".into()),
            };
            affine(importer, &x, gain, shift).map(Known::Computed)
        }
        (Known::Computed(a), Known::Computed(b)) => match kind {
            "Add" => sum(importer, &a, &b, 1.0),
            "Sub" => sum(importer, &a, &b, -1.0),
            "Mul" => times(importer, &a, &b),
            _ => Err("divides by a computed value".into()),
        },
        (a, b) => Err(format!("takes {} and {}", a.kind(), b.kind())),
    }
}

fn sum(importer: &mut Importer<'_>, a: &Computed, b: &Computed, scale: f64) -> Outcome<Known> {
    if a.sides != b.sides || a.order != b.order {
        return Err(format!(
            "adds (batch, {}) and (batch, {})",
            layers::list(&a.sides),
            layers::list(&b.sides)
        ));
    }
    let value = importer.graph.apply(Operation::Add { scale }, &[a.value, b.value]);
    Ok(Known::Computed(Computed { value, ..a.clone() }))
}

/// A product place by place; of two maps one may have a single place a channel.
fn times(importer: &mut Importer<'_>, a: &Computed, b: &Computed) -> Outcome<Known> {
    let (a, b) = if a.len() < b.len() { (b, a) } else { (a, b) };
    let is_gate = |b: &Computed| matches!((&a.sides[..], &b.sides[..]), ([n, _, _], [m, 1, 1]) if n == m);
    if a.order != b.order || (a.sides != b.sides && !is_gate(b)) {
        return Err(format!(
            "multiplies (batch, {}) and (batch, {})",
            layers::list(&a.sides),
            layers::list(&b.sides)
        ));
    }
    let value = importer.graph.apply(Operation::Multiply, &[a.value, b.value]);
    Ok(Known::Computed(Computed { value, ..a.clone() }))
}

/// Two constants, the same on all sides or one of them single.
fn of_constants(operator: &str, a: &Constant, b: &Constant) -> Outcome<Constant> {
    let apply = |a: f32, b: f32| match operator {
        "Add" => a + b,
        "Sub" => a - b,
        "Mul" => a * b,
        _ => a / b,
    };
    let (sides, values) = match (a.single(), b.single()) {
        _ if a.sides == b.sides => {
            (&a.sides, a.values.iter().zip(&b.values).map(|(a, b)| apply(*a, *b)).collect())
        }
        (_, Some(b)) => (&a.sides, a.values.iter().map(|a| apply(*a, b)).collect()),
        (Some(a), _) => (&b.sides, b.values.iter().map(|b| apply(a, *b)).collect()),
        _ => return Err("computes with constants of different sides".into()),
    };
    Ok(Constant { sides: sides.clone(), values })
}

/// `constant` for each channel of `x`, or where it varies within them for each number, in the graph's order.
fn spread(x: &Computed, constant: &Constant) -> Outcome<Vec<f32>> {
    if let Some(value) = constant.single() {
        return Ok(vec![value; x.shape().channels()]);
    }
    let wrong = || {
        format!("computes with (batch, {}) and numbers of sides {:?}", layers::list(&x.sides), constant.sides)
    };
    // Aligned at their last sides; a side of the batch must be 1.
    let rank = x.sides.len();
    let more = constant.sides.len().saturating_sub(rank);
    if more > 1 || (more == 1 && constant.sides[0] != 1) {
        return Err(wrong());
    }
    let sides = &constant.sides[more..];
    let missing = rank - sides.len();
    // The distance in the constant from one place along each side of the graph's value to the next.
    let mut steps = vec![0; rank];
    let mut distance = 1;
    for (place, &side) in sides.iter().enumerate().rev() {
        let axis = missing + place;
        if side != 1 {
            if side != x.sides[axis] {
                return Err(wrong());
            }
            steps[x.order[axis]] = distance;
        }
        distance *= side;
    }
    let graph_sides = x.graph_sides();
    let is_by_channel = rank == 3 && steps[1..].iter().all(|step| *step == 0);
    let walked = if is_by_channel { &graph_sides[..1] } else { &graph_sides[..] };
    let places = walked.iter().product::<usize>();
    if places > MOST_SPREAD {
        return Err(wrong());
    }
    let at = |place: usize| {
        let (mut rest, mut index) = (place, 0);
        for axis in (0..walked.len()).rev() {
            index += rest % walked[axis] * steps[axis];
            rest /= walked[axis];
        }
        constant.values[index]
    };
    Ok((0..places).map(at).collect())
}

/// A comparison with a number, which only a choice takes.
pub(super) fn above<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    let (x, limit) = (importer.computed(node, 0)?, importer.constant(node, 1)?);
    let limit = limit.single().ok_or("compares with many numbers")?;
    Ok(Known::Above(x, limit))
}

/// Exporters write a softplus as `x` where it is large: the softplus of such numbers is the number.
pub(super) fn choice<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    /// From here on `ln(1 + exp(x))` is `x` in single precision, to its last digit but one.
    const LARGE: f32 = 15.0;
    if let (Known::Above(of, limit), Known::Computed(x), Known::Computed(otherwise)) =
        (importer.operand(node, 0)?, importer.operand(node, 1)?, importer.operand(node, 2)?)
        && of.value == x.value
        && limit >= LARGE
        && let Some(producer) = importer.graph.node(otherwise.value)
        && producer.operation == Operation::Activation(Activation::Softplus)
        && producer.inputs == [x.value]
    {
        return Ok(Known::Computed(otherwise));
    }
    Err("chooses between two values; known is the choice in a softplus".into())
}
