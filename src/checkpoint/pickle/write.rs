use std::io::{self, Seek, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::base::{Array, FileError, write_atomic};

use super::super::CheckpointError;

/// A Python value to save.
#[derive(Clone, Debug)]
pub(crate) enum Object<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Object<'a>>),
    Tuple(Vec<Object<'a>>),
    Dict(Vec<(Object<'a>, Object<'a>)>),
    /// An OrderedDict, the type of a state dict.
    Ordered(Vec<(Object<'a>, Object<'a>)>),
    /// An f32 tensor.
    Tensor(&'a Array),
}

impl<'a> Object<'a> {
    /// A dict with text keys.
    pub(crate) fn dict(entries: impl IntoIterator<Item = (&'a str, Object<'a>)>) -> Self {
        Self::Dict(entries.into_iter().map(|(key, value)| (Object::text(key), value)).collect())
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

/// Saves `object` at `path` as `torch.save` would, in the zip encoding that PyTorch 1.6 and later read.
///
/// # Errors
/// When the file cannot be written; the path then holds what it held before.
pub(crate) fn write_torch(path: &Path, object: &Object<'_>) -> Result<(), CheckpointError> {
    write_atomic(path, |writer| {
        write_archive(writer, object).map_err(|error| FileError::new(error, path).into())
    })
}

fn write_archive(writer: &mut (impl Write + Seek), object: &Object<'_>) -> io::Result<()> {
    let mut pickler = Pickler { bytes: vec![0x80, 2], storages: Vec::new() };
    pickler.object(object)?;
    pickler.bytes.push(b'.');
    let mut archive = ZipWriter::new(writer);
    // PyTorch aligns storages to 64 bytes so that they can be memory-mapped; the fixed date keeps the bytes the same.
    let options = |len: usize| {
        SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .with_alignment(64)
            .large_file(len as u64 >= u64::from(u32::MAX))
    };
    let mut member = |name: &str, len: usize| archive.start_file(format!("archive/{name}"), options(len));
    member("data.pkl", pickler.bytes.len())?;
    archive.write_all(&pickler.bytes)?;
    archive.start_file("archive/byteorder", options(6))?;
    archive.write_all(b"little")?;
    for (key, array) in pickler.storages.iter().enumerate() {
        archive.start_file(format!("archive/data/{key}"), options(array.len() * 4))?;
        for chunk in array.data().chunks(1 << 14) {
            let bytes: Vec<u8> = chunk.iter().flat_map(|value| value.to_le_bytes()).collect();
            archive.write_all(&bytes)?;
        }
    }
    archive.start_file("archive/version", options(2))?;
    archive.write_all(b"3\n")?;
    archive.finish()?;
    Ok(())
}

/// Writes the pickle, protocol 2, and collects the tensors that go beside it.
struct Pickler<'a> {
    bytes: Vec<u8>,
    storages: Vec<&'a Array>,
}

impl<'a> Pickler<'a> {
    fn object(&mut self, object: &Object<'a>) -> io::Result<()> {
        match object {
            Object::Bool(value) => self.bytes.push(if *value { 0x88 } else { 0x89 }),
            Object::Int(value) => self.int(*value),
            Object::Float(value) => {
                self.bytes.push(b'G');
                self.bytes.extend(value.to_be_bytes());
            }
            Object::Text(text) => self.text(text)?,
            Object::List(items) => {
                self.bytes.extend(b"](");
                self.all(items)?;
                self.bytes.push(b'e');
            }
            Object::Tuple(items) => {
                self.bytes.push(b'(');
                self.all(items)?;
                self.bytes.push(b't');
            }
            Object::Dict(entries) => {
                self.bytes.push(b'}');
                self.entries(entries)?;
            }
            Object::Ordered(entries) => {
                self.bytes.extend(b"ccollections\nOrderedDict\n)R");
                self.entries(entries)?;
            }
            Object::Tensor(array) => self.tensor(array)?,
        }
        Ok(())
    }

    fn all(&mut self, items: &[Object<'a>]) -> io::Result<()> {
        items.iter().try_for_each(|item| self.object(item))
    }

    fn entries(&mut self, entries: &[(Object<'a>, Object<'a>)]) -> io::Result<()> {
        self.bytes.push(b'(');
        for (key, value) in entries {
            self.object(key)?;
            self.object(value)?;
        }
        self.bytes.push(b'u');
        Ok(())
    }

    fn int(&mut self, value: i64) {
        if let Ok(small) = i32::try_from(value) {
            self.bytes.push(b'J');
            self.bytes.extend(small.to_le_bytes());
        } else {
            self.bytes.extend([0x8a, 8]);
            self.bytes.extend(value.to_le_bytes());
        }
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        let len = u32::try_from(text.len()).map_err(|_| io::Error::other("a text of more than 4 GiB"))?;
        self.bytes.push(b'X');
        self.bytes.extend(len.to_le_bytes());
        self.bytes.extend(text.as_bytes());
        Ok(())
    }

    /// `torch._utils._rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())`.
    fn tensor(&mut self, array: &'a Array) -> io::Result<()> {
        self.bytes.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        self.text("storage")?;
        self.bytes.extend(b"ctorch\nFloatStorage\n");
        self.text(&self.storages.len().to_string())?;
        self.text("cpu")?;
        self.int(array.len() as i64);
        self.bytes.extend(b"tQ");
        self.int(0);
        let mut strides: Vec<i64> = Vec::new();
        let mut stride = 1;
        for &dim in array.shape().iter().rev() {
            strides.push(stride);
            stride *= (dim as i64).max(1);
        }
        self.bytes.push(b'(');
        array.shape().iter().for_each(|&dim| self.int(dim as i64));
        self.bytes.extend(b"t(");
        strides.iter().rev().for_each(|&stride| self.int(stride));
        self.bytes.extend(b"t\x89ccollections\nOrderedDict\n)RtR");
        self.storages.push(array);
        Ok(())
    }
}
