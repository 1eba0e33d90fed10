use super::torch::{Global, StorageRef, TensorRef};

/// The number of a node in a [`Tree`].
pub(super) type Id = u32;

/// Everything that a pickle built.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// Items that were copied from one container into another.
    copied: usize,
}

/// Most items that are copied; every other container takes its items from the stack.
const MOST_COPIED: usize = 1 << 20;

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
    /// Something whose content no checkpoint needs, bytes for instance: what it was, in words.
    Kept(&'static str),
    Tuple(Box<[Id]>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    /// Any other name, `module.name`.
    Named(Box<str>),
    /// What such a name would make if it were run.
    Opaque(Box<Opaque>),
    Storage(Box<StorageRef>),
    Tensor(Box<TensorRef>),
}

/// A value that only its own program could build. It is kept for what can be read without running anything.
#[derive(Debug)]
pub(super) struct Opaque {
    /// The name of its class or function, a [`Node::Named`].
    pub(super) class: Id,
    /// The entries that were set in it, if it is a kind of dict.
    pub(super) entries: Vec<(Id, Id)>,
    /// The state that it would be given.
    pub(super) state: Option<Id>,
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

    /// The name that node `id` is, if it is one that is not understood.
    pub(super) fn name(&self, id: Id) -> Option<&str> {
        match self.node(id) {
            Node::Named(name) => Some(name),
            _ => None,
        }
    }

    /// Counts `items` that are copied; `None` when they get too many.
    pub(super) fn copy(&mut self, items: usize) -> Option<()> {
        self.copied = self.copied.checked_add(items).filter(|&copied| copied <= MOST_COPIED)?;
        Some(())
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
            Node::Kept(what) => what,
            Node::Tuple(_) => "a tuple",
            Node::List(_) => "a list",
            Node::Dict(_) => "a dict",
            Node::Global(_) | Node::Named(_) => "a name",
            Node::Opaque(_) => "a Python object",
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

    /// Keys and values of a dict of any kind in their order; `None` when it is none. A key that was set twice
    /// appears twice, and the last one counts.
    pub fn entries(self) -> Option<impl Iterator<Item = (Value<'a>, Value<'a>)> + Clone> {
        let tree = self.tree;
        let pairs = match self.node() {
            Node::Dict(pairs) => pairs,
            Node::Opaque(opaque) if !opaque.entries.is_empty() => &opaque.entries,
            _ => return None,
        };
        Some(pairs.iter().map(move |&(k, v)| (tree.value(k), tree.value(v))))
    }

    /// The class of a Python object that was not built, or the function that would have made it: `module.name`.
    pub fn class(self) -> Option<&'a str> {
        match self.node() {
            Node::Opaque(opaque) => self.tree.name(opaque.class),
            _ => None,
        }
    }

    /// Whether other values lie in it: a dict of any kind, a list or a tuple.
    pub(crate) fn is_container(self) -> bool {
        self.entries().is_some() || self.items().is_some()
    }

    /// The number of the value within its file: the same value met twice has the same.
    pub(crate) fn number(self) -> u32 {
        self.id
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
