use super::torch::{Global, StorageRef, TensorRef};

/// The number of a node in a [`Tree`].
pub(super) type Id = u32;

/// Everything that a pickle built.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

/// One value; containers name their items by number.
#[derive(Debug)]
pub(super) enum Node {
    None,
    Bool(bool),
    Int(i64),
    /// A whole number of more than 64 bits, little endian two's complement.
    Big(Box<[u8]>),
    Float(f64),
    Text(Box<str>),
    /// Bytes, which no checkpoint needs; their content is dropped.
    Bytes,
    Tuple(Box<[Id]>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage(Box<StorageRef>),
    Tensor(Box<TensorRef>),
}

impl Tree {
    pub(super) fn push(&mut self, node: Node) -> Id {
        // The machine's limit on steps keeps this far below u32::MAX.
        let id = self.nodes.len() as Id;
        self.nodes.push(node);
        id
    }

    pub(super) fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    pub(super) fn node_mut(&mut self, id: Id) -> &mut Node {
        &mut self.nodes[id as usize]
    }

    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(super) fn value(&self, id: Id) -> Value<'_> {
        Value { tree: self, id }
    }
}

/// A value in a PyTorch file, to look into.
///
/// A hostile file may nest values in a circle: walk to a fixed depth, never to the end.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    tree: &'a Tree,
    id: Id,
}

impl<'a> Value<'a> {
    fn node(self) -> &'a Node {
        self.tree.node(self.id)
    }

    /// What it is, for messages.
    pub fn kind(self) -> &'static str {
        match self.node() {
            Node::None => "None",
            Node::Bool(_) => "a bool",
            Node::Int(_) | Node::Big(_) => "a whole number",
            Node::Float(_) => "a float",
            Node::Text(_) => "a text",
            Node::Bytes => "bytes",
            Node::Tuple(_) => "a tuple",
            Node::List(_) => "a list",
            Node::Dict(_) => "a dict",
            Node::Global(_) => "a name",
            Node::Storage(_) => "a storage",
            Node::Tensor(_) => "a tensor",
        }
    }

    /// The whole number, if it is one of at most 64 bits.
    pub fn as_int(self) -> Option<i64> {
        match *self.node() {
            Node::Int(value) => Some(value),
            _ => None,
        }
    }

    /// The number as a float, if it is a float or a whole number.
    pub fn as_float(self) -> Option<f64> {
        match *self.node() {
            Node::Float(value) => Some(value),
            Node::Int(value) => Some(value as f64),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(self) -> Option<bool> {
        match *self.node() {
            Node::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_text(self) -> Option<&'a str> {
        match self.node() {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is None.
    pub fn is_none(self) -> bool {
        matches!(self.node(), Node::None)
    }

    /// The tensor, if it is one; [`TorchFile::array`](super::TorchFile::array) reads its values.
    pub fn as_tensor(self) -> Option<&'a TensorRef> {
        match self.node() {
            Node::Tensor(tensor) => Some(tensor),
            _ => None,
        }
    }

    /// Keys and values of a dict or an OrderedDict in their order; `None` when it is neither. A key that was set
    /// twice appears twice, and the last one counts.
    pub fn entries(self) -> Option<impl Iterator<Item = (Value<'a>, Value<'a>)> + Clone> {
        let tree = self.tree;
        match self.node() {
            Node::Dict(pairs) => Some(pairs.iter().map(move |&(k, v)| (tree.value(k), tree.value(v)))),
            _ => None,
        }
    }

    /// The items of a list or tuple; `None` when it is neither.
    pub fn items(self) -> Option<impl Iterator<Item = Value<'a>> + Clone> {
        let tree = self.tree;
        let items: &[Id] = match self.node() {
            Node::Tuple(items) => items,
            Node::List(items) => items,
            _ => return None,
        };
        Some(items.iter().map(move |&id| tree.value(id)))
    }

    /// The value under the text `key`, if it is a dict and has one.
    pub fn get(self, key: &str) -> Option<Value<'a>> {
        self.entries()?.filter(|(k, _)| k.as_text() == Some(key)).map(|(_, v)| v).last()
    }

    /// The value under the number `key`, if it is a dict and has one.
    pub fn get_number(self, key: i64) -> Option<Value<'a>> {
        self.entries()?.filter(|(k, _)| k.as_int() == Some(key)).map(|(_, v)| v).last()
    }

    /// The bytes of a whole number of any size, little endian two's complement.
    pub(super) fn is_big(self, bytes: &[u8]) -> bool {
        matches!(self.node(), Node::Big(found) if found.as_ref() == bytes)
    }
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.node() {
            Node::Int(value) => write!(f, "{value}"),
            Node::Float(value) => write!(f, "{value}"),
            Node::Bool(value) => write!(f, "{value}"),
            Node::Text(text) => write!(f, "{text:?}"),
            _ => f.write_str(self.kind()),
        }
    }
}
