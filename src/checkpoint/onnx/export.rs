//! Networks as ONNX files.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::base::{Arrays, FileError, PixelRange, write_atomic};
use crate::checkpoint::CheckpointError;
use crate::checkpoint::bundle::check_networks;
use crate::formats::onnx::{Attribute, Element, Graph as File, Model, Node, Port, Tensor, Values};
use crate::graph::{
    Activation, Convolution, Corners, Graph, GraphError, Operation, Pool, Shape, Value, check_weights,
};
use crate::model::{CodeValue, Model as Trained, Port as ModelPort};

/// The version of ONNX's operators that is written: every runtime since 2022 reads it.
const OPSET: i64 = 17;
/// The version of the form of the file that belongs to it.
const IR_VERSION: i64 = 8;
/// The number of f32 in `TensorProto.DataType`.
const F32: i64 = 1;
/// Largest file, which is what the format can hold.
const LARGEST: usize = (2 << 30) - 1;

/// The note that says which numbers the pictures of a network are in: `unit`, `signed` or `logits`.
pub(super) const PIXELS: &str = "idgan.pixels";

/// Writes every network of `model` that draws or encodes into `folder` (made if need be), each as `NAME.onnx`. What it takes
/// is called `code` or `picture`, what it gives `picture`, `mu`, `logvar`, or `output`; pictures are in the numbers that the
/// network itself takes and gives, which the file's metadata name. Returns the files written.
///
/// # Errors
/// When the model has no such network, contradicts its description, or a file cannot be written.
pub fn export_onnx(folder: &Path, model: &Trained) -> Result<Vec<PathBuf>, CheckpointError> {
    let description = &model.description;
    check_networks(model).map_err(CheckpointError::Request)?;
    let chains = description.render.iter().chain(&description.encode);
    let names: BTreeSet<&String> = chains.flat_map(|chain| &chain.steps).collect();
    let mut written = Vec::new();
    for name in names {
        let Some(network) = description.networks.get(name) else { continue };
        let Some(graph) = network.architecture.graph() else { continue };
        let path = folder.join(format!("{name}.onnx"));
        let wrong = |error: GraphError| CheckpointError::content(error.to_string(), &path);
        let input =
            if graph.inputs().any(|shape| matches!(shape, Shape::Map(_))) { "picture" } else { "code" };
        let outputs: Vec<&str> = graph
            .output_shapes()
            .map_err(wrong)?
            .iter()
            .zip(&network.outputs)
            .map(|(_, port)| match port {
                ModelPort::Picture { .. } => "picture",
                ModelPort::Code { value: CodeValue::Mean, .. } => "mu",
                ModelPort::Code { value: CodeValue::Logvar, .. } => "logvar",
                _ => "output",
            })
            .collect();
        let range = network.inputs.iter().chain(&network.outputs).find_map(|port| match port {
            ModelPort::Picture { range, .. } => Some((PIXELS, range.name())),
            _ => None,
        });
        let notes: Vec<(&str, &str)> =
            std::iter::once(("idgan.model", description.name.as_str())).chain(range).collect();
        let bytes = to_onnx(&graph, model.group(&network.weights), input, &outputs, &notes).map_err(wrong)?;
        if written.is_empty() {
            std::fs::create_dir_all(folder).map_err(|error| FileError::new(error, folder))?;
        }
        write_atomic(&path, |file| file.write_all(&bytes).map_err(|error| FileError::new(error, &path)))?;
        written.push(path);
    }
    if written.is_empty() {
        return Err(CheckpointError::request("the model has no network to export"));
    }
    Ok(written)
}

/// The range that a note names.
pub(super) fn noted_range(notes: &[(&str, &str)]) -> Option<PixelRange> {
    let (_, said) = notes.iter().find(|(key, _)| *key == PIXELS)?;
    PixelRange::ALL.into_iter().find(|range| range.name() == *said)
}

/// A network with one input as the bytes of an ONNX file (opset 17): `(batch, ...)` called `input` to results called
/// `outputs`. `notes` are kept in the file's metadata.
///
/// # Errors
/// When the graph is none, weights are missing, or the file would be larger than the 2 GiB that ONNX can hold.
pub fn to_onnx(
    graph: &Graph,
    weights: &Arrays,
    input: &str,
    outputs: &[&str],
    notes: &[(&str, &str)],
) -> Result<Vec<u8>, GraphError> {
    let shapes = graph.shapes()?;
    check_weights(weights, &graph.parameters())?;
    let mut writer =
        Writer { graph, shapes: &shapes, input, outputs, steps: Vec::new(), constants: Vec::new() };
    for (number, node) in graph.nodes().iter().enumerate() {
        let result = writer.name(number);
        writer.write(&result, &node.operation, &node.inputs, weights);
    }
    writer.repeat_results();
    writer.finish(weights, notes)
}

/// A node that owns its names.
struct Step {
    operator: &'static str,
    inputs: Vec<String>,
    output: String,
    attributes: Vec<(&'static str, Attribute<'static>)>,
}

/// Numbers of the file that are no parameter as it is.
enum Numbers {
    Floats(Vec<usize>, Vec<f32>),
    Integers(Vec<i64>),
}

struct Writer<'a> {
    graph: &'a Graph,
    shapes: &'a [Shape],
    input: &'a str,
    outputs: &'a [&'a str],
    steps: Vec<Step>,
    constants: Vec<(String, Numbers)>,
}

impl Writer<'_> {
    /// What the result of operation `number` is called.
    fn name(&self, number: usize) -> String {
        if matches!(self.graph.nodes()[number].operation, Operation::Input(_)) {
            return self.input.to_owned();
        }
        let given = self.graph.outputs().iter().position(|value| value.index() == number);
        given
            .and_then(|place| self.outputs.get(place))
            .map_or_else(|| format!("x{number}"), |name| (*name).to_owned())
    }

    fn names(&self, values: &[Value]) -> Vec<String> {
        values.iter().map(|value| self.name(value.index())).collect()
    }

    fn push(
        &mut self,
        operator: &'static str,
        inputs: Vec<String>,
        output: &str,
        attributes: Vec<(&'static str, Attribute<'static>)>,
    ) {
        self.steps.push(Step { operator, inputs, output: output.to_owned(), attributes });
    }

    /// Keeps `numbers` as a constant for what makes `result`, and gives its name.
    fn constant(&mut self, result: &str, what: &str, numbers: Numbers) -> String {
        let name = format!("{result}.{what}");
        self.constants.push((name.clone(), numbers));
        name
    }

    fn scalar(&mut self, result: &str, what: &str, value: f64) -> String {
        self.constant(result, what, Numbers::Floats(Vec::new(), vec![value as f32]))
    }

    fn write(&mut self, result: &str, operation: &Operation, operands: &[Value], weights: &Arrays) {
        let inputs = self.names(operands);
        let plain = |operator| (operator, Vec::new());
        let (operator, attributes) = match operation {
            Operation::Input(_) => return,
            Operation::Linear(layer) => {
                let operands = with_parameters(inputs, &layer.name, layer.bias);
                return self.push("Gemm", operands, result, vec![("transB", Attribute::Integer(1))]);
            }
            Operation::Convolution(layer) => return self.convolution("Conv", layer, inputs, result),
            Operation::TransposedConvolution(layer) => {
                return self.convolution("ConvTranspose", layer, inputs, result);
            }
            Operation::BatchNorm { name, epsilon, .. } => {
                let endings = ["weight", "bias", "running_mean", "running_var"];
                let operands =
                    inputs.into_iter().chain(endings.map(|ending| format!("{name}.{ending}"))).collect();
                let epsilon = Attribute::Float(*epsilon as f32);
                return self.push("BatchNormalization", operands, result, vec![("epsilon", epsilon)]);
            }
            Operation::Affine { name, channels } => {
                return self.affine(name, *channels, operands, result, weights);
            }
            Operation::Weighted { name, .. } => {
                let operands = inputs.into_iter().chain([format!("{name}.weight")]).collect();
                return self.push("Mul", operands, result, Vec::new());
            }
            Operation::Activation(Activation::Clamp(low, high)) => {
                let limits = [self.scalar(result, "low", *low), self.scalar(result, "high", *high)];
                return self.push("Clip", inputs.into_iter().chain(limits).collect(), result, Vec::new());
            }
            Operation::Activation(activation) => function(*activation),
            Operation::Add { scale } => return self.add(*scale, inputs, result),
            Operation::Multiply => plain("Mul"),
            Operation::Double => {
                return self.resize(inputs, result, [2.0, 2.0], "nearest", "asymmetric");
            }
            Operation::Bilinear { size, corners } => {
                return self.bilinear(inputs, result, operands[0], *size, *corners);
            }
            Operation::AveragePool(pool) => {
                let counted = Attribute::Integer(pool.counts_padding.into());
                ("AveragePool", pooling(*pool).into_iter().chain([("count_include_pad", counted)]).collect())
            }
            Operation::MaxPool(pool) => ("MaxPool", pooling(*pool)),
            Operation::Reshape(shape) => {
                // A side of 0 is the operand's own: the batch.
                let sides = std::iter::once(0).chain(sides(*shape)).collect();
                let sides = self.constant(result, "sides", Numbers::Integers(sides));
                return self.push("Reshape", inputs.into_iter().chain([sides]).collect(), result, Vec::new());
            }
            Operation::Concat => ("Concat", vec![("axis", Attribute::Integer(1))]),
            Operation::Slice { start, length, step } => {
                let mut list =
                    |what, value: usize| self.constant(result, what, Numbers::Integers(vec![value as i64]));
                let end = start + (length - 1) * step + 1;
                let range = [list("start", *start), list("end", end), list("axis", 1), list("step", *step)];
                return self.push("Slice", inputs.into_iter().chain(range).collect(), result, Vec::new());
            }
            Operation::Softmax => ("Softmax", vec![("axis", Attribute::Integer(1))]),
            Operation::ToPixels(PixelRange::Unit) => {
                let bounds =
                    [("low", 0.0), ("high", 1.0)].map(|(what, bound)| self.scalar(result, what, bound));
                return self.push("Clip", inputs.into_iter().chain(bounds).collect(), result, Vec::new());
            }
            Operation::ToPixels(PixelRange::Logits) => plain("Sigmoid"),
            Operation::ToPixels(PixelRange::Signed) => {
                let half = self.scalar(result, "half", 0.5);
                let scaled = format!("{result}.scaled");
                self.push("Mul", inputs.into_iter().chain([half.clone()]).collect(), &scaled, Vec::new());
                return self.push("Add", vec![scaled, half], result, Vec::new());
            }
        };
        self.push(operator, inputs, result, attributes);
    }

    fn convolution(
        &mut self,
        operator: &'static str,
        layer: &Convolution,
        inputs: Vec<String>,
        result: &str,
    ) {
        let pair = |sizes: [usize; 2]| Attribute::Integers(sizes.map(|size| size as i64).to_vec());
        let [rows, columns] = layer.padding.map(|zeros| zeros as i64);
        let mut attributes = vec![
            ("kernel_shape", pair(layer.kernel)),
            ("strides", pair([layer.stride; 2])),
            ("pads", Attribute::Integers(vec![rows, columns, rows, columns])),
            ("group", Attribute::Integer(layer.groups as i64)),
        ];
        if layer.output_padding > 0 {
            attributes.push(("output_padding", pair([layer.output_padding; 2])));
        }
        self.push(operator, with_parameters(inputs, &layer.name, layer.bias), result, attributes);
    }

    fn affine(&mut self, name: &str, channels: usize, operands: &[Value], result: &str, weights: &Arrays) {
        let taken = self.names(operands);
        let sides = match operands.first().map(|value| self.shapes[value.index()]) {
            Some(Shape::Map(_)) => vec![channels, 1, 1],
            _ => vec![channels],
        };
        let values = |ending| {
            weights.get(&format!("{name}.{ending}")).map_or_else(Vec::new, |array| array.data().to_vec())
        };
        let gain = self.constant(result, "gain", Numbers::Floats(sides.clone(), values("weight")));
        let shift = self.constant(result, "shift", Numbers::Floats(sides, values("bias")));
        let scaled = format!("{result}.scaled");
        self.push("Mul", taken.into_iter().chain([gain]).collect(), &scaled, Vec::new());
        self.push("Add", vec![scaled, shift], result, Vec::new());
    }

    fn add(&mut self, scale: f64, mut inputs: Vec<String>, result: &str) {
        if scale != 1.0 && inputs.len() == 2 {
            let factor = self.scalar(result, "scale", scale);
            let scaled = format!("{result}.scaled");
            let second = std::mem::replace(&mut inputs[1], scaled.clone());
            self.push("Mul", vec![second, factor], &scaled, Vec::new());
        }
        self.push("Add", inputs, result, Vec::new());
    }

    fn bilinear(
        &mut self,
        inputs: Vec<String>,
        result: &str,
        operand: Value,
        size: [usize; 2],
        corners: Corners,
    ) {
        let from = match self.shapes[operand.index()] {
            Shape::Map([_, height, width]) => [height, width],
            Shape::Row(_) => [1, 1],
        };
        let scale = |axis: usize| {
            let scale = size[axis] as f32 / from[axis] as f32;
            // The side of the result is that of the operand by this, rounded down.
            if (from[axis] as f32 * scale).floor() as usize == size[axis] { scale } else { scale.next_up() }
        };
        let way = match corners {
            Corners::Half => "half_pixel",
            Corners::Aligned => "align_corners",
            Corners::Asymmetric => "asymmetric",
        };
        self.resize(inputs, result, [scale(0), scale(1)], "linear", way);
    }

    fn resize(
        &mut self,
        inputs: Vec<String>,
        result: &str,
        scales: [f32; 2],
        mode: &'static str,
        way: &'static str,
    ) {
        let scales = Numbers::Floats(vec![4], vec![1.0, 1.0, scales[0], scales[1]]);
        let scales = self.constant(result, "scales", scales);
        let mut attributes =
            vec![("mode", Attribute::Text(mode)), ("coordinate_transformation_mode", Attribute::Text(way))];
        if mode == "nearest" {
            attributes.push(("nearest_mode", Attribute::Text("floor")));
        }
        self.push("Resize", inputs.into_iter().chain([String::new(), scales]).collect(), result, attributes);
    }

    /// Gives results that have another name already, as the input or as an earlier result.
    fn repeat_results(&mut self) {
        for (place, value) in self.graph.outputs().iter().enumerate() {
            let Some(name) = self.outputs.get(place) else { continue };
            let known = self.name(value.index());
            if known != **name {
                self.push("Identity", vec![known], name, Vec::new());
            }
        }
    }

    fn finish(self, weights: &Arrays, notes: &[(&str, &str)]) -> Result<Vec<u8>, GraphError> {
        let parameters = self.graph.parameters();
        let is_taken = |name: &String| self.steps.iter().any(|step| step.inputs.contains(name));
        let mut tensors: Vec<Tensor<'_>> = Vec::new();
        for parameter in parameters.iter().filter(|parameter| is_taken(&parameter.name)) {
            if let Some(array) = weights.get(&parameter.name)
                && !tensors.iter().any(|tensor| tensor.name == parameter.name)
            {
                tensors.push(floats(&parameter.name, array.shape(), array.data()));
            }
        }
        let size: usize = tensors.iter().map(|tensor| tensor.len() * size_of::<f32>()).sum();
        if size > LARGEST {
            return Err(GraphError::Weights(
                "they are larger than 2 GiB, which an ONNX file cannot hold".into(),
            ));
        }
        for (name, numbers) in &self.constants {
            tensors.push(match numbers {
                Numbers::Floats(shape, values) => floats(name, shape, values),
                Numbers::Integers(values) => Tensor {
                    name,
                    shape: vec![values.len()],
                    element: Element::I64,
                    values: Values::Integers(values.clone()),
                },
            });
        }
        let nodes = self.steps.iter().map(|step| Node {
            name: &step.output,
            operator: step.operator,
            domain: "",
            inputs: step.inputs.iter().map(String::as_str).collect(),
            outputs: vec![&step.output],
            attributes: step.attributes.clone(),
        });
        let port = |name, shape| {
            let sides = sides(shape).map(|side| Some(side.cast_unsigned()));
            Port { name, element: F32, shape: Some(std::iter::once(None).chain(sides).collect()) }
        };
        let given = self.graph.outputs().iter().zip(self.outputs);
        let model = Model {
            ir_version: IR_VERSION,
            producer: "idgan",
            opset: OPSET,
            notes: notes.to_vec(),
            graph: File {
                name: "network",
                nodes: nodes.collect(),
                tensors,
                inputs: self.graph.inputs().map(|shape| port(self.input, shape)).collect(),
                outputs: given.map(|(value, name)| port(*name, self.shapes[value.index()])).collect(),
            },
        };
        Ok(model.to_bytes())
    }
}

fn floats<'a>(name: &'a str, shape: &[usize], values: &'a [f32]) -> Tensor<'a> {
    // On a machine that stores numbers the other way round they are written one by one.
    let values = if cfg!(target_endian = "little") {
        Values::Bytes(bytemuck::cast_slice(values))
    } else {
        Values::Floats(values.to_vec())
    };
    Tensor { name, shape: shape.to_vec(), element: Element::F32, values }
}

fn with_parameters(mut inputs: Vec<String>, name: &str, bias: bool) -> Vec<String> {
    inputs.push(format!("{name}.weight"));
    if bias {
        inputs.push(format!("{name}.bias"));
    }
    inputs
}

fn function(activation: Activation) -> (&'static str, Vec<(&'static str, Attribute<'static>)>) {
    let alpha = |value: f64| vec![("alpha", Attribute::Float(value as f32))];
    match activation {
        Activation::LeakyRelu(0.0) => ("Relu", Vec::new()),
        Activation::LeakyRelu(slope) => ("LeakyRelu", alpha(slope)),
        Activation::Elu(factor) => ("Elu", alpha(factor)),
        Activation::Tanh => ("Tanh", Vec::new()),
        Activation::Sigmoid => ("Sigmoid", Vec::new()),
        Activation::Softplus => ("Softplus", Vec::new()),
        // Written with its limits as operands.
        Activation::Clamp(..) => ("Clip", Vec::new()),
    }
}

fn pooling(pool: Pool) -> Vec<(&'static str, Attribute<'static>)> {
    let list = |size: usize, count| Attribute::Integers(vec![size as i64; count]);
    vec![
        ("kernel_shape", list(pool.kernel, 2)),
        ("strides", list(pool.stride, 2)),
        ("pads", list(pool.padding, 4)),
    ]
}

/// The sides of a value without the batch.
fn sides(shape: Shape) -> impl Iterator<Item = i64> {
    let sides = match shape {
        Shape::Row(length) => vec![length],
        Shape::Map(sides) => sides.to_vec(),
    };
    sides.into_iter().map(|side| side as i64)
}
