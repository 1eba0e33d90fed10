//! NumPy's `.npz` archives: reading without trust, writing so that `numpy.load` needs no pickle.

use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::base::{Array, FileError, NpyHeader, write_atomic};
use crate::formats::zip::{Archive, MemberReader};
use crate::formats::{Budget, Source, shorten};

use super::CheckpointError;
use super::dtype::DType;

/// Numbers that are converted at a time.
const CHUNK: usize = 1 << 14;

/// An open `.npz` file.
#[derive(Debug)]
pub struct NpzFile {
    archive: Archive,
    path: PathBuf,
    budget: Budget,
}

/// One array of an `.npz` file, to be read piece by piece: its bytes come from [`Read`], in the order of
/// [`Member::fortran_order`], little endian.
#[derive(Debug)]
pub struct Member {
    /// The type of its numbers.
    pub dtype: DType,
    /// The size of each dimension, outermost first.
    pub shape: Vec<usize>,
    /// Whether the first dimension varies fastest instead of the last.
    pub fortran_order: bool,
    reader: BufReader<MemberReader>,
}

impl Read for Member {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl NpzFile {
    /// Opens the archive at `path`; no array is read yet.
    ///
    /// # Errors
    /// When the file cannot be read or is no `.npz`.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let source = Source::open(path)?;
        let mut start = [0; 2];
        if source.read_exact_at(&mut start, 0).is_err() || &start != b"PK" {
            return Err(CheckpointError::content("this is no .npz archive (numpy.savez makes them)", path));
        }
        let budget = Budget::for_file(source.len());
        let archive = Archive::open(source).map_err(|error| CheckpointError::io(error, path))?;
        Ok(Self { archive, path: path.into(), budget })
    }

    /// Names of its arrays in name order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.archive.names().filter_map(|name| name.strip_suffix(".npy")).collect();
        names.sort_unstable();
        names
    }

    /// Whether it has an array called `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.archive.member(&format!("{name}.npy")).is_some()
    }

    /// Opens the array called `name` for reading piece by piece; a data set of gigabytes needs no memory.
    ///
    /// # Errors
    /// When there is none, it holds Python objects or texts, or its size is not that of its shape.
    pub fn member(&self, name: &str) -> Result<Member, CheckpointError> {
        let wrong = |what: String| CheckpointError::content(what, &self.path);
        let member = self.archive.member(&format!("{name}.npy")).ok_or_else(|| {
            let names: Vec<String> = self.names().into_iter().take(8).map(shorten).collect();
            wrong(format!("it has no array `{}`; it has: {}", shorten(name), names.join(", ")))
        })?;
        let fail = |error| CheckpointError::io(error, &self.path);
        let reader = self.archive.reader(member).map_err(fail)?;
        let mut reader = BufReader::with_capacity(1 << 16, reader);
        let header = NpyHeader::read(&mut reader).map_err(fail)?;
        let dtype =
            dtype(&header.descr).map_err(|what| wrong(format!("array `{}` {what}", shorten(name))))?;
        let header_len = npy_header_len(self.archive.reader(member).map_err(fail)?).map_err(fail)?;
        let (have, need) = (member.size - header_len, (header.len() as u64).checked_mul(dtype.size() as u64));
        if need != Some(have) {
            return Err(wrong(format!(
                "array `{}` of shape {:?} does not have the bytes it needs ({have}); the file is damaged",
                shorten(name),
                header.shape
            )));
        }
        Ok(Member { dtype, shape: header.shape, fortran_order: header.fortran_order, reader })
    }

    /// Reads the array called `name` as f32 in row-major order, whatever its type and order.
    ///
    /// # Errors
    /// As [`NpzFile::member`], and when it would take far more memory than the file has bytes.
    pub fn array(&mut self, name: &str) -> Result<Array, CheckpointError> {
        let mut member = self.member(name)?;
        let wrong = |what: String| CheckpointError::content(what, &self.path);
        let len: usize = member.shape.iter().product();
        self.budget.take(len as u64 * 4).map_err(wrong)?;
        let mut values = Vec::new();
        let mut buffer = vec![0; CHUNK.min(len) * member.dtype.size()];
        while values.len() < len {
            let bytes = (len - values.len()).min(CHUNK) * member.dtype.size();
            member
                .read_exact(&mut buffer[..bytes])
                .map_err(|error| CheckpointError::io(error, &self.path))?;
            member.dtype.decode(&buffer[..bytes], &mut values);
        }
        if member.fortran_order {
            self.budget.take(len as u64 * 4).map_err(wrong)?;
            values = row_major(&member.shape, &values);
            self.budget.give_back(len as u64 * 4);
        }
        Array::new(member.shape, values)
            .ok_or_else(|| wrong(format!("array `{name}` does not fit its shape")))
    }
}

/// Opens one array of the archive at `path`; see [`NpzFile::member`].
///
/// # Errors
/// As [`NpzFile::open`] and [`NpzFile::member`].
pub fn open_member(path: &Path, name: &str) -> Result<Member, CheckpointError> {
    NpzFile::open(path)?.member(name)
}

/// The bytes before the first number.
fn npy_header_len(mut reader: impl Read) -> io::Result<u64> {
    let mut start = [0; 12];
    reader.read_exact(&mut start[..10])?;
    if start[6] == 1 {
        return Ok(10 + u64::from(u16::from_le_bytes([start[8], start[9]])));
    }
    reader.read_exact(&mut start[10..])?;
    Ok(12 + u64::from(u32::from_le_bytes([start[8], start[9], start[10], start[11]])))
}

/// NumPy's notation of a type.
fn dtype(descr: &str) -> Result<DType, String> {
    Ok(match descr {
        "|b1" => DType::Bool,
        "|u1" => DType::U8,
        "|i1" => DType::I8,
        "<u2" => DType::U16,
        "<i2" => DType::I16,
        "<u4" => DType::U32,
        "<i4" => DType::I32,
        "<u8" => DType::U64,
        "<i8" => DType::I64,
        "<f2" => DType::F16,
        "<f4" => DType::F32,
        "<f8" => DType::F64,
        "|O" => return Err("holds Python objects, which are never unpickled; save plain numbers".into()),
        other => {
            let other = shorten(other);
            return Err(format!("is of type {other}, which is not supported; save it as float32"));
        }
    })
}

/// Copies values of which the first dimension varies fastest into row-major order.
fn row_major(shape: &[usize], values: &[f32]) -> Vec<f32> {
    let mut ordered = Vec::with_capacity(values.len());
    let mut index = vec![0usize; shape.len()];
    for _ in 0..values.len() {
        let at = index.iter().zip(shape).rev().fold(0, |at, (&i, &dim)| at * dim + i);
        ordered.push(values[at]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    ordered
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(path: &Path, method: CompressionMethod, members: &[(&str, Vec<u8>)]) {
        let mut writer = ZipWriter::new(std::fs::File::create(path).expect("creates"));
        for (name, content) in members {
            let options = SimpleFileOptions::default().compression_method(method);
            writer.start_file(*name, options).expect("starts");
            writer.write_all(content).expect("writes");
        }
        writer.finish().expect("finishes");
    }

    fn npy(descr: &str, order: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
        let text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}}}\n");
        let mut content = b"\x93NUMPY\x01\x00".to_vec();
        content.extend((text.len() as u16).to_le_bytes());
        content.extend(text.as_bytes());
        content.extend(bytes);
        content
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("x.npz");
        let array = Array::new([2, 3], vec![0.0, 1.5, -2.0, f32::INFINITY, 4.0, 5.0]).expect("fits");
        let arrays = [
            ("codes", NpzArray::F32(&array)),
            ("bytes", NpzArray::U8(&[2], &[7, 255])),
            ("numbers", NpzArray::I64(&[1, 1], &[-3])),
            ("note", NpzArray::Text("idgan sample, β")),
        ];
        write_npz(&path, &arrays).expect("writes");
        let first = std::fs::read(&path).expect("reads");
        write_npz(&path, &arrays).expect("writes");
        assert_eq!(first, std::fs::read(&path).expect("reads"));
        let mut file = NpzFile::open(&path).expect("opens");
        assert_eq!(file.names(), ["bytes", "codes", "note", "numbers"]);
        assert_eq!(file.array("codes").expect("reads"), array);
        assert_eq!(file.array("bytes").expect("reads").data(), [7.0, 255.0]);
        assert_eq!(file.array("numbers").expect("reads").shape(), [1, 1]);
        assert!(file.array("note").expect_err("text").to_string().contains("type <U15"));
        let missing = file.array("absent").expect_err("missing").to_string();
        assert!(missing.contains("no array `absent`; it has: bytes, codes"), "{missing}");
    }

    #[test]
    fn either_order_and_compression_is_read() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("x.npz");
        let bytes: Vec<u8> = [1.0f64, 4.0, 2.0, 5.0, 3.0, 6.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            archive(&path, method, &[("a.npy", npy("<f8", "True", "(2, 3)", &bytes))]);
            let array = NpzFile::open(&path).expect("opens").array("a").expect("reads");
            assert_eq!(array.data(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
            let mut member = open_member(&path, "a").expect("opens");
            assert_eq!((member.dtype, member.fortran_order), (DType::F64, true));
            let mut streamed = Vec::new();
            member.read_to_end(&mut streamed).expect("reads");
            assert_eq!(streamed, bytes);
        }
    }

    #[test]
    fn bad_arrays_are_refused_by_name() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("x.npz");
        for (content, expected) in [
            (npy("|O", "False", "(1,)", b"cos\nsystem\n."), "Python objects"),
            (npy(">f4", "False", "(1,)", &[0; 4]), "type >f4"),
            (npy("<f4", "False", "(2,)", &[0; 4]), "does not have the bytes"),
            (npy("<f4", "False", "(1000000000000,)", &[0; 4]), "does not have the bytes"),
            (npy("<f4", "False", "(1,)", &[0; 5]), "does not have the bytes"),
            (b"junk".to_vec(), "ends too early"),
            (vec![b'x'; 100], "damaged"),
        ] {
            archive(&path, CompressionMethod::Deflated, &[("a.npy", content)]);
            let message =
                NpzFile::open(&path).and_then(|mut f| f.array("a")).expect_err(expected).to_string();
            assert!(message.contains(expected), "{message}");
            assert!(message.ends_with("x.npz"), "{message}");
        }
        std::fs::write(&path, b"").expect("writes");
        assert!(NpzFile::open(&path).is_err());
    }

    #[test]
    fn a_bomb_is_refused_before_it_goes_off() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("x.npz");
        let zeros = vec![0u8; 140 << 20];
        archive(
            &path,
            CompressionMethod::Deflated,
            &[("a.npy", npy("|u1", "False", "(146800640,)", &zeros))],
        );
        let message = NpzFile::open(&path).and_then(|mut f| f.array("a")).expect_err("refused").to_string();
        assert!(message.contains("many times the size"), "{message}");
    }
}
