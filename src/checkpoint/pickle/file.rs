use std::collections::HashMap;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::base::Array;
use crate::formats::zip::Archive;
use crate::formats::{Budget, ByteSource, shorten};

use super::super::CheckpointError;
use super::super::dtype::DType;
use super::input::Fault;
use super::machine::run;
use super::torch::{StorageRef, TensorRef};
use super::tree::{Id, Node, Tree, Value};

/// The whole number 0x1950a86a20f9469cfc6c that begins the older encoding, as a pickle writes it.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// Numbers that are converted at a time.
const CHUNK: usize = 1 << 14;

/// The name in an archive of the pickle that says what it holds.
const PICKLE: &str = "data.pkl";
/// How the older encoding begins in protocols 2 and later, and in 1.
const LEGACY_STARTS: [&[u8]; 2] = [b"\x80", b"L119547037146038801333356L\n."];

/// How a PyTorch file is laid out on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// A zip archive (PyTorch 1.6 and later).
    Zip,
    /// Such an archive, unpacked into a folder.
    Folder,
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
    /// `root` is what comes before the name of a member, `separator` what stands between folder and file.
    Zip {
        archive: Archive,
        root: String,
        separator: char,
    },
    Folder {
        root: PathBuf,
        pickle: ByteSource,
    },
    Legacy {
        source: ByteSource,
        places: HashMap<String, (u64, u64)>,
    },
}

impl TorchFile {
    /// Opens the file at `path` in either encoding. Nothing in it is executed.
    ///
    /// # Errors
    /// When the file cannot be read, is neither encoding, is damaged, or asks for anything beyond plain
    /// containers and tensors.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        Self::from_source(ByteSource::open(path)?)
    }

    pub(crate) fn from_source(source: ByteSource) -> Result<Self, CheckpointError> {
        let path = source.path().to_owned();
        let mut start = [0; 32];
        let head = start.len().min(usize::try_from(source.len()).unwrap_or(start.len()));
        let opened = match source.read_exact_at(&mut start[..head], 0) {
            Ok(()) if head < 4 => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(()) if start.starts_with(b"PK") => Self::open_zip(source),
            Ok(()) if Self::is_legacy(&start) => Self::open_legacy(source),
            Ok(()) => Err(Fault::Content("this is not a PyTorch file".into())),
            Err(error) => Err(error.into()),
        };
        opened.map_err(|fault| describe(fault, &path))
    }

    /// Opens what is left of a PyTorch file that was unpacked: a folder with `data.pkl` and `data`.
    pub(crate) fn from_folder(folder: &Path) -> Result<Self, CheckpointError> {
        let pickle = ByteSource::open(&folder.join(PICKLE))?;
        let opened = Self::open_folder(folder, pickle);
        opened.map_err(|fault| describe(fault, folder))
    }

    /// Whether a file with these first bytes is in the older encoding, or a pickle of another kind.
    pub(crate) fn is_legacy(start: &[u8]) -> bool {
        LEGACY_STARTS.iter().any(|known| start.starts_with(known))
    }

    fn open_zip(source: ByteSource) -> Result<Self, Fault> {
        let budget = Budget::for_file(source.len());
        let archive = Archive::open(source)?;
        let pickle = pickle_in(archive.names()).map(str::to_owned);
        let pickle =
            pickle.ok_or_else(|| format!("this zip archive is not a PyTorch file (it has no {PICKLE})"))?;
        let root = pickle[..pickle.len() - PICKLE.len()].to_owned();
        // Archivers of old Windows write backslashes.
        let separator = root.chars().next_back().unwrap_or('/');
        if let Some(member) = archive.member(&format!("{root}byteorder")) {
            check_byte_order(archive.reader(member)?)?;
        }
        let mut tree = Tree::default();
        let member = archive.member(&pickle).ok_or_else(|| format!("{PICKLE} is missing"))?;
        let value = run_whole(archive.reader(member)?, &mut tree)?;
        Ok(Self { tree, root: value, storages: Storages::Zip { archive, root, separator }, budget })
    }

    fn open_folder(folder: &Path, pickle: ByteSource) -> Result<Self, Fault> {
        if let Ok(order) = ByteSource::open(&folder.join("byteorder")) {
            check_byte_order(order.section(0, order.len()))?;
        }
        let mut tree = Tree::default();
        let value = run_whole(pickle.section(0, pickle.len()), &mut tree)?;
        let storages = std::fs::read_dir(folder.join("data")).into_iter().flatten().flatten();
        let bytes =
            storages.filter_map(|entry| Some(entry.metadata().ok()?.len())).fold(0, u64::saturating_add);
        let budget = Budget::for_file(pickle.len().saturating_add(bytes));
        let root = folder.to_owned();
        Ok(Self { tree, root: value, storages: Storages::Folder { root, pickle }, budget })
    }

    fn open_legacy(source: ByteSource) -> Result<Self, Fault> {
        let budget = Budget::for_file(source.len());
        let mut reader =
            Counted { inner: BufReader::with_capacity(1 << 16, source.section(0, u64::MAX)), count: 0 };
        let mut head = Tree::default();
        let magic = run(&mut reader, &mut head)?;
        if !head.value(magic).is_big(&MAGIC) {
            let what = "this is a plain pickle, not a file that torch.save wrote; load it in Python and save its \
                        tensors with torch.save, or its arrays with numpy.savez";
            return Err(what.to_owned().into());
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
            let (size, len) = declared
                .get(key)
                .ok_or_else(|| format!("its storage `{}` belongs to no tensor", shorten(key)))?;
            let mut stored = [0; 8];
            source.read_exact_at(&mut stored, position)?;
            let bytes = len.checked_mul(*size);
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
            Storages::Folder { .. } => Encoding::Folder,
            Storages::Legacy { .. } => Encoding::Legacy,
        }
    }

    /// The value that was saved.
    pub fn root(&self) -> Value<'_> {
        self.tree.value(self.root)
    }

    /// The file.
    fn source(&self) -> &ByteSource {
        match &self.storages {
            Storages::Zip { archive, .. } => archive.source(),
            Storages::Folder { pickle, .. } => pickle,
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
        let Some(dtype) = tensor.dtype() else {
            let what = format!("it holds a tensor of type {}, which is not supported", tensor.element.name);
            return Err(what.into());
        };
        let span = span(tensor).ok_or_else(outside)?;
        // In bytes, since a tensor may be of another type than the storage it lies in.
        let size = dtype.size() as u64;
        let bytes = |numbers: u64, size: u64| numbers.checked_mul(size).ok_or_else(outside);
        let view = bytes(storage.start, storage.element.size as u64)?;
        let start = view.checked_add(bytes(tensor.offset, size)?).ok_or_else(outside)?;
        let whole = bytes(storage.len, storage.element.size as u64)?;
        if start.checked_add(bytes(span, size)?).is_none_or(|end| end > whole) {
            return Err(outside().into());
        }
        // A stride of 0 makes as many numbers of one as the shape says.
        self.budget.take((len as u64).saturating_mul(4))?;
        let mut data = if is_contiguous(tensor) {
            self.numbers(&storage, dtype, start, len)?
        } else {
            self.budget.take(span.saturating_mul(4))?;
            let values =
                self.numbers(&storage, dtype, start, usize::try_from(span).map_err(|_| outside())?)?;
            self.budget.give_back(span * 4);
            gather(tensor, &values, len)
        };
        if tensor.is_negated {
            data.iter_mut().for_each(|value| *value = -*value);
        }
        Array::new(tensor.shape.clone(), data).ok_or_else(|| outside().into())
    }

    /// `len` numbers of `storage` from byte `skip`; they lie within the length that the pickle declares.
    fn numbers(
        &mut self,
        storage: &StorageRef,
        dtype: DType,
        skip: u64,
        len: usize,
    ) -> Result<Vec<f32>, Fault> {
        let short = || {
            format!("its storage `{}` is shorter than its tensors need; it is damaged", shorten(&storage.key))
        };
        let missing = || format!("its storage `{}` is missing", shorten(&storage.key));
        let want = len as u64 * dtype.size() as u64;
        let end = skip.checked_add(want).ok_or_else(short)?;
        let mut reader: Box<dyn Read> = match &self.storages {
            Storages::Zip { archive, root, separator } => {
                let member =
                    archive.member(&format!("{root}data{separator}{}", storage.key)).ok_or_else(missing)?;
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
            Storages::Folder { root, .. } => {
                // The name comes from the pickle, which could point anywhere.
                if !storage.key.chars().all(|c| c.is_ascii_alphanumeric()) {
                    return Err(missing().into());
                }
                let file = ByteSource::open(&root.join("data").join(storage.key.as_ref()));
                let file = file.map_err(|_| missing())?;
                if end > file.len() {
                    return Err(short().into());
                }
                self.budget.work(want)?;
                Box::new(BufReader::with_capacity(1 << 16, file.section(skip, want)))
            }
            Storages::Legacy { source, places } => {
                let &(position, bytes) = places.get(storage.key.as_ref()).ok_or_else(missing)?;
                if end > bytes {
                    return Err(short().into());
                }
                self.budget.work(want)?;
                Box::new(source.section(position + skip, want))
            }
        };
        let mut values = Vec::with_capacity(len);
        let mut buffer = vec![0; CHUNK * dtype.size()];
        while values.len() < len {
            let bytes = (len - values.len()).min(CHUNK) * dtype.size();
            reader.read_exact(&mut buffer[..bytes])?;
            dtype.decode(&buffer[..bytes], &mut values);
        }
        Ok(values)
    }

    /// Names that its pickle wants to run and that have no business in any checkpoint, for instance `os.system`.
    pub(crate) fn suspicious_names(&self) -> Vec<&str> {
        let names = self.tree.nodes().iter().filter_map(|node| match node {
            Node::Named(name) if is_suspicious(name) => Some(name.as_ref()),
            _ => None,
        });
        let mut names: Vec<_> = names.take(MOST_NAMES).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The class of a module that was pickled whole, if there is one: its weights lie among its attributes.
    pub(crate) fn whole_module(&self) -> Option<&str> {
        self.tree.nodes().iter().find_map(|node| {
            let Node::Opaque(opaque) = node else { return None };
            self.tree.value(opaque.state?).get("_modules")?;
            self.tree.name(opaque.class)
        })
    }
}

/// Most names that are looked at for one warning.
const MOST_NAMES: usize = 64;

/// Whether a name is one that programs are run, files changed or code is loaded with.
fn is_suspicious(name: &str) -> bool {
    let module = name.split('.').next().unwrap_or_default();
    let modules = [
        "asyncio",
        "code",
        "commands",
        "ctypes",
        "importlib",
        "multiprocessing",
        "nt",
        "os",
        "pip",
        "posix",
        "pty",
        "requests",
        "runpy",
        "shutil",
        "signal",
        "socket",
        "subprocess",
        "sys",
        "urllib",
        "webbrowser",
    ];
    let builtins =
        ["eval", "exec", "execfile", "compile", "open", "__import__", "input", "breakpoint", "apply"];
    match name.split_once('.') {
        Some(("builtins" | "__builtin__", function)) => builtins.contains(&function),
        _ => modules.contains(&module),
    }
}

/// The name of the pickle among the members of an archive.
fn pickle_in<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let is_it = |name: &&str| {
        name.strip_suffix(PICKLE).is_some_and(|folder| folder.is_empty() || folder.ends_with(['/', '\\']))
    };
    names.filter(is_it).min_by_key(|name| (name.len(), *name))
}

fn check_byte_order(reader: impl Read) -> Result<(), Fault> {
    let mut order = String::new();
    reader.take(16).read_to_string(&mut order)?;
    match order.as_str() {
        "little" => Ok(()),
        _ => Err("it was saved on a big-endian machine, which is not supported".to_owned().into()),
    }
}

/// Reads a pickle that takes all of `reader`.
fn run_whole(reader: impl Read, tree: &mut Tree) -> Result<Id, Fault> {
    let mut reader = BufReader::new(reader);
    let value = run(&mut reader, tree)?;
    // To the end, so that its checksum is checked.
    match io::copy(&mut reader.take(1 << 16), &mut io::sink())? {
        0 => Ok(value),
        _ => Err(format!("its {PICKLE} goes on after its end").into()),
    }
}

/// Size of a number and length of every storage that the tensors of `tree` name.
fn declared_storages(tree: &Tree) -> Result<HashMap<&str, (u64, u64)>, String> {
    let mut declared = HashMap::new();
    for node in tree.nodes() {
        if let Node::Storage(storage) = node {
            let facts = (storage.element.size as u64, storage.len);
            if declared.insert(storage.key.as_ref(), facts).is_some_and(|earlier| earlier != facts) {
                return Err(format!(
                    "its storage `{}` is described in two ways; it is damaged",
                    shorten(&storage.key)
                ));
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
