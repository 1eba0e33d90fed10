//! What was read of an ONNX file so far: the graph, its weights, and what is known of each value.

use std::collections::HashMap;

use crate::base::{Array, Arrays};
use crate::formats::onnx::{Graph as File, Node, Tensor};
use crate::formats::shorten;
use crate::graph::{Graph, Operation, Value};

use super::known::{Computed, Constant, Known, Sizes};

pub(super) type Outcome<T> = Result<T, String>;

/// Most whole numbers that are taken for sizes; more of them are a table of something.
const MOST_SIZES: usize = 4096;

/// What was read so far.
pub(super) struct Importer<'a> {
    file: &'a File<'a>,
    tensors: HashMap<&'a str, &'a Tensor<'a>>,
    known: HashMap<&'a str, Known>,
    pub(super) graph: Graph,
    weights: Arrays,
    /// The number of pictures that the file was written for, where it fixes one.
    pub(super) batch: Option<u64>,
    /// The version of ONNX's operators.
    pub(super) opset: i64,
}

impl<'a> Importer<'a> {
    /// Of a file whose operators are of version `opset`, with nothing read of it yet.
    pub(super) fn new(file: &'a File<'a>, opset: i64) -> Self {
        Self {
            file,
            tensors: file.tensors.iter().map(|tensor| (tensor.name, tensor)).collect(),
            known: HashMap::new(),
            graph: Graph::default(),
            weights: Arrays::new(),
            batch: None,
            opset,
        }
    }

    /// Remembers what the value called `name` is.
    pub(super) fn remember(&mut self, name: &'a str, known: Known) {
        self.known.insert(name, known);
    }

    /// What the value called `name` is, if it was computed.
    pub(super) fn result(&self, name: &str) -> Option<&Computed> {
        match self.known.get(name) {
            Some(Known::Computed(computed)) => Some(computed),
            _ => None,
        }
    }

    /// What was made of the file.
    pub(super) fn finish(self) -> (Graph, Arrays) {
        (self.graph, self.weights)
    }

    /// Operand `place` of a node.
    pub(super) fn operand(&mut self, node: &Node<'a>, place: usize) -> Outcome<Known> {
        self.optional(node, place)?.ok_or_else(|| format!("lacks operand {place}"))
    }

    /// Operand `place` of a node, if it has one.
    pub(super) fn optional(&mut self, node: &Node<'a>, place: usize) -> Outcome<Option<Known>> {
        let Some(name) = node.inputs.get(place).copied().filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        if let Some(known) = self.known.get(name) {
            return Ok(Some(known.clone()));
        }
        let Some(tensor) = self.tensors.get(name) else {
            let is_input = self.file.inputs.iter().any(|port| port.name == name);
            let why = if is_input {
                "which is another input of the network; give one code input"
            } else {
                "which nothing makes"
            };
            return Err(format!("takes `{}`, {why}", shorten(name)));
        };
        let known = constant(tensor)?;
        self.known.insert(name, known.clone());
        Ok(Some(known))
    }

    /// Operand `place`, which must be computed.
    pub(super) fn computed(&mut self, node: &Node<'a>, place: usize) -> Outcome<Computed> {
        match self.operand(node, place)? {
            Known::Computed(computed) => Ok(computed),
            other => {
                Err(format!("takes {} as operand {place}, where a computed value belongs", other.kind()))
            }
        }
    }

    /// Operand `place`, which must be numbers of the file.
    pub(super) fn constant(&mut self, node: &Node<'a>, place: usize) -> Outcome<Constant> {
        match self.operand(node, place)? {
            Known::Constant(constant) => Ok(constant),
            other => {
                Err(format!("takes {} as operand {place}, where numbers of the file belong", other.kind()))
            }
        }
    }

    /// Operand `place`, if there is one, which must be sizes.
    pub(super) fn sizes(&mut self, node: &Node<'a>, place: usize) -> Outcome<Option<Sizes>> {
        match self.optional(node, place)? {
            None => Ok(None),
            Some(Known::Sizes(sizes)) => Ok(Some(sizes)),
            Some(other) => Err(format!("takes {} as operand {place}, where sizes belong", other.kind())),
        }
    }

    /// Adds an operation to the graph that leaves the sides of its operand as they are.
    pub(super) fn keep(&mut self, operation: Operation, of: &Computed) -> Computed {
        Computed { value: self.graph.apply(operation, &[of.value]), ..of.clone() }
    }

    /// Adds an operation to the graph whose result has other sides.
    pub(super) fn make(&mut self, operation: Operation, of: Value, sides: Vec<usize>) -> Computed {
        Computed::new(self.graph.apply(operation, &[of]), sides)
    }

    /// A name for a layer's parameters: that of the file's tensor without its ending, made different from those before it.
    pub(super) fn layer_name(&self, tensor: Option<&str>) -> String {
        let tensor = tensor.filter(|name| self.tensors.contains_key(name)).unwrap_or("layer");
        let stem = [".weight", ".bias", ".kernel", ":0"].iter().find_map(|end| tensor.strip_suffix(end));
        let stem: String =
            stem.unwrap_or(tensor).chars().filter(|letter| !letter.is_control()).take(100).collect();
        let is_free = |name: &str| {
            ["weight", "bias"].iter().all(|end| !self.weights.contains_key(&format!("{name}.{end}")))
        };
        if is_free(&stem) {
            return stem;
        }
        (1..).map(|number| format!("{stem}.{number}")).find(|name| is_free(name)).unwrap_or(stem)
    }

    /// Keeps the parameter `ending` of the layer `name`.
    pub(super) fn store(
        &mut self,
        name: &str,
        ending: &str,
        shape: Vec<usize>,
        values: Vec<f32>,
    ) -> Outcome<()> {
        let counts = (shape.clone(), values.len());
        let array = Array::new(shape, values)
            .ok_or_else(|| format!("has {} numbers for sides {:?}", counts.1, counts.0))?;
        self.weights.insert(format!("{name}.{ending}"), array);
        Ok(())
    }
}

/// A constant of the file: numbers, or sizes.
pub(super) fn constant(tensor: &Tensor<'_>) -> Outcome<Known> {
    if !tensor.is_of_integers() {
        return Ok(Known::Constant(Constant { sides: tensor.shape.clone(), values: tensor.floats()? }));
    }
    let values = tensor.integers()?;
    if values.len() > MOST_SIZES || tensor.shape.len() > 1 {
        return Err(format!(
            "takes a table of {} whole numbers, which no network of pictures needs",
            values.len()
        ));
    }
    let mut sizes = Sizes::list(values);
    sizes.is_single = tensor.shape.is_empty();
    Ok(Known::Sizes(sizes))
}
