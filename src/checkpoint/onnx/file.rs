//! The bytes of an ONNX file, and of the one beside it where large ones keep their weights.

use std::io::Read;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::checkpoint::CheckpointError;
use crate::formats::onnx::{Model, Tensor, Values};
use crate::formats::{ByteSource, shorten};

/// Largest file, and largest sum of weights in a file beside it: what the format itself can hold is 2 GiB.
const LARGEST: u64 = 2 << 30;

/// The bytes of a file, with whatever it has elsewhere.
pub(super) struct Bytes {
    path: PathBuf,
    own: Vec<u8>,
    /// By the places of the tensors in the file.
    elsewhere: Vec<(usize, Vec<u8>)>,
}

impl Bytes {
    /// Reads the file at `path`.
    pub(super) fn read(path: &Path, hasher: &mut Sha256) -> Result<Self, CheckpointError> {
        let source = ByteSource::open(path)?;
        let own = all_of(&source, 0, source.len())?;
        hasher.update(&own);
        let mut bytes = Self { path: path.to_owned(), own, elsewhere: Vec::new() };
        let model = bytes.parse()?;
        let (mut found, mut sum) = (Vec::new(), 0u64);
        for (place, tensor) in model.graph.tensors.iter().enumerate() {
            if let Values::Elsewhere { file, offset, length } = tensor.values {
                let length = tensor.stored_len().filter(|len| length.is_none_or(|length| length == *len));
                let length = length
                    .ok_or_else(|| bytes.wrong(tensor, "whose length there is not that of its sides"))?;
                sum = sum.saturating_add(length);
                if sum > LARGEST {
                    return Err(CheckpointError::content("its weights are larger than 2 GiB", path));
                }
                let beside = bytes.beside(tensor, file)?;
                let values = all_of(&ByteSource::open(&beside)?, offset, length)?;
                hasher.update(&values);
                found.push((place, values));
            }
        }
        bytes.elsewhere = found;
        Ok(bytes)
    }

    /// How many they are, those in other files included.
    pub(super) fn len(&self) -> u64 {
        self.elsewhere.iter().fold(self.own.len() as u64, |sum, (_, bytes)| sum + bytes.len() as u64)
    }

    /// What they say, with all constants in it.
    pub(super) fn model(&self) -> Result<Model<'_>, CheckpointError> {
        let mut model = self.parse()?;
        for (place, values) in &self.elsewhere {
            let tensor = &mut model.graph.tensors[*place];
            *tensor = tensor.with_bytes(values);
        }
        Ok(model)
    }

    fn parse(&self) -> Result<Model<'_>, CheckpointError> {
        Model::read(&self.own).map_err(|what| CheckpointError::content(what, &self.path))
    }

    /// Where the file `name` lies: beside this one, in a folder there at most.
    fn beside(&self, tensor: &Tensor<'_>, name: &str) -> Result<PathBuf, CheckpointError> {
        let inside = Path::new(name);
        let is_inside =
            inside.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if name.is_empty() || !is_inside {
            return Err(
                self.wrong(tensor, "which is not beside it; put both into one folder and export again")
            );
        }
        Ok(self.path.parent().unwrap_or(Path::new("")).join(inside))
    }

    fn wrong(&self, tensor: &Tensor<'_>, what: &str) -> CheckpointError {
        let what =
            format!("the elements of its tensor `{}` are in another file, {what}", shorten(tensor.name));
        CheckpointError::content(what, &self.path)
    }
}

/// `length` bytes from `offset`; fewer are an error, and none are allocated before they are there.
fn all_of(source: &ByteSource, offset: u64, length: u64) -> Result<Vec<u8>, CheckpointError> {
    if length > LARGEST {
        return Err(CheckpointError::content(
            "it is larger than 2 GiB, which ONNX files cannot be",
            source.path(),
        ));
    }
    if offset.saturating_add(length) > source.len() {
        return Err(CheckpointError::io(std::io::ErrorKind::UnexpectedEof.into(), source.path()));
    }
    let mut bytes = Vec::new();
    let mut section = source.section(offset, length);
    section.read_to_end(&mut bytes).map_err(|error| CheckpointError::io(error, source.path()))?;
    Ok(bytes)
}
