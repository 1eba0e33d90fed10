//! NumPy's `.npz` archives and single `.npy` arrays: reading without trust, writing so that `numpy.load` needs no pickle.

mod number;
#[cfg(test)]
mod tests;
mod texts;
mod write;
mod writer;

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::base::{Array, NpyHeader};
use crate::formats::zip::Archive;
use crate::formats::{Budget, ByteSource, shorten};

use self::number::{CHUNK, Number, Turned};
use super::CheckpointError;
use super::dtype::DType;
use super::foreign::file_kind;

pub use write::{NpzArray, write_npz};
pub use writer::NpzWriter;

/// The name that numpy.savez gives an array that has none, and that the array of an `.npy` file goes by.
pub const UNNAMED: &str = "arr_0";

/// An open `.npz` file, or an `.npy` file with its one array as [`UNNAMED`].
#[derive(Debug)]
pub struct NpzFile {
    arrays: Arrays,
    path: PathBuf,
    budget: Budget,
}

#[derive(Debug)]
enum Arrays {
    Archive(Archive),
    Single(ByteSource),
}

/// One array of an `.npz` file, to be read piece by piece: its bytes come from [`Read`], in the order of
/// [`Member::fortran_order`], little endian whatever they are in the file.
pub struct Member {
    /// The type of its numbers.
    pub dtype: DType,
    /// The size of each dimension, outermost first.
    pub shape: Vec<usize>,
    /// Whether the first dimension varies fastest instead of the last.
    pub fortran_order: bool,
    reader: Box<dyn Read + Send>,
}

impl Read for Member {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// A header, and what follows it.
struct Opened {
    header: NpyHeader,
    number: Result<Number, String>,
    reader: BufReader<Box<dyn Read + Send>>,
}

impl NpzFile {
    /// Opens the archive or the single array at `path`; nothing is read yet.
    ///
    /// # Errors
    /// When the file cannot be read or is neither.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let source = ByteSource::open(path)?;
        let budget = Budget::for_file(source.len());
        let mut start = [0; 6];
        let head = start.len().min(usize::try_from(source.len()).unwrap_or(start.len()));
        source.read_exact_at(&mut start[..head], 0).map_err(|error| CheckpointError::io(error, path))?;
        let arrays = match &start {
            b"\x93NUMPY" => Arrays::Single(source),
            [b'P', b'K', ..] => {
                Arrays::Archive(Archive::open(source).map_err(|error| CheckpointError::io(error, path))?)
            }
            _ => {
                let what = match file_kind(&head_of(&source)) {
                    Some(kind) => format!("this is {kind}"),
                    None => "this is no .npz archive (numpy.savez makes them)".into(),
                };
                return Err(CheckpointError::content(what, path));
            }
        };
        Ok(Self { arrays, path: path.into(), budget })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of its arrays in name order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = match &self.arrays {
            Arrays::Archive(archive) => {
                archive.names().filter_map(|name| name.strip_suffix(".npy")).collect()
            }
            Arrays::Single(_) => vec![UNNAMED],
        };
        names.sort_unstable();
        names
    }

    /// Whether it has an array called `name`.
    pub fn contains(&self, name: &str) -> bool {
        match &self.arrays {
            Arrays::Archive(archive) => archive.member(&format!("{name}.npy")).is_some(),
            Arrays::Single(_) => name == UNNAMED,
        }
    }

    /// Names and shapes of the arrays that hold numbers, in name order; texts, objects and structures are passed over.
    ///
    /// # Errors
    /// When an array is damaged.
    pub fn shapes(&self) -> Result<Vec<(String, Vec<usize>)>, CheckpointError> {
        let mut shapes = Vec::new();
        for name in self.names() {
            let Opened { header, number, .. } = self.header(name)?;
            if number.is_ok() {
                shapes.push((name.to_owned(), header.shape));
            }
        }
        Ok(shapes)
    }

    /// The header of the array called `name` and all behind it, whatever its type.
    fn header(&self, name: &str) -> Result<Opened, CheckpointError> {
        let wrong = |what: String| CheckpointError::content(what, &self.path);
        let fail = |error| CheckpointError::io(error, &self.path);
        let (size, reader): (u64, Box<dyn Read + Send>) = match &self.arrays {
            Arrays::Archive(archive) => {
                let member = archive.member(&format!("{name}.npy")).ok_or_else(|| {
                    wrong(format!("it has no array `{}`; it has: {}", shorten(name), listed(&self.names())))
                })?;
                (member.size, Box::new(archive.reader(member).map_err(fail)?))
            }
            Arrays::Single(source) => (source.len(), Box::new(source.section(0, source.len()))),
        };
        let mut reader = Counted { inner: BufReader::with_capacity(1 << 16, reader), count: 0 };
        let header = NpyHeader::read(&mut reader).map_err(fail)?;
        let number = Number::parse(&header.descr).map_err(|what| format!("array `{}` {what}", shorten(name)));
        if let Ok(number) = &number {
            let have = size.saturating_sub(reader.count);
            let need = (header.len() as u64).checked_mul(number.dtype.size() as u64);
            if need != Some(have) {
                return Err(wrong(format!(
                    "array `{}` of shape {:?} does not have the bytes it needs ({have}); the file is damaged",
                    shorten(name),
                    header.shape
                )));
            }
        }
        Ok(Opened { header, number, reader: reader.inner })
    }

    /// Opens the array called `name` for reading piece by piece; a data set of gigabytes needs no memory.
    ///
    /// # Errors
    /// When there is none, it holds Python objects or texts, or its size is not that of its shape.
    pub fn member(&self, name: &str) -> Result<Member, CheckpointError> {
        let Opened { header, number, reader } = self.header(name)?;
        let Number { dtype, is_big_endian } =
            number.map_err(|what| CheckpointError::content(what, &self.path))?;
        let reader: Box<dyn Read + Send> = match is_big_endian && dtype.size() > 1 {
            true => Box::new(Turned::new(reader, dtype.size())),
            false => Box::new(reader),
        };
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
            .ok_or_else(|| wrong(format!("array `{}` does not fit its shape", shorten(name))))
    }
}

/// Some of the names of a file's arrays, for a message.
pub(crate) fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| shorten(name)).collect();
    match names.len() {
        0 => "no arrays".into(),
        len if len > SHOWN => format!("{} and {} more", shown.join(", "), len - SHOWN),
        _ => shown.join(", "),
    }
}

/// The first bytes of a file, as far as it has them.
fn head_of(source: &ByteSource) -> Vec<u8> {
    let mut start = Vec::new();
    // What cannot be read is not told apart.
    let _ = source.section(0, 512).read_to_end(&mut start);
    start
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
