//! Writing.

use super::{Attribute, Graph, Model, Node, Port, Tensor, Values};
use crate::formats::protobuf::Message;

impl Model<'_> {
    /// The bytes of a file with it.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut message = Message::default();
        message.integer(1, self.ir_version).bytes(2, self.producer);
        message.message(7, &graph(&self.graph));
        message.message(8, Message::default().integer(2, self.opset));
        for (key, value) in &self.notes {
            message.message(14, &metadata_property(key, value));
        }
        message.into_bytes()
    }
}

fn graph(graph: &Graph<'_>) -> Message {
    let mut message = Message::default();
    for value in &graph.nodes {
        message.message(1, &node(value));
    }
    message.bytes(2, graph.name);
    for value in &graph.tensors {
        message.message(5, &tensor(value));
    }
    for value in &graph.inputs {
        message.message(11, &port(value));
    }
    for value in &graph.outputs {
        message.message(12, &port(value));
    }
    message
}

fn node(node: &Node<'_>) -> Message {
    let mut message = Message::default();
    for name in &node.inputs {
        message.bytes(1, name);
    }
    for name in &node.outputs {
        message.bytes(2, name);
    }
    message.bytes(3, node.name).bytes(4, node.operator);
    for (name, value) in &node.attributes {
        message.message(5, &attribute(name, value));
    }
    if !node.domain.is_empty() {
        message.bytes(7, node.domain);
    }
    message
}

fn attribute(name: &str, value: &Attribute<'_>) -> Message {
    let mut message = Message::default();
    message.bytes(1, name);
    match value {
        Attribute::Float(value) => message.float(2, *value).integer(20, 1),
        Attribute::Integer(value) => message.integer(3, *value).integer(20, 2),
        Attribute::Text(value) => message.bytes(4, value).integer(20, 3),
        Attribute::Tensor(value) => message.message(5, &tensor(value)).integer(20, 4),
        Attribute::Floats(values) => message.floats(7, values).integer(20, 6),
        Attribute::Integers(values) => message.integers(8, values).integer(20, 7),
        Attribute::Other => &mut message,
    };
    message
}

fn tensor(tensor: &Tensor<'_>) -> Message {
    let mut message = Message::default();
    let sides: Vec<i64> = tensor.shape.iter().map(|side| *side as i64).collect();
    message.integers(1, &sides).integer(2, tensor.element.number());
    match &tensor.values {
        Values::Bytes(bytes) => message.bytes(9, bytes),
        Values::Floats(values) => message.floats(4, values),
        Values::Integers(values) => message.integers(7, values),
        Values::Doubles(values) => {
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            message.bytes(10, bytes)
        }
        Values::Elsewhere { file, offset, length } => {
            message
                .message(13, &metadata_property("location", file))
                .message(13, &metadata_property("offset", &offset.to_string()));
            if let Some(length) = length {
                message.message(13, &metadata_property("length", &length.to_string()));
            }
            message.integer(14, 1)
        }
    };
    message.bytes(8, tensor.name);
    message
}

fn port(port: &Port<'_>) -> Message {
    let mut kind = Message::default();
    kind.integer(1, port.element);
    if let Some(sides) = &port.shape {
        let mut shape = Message::default();
        for (place, side) in sides.iter().enumerate() {
            let mut message = Message::default();
            match side {
                Some(side) => message.integer(1, *side as i64),
                // The name of what is known later: the batch, which all ports have in common.
                None if place == 0 => message.bytes(2, "batch"),
                None => message.bytes(2, format!("{}_{place}", port.name)),
            };
            shape.message(1, &message);
        }
        kind.message(2, &shape);
    }
    let mut message = Message::default();
    message.bytes(1, port.name).message(2, Message::default().message(1, &kind));
    message
}

fn metadata_property(key: &str, value: &str) -> Message {
    let mut message = Message::default();
    message.bytes(1, key).bytes(2, value);
    message
}
