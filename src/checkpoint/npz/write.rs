use std::io::{self, Seek, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::base::{Array, FileError, write_atomic};

use super::super::CheckpointError;
use super::number::CHUNK;

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
    let mut archive = ZipWriter::new(writer);
    for (name, array) in arrays {
        let (descr, shape, bytes): (String, &[usize], usize) = match array {
            NpzArray::F32(array) => ("<f4".into(), array.shape(), array.len() * 4),
            NpzArray::U8(shape, values) => ("|u1".into(), shape, values.len()),
            NpzArray::I64(shape, values) => ("<i8".into(), shape, values.len() * 8),
            NpzArray::Text(text) => (format!("<U{}", text.chars().count()), &[], text.chars().count() * 4),
        };
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .large_file(bytes as u64 >= u64::from(u32::MAX) - 4096);
        archive.start_file(format!("{name}.npy"), options)?;
        archive.write_all(&npy_header(&descr, shape))?;
        match array {
            NpzArray::F32(array) => write_all(&mut archive, array.data(), f32::to_le_bytes)?,
            NpzArray::U8(_, values) => archive.write_all(values)?,
            NpzArray::I64(_, values) => write_all(&mut archive, values, i64::to_le_bytes)?,
            NpzArray::Text(text) => {
                let characters: Vec<char> = text.chars().collect();
                write_all(&mut archive, &characters, |c| u32::from(c).to_le_bytes())?;
            }
        }
    }
    archive.finish()?;
    Ok(())
}

fn write_all<T: Copy, const N: usize>(
    writer: &mut impl Write,
    values: &[T],
    bytes: impl Fn(T) -> [u8; N],
) -> io::Result<()> {
    for chunk in values.chunks(CHUNK) {
        let chunk: Vec<u8> = chunk.iter().flat_map(|&value| bytes(value)).collect();
        writer.write_all(&chunk)?;
    }
    Ok(())
}

/// Version 1.0 of NumPy's header, padded so that the numbers start at a multiple of 64 bytes.
fn npy_header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|dim| format!("{dim},")).collect();
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}");
    let unpadded = 10 + text.len() + 1;
    text.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64) - unpadded));
    text.push('\n');
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((text.len() as u16).to_le_bytes());
    header.extend(text.as_bytes());
    header
}
