use std::io::{self, Seek, Write};
use std::path::Path;

use crate::base::{Array, FileError, write_atomic};

use super::super::CheckpointError;
use super::writer::NpzWriter;

/// An array to write.
#[derive(Clone, Copy, Debug)]
pub enum NpzArray<'a> {
    /// f32 with its own shape.
    F32(&'a Array),
    /// Shape and bytes.
    U8(&'a [usize], &'a [u8]),
    /// Shape and whole numbers.
    I64(&'a [usize], &'a [i64]),
    /// One text, for instance where the numbers come from (`str(file["name"])` in Python).
    Text(&'a str),
}

/// Writes named arrays as an `.npz` that `numpy.load` reads without pickle. The same input gives the same bytes.
///
/// # Errors
/// When a shape does not fit its numbers or the file cannot be written; the path then holds what it held before.
pub fn write_npz(path: &Path, arrays: &[(&str, NpzArray<'_>)]) -> Result<(), CheckpointError> {
    for (name, array) in arrays {
        let (shape, len) = match array {
            NpzArray::U8(shape, values) => (*shape, values.len()),
            NpzArray::I64(shape, values) => (*shape, values.len()),
            NpzArray::F32(_) | NpzArray::Text(_) => continue,
        };
        if shape.iter().product::<usize>() != len {
            let what = format!("array `{name}` has {len} numbers, which do not fit the shape {shape:?}");
            return Err(CheckpointError::content(what, path));
        }
    }
    write_atomic(path, |writer| {
        write_archive(writer, arrays).map_err(|error| FileError::new(error, path).into())
    })
}

fn write_archive(writer: &mut (impl Write + Seek), arrays: &[(&str, NpzArray<'_>)]) -> io::Result<()> {
    let mut npz = NpzWriter::new(writer);
    for (name, array) in arrays {
        match array {
            NpzArray::F32(array) => npz.floats(name, array.shape(), array.data())?,
            NpzArray::U8(shape, values) => npz.bytes(name, shape, values)?,
            NpzArray::I64(shape, values) => npz.integers(name, shape, values)?,
            NpzArray::Text(text) => npz.text(name, text)?,
        }
    }
    npz.finish()?;
    Ok(())
}
