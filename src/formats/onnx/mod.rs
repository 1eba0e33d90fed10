//! ONNX files: networks of other programs, and ours for other programs.
//!
//! What is read here is the file's own words: nodes, attributes, tensors. What they compute is for
//! `checkpoint` to say. Numbers of fields and enumerations are those of `onnx.proto` (ONNX 1.17, IR version 10).

mod read;
mod tensor;
mod write;

pub(crate) use self::tensor::{Element, Tensor, Values};

/// An ONNX file. All names and tensors lie in its bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model<'a> {
    /// The version of the form of the file.
    pub(crate) ir_version: i64,
    /// The program that wrote it.
    pub(crate) producer: &'a str,
    /// The version of ONNX's own operators that its nodes follow; 0 where it names none.
    pub(crate) opset: i64,
    /// Notes of the program that wrote it.
    pub(crate) notes: Vec<(&'a str, &'a str)>,
    /// What it computes.
    pub(crate) graph: Graph<'a>,
}

/// Nodes in an order in which they can run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Graph<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// What is computed.
    pub(crate) nodes: Vec<Node<'a>>,
    /// Constants by name.
    pub(crate) tensors: Vec<Tensor<'a>>,
    /// What comes from outside. Old files list their constants here too.
    pub(crate) inputs: Vec<Port<'a>>,
    /// What it gives.
    pub(crate) outputs: Vec<Port<'a>>,
}

/// One operator and the names of what it takes and gives; an empty name is an operand that is left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Node<'a> {
    /// Its own name, often empty.
    pub(crate) name: &'a str,
    /// The operator, for instance `Conv`.
    pub(crate) operator: &'a str,
    /// Whose operator it is; empty for ONNX's own.
    pub(crate) domain: &'a str,
    /// What it takes.
    pub(crate) inputs: Vec<&'a str>,
    /// What it gives.
    pub(crate) outputs: Vec<&'a str>,
    /// Its settings by name.
    pub(crate) attributes: Vec<(&'a str, Attribute<'a>)>,
}

/// A setting of a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Attribute<'a> {
    /// A number of single precision.
    Float(f32),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(&'a str),
    /// A constant.
    Tensor(Tensor<'a>),
    /// Numbers.
    Floats(Vec<f32>),
    /// Whole numbers.
    Integers(Vec<i64>),
    /// Of a kind that no operator here has: networks, texts, sparse tensors.
    Other,
}

/// A value that comes from outside or is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Port<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// The number of its element type in `TensorProto.DataType`; 1 is f32, 0 is unknown.
    pub(crate) element: i64,
    /// Its sides, the batch first; `None` of one that is only known when it runs. `None` for all where the file says nothing.
    pub(crate) shape: Option<Vec<Option<u64>>>,
}

impl<'a> Node<'a> {
    /// Its setting `name`.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests;
