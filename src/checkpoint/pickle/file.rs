use std::collections::HashMap;
use std::io::{self, BufReader, Read};
use std::path::Path;

use crate::base::Array;
use crate::formats::zip::Archive;
use crate::formats::{Budget, Source, shorten};

use super::super::CheckpointError;
use super::super::dtype::DType;
use super::machine::{Fault, run};
use super::torch::{StorageRef, TensorRef};
use super::tree::{Id, Node, Tree, Value};

/// The whole number 0x1950a86a20f9469cfc6c that begins the older encoding, as a pickle writes it.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// Numbers that are converted at a time.
const CHUNK: usize = 1 << 14;

/// How a PyTorch file is laid out on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// A zip archive (PyTorch 1.6 and later).
    Zip,
    /// A stream of pickles and raw storages (before 1.6).
    Legacy,
}

/// An open PyTorch file: the values it holds, and its tensors to be read when they are wanted.
#[derive(Debug)]
pub struct TorchFile {
    tree: Tree,
    root: Id,
    storages: Storages,
    budget: Budget,
}

/// Where the storages lie.
#[derive(Debug)]
enum Storages {
    Zip { archive: Archive, root: String },
    Legacy { source: Source, places: HashMap<String, (u64, u64)> },
}

impl TorchFile {
    /// Opens the file at `path` in either encoding. Nothing in it is executed.
    ///
    /// # Errors
    /// When the file cannot be read, is neither encoding, is damaged, or asks for anything beyond plain
    /// containers and tensors.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        Self::from_source(Source::open(path)?)
    }

    pub(crate) fn from_source(source: Source) -> Result<Self, CheckpointError> {
        let path = source.path().to_owned();
        let mut start = [0; 4];
        let opened = match source.read_exact_at(&mut start, 0) {
            Ok(()) if start.starts_with(b"PK") => Self::open_zip(source),
            Ok(()) if start[0] == 0x80 => Self::open_legacy(source),
            Ok(()) => Err(Fault::Content("this is not a PyTorch file".into())),
            Err(error) => Err(error.into()),
        };
        opened.map_err(|fault| describe(fault, &path))
    }

    fn open_zip(source: Source) -> Result<Self, Fault> {
        let budget = Budget::for_file(source.len());
        let archive = Archive::open(source)?;
        let pickle = archive
            .names()
            .filter(|name| *name == "data.pkl" || name.ends_with("/data.pkl"))
            .min_by_key(|name| name.len())
            .ok_or_else(|| "this zip archive is not a PyTorch file (it has no data.pkl)".to_owned())?
            .to_owned();
        let root = pickle[..pickle.len() - "data.pkl".len()].to_owned();
        if let Some(member) = archive.member(&format!("{root}byteorder")) {
            let mut order = String::new();
            archive.reader(member)?.take(16).read_to_string(&mut order)?;
            if order != "little" {
                return Err("it was saved on a big-endian machine, which is not supported".to_owned().into());
            }
        }
        let mut tree = Tree::default();
        let member = archive.member(&pickle).ok_or_else(|| "data.pkl is missing".to_owned())?;
        let mut reader = BufReader::new(archive.reader(member)?);
        let value = run(&mut reader, &mut tree)?;
        // To the end, so that its checksum is checked.
        if io::copy(&mut reader.take(1 << 16), &mut io::sink())? != 0 {
            return Err("its data.pkl goes on after its end".to_owned().into());
        }
        Ok(Self { tree, root: value, storages: Storages::Zip { archive, root }, budget })
    }

    fn open_legacy(source: Source) -> Result<Self, Fault> {
        let budget = Budget::for_file(source.len());
        let mut reader =
            Counted { inner: BufReader::with_capacity(1 << 16, source.section(0, u64::MAX)), count: 0 };
        let mut head = Tree::default();
        let magic = run(&mut reader, &mut head)?;
        if !head.value(magic).is_big(&MAGIC) {
            return Err("this is a pickle, but not one that torch.save wrote".to_owned().into());
        }
        let version = run(&mut reader, &mut head)?;
        if head.value(version).as_int() != Some(1001) {
            return Err("it has a protocol version that PyTorch never used".to_owned().into());
        }
        let system = run(&mut reader, &mut head)?;
        if head.value(system).get("little_endian").and_then(Value::as_bool) == Some(false) {
            return Err("it was saved on a big-endian machine, which is not supported".to_owned().into());
        }
        let mut tree = Tree::default();
        let root = run(&mut reader, &mut tree)?;
        let keys = run(&mut reader, &mut head)?;
        let keys = head.value(keys).items().ok_or_else(|| "its list of storages is missing".to_owned())?;
        let declared = declared_storages(&tree)?;
        let mut places = HashMap::new();
        let mut position = reader.count;
        for key in keys {
            let key = key.as_text().unwrap_or_default();
            let (dtype, len) = declared
                .get(key)
                .ok_or_else(|| format!("its storage `{}` belongs to no tensor", shorten(key)))?;
            let mut stored = [0; 8];
            source.read_exact_at(&mut stored, position)?;
            let bytes = len.checked_mul(dtype.size() as u64);
            let end = bytes.and_then(|bytes| position.checked_add(8)?.checked_add(bytes));
            let (Some(bytes), Some(end)) = (bytes, end) else {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            };
            if u64::from_le_bytes(stored) != *len {
                return Err(
                    format!("its storage `{}` does not have the length it should", shorten(key)).into()
                );
            }
            if end > source.len() {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            places.insert(key.to_owned(), (position + 8, bytes));
            position = end;
        }
        Ok(Self { tree, root, storages: Storages::Legacy { source, places }, budget })
    }

    /// How the file is laid out.
    pub fn encoding(&self) -> Encoding {
        match self.storages {
            Storages::Zip { .. } => Encoding::Zip,
            Storages::Legacy { .. } => Encoding::Legacy,
        }
    }

    /// The value that was saved.
    pub fn root(&self) -> Value<'_> {
        self.tree.value(self.root)
    }

    /// The file.
    fn source(&self) -> &Source {
        match &self.storages {
            Storages::Zip { archive, .. } => archive.source(),
            Storages::Legacy { source, .. } => source,
        }
    }

    /// Reads the values of `tensor` as f32, in row-major order whatever its strides.
    ///
    /// # Errors
    /// When the tensor reaches outside its storage, the storage is missing or damaged, or the tensors read so far
    /// take up far more memory than the file has bytes.
    pub fn array(&mut self, tensor: &TensorRef) -> Result<Array, CheckpointError> {
        let path = self.source().path().to_owned();
        self.read(tensor).map_err(|fault| describe(fault, &path))
    }

    fn read(&mut self, tensor: &TensorRef) -> Result<Array, Fault> {
        let outside = || "it has a tensor that reaches outside its storage; it is damaged".to_owned();
        let Node::Storage(storage) = self.tree.node(tensor.storage) else { return Err(outside().into()) };
        let storage = storage.as_ref().clone();
        let len =
            tensor.shape.iter().try_fold(1usize, |len, &dim| len.checked_mul(dim)).ok_or_else(outside)?;
        if len == 0 {
            return Array::new(tensor.shape.clone(), Vec::new()).ok_or_else(|| outside().into());
        }
        let span = span(tensor).ok_or_else(outside)?;
        let start = storage.start.checked_add(tensor.offset).ok_or_else(outside)?;
        if start.checked_add(span).is_none_or(|end| end > storage.len) {
            return Err(outside().into());
        }
        self.budget.take(len as u64 * 4)?;
        let data = if is_contiguous(tensor) {
            self.numbers(&storage, start, len)?
        } else {
            self.budget.take(span * 4)?;
            let values = self.numbers(&storage, start, usize::try_from(span).map_err(|_| outside())?)?;
            self.budget.give_back(span * 4);
            gather(tensor, &values, len)
        };
        Array::new(tensor.shape.clone(), data).ok_or_else(|| outside().into())
    }

    /// `len` numbers of `storage` from number `start`; they lie within the length that the pickle declares.
    fn numbers(&mut self, storage: &StorageRef, start: u64, len: usize) -> Result<Vec<f32>, Fault> {
        let size = storage.dtype.size() as u64;
        let short =
            || format!("its storage `{}` is shorter than its tensors need; it is damaged", storage.key);
        let want = len as u64 * size;
        let skip = start.checked_mul(size).ok_or_else(short)?;
        let end = skip.checked_add(want).ok_or_else(short)?;
        let mut reader: Box<dyn Read> = match &self.storages {
            Storages::Zip { archive, root } => {
                let member = archive
                    .member(&format!("{root}data/{}", storage.key))
                    .ok_or_else(|| format!("its storage `{}` is missing", storage.key))?;
                if end > member.size {
                    return Err(short().into());
                }
                self.budget.work(if Archive::is_packed(member) { end } else { want })?;
                if skip == 0 && end == member.size {
                    Box::new(archive.reader(member)?)
                } else {
                    archive.reader_from(member, skip)?
                }
            }
            Storages::Legacy { source, places } => {
                let &(position, bytes) = places
                    .get(storage.key.as_ref())
                    .ok_or_else(|| format!("its storage `{}` is missing", storage.key))?;
                if end > bytes {
                    return Err(short().into());
                }
                self.budget.work(want)?;
                Box::new(source.section(position + skip, want))
            }
        };
        let mut values = Vec::with_capacity(len);
        let mut buffer = vec![0; CHUNK * storage.dtype.size()];
        while values.len() < len {
            let bytes = (len - values.len()).min(CHUNK) * storage.dtype.size();
            reader.read_exact(&mut buffer[..bytes])?;
            storage.dtype.decode(&buffer[..bytes], &mut values);
        }
        Ok(values)
    }
}

/// Type and length of every storage that the tensors of `tree` name.
fn declared_storages(tree: &Tree) -> Result<HashMap<&str, (DType, u64)>, String> {
    let mut declared = HashMap::new();
    for node in tree.nodes() {
        if let Node::Storage(storage) = node {
            let facts = (storage.dtype, storage.len);
            if declared.insert(storage.key.as_ref(), facts).is_some_and(|earlier| earlier != facts) {
                return Err(format!("its storage `{}` is described in two ways; it is damaged", storage.key));
            }
        }
    }
    Ok(declared)
}

/// Numbers from the first to the last that `tensor` (which is not empty) touches.
fn span(tensor: &TensorRef) -> Option<u64> {
    tensor
        .shape
        .iter()
        .zip(&tensor.strides)
        .try_fold(1u64, |span, (&dim, &stride)| span.checked_add(stride.checked_mul((dim - 1) as u64)?))
}

/// Whether the numbers lie in row-major order without gaps.
fn is_contiguous(tensor: &TensorRef) -> bool {
    let mut expected = 1u64;
    tensor.shape.iter().zip(&tensor.strides).rev().all(|(&dim, &stride)| {
        let fits = dim == 1 || stride == expected;
        expected = expected.saturating_mul(dim as u64);
        fits
    })
}

/// Copies `values`, laid out by strides, into row-major order.
fn gather(tensor: &TensorRef, values: &[f32], len: usize) -> Vec<f32> {
    let mut data = Vec::with_capacity(len);
    let mut index = vec![0usize; tensor.shape.len()];
    let mut at = 0u64;
    for _ in 0..len {
        data.push(values[at as usize]);
        for axis in (0..index.len()).rev() {
            index[axis] += 1;
            // Wrapping, since the stride of a dimension of size 1 may be anything.
            at = at.wrapping_add(tensor.strides[axis]);
            if index[axis] < tensor.shape[axis] {
                break;
            }
            at = at.wrapping_sub(tensor.strides[axis].wrapping_mul(tensor.shape[axis] as u64));
            index[axis] = 0;
        }
    }
    data
}

fn describe(fault: Fault, path: &Path) -> CheckpointError {
    match fault {
        Fault::Read(error) => CheckpointError::io(error, path),
        Fault::Content(what) => CheckpointError::content(what, path),
    }
}

/// A reader that knows how far it has come.
struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}
