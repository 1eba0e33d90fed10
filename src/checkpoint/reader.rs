//! A file of weights in any format: what tensors it names, and their values when they are wanted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::Sha256;

use crate::base::{Array, Arrays, FileError};
use crate::formats::ByteSource;
use crate::formats::zip::Archive;

use super::CheckpointError;
use super::contents::RUN_CHECKPOINT;
use super::foreign::{file_kind, zip_kind};
use super::keys::Key;
use super::npz::NpzFile;
use super::pickle::{Encoding, TensorRef, TorchFile, Value};
use super::tensors::TensorFile;

/// Files in a folder that hold its weights, the first of them that is there: a run's, and those that accelerate
/// leaves.
const IN_FOLDERS: [&str; 3] = [RUN_CHECKPOINT, "model.safetensors", "pytorch_model.bin"];

/// The kind of file a model came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A safetensors file with a model description.
    Bundle,
    /// A safetensors file of another program.
    Safetensors,
    /// A PyTorch file in the zip encoding.
    TorchZip,
    /// Such a file, unpacked into a folder.
    TorchFolder,
    /// A PyTorch file in the encoding before 1.6.
    TorchLegacy,
    /// Arrays of NumPy.
    Npz,
}

impl Format {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bundle => "idgan bundle (safetensors)",
            Self::Safetensors => "safetensors without a model description",
            Self::TorchZip => "PyTorch (zip)",
            Self::TorchFolder => "PyTorch (zip, unpacked)",
            Self::TorchLegacy => "PyTorch (before 1.6)",
            Self::Npz => "NumPy (npz)",
        }
    }
}

/// Where the values of one tensor lie.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    pub(crate) shape: Vec<usize>,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Named(String),
    Torch(TensorRef),
}

/// Tensors of one network by their name within it.
pub(crate) type Handles = BTreeMap<String, Handle>;

/// An open file of weights.
#[derive(Debug)]
pub(crate) struct Reader {
    path: PathBuf,
    source: ByteSource,
    kind: ReaderKind,
}

#[derive(Debug)]
enum ReaderKind {
    Tensors(TensorFile),
    Torch(TorchFile),
    Npz(NpzFile),
}

impl Reader {
    /// Opens a bundle, a PyTorch file, a state dict of another program, or a folder with one of these.
    pub(crate) fn open(path: &Path) -> Result<Self, CheckpointError> {
        if path.is_dir() {
            return Self::open_folder(path);
        }
        let source = ByteSource::open(path)?;
        let wrong = |what: String| CheckpointError::content(what, path);
        let mut start = [0; 512];
        let head = start.len().min(usize::try_from(source.len()).unwrap_or(start.len()));
        let start = &mut start[..head];
        source.read_exact_at(start, 0).map_err(|error| CheckpointError::io(error, path))?;
        let kind = match start {
            [] => return Err(wrong("the file is empty".into())),
            [_, _, _, _, _, _, _, _, b'{', ..] => {
                ReaderKind::Tensors(TensorFile::from_source(source.clone())?)
            }
            [b'P', b'K', ..] => Self::open_zip(source.clone())?,
            start if TorchFile::is_legacy(start) => {
                ReaderKind::Torch(TorchFile::from_source(source.clone())?)
            }
            start => {
                let what = match file_kind(start) {
                    Some(kind) => format!("this is {kind}"),
                    None => "this is neither a safetensors file nor a PyTorch checkpoint nor an npz of weights; was \
                             it downloaded completely?"
                        .into(),
                };
                return Err(wrong(what));
            }
        };
        Ok(Self { path: path.into(), source, kind })
    }

    fn open_zip(source: ByteSource) -> Result<ReaderKind, CheckpointError> {
        let path = source.path().to_owned();
        let archive = Archive::open(source.clone()).map_err(|error| CheckpointError::io(error, &path))?;
        let names: Vec<&str> = archive.names().collect();
        if let Some(kind) = zip_kind(&names) {
            return Err(CheckpointError::content(format!("this is {kind}"), &path));
        }
        let is_torch = names.iter().any(|name| name.ends_with("data.pkl"));
        let has_arrays = names.iter().any(|name| name.ends_with(".npy"));
        if has_arrays && !is_torch {
            Ok(ReaderKind::Npz(NpzFile::open(&path)?))
        } else {
            Ok(ReaderKind::Torch(TorchFile::from_source(source)?))
        }
    }

    fn open_folder(folder: &Path) -> Result<Self, CheckpointError> {
        let wrong = |what: String| CheckpointError::content(what, folder);
        if let Some(file) = IN_FOLDERS.iter().map(|name| folder.join(name)).find(|file| file.is_file()) {
            return Self::open(&file);
        }
        let entries = std::fs::read_dir(folder).map_err(|error| FileError::new(error, folder))?;
        let entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        if entries.iter().any(|entry| entry.ends_with("config.toml")) {
            let what =
                format!("this run has not written {RUN_CHECKPOINT} yet; wait for its first checkpoint");
            return Err(wrong(what));
        }
        // An unpacked archive, or the folder that it was unpacked into.
        let has_pickle = |folder: &Path| folder.join("data.pkl").is_file();
        let inner: Vec<&PathBuf> = entries.iter().filter(|entry| has_pickle(entry)).collect();
        let unpacked = match inner[..] {
            _ if has_pickle(folder) => folder,
            [inner] => inner,
            [] => {
                return Err(wrong(format!(
                    "this folder is no run (it has no {RUN_CHECKPOINT}); name a run or a file inside it"
                )));
            }
            _ => {
                return Err(wrong(
                    "this folder holds several unpacked PyTorch files; name one of them".into(),
                ));
            }
        };
        let file = TorchFile::from_folder(unpacked)?;
        let source = ByteSource::open(&unpacked.join("data.pkl"))?;
        Ok(Self { path: unpacked.into(), source, kind: ReaderKind::Torch(file) })
    }

    /// The file that was opened, which in a folder is one inside it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its format, as far as it can be told without a model description.
    pub(crate) fn format(&self) -> Format {
        match &self.kind {
            ReaderKind::Tensors(_) => Format::Safetensors,
            ReaderKind::Npz(_) => Format::Npz,
            ReaderKind::Torch(file) => match file.encoding() {
                Encoding::Zip => Format::TorchZip,
                Encoding::Folder => Format::TorchFolder,
                Encoding::Legacy => Format::TorchLegacy,
            },
        }
    }

    /// The safetensors file, if it is one.
    pub(crate) fn tensors(&self) -> Option<&TensorFile> {
        match &self.kind {
            ReaderKind::Tensors(file) => Some(file),
            _ => None,
        }
    }

    /// The PyTorch file, if it is one.
    pub(crate) fn torch(&self) -> Option<&TorchFile> {
        match &self.kind {
            ReaderKind::Torch(file) => Some(file),
            _ => None,
        }
    }

    /// Every tensor it names, in its own order.
    pub(crate) fn list(&self) -> Result<(Vec<Key>, Vec<Handle>), CheckpointError> {
        let named = |name: &str, shape: &[usize]| {
            let handle = Handle { shape: shape.to_vec(), place: Place::Named(name.to_owned()) };
            (Key::flat(name, shape), handle)
        };
        Ok(match &self.kind {
            ReaderKind::Tensors(file) => file.shapes().map(|(name, shape)| named(name, shape)).unzip(),
            ReaderKind::Npz(file) => file.shapes()?.iter().map(|(name, shape)| named(name, shape)).unzip(),
            ReaderKind::Torch(file) => tensors_in(file.root()).into_iter().unzip(),
        })
    }

    /// Reads the values of `handles`.
    pub(crate) fn read(&mut self, handles: &Handles) -> Result<Arrays, CheckpointError> {
        handles.iter().map(|(name, handle)| Ok((name.clone(), self.read_one(handle)?))).collect()
    }

    fn read_one(&mut self, handle: &Handle) -> Result<Array, CheckpointError> {
        match (&mut self.kind, &handle.place) {
            (ReaderKind::Tensors(file), Place::Named(name)) => file.array(name),
            (ReaderKind::Npz(file), Place::Named(name)) => file.array(name),
            (ReaderKind::Torch(file), Place::Torch(tensor)) => file.array(tensor),
            _ => Err(CheckpointError::content("a tensor of another file was asked for", &self.path)),
        }
    }

    /// Bytes on disk.
    pub(crate) fn len(&self) -> Result<u64, CheckpointError> {
        let storages = self.storages()?;
        Ok(storages.iter().map(ByteSource::len).fold(self.source.len(), u64::saturating_add))
    }

    /// Feeds the whole content to `hasher`.
    pub(crate) fn digest(&self, hasher: &mut Sha256) -> Result<(), CheckpointError> {
        let feed = |source: &ByteSource, hasher: &mut Sha256| {
            source.digest(hasher).map_err(|error| CheckpointError::io(error, source.path()))
        };
        feed(&self.source, hasher)?;
        self.storages()?.iter().try_for_each(|source| feed(source, hasher))
    }

    /// What lies beside the pickle of an unpacked file, in the order of its names.
    fn storages(&self) -> Result<Vec<ByteSource>, CheckpointError> {
        if self.format() != Format::TorchFolder {
            return Ok(Vec::new());
        }
        let folder = self.path.join("data");
        let entries = std::fs::read_dir(&folder).map_err(|error| FileError::new(error, &folder))?;
        let mut paths: Vec<PathBuf> =
            entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        paths.sort();
        paths.iter().map(|path| Ok(ByteSource::open(path)?)).collect()
    }
}

/// Containers within one another that tensors are looked for in.
const MOST_LEVELS: usize = 8;
/// Most tensors that are listed; a file may name the same ones over and over again.
const MOST_TENSORS: usize = 1 << 16;
/// Most values that are looked at.
const MOST_VISITS: usize = 1 << 22;
/// Longest name of a tensor with those of the dicts around it, in bytes.
const LONGEST_NAME: usize = 512;

/// Every tensor in a dict, its dicts and its lists, in their order.
fn tensors_in(root: Value<'_>) -> Vec<(Key, Handle)> {
    let mut walk = Walk { found: Vec::new(), visits: 0, around: Vec::new() };
    walk.visit(root, "");
    walk.found
}

struct Walk {
    found: Vec<(Key, Handle)>,
    visits: usize,
    /// The containers around the present value, so that none is walked inside of itself.
    around: Vec<u32>,
}

impl Walk {
    fn visit(&mut self, value: Value<'_>, place: &str) {
        if self.around.len() == MOST_LEVELS || self.around.contains(&value.number()) {
            return;
        }
        self.around.push(value.number());
        if let Some(entries) = value.entries() {
            for (key, inner) in entries {
                match (key.as_text(), key.as_int()) {
                    (Some(name), _) => self.item(name, inner, place),
                    (None, Some(number)) => self.item(&number.to_string(), inner, place),
                    (None, None) => {}
                }
            }
        }
        for (i, inner) in value.items().into_iter().flatten().enumerate() {
            self.item(&i.to_string(), inner, place);
        }
        self.around.pop();
    }

    fn item(&mut self, name: &str, value: Value<'_>, place: &str) {
        self.visits += 1;
        let len = place.len() + name.len() + 1;
        if self.visits > MOST_VISITS || self.found.len() == MOST_TENSORS || len > LONGEST_NAME {
            return;
        }
        let full = if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
        if let Some(tensor) = value.as_tensor() {
            let shape = tensor.shape().to_vec();
            let handle = Handle { shape: shape.clone(), place: Place::Torch(tensor.clone()) };
            self.found.push((Key { full, dict: place.len(), shape }, handle));
        } else if value.is_container() {
            self.visit(value, &full);
        }
    }
}
