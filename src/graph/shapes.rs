//! Shapes of all results, and with them whether a graph can be computed at all.

use super::{Activation, Convolution, Graph, GraphError, Operation, Pool, Shape, Value};

impl Graph {
    /// The shape of each operation's result, in their order.
    ///
    /// # Errors
    /// Names the first operation that takes a later result, or none of the shape that it needs; and says so where the
    /// network gives nothing, or what no operation makes, or has two different parameters of one name.
    pub fn shapes(&self) -> Result<Vec<Shape>, GraphError> {
        let mut shapes: Vec<Shape> = Vec::with_capacity(self.nodes().len());
        for (number, node) in self.nodes().iter().enumerate() {
            let wrong = |what| GraphError::Operation { number, operation: node.operation.to_string(), what };
            let taken = |value: &Value| match shapes.get(value.index()) {
                Some(shape) => Ok(*shape),
                None => Err(wrong(format!(
                    "takes the result of operation {}, which is not before it",
                    value.index()
                ))),
            };
            let inputs = node.inputs.iter().map(taken).collect::<Result<Vec<_>, _>>()?;
            let shape = node.operation.result(&inputs).and_then(Shape::checked).map_err(wrong)?;
            shapes.push(shape);
        }
        if self.outputs().is_empty() {
            return Err(GraphError::NoOutput);
        }
        match self.outputs().iter().find(|value| value.index() >= shapes.len()) {
            Some(value) => Err(GraphError::Output { number: value.index(), operations: shapes.len() }),
            None => self.check_names().map(|()| shapes),
        }
    }

    /// The shapes of what the network gives, in order.
    ///
    /// # Errors
    /// As [`Graph::shapes`].
    pub fn output_shapes(&self) -> Result<Vec<Shape>, GraphError> {
        let shapes = self.shapes()?;
        Ok(self.outputs().iter().map(|value| shapes[value.index()]).collect())
    }
}

impl Operation {
    /// The shape of the result of operands of these shapes.
    ///
    /// # Errors
    /// What does not fit, from a verb on.
    pub fn result(&self, inputs: &[Shape]) -> Result<Shape, String> {
        let is_many = matches!(self, Self::Concat) && !inputs.is_empty();
        let operands = match self {
            Self::Input(_) => 0,
            Self::Add { .. } | Self::Multiply => 2,
            _ => 1,
        };
        if inputs.len() != operands && !is_many {
            return Err(format!("takes {operands} operand(s), not {}", inputs.len()));
        }
        match (self, inputs) {
            (Self::Input(shape), _) => Ok(*shape),
            (Self::Linear(layer), &[shape]) => match shape {
                Shape::Row(length) if length == layer.inputs => Ok(Shape::Row(layer.outputs)),
                _ => Err(format!("takes {} numbers, not {shape}", layer.inputs)),
            },
            (Self::Convolution(layer), &[shape]) => layer.result(shape, Convolution::narrow),
            (Self::TransposedConvolution(layer), &[shape]) => layer.result(shape, Convolution::wide),
            (Self::BatchNorm { channels, epsilon, .. }, &[shape]) => {
                if !epsilon.is_finite() || *epsilon < 0.0 {
                    return Err(format!("adds {epsilon} to variances, which is no small number above 0"));
                }
                scaled(shape, *channels)
            }
            (Self::Affine { channels, .. }, &[shape]) => scaled(shape, *channels),
            (Self::Weighted { shape: sides, .. }, &[shape]) => {
                let own = Shape::Map(*sides);
                if own == shape { Ok(shape) } else { Err(format!("takes {own}, not {shape}")) }
            }
            (Self::Activation(Activation::LeakyRelu(factor) | Activation::Elu(factor)), &[shape]) => {
                if factor.is_finite() { Ok(shape) } else { Err("has a slope that is no number".into()) }
            }
            (Self::Activation(Activation::Clamp(low, high)), &[shape]) => {
                if low <= high {
                    Ok(shape)
                } else {
                    Err(format!("leaves nothing between {low} and {high}"))
                }
            }
            (Self::Activation(_) | Self::Softmax | Self::ToPixels(_), &[shape]) => Ok(shape),
            (Self::Add { scale }, &[first, second]) => {
                match first == second || goes_with_all(first, second) {
                    _ if !scale.is_finite() => Err("has a weight that is no number".into()),
                    true => Ok(first),
                    false => Err(format!(
                        "takes two operands of one shape, or a number a channel or a place, not {first} and {second}"
                    )),
                }
            }
            (Self::Multiply, &[first, second]) => match (first, second) {
                (Shape::Map([channels, _, _]), Shape::Map([others, 1, 1])) if channels == others => Ok(first),
                _ if first == second => Ok(first),
                _ => Err(format!(
                    "takes two operands of one shape, or a number a channel, not {first} and {second}"
                )),
            },
            (Self::Bilinear { size: [height, width], .. }, &[shape]) => {
                let [channels, ..] = map(shape)?;
                Ok(Shape::Map([channels, *height, *width]))
            }
            (Self::Double, &[shape]) => {
                let [channels, height, width] = map(shape)?;
                Ok(Shape::Map([channels, height.saturating_mul(2), width.saturating_mul(2)]))
            }
            (Self::AveragePool(pool) | Self::MaxPool(pool), &[shape]) => pool.result(shape),
            (Self::Reshape(to), &[shape]) => match shape.values() == to.values() {
                true => Ok(*to),
                false => Err(format!("turns {shape} into {to}, which are not as many values")),
            },
            (Self::Concat, shapes) => concatenated(shapes),
            (Self::Slice { start, length, step }, &[shape]) => {
                let last =
                    length.checked_sub(1).and_then(|more| more.checked_mul(*step)?.checked_add(*start));
                match last {
                    Some(last) if *step > 0 && last < shape.channels() => Ok(shape.with_channels(*length)),
                    _ => Err(format!(
                        "takes {length} channels, every {step}th, from number {start} on of {shape}"
                    )),
                }
            }
            // The number of operands was compared above.
            _ => Err("takes other operands".into()),
        }
    }
}

/// Whether a map of `second` shape is one number a channel of the first, or one a place.
fn goes_with_all(first: Shape, second: Shape) -> bool {
    match (first, second) {
        (Shape::Map([channels, _, _]), Shape::Map([others, 1, 1])) if channels == others => true,
        (Shape::Map([_, height, width]), Shape::Map([1, tall, wide])) => [height, width] == [tall, wide],
        _ => false,
    }
}

/// The sides of a map.
fn map(shape: Shape) -> Result<[usize; 3], String> {
    match shape {
        Shape::Map(sides) => Ok(sides),
        Shape::Row(_) => Err(format!("takes maps, not {shape}")),
    }
}

fn scaled(shape: Shape, channels: usize) -> Result<Shape, String> {
    if shape.channels() == channels {
        Ok(shape)
    } else {
        Err(format!("takes {channels} channels, not {shape}"))
    }
}

fn concatenated(shapes: &[Shape]) -> Result<Shape, String> {
    let first = shapes.first().copied().ok_or_else(|| "takes no operands".to_owned())?;
    match shapes.iter().find(|shape| shape.with_channels(1) != first.with_channels(1)) {
        Some(other) => Err(format!("cannot put {first} and {other} side by side")),
        None => {
            let channels = shapes.iter().fold(0, |sum: usize, shape| sum.saturating_add(shape.channels()));
            Ok(first.with_channels(channels))
        }
    }
}

impl Convolution {
    fn result(
        &self,
        shape: Shape,
        side: impl Fn(&Self, usize, usize) -> Option<usize>,
    ) -> Result<Shape, String> {
        let [channels, height, width] = map(shape)?;
        if channels != self.inputs {
            return Err(format!("takes {} channels, not {shape}", self.inputs));
        }
        if self.groups == 0
            || !self.inputs.is_multiple_of(self.groups)
            || !self.outputs.is_multiple_of(self.groups)
        {
            let Self { inputs, outputs, groups, .. } = self;
            return Err(format!("cannot cut {inputs} to {outputs} channels into {groups} groups"));
        }
        match (side(self, height, 0), side(self, width, 1)) {
            (Some(height), Some(width)) => Ok(Shape::Map([self.outputs, height, width])),
            _ => {
                let Self { kernel: [rows, columns], stride, padding, output_padding: more, .. } = self;
                let more = if *more == 0 { String::new() } else { format!(" and output padding {more}") };
                Err(format!(
                    "cannot lay a kernel of {rows}x{columns} with stride {stride} and padding {padding:?}{more} over {shape}"
                ))
            }
        }
    }

    /// The result's height (`axis` 0) or width (1) of a convolution.
    fn narrow(&self, side: usize, axis: usize) -> Option<usize> {
        let is_plain = self.output_padding == 0;
        windows(side, self.kernel[axis], self.stride, self.padding[axis]).filter(|_| is_plain)
    }

    /// The same of a transposed convolution.
    fn wide(&self, side: usize, axis: usize) -> Option<usize> {
        let (kernel, padding) = (self.kernel[axis], self.padding[axis]);
        let spread = side.checked_sub(1)?.checked_mul(self.stride)?.checked_add(kernel)?;
        let cut = spread.checked_sub(padding.checked_mul(2)?)?;
        // More than that PyTorch refuses, too: no tap of the kernel would reach it.
        let is_sound = kernel > 0 && self.output_padding < self.stride;
        is_sound.then(|| cut + self.output_padding)
    }
}

impl Pool {
    fn result(&self, shape: Shape) -> Result<Shape, String> {
        let [channels, height, width] = map(shape)?;
        let side = |side| windows(side, self.kernel, self.stride, self.padding);
        match (side(height), side(width)) {
            // A window in the padding alone would have nothing to average.
            (Some(height), Some(width)) if self.padding < self.kernel => {
                Ok(Shape::Map([channels, height, width]))
            }
            _ => Err(format!("cannot lay windows of {self:?} over {shape}")),
        }
    }
}

/// Places of a window that moves over `side` values with `padding` on both sides.
fn windows(side: usize, kernel: usize, stride: usize, padding: usize) -> Option<usize> {
    let padded = padding.checked_mul(2)?.checked_add(side)?;
    let steps = padded.checked_sub(kernel)?.checked_div(stride)?;
    (kernel > 0).then(|| steps + 1)
}
