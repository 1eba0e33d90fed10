use super::super::dtype::DType;
use super::tree::{Id, Node, Tree};

/// A name that a pickle may use: the constructors that a state dict needs and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    Size,
    RebuildTensor,
    RebuildParameter,
    Storage(DType),
}

/// The numbers behind one or several tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageRef {
    /// Its name within the file.
    pub(super) key: Box<str>,
    /// The type of its numbers.
    pub(super) dtype: DType,
    /// How many numbers it holds.
    pub(super) len: u64,
    /// Where this view of it starts, in numbers (only in files of 2018 and before).
    pub(super) start: u64,
}

/// A tensor in a PyTorch file: where its numbers lie, not the numbers themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorRef {
    pub(super) storage: Id,
    pub(super) dtype: DType,
    pub(super) offset: u64,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<u64>,
}

impl TensorRef {
    /// The size of each dimension, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type of its stored numbers.
    pub fn dtype(&self) -> DType {
        self.dtype
    }
}

/// Most dimensions of a tensor.
const MOST_DIMENSIONS: usize = 16;
/// Longest name of a storage; PyTorch's are decimal numbers.
const LONGEST_KEY: usize = 64;

/// The constructor called `module.name`.
///
/// # Errors
/// For every name that is not on the list.
pub(super) fn find_global(module: &str, name: &str) -> Result<Global, String> {
    let dtype = match (module, name) {
        ("collections", "OrderedDict") => return Ok(Global::OrderedDict),
        ("torch", "Size") => return Ok(Global::Size),
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => return Ok(Global::RebuildTensor),
        ("torch._utils", "_rebuild_parameter") => return Ok(Global::RebuildParameter),
        ("torch", "FloatStorage") => DType::F32,
        ("torch", "DoubleStorage") => DType::F64,
        ("torch", "HalfStorage") => DType::F16,
        ("torch", "BFloat16Storage") => DType::BF16,
        ("torch", "LongStorage") => DType::I64,
        ("torch", "IntStorage") => DType::I32,
        ("torch", "ShortStorage") => DType::I16,
        ("torch", "CharStorage") => DType::I8,
        ("torch", "ByteStorage") => DType::U8,
        ("torch", "BoolStorage") => DType::Bool,
        ("torch", _) if name.ends_with("Storage") => {
            return Err(format!("it holds tensors of a type that is not supported (torch.{name})"));
        }
        _ => {
            return Err(format!(
                "this file asks to run `{module}.{name}`, which weights do not need; if you trust where it \
                 comes from, load it in PyTorch and save its state_dict alone"
            ));
        }
    };
    Ok(Global::Storage(dtype))
}

/// What calling `global` with the tuple `arguments` gives.
pub(super) fn call(tree: &mut Tree, global: Global, arguments: Id) -> Result<Id, String> {
    let Node::Tuple(arguments) = tree.node(arguments) else {
        return Err(malformed("a call without a tuple of arguments"));
    };
    match (global, arguments.as_ref()) {
        (Global::OrderedDict, []) => Ok(tree.push(Node::Dict(Vec::new()))),
        (Global::Size, &[sizes]) if matches!(tree.node(sizes), Node::Tuple(_) | Node::List(_)) => Ok(sizes),
        (Global::RebuildParameter, &[tensor, ..]) if matches!(tree.node(tensor), Node::Tensor(_)) => {
            Ok(tensor)
        }
        (Global::RebuildTensor, &[storage, offset, shape, strides, ..]) => {
            let tensor = tensor(tree, storage, offset, shape, strides)?;
            Ok(tree.push(Node::Tensor(Box::new(tensor))))
        }
        _ => Err(malformed("a constructor with the wrong arguments")),
    }
}

/// The storage that the persistent id `tuple` names:
/// `('storage', type, key, device, length[, (view key, start, length)])`.
pub(super) fn storage(tree: &mut Tree, tuple: Id) -> Result<Id, String> {
    let wrong = || malformed("a reference to something other than a storage");
    let Node::Tuple(parts) = tree.node(tuple) else { return Err(wrong()) };
    let [tag, class, key, _device, len, rest @ ..] = parts.as_ref() else { return Err(wrong()) };
    if matches!(tree.node(*tag), Node::Text(tag) if tag.as_ref() == "module") {
        return Err("it holds whole Python objects; load it in PyTorch and save its state_dict alone".into());
    }
    let (Node::Text(tag), &Node::Global(Global::Storage(dtype)), Some(len)) =
        (tree.node(*tag), tree.node(*class), size(tree, *len))
    else {
        return Err(wrong());
    };
    if tag.as_ref() != "storage" {
        return Err(wrong());
    }
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
    Ok(tree.push(Node::Storage(Box::new(StorageRef { key, dtype, len, start }))))
}

fn tensor(tree: &Tree, storage: Id, offset: Id, shape: Id, strides: Id) -> Result<TensorRef, String> {
    let wrong = || malformed("a tensor without a sound storage, offset, shape and strides");
    let Node::Storage(reference) = tree.node(storage) else { return Err(wrong()) };
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
    Ok(TensorRef { storage, dtype: reference.dtype, offset, shape, strides })
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
