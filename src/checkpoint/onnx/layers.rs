//! Products: fully connected layers, convolutions, and normalisations.

use crate::formats::onnx::Node;
use crate::graph::{Convolution, Linear, Operation};

use super::importer::{Importer, Outcome};
use super::known::{Computed, Constant, Known, MOST_SPREAD};
use super::settings;

/// `alpha * a * b + beta * c`, of which `b` and `c` are numbers of the file.
pub(super) fn gemm<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    if settings::integer(node, "transA", 0)? != 0 {
        return Err("transposes a computed value".into());
    }
    let (alpha, beta) = (settings::float(node, "alpha", 1.0)?, settings::float(node, "beta", 1.0)?);
    let is_transposed = settings::integer(node, "transB", 0)? != 0;
    let x = importer.computed(node, 0)?;
    let mut weight = rows_of(importer.constant(node, 1)?, is_transposed)?;
    weight.values.iter_mut().for_each(|value| *value *= alpha);
    let bias = match importer.optional(node, 2)? {
        None => None,
        Some(Known::Constant(bias)) => Some(bias.values.iter().map(|value| value * beta).collect::<Vec<_>>()),
        Some(other) => return Err(format!("adds {}, where numbers of the file belong", other.kind())),
    };
    linear(importer, node, &x, weight, bias)
}

/// `a * b`, of which `b` is a matrix of the file.
pub(super) fn product<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    let x = importer.computed(node, 0)?;
    let weight = rows_of(importer.constant(node, 1)?, false)?;
    linear(importer, node, &x, weight, None)
}

/// A matrix with one row a result.
fn rows_of(weight: Constant, is_transposed: bool) -> Outcome<Constant> {
    let [rows, columns] = weight.sides[..] else {
        return Err(format!("multiplies by numbers of sides {:?}, not by a matrix", weight.sides));
    };
    if is_transposed {
        return Ok(weight);
    }
    let turned = (0..columns).flat_map(|column| (0..rows).map(move |row| row * columns + column));
    let values = turned.map(|place| weight.values[place]).collect();
    Ok(Constant { sides: vec![columns, rows], values })
}

fn linear<'a>(
    importer: &mut Importer<'a>,
    node: &Node<'a>,
    x: &Computed,
    weight: Constant,
    bias: Option<Vec<f32>>,
) -> Outcome<Known> {
    let &[outputs, inputs] = &weight.sides[..] else { return Err("multiplies by no matrix".into()) };
    if x.straight()?.sides != [inputs] {
        return Err(format!(
            "multiplies (batch, {}) by a matrix that takes {inputs} numbers",
            list(&x.sides)
        ));
    }
    let name = importer.layer_name(node.inputs.get(1).copied());
    importer.store(&name, "weight", vec![outputs, inputs], weight.values)?;
    let layer = Linear { name: name.clone(), inputs, outputs, bias: bias.is_some() };
    if let Some(bias) = bias {
        // One number may stand for all.
        let bias = if bias.len() == 1 { vec![bias[0]; outputs] } else { bias };
        importer.store(&name, "bias", vec![outputs], bias)?;
    }
    Ok(Known::Computed(importer.make(Operation::Linear(layer), x.value, vec![outputs])))
}

/// A kernel along one axis: its numbers, and the zeros in front of the map and behind it.
#[derive(Clone, Copy, Debug)]
struct Axis {
    kernel: usize,
    dilation: usize,
    front: i64,
    back: i64,
}

impl Axis {
    /// The kernel with its gaps.
    fn extent(self) -> usize {
        self.kernel.saturating_sub(1).saturating_mul(self.dilation).saturating_add(1)
    }
}

/// The same kernel with zeros in its gaps and at its ends, so that it pads evenly without gaps.
struct Even {
    kernel: usize,
    padding: usize,
    /// Where the kernel's first number is.
    start: usize,
}

/// Widest kernel, zeros at its ends included.
const WIDEST: usize = 1 << 10;

impl Even {
    /// Of a convolution: zeros in front of the kernel let it begin further before the map.
    fn narrow(axis: Axis) -> Outcome<Self> {
        let [front, back] =
            [axis.front, axis.back].map(|zeros| usize::try_from(zeros).ok().filter(|zeros| *zeros < WIDEST));
        let (Some(front), Some(back)) = (front, back) else {
            return Err("cuts its maps by negative padding".into());
        };
        Self {
            kernel: axis.extent() + front.abs_diff(back),
            padding: front.max(back),
            start: back.saturating_sub(front),
        }
        .checked()
    }

    /// Of a transposed convolution, which cuts what `narrow` adds: zeros make the result longer on one side.
    fn wide(axis: Axis) -> Outcome<Self> {
        let padding = axis.front.max(axis.back);
        let longer = |cut: i64| usize::try_from(padding - cut).unwrap_or(usize::MAX);
        let Ok(even) = usize::try_from(padding) else {
            return Err("adds more than its kernel to its maps".into());
        };
        let (start, end) = (longer(axis.front), longer(axis.back));
        Self { kernel: axis.extent().saturating_add(start).saturating_add(end), padding: even, start }
            .checked()
    }

    fn checked(self) -> Outcome<Self> {
        if self.kernel <= WIDEST { Ok(self) } else { Err(format!("has a kernel of {} pixels", self.kernel)) }
    }
}

/// `weight` of `(a, b, height, width)` with its numbers at the places of even kernels.
///
/// # Errors
/// When they would take far more memory than the file's own.
fn spread(weight: &Constant, axes: [Axis; 2], even: [&Even; 2]) -> Outcome<Vec<f32>> {
    let [height, width] = axes.map(|axis| axis.kernel);
    let [rows, columns] = even.map(|even| even.kernel);
    if [rows, columns] == [height, width] {
        return Ok(weight.values.clone());
    }
    let filters = weight.sides[0] * weight.sides[1];
    if filters.saturating_mul(rows * columns) > MOST_SPREAD {
        return Err(format!(
            "has {filters} kernels that would take {rows}x{columns} numbers with their gaps and padding"
        ));
    }
    let mut values = vec![0.0; filters * rows * columns];
    for (i, value) in weight.values.iter().enumerate() {
        let (filter, row, column) = (i / (height * width), i / width % height, i % width);
        let row = even[0].start + row * axes[0].dilation;
        let column = even[1].start + column * axes[1].dilation;
        values[(filter * rows + row) * columns + column] = *value;
    }
    Ok(values)
}

/// What a node says about how its kernel moves.
struct Geometry {
    axes: [Axis; 2],
    stride: usize,
    groups: usize,
}

fn geometry(node: &Node<'_>, weight: &Constant, map: [usize; 2]) -> Outcome<Geometry> {
    let [_, _, height, width] = weight.sides[..] else {
        return Err(format!(
            "has a kernel of sides {:?}; known are those of maps (out, in, height, width)",
            weight.sides
        ));
    };
    if weight.values.is_empty() {
        return Err("has an empty kernel".into());
    }
    let strides = settings::pair(node, "strides", 1)?;
    let [stride, other] = strides;
    if stride != other || !(1..=WIDEST).contains(&stride) {
        return Err(format!("moves by {stride} rows and {other} columns; known are equal steps"));
    }
    let dilations = settings::pair(node, "dilations", 1)?;
    if dilations.iter().any(|dilation| !(1..=WIDEST).contains(dilation)) {
        return Err(format!("has a kernel with gaps of {dilations:?}"));
    }
    let pads = match settings::text(node, "auto_pad", "NOTSET")? {
        "NOTSET" | "" => settings::integers(node, "pads")?.unwrap_or_else(|| vec![0; 4]),
        "VALID" => vec![0; 4],
        way @ ("SAME_UPPER" | "SAME_LOWER") if node.operator == "Conv" => {
            same(map, [height, width], dilations, stride, way == "SAME_UPPER")
        }
        way => return Err(format!("pads by the rule {way}; export it with the padding as numbers")),
    };
    let [top, left, bottom, right] = pads[..] else {
        return Err(format!("has the padding {pads:?}, not four numbers"));
    };
    let groups = settings::integer(node, "group", 1)?;
    let groups =
        usize::try_from(groups).ok().filter(|groups| *groups > 0).ok_or("has no groups of channels")?;
    let axes = [
        Axis { kernel: height, dilation: dilations[0], front: top, back: bottom },
        Axis { kernel: width, dilation: dilations[1], front: left, back: right },
    ];
    Ok(Geometry { axes, stride, groups })
}

/// The padding with which a result has its map's sides over the stride; what is odd goes behind, or in front.
fn same(
    map: [usize; 2],
    kernel: [usize; 2],
    dilation: [usize; 2],
    stride: usize,
    is_upper: bool,
) -> Vec<i64> {
    let along = |axis: usize| {
        let extent = kernel[axis].saturating_sub(1).saturating_mul(dilation[axis]) + 1;
        let total = (map[axis].div_ceil(stride) - 1) * stride + extent;
        let total = total.saturating_sub(map[axis]) as i64;
        let (less, more) = (total / 2, total - total / 2);
        if is_upper { (less, more) } else { (more, less) }
    };
    let ((top, bottom), (left, right)) = (along(0), along(1));
    vec![top, left, bottom, right]
}

/// Channels, height and width of a convolution's operand.
pub(super) fn maps_of(x: &Computed) -> Outcome<[usize; 3]> {
    match x.straight()?.sides[..] {
        [channels, height, width] => Ok([channels, height, width]),
        _ => Err(format!("takes (batch, {}), not maps", list(&x.sides))),
    }
}

/// A convolution.
pub(super) fn convolution<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    let x = importer.computed(node, 0)?;
    let [inputs, height, width] = maps_of(&x)?;
    let weight = importer.constant(node, 1)?;
    let Geometry { axes, stride, groups } = geometry(node, &weight, [height, width])?;
    let [rows, columns] = [Even::narrow(axes[0])?, Even::narrow(axes[1])?];
    if weight.sides[1].checked_mul(groups) != Some(inputs) {
        return Err(format!("takes {} channels in {groups} group(s), not {inputs}", weight.sides[1]));
    }
    let values = spread(&weight, axes, [&rows, &columns])?;
    let outputs = weight.sides[0];
    let layer = layer(importer, node, &weight, values, [inputs, outputs], [rows, columns], stride, groups)?;
    add_operation(importer, Operation::Convolution(layer), &x)
}

/// A transposed convolution.
pub(super) fn transposed<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    let x = importer.computed(node, 0)?;
    let [inputs, height, width] = maps_of(&x)?;
    let weight = importer.constant(node, 1)?;
    let Geometry { mut axes, stride, groups } = geometry(node, &weight, [height, width])?;
    if settings::integers(node, "output_shape")?.is_some() {
        return Err("says the sides of its result; export it with the padding as numbers".into());
    }
    for (axis, more) in axes.iter_mut().zip(settings::pair(node, "output_padding", 0)?) {
        axis.back = axis.back.saturating_sub_unsigned(more as u64);
    }
    let [rows, columns] = [Even::wide(axes[0])?, Even::wide(axes[1])?];
    let outputs = weight.sides[1].checked_mul(groups).ok_or("makes too many channels")?;
    if weight.sides[0] != inputs {
        return Err(format!("takes {} channels, not {inputs}", weight.sides[0]));
    }
    let values = spread(&weight, axes, [&rows, &columns])?;
    let layer = layer(importer, node, &weight, values, [inputs, outputs], [rows, columns], stride, groups)?;
    add_operation(importer, Operation::TransposedConvolution(layer), &x)
}

/// Keeps the parameters of a convolution either way, whose kernel's numbers lie in even ones already.
fn layer<'a>(
    importer: &mut Importer<'a>,
    node: &Node<'a>,
    weight: &Constant,
    values: Vec<f32>,
    [inputs, outputs]: [usize; 2],
    [rows, columns]: [Even; 2],
    stride: usize,
    groups: usize,
) -> Outcome<Convolution> {
    let kernel = [rows.kernel, columns.kernel];
    let name = importer.layer_name(node.inputs.get(1).copied());
    importer.store(&name, "weight", vec![weight.sides[0], weight.sides[1], kernel[0], kernel[1]], values)?;
    let bias = take_bias(importer, node, &name, outputs)?;
    Ok(Convolution {
        name,
        inputs,
        outputs,
        kernel,
        stride,
        padding: [rows.padding, columns.padding],
        output_padding: 0,
        groups,
        bias,
    })
}

/// Keeps the bias of a convolution, where it has one.
fn take_bias<'a>(importer: &mut Importer<'a>, node: &Node<'a>, name: &str, outputs: usize) -> Outcome<bool> {
    if importer.optional(node, 2)?.is_none() {
        return Ok(false);
    }
    let bias = importer.constant(node, 2)?;
    importer.store(name, "bias", vec![outputs], bias.values)?;
    Ok(true)
}

/// Adds an operation on maps, and asks the graph what it makes.
pub(super) fn add_operation(
    importer: &mut Importer<'_>,
    operation: Operation,
    x: &Computed,
) -> Outcome<Known> {
    let shape = operation.result(&[x.shape()])?;
    let sides = match shape {
        crate::graph::Shape::Map(sides) => sides.to_vec(),
        crate::graph::Shape::Row(length) => vec![length],
    };
    Ok(Known::Computed(importer.make(operation, x.value, sides)))
}

/// Normalisation by running statistics.
pub(super) fn batch_norm<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Outcome<Known> {
    if settings::integer(node, "training_mode", 0)? != 0 {
        return Err("normalises by the pictures of its batch; export the network in evaluation mode".into());
    }
    let x = importer.computed(node, 0)?;
    let channels = *x.straight()?.sides.first().ok_or("takes no channels")?;
    let epsilon = f64::from(settings::float(node, "epsilon", 1e-5)?);
    let name = importer.layer_name(node.inputs.get(1).copied());
    for (place, ending) in ["weight", "bias", "running_mean", "running_var"].into_iter().enumerate() {
        let values = importer.constant(node, place + 1)?.values;
        importer.store(&name, ending, vec![channels], values)?;
    }
    Ok(Known::Computed(importer.keep(Operation::BatchNorm { name, channels, epsilon }, &x)))
}

/// Sides in a message.
pub(super) fn list(sides: &[usize]) -> String {
    sides.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(kernel: usize, dilation: usize, front: i64, back: i64) -> Axis {
        Axis { kernel, dilation, front, back }
    }

    #[test]
    fn uneven_padding_becomes_zeros_of_the_kernel() {
        let even = |axis| Even::narrow(axis).map(|even| (even.kernel, even.padding, even.start));
        assert_eq!(even(axis(3, 1, 1, 1)), Ok((3, 1, 0)));
        assert_eq!(even(axis(3, 1, 0, 1)), Ok((4, 1, 1)));
        assert_eq!(even(axis(3, 1, 2, 1)), Ok((4, 2, 0)));
        assert_eq!(even(axis(3, 2, 2, 2)), Ok((5, 2, 0)));
        assert!(even(axis(3, 1, -1, 0)).is_err());
        let even = |axis| Even::wide(axis).map(|even| (even.kernel, even.padding, even.start));
        assert_eq!(even(axis(3, 1, 1, 0)), Ok((4, 1, 0)), "PyTorch's output padding of 1");
        assert_eq!(even(axis(4, 1, 0, 1)), Ok((5, 1, 1)));
    }

    #[test]
    fn many_small_kernels_cannot_become_large_ones() {
        let weight = Constant { sides: vec![100, 1, 1, 1], values: vec![1.0; 100] };
        let axes = [axis(1, 1, 1000, 0); 2];
        let even = Even::narrow(axes[0]).expect("a kernel");
        assert!(spread(&weight, axes, [&even, &even]).expect_err("too many").contains("100 kernels"));
    }

    #[test]
    fn the_same_sides_are_padded_for() {
        assert_eq!(same([4, 5], [3, 3], [1, 1], 2, true), [0, 1, 1, 1]);
        assert_eq!(same([4, 5], [3, 3], [1, 1], 2, false), [1, 1, 0, 1]);
        assert_eq!(same([7, 7], [4, 1], [1, 1], 1, true), [1, 0, 2, 0]);
    }
}
