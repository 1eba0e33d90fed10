//! Turns the nodes that some results of an ONNX file need into a graph, one after the other.

use std::collections::HashSet;

use crate::base::Arrays;
use crate::formats::onnx::{self, Node};
use crate::formats::shorten;
use crate::graph::{Graph, Operation, Shape};

use super::importer::{Importer, Outcome};
use super::known::{Computed, Known, shape_of};
use super::{arithmetic, arrange, layers, space, whole};

/// A network taken out of a file.
#[derive(Clone, Debug)]
pub(super) struct Imported {
    pub(super) graph: Graph,
    pub(super) weights: Arrays,
    /// Sides of the input as the file counts them, without the batch.
    pub(super) input: Vec<usize>,
    /// Sides of each result, without the batch, in the order of the graph's value.
    pub(super) outputs: Vec<Vec<usize>>,
}

/// What is done to the input of a network before it takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pictures {
    /// Nothing.
    AsTheyAre,
    /// Pictures in [0, 1] become those in [-1, 1] that it was trained on.
    ToSigned,
}

/// Takes the network from the input `port` to the results `wanted` out of a file, whose constants were all read into it.
///
/// # Errors
/// Names the first node that cannot be computed here, and says why.
pub(super) fn import(
    model: &onnx::Model<'_>,
    port: &onnx::Port<'_>,
    wanted: &[&str],
    pictures: Pictures,
) -> Outcome<Imported> {
    let file = &model.graph;
    let mut importer = Importer::new(file, model.opset);
    let input = take_input(&mut importer, port, pictures)?;
    for node in needed(file, wanted) {
        run(&mut importer, node).map_err(|what| format!("node {} {what}", called(node)))?;
    }
    let mut outputs = Vec::new();
    for name in wanted {
        let Some(result) = importer.result(name).cloned() else {
            return Err(format!("its result `{}` does not depend on its input", shorten(name)));
        };
        outputs.push(result.graph_sides());
        importer.graph.give(result.value);
    }
    let (graph, weights) = importer.finish();
    graph.shapes().map_err(|error| error.to_string())?;
    Ok(Imported { graph, weights, input, outputs })
}

/// The nodes that `wanted` needs, in the order in which they run.
fn needed<'a>(file: &'a onnx::Graph<'a>, wanted: &[&'a str]) -> Vec<&'a Node<'a>> {
    let mut names: HashSet<&str> = wanted.iter().copied().collect();
    let mut nodes: Vec<&Node<'_>> = Vec::new();
    for node in file.nodes.iter().rev() {
        if node.outputs.iter().any(|name| !name.is_empty() && names.contains(name)) {
            names.extend(&node.inputs);
            nodes.push(node);
        }
    }
    nodes.reverse();
    nodes
}

/// A node for a message: its name where it has one, and its operator.
fn called(node: &Node<'_>) -> String {
    let name =
        if node.name.is_empty() { node.outputs.first().copied().unwrap_or_default() } else { node.name };
    let owner = if node.domain.is_empty() { String::new() } else { format!("{}.", shorten(node.domain)) };
    format!("`{}` ({owner}{})", shorten(name), shorten(node.operator))
}

/// Makes the input of the graph; a code of `(n, 1, 1)` is a row that is turned into maps.
fn take_input<'a>(
    importer: &mut Importer<'a>,
    port: &onnx::Port<'a>,
    pictures: Pictures,
) -> Outcome<Vec<usize>> {
    let name = shorten(port.name);
    let wrong = |what: &str| format!("its input `{name}` {what}");
    let Some([batch, sides @ ..]) = port.shape.as_deref() else {
        return Err(wrong("does not say its sides; export it again with an example input"));
    };
    let known: Option<Vec<usize>> =
        sides.iter().map(|side| usize::try_from((*side)?).ok().filter(|side| *side > 0)).collect();
    let Some(sides) = known.filter(|sides| matches!(sides.len(), 1 | 3)) else {
        return Err(wrong(
            "is neither a code (batch, n) nor pictures (batch, channels, height, width) of known sizes",
        ));
    };
    importer.batch = *batch;
    let mut value = importer.graph.input(match sides[..] {
        [length, 1, 1] => Shape::Row(length),
        _ => shape_of(&sides),
    });
    if let [_, 1, 1] = sides[..] {
        value = importer.graph.apply(Operation::Reshape(shape_of(&sides)), &[value]);
    }
    let mut input = Computed::new(value, sides.clone());
    if pictures == Pictures::ToSigned {
        input = arithmetic::scaled(importer, &input, 2.0, -1.0)?;
    }
    importer.remember(port.name, Known::Computed(input));
    Ok(sides)
}

fn run<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<()> {
    if !node.domain.is_empty() {
        return Err("is no operator of ONNX itself; export the network with ONNX's own operators".into());
    }
    let results = compute(importer, node)?;
    for (name, result) in node.outputs.iter().zip(results) {
        if let Known::Computed(value) = &result
            && value.is_too_large()
        {
            return Err("makes more numbers than any picture has".into());
        }
        importer.remember(name, result);
    }
    Ok(())
}

fn compute<'a>(importer: &mut Importer<'a>, node: &'a Node<'a>) -> Outcome<Vec<Known>> {
    let one = |known: Outcome<Known>| known.map(|known| vec![known]);
    match node.operator {
        "Gemm" => one(layers::gemm(importer, node)),
        "MatMul" => one(layers::product(importer, node)),
        "Conv" => one(layers::convolution(importer, node)),
        "ConvTranspose" => one(layers::transposed(importer, node)),
        "BatchNormalization" => one(layers::batch_norm(importer, node)),
        "Relu" | "LeakyRelu" | "Elu" | "Sigmoid" | "Tanh" | "Softplus" | "Clip" | "PRelu" | "Softmax" | "Exp"
        | "Neg" | "HardSigmoid" | "HardSwish" => one(arithmetic::function(importer, node)),
        "Add" | "Sub" | "Mul" | "Div" => one(arithmetic::operator(importer, node)),
        "Greater" => one(arithmetic::above(importer, node)),
        "Where" => one(arithmetic::choice(importer, node)),
        "Identity" | "Dropout" | "Cast" => one(importer.operand(node, 0)),
        "Reshape" => one(arrange::reshape(importer, node)),
        "Flatten" => one(arrange::flatten(importer, node)),
        "Squeeze" | "Unsqueeze" => one(arrange::squeeze(importer, node)),
        "Transpose" => one(arrange::transpose(importer, node)),
        "Concat" => one(arrange::concat(importer, node)),
        "Split" => arrange::split(importer, node),
        "Slice" => one(arrange::slice(importer, node)),
        "Gather" => one(arrange::gather(importer, node)),
        "Resize" | "Upsample" => one(space::resize(importer, node)),
        "DepthToSpace" => one(space::depth_to_space(importer, node)),
        "AveragePool" | "MaxPool" | "GlobalAveragePool" | "ReduceMean" => one(space::pool(importer, node)),
        "Constant" => one(whole::constant(node)),
        "Shape" => one(whole::shape(importer, node)),
        other if other.starts_with("Random") || other == "Multinomial" => Err(
            "draws random numbers, so that one code has many pictures; export the network without its sampling".into(),
        ),
        _ => Err("is an operator that is not known here; known are those of convolutional and linear networks".into()),
    }
}
