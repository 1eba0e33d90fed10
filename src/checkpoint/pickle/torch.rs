//! What the names in a PyTorch file stand for: the constructors of which its tensors are made.

use super::super::dtype::DType;
use super::element::Element;
use super::tree::{Id, Node, Tree};

/// A constructor that is understood. Every other name stands for an opaque value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    /// `defaultdict` and `Counter`: dicts with another answer for what they lack.
    OtherDict,
    Size,
    /// `_rebuild_tensor` and `_rebuild_tensor_v2`: the storage tells the type.
    Tensor,
    /// `_rebuild_tensor_v3`: the call itself tells it.
    TypedTensor,
    Parameter,
    /// `_rebuild_from_type_v2`: a tensor with attributes, or of a class of its own.
    FromType,
    /// `_codecs.encode`, which protocol 2 makes bytes with.
    Encode,
    /// A storage class or a type of numbers.
    Element(&'static Element),
}

/// The numbers behind one or several tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageRef {
    /// Its name within the file.
    pub(super) key: Box<str>,
    /// The type of its numbers.
    pub(super) element: &'static Element,
    /// How many numbers it holds.
    pub(super) len: u64,
    /// Where this view of it starts, in numbers (only in files of 2018 and before).
    pub(super) start: u64,
}

/// A tensor in a PyTorch file: where its numbers lie, not the numbers themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorRef {
    pub(super) storage: Id,
    pub(super) element: &'static Element,
    pub(super) offset: u64,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<u64>,
    /// Whether the numbers have to be negated: a lazy `-x` of PyTorch.
    pub(super) is_negated: bool,
}

impl TensorRef {
    /// The size of each dimension, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type of its stored numbers; `None` when it is one that is not read, complex numbers for instance.
    pub fn dtype(&self) -> Option<DType> {
        self.element.dtype
    }
}

/// Most dimensions of a tensor.
const MOST_DIMENSIONS: usize = 16;
/// Longest name of a storage; PyTorch's are decimal numbers.
const LONGEST_KEY: usize = 64;

/// The constructor called `module.name`, if it is one of those that are understood.
pub(super) fn find_global(module: &str, name: &str) -> Option<Global> {
    Some(match (module, name) {
        ("collections", "OrderedDict") => Global::OrderedDict,
        ("collections", "defaultdict" | "Counter") => Global::OtherDict,
        ("torch", "Size") => Global::Size,
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Global::Tensor,
        ("torch._utils", "_rebuild_tensor_v3") => Global::TypedTensor,
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => Global::Parameter,
        ("torch._tensor" | "torch.tensor", "_rebuild_from_type_v2" | "_rebuild_from_type") => {
            Global::FromType
        }
        ("_codecs", "encode") => Global::Encode,
        _ => Global::Element(Element::named(module, name)?),
    })
}

/// What calling `global` with the tuple `arguments` gives. What cannot be built is kept as a value that says what it
/// was; only tensors with impossible sizes are an error.
pub(super) fn call(tree: &mut Tree, global: Global, arguments: Id) -> Result<Id, String> {
    let Node::Tuple(arguments) = tree.node(arguments) else {
        return Err(malformed("a call without a tuple of arguments"));
    };
    let is_tensor = |id: Id| matches!(tree.node(id), Node::Tensor(_));
    let is_dict = |id: Id| matches!(tree.node(id), Node::Dict(_));
    match (global, arguments.as_ref()) {
        (Global::OrderedDict | Global::OtherDict, &[.., items]) if is_dict(items) => Ok(items),
        (Global::OrderedDict, &[items]) => match pairs_of(tree, items) {
            Some(pairs) => {
                tree.copy(pairs.len()).ok_or_else(|| malformed("far more items than weights need"))?;
                Ok(tree.push(Node::Dict(pairs)))
            }
            None => Err(malformed("an OrderedDict of something other than pairs")),
        },
        (Global::OrderedDict | Global::OtherDict, _) => Ok(tree.push(Node::Dict(Vec::new()))),
        (Global::Size, &[sizes]) if matches!(tree.node(sizes), Node::Tuple(_) | Node::List(_)) => Ok(sizes),
        (Global::Parameter, &[tensor, ..]) if is_tensor(tensor) => Ok(tensor),
        (Global::Tensor, &[storage, offset, shape, strides, ..]) => {
            let metadata = arguments.get(6).copied();
            rebuild(tree, storage, [offset, shape, strides], None, metadata)
        }
        (Global::TypedTensor, &[storage, offset, shape, strides, _, _, element, ..]) => {
            let metadata = arguments.get(7).copied();
            let &Node::Global(Global::Element(element)) = tree.node(element) else {
                return Ok(tree.push(Node::Kept("a tensor of an unknown type")));
            };
            rebuild(tree, storage, [offset, shape, strides], Some(element), metadata)
        }
        (Global::FromType, &[function, _class, inner, ..]) => match *tree.node(function) {
            // Not again itself, so that calls do not nest without end.
            Node::Global(function @ (Global::Tensor | Global::TypedTensor | Global::Parameter)) => {
                call(tree, function, inner)
            }
            _ => Ok(tree.push(Node::Kept("a tensor of a kind that is not read"))),
        },
        (Global::Encode, _) => Ok(tree.push(Node::Kept("bytes"))),
        (Global::Parameter | Global::FromType, _) => Ok(tree.push(Node::Kept("a parameter without numbers"))),
        _ => Err(malformed("a constructor with the wrong arguments")),
    }
}

/// Keys and values of a list of pairs.
fn pairs_of(tree: &Tree, items: Id) -> Option<Vec<(Id, Id)>> {
    let items: &[Id] = match tree.node(items) {
        Node::List(items) => items,
        Node::Tuple(items) => items,
        _ => return None,
    };
    let pair = |&id: &Id| match tree.node(id) {
        Node::Tuple(pair) if pair.len() == 2 => Some((pair[0], pair[1])),
        Node::List(pair) if pair.len() == 2 => Some((pair[0], pair[1])),
        _ => None,
    };
    items.iter().map(pair).collect()
}

/// The storage that the persistent id `tuple` names:
/// `('storage', type, key, device, length[, (view key, start, length)])`.
pub(super) fn storage(tree: &mut Tree, tuple: Id) -> Result<Id, String> {
    let wrong = || malformed("a reference to something other than a storage");
    let Node::Tuple(parts) = tree.node(tuple) else { return Err(wrong()) };
    let Some(Node::Text(tag)) = parts.first().map(|&tag| tree.node(tag)) else { return Err(wrong()) };
    match (tag.as_ref(), parts.as_ref()) {
        // The class of a module that was pickled whole, with its source beside it.
        ("module", &[_, class, ..]) => return Ok(class),
        ("storage", _) => {}
        _ => return Ok(tree.push(Node::Kept("a reference to something outside"))),
    }
    let [_, class, key, _device, len, rest @ ..] = parts.as_ref() else { return Err(wrong()) };
    let element = match tree.node(*class) {
        &Node::Global(Global::Element(element)) => element,
        Node::Named(_) => return Ok(tree.push(Node::Kept("a storage of an unknown type"))),
        _ => return Err(wrong()),
    };
    let len = size(tree, *len).ok_or_else(wrong)?;
    let key = match tree.node(*key) {
        Node::Text(key) if key.len() <= LONGEST_KEY => key.clone(),
        Node::Int(key) => key.to_string().into(),
        _ => return Err(malformed("a storage without a name")),
    };
    let start = match rest.first().map(|&view| tree.node(view)) {
        None | Some(Node::None) => 0,
        Some(Node::Tuple(view)) if view.len() == 3 => size(tree, view[1]).ok_or_else(wrong)?,
        Some(_) => return Err(wrong()),
    };
    Ok(tree.push(Node::Storage(Box::new(StorageRef { key, element, len, start }))))
}

/// A tensor over `storage` with its offset, shape and strides; of the storage's type where `element` is `None`.
fn rebuild(
    tree: &mut Tree,
    storage: Id,
    [offset, shape, strides]: [Id; 3],
    element: Option<&'static Element>,
    metadata: Option<Id>,
) -> Result<Id, String> {
    let wrong = || malformed("a tensor without a sound storage, offset, shape and strides");
    let reference = match tree.node(storage) {
        Node::Storage(reference) => reference,
        Node::Kept(_) | Node::Opaque(_) => return Ok(tree.push(Node::Kept("a tensor of an unknown type"))),
        _ => return Err(wrong()),
    };
    let element = element.unwrap_or(reference.element);
    let sizes = |id: Id| match tree.node(id) {
        Node::Tuple(items) if items.len() <= MOST_DIMENSIONS => {
            items.iter().map(|&item| size(tree, item)).collect::<Option<Vec<u64>>>()
        }
        _ => None,
    };
    let (Some(offset), Some(shape), Some(strides)) = (size(tree, offset), sizes(shape), sizes(strides))
    else {
        return Err(wrong());
    };
    if shape.len() != strides.len() {
        return Err(wrong());
    }
    let shape = shape.into_iter().map(usize::try_from).collect::<Result<_, _>>().map_err(|_| wrong())?;
    let metadata = metadata.map(|id| tree.value(id));
    let is_negated = metadata.and_then(|metadata| metadata.get("neg")?.as_bool()).unwrap_or(false);
    let tensor = TensorRef { storage, element, offset, shape, strides, is_negated };
    Ok(tree.push(Node::Tensor(Box::new(tensor))))
}

/// A whole number that is not negative.
fn size(tree: &Tree, id: Id) -> Option<u64> {
    match *tree.node(id) {
        Node::Int(value) => u64::try_from(value).ok(),
        _ => None,
    }
}

/// `what` breaks the pickle.
pub(super) fn malformed(what: &str) -> String {
    format!("the file is damaged or not from PyTorch (its pickle has {what})")
}
