use std::io::{self, Read};

use crate::formats::shorten;

use super::super::dtype::DType;

/// Numbers that are converted at a time.
pub(super) const CHUNK: usize = 1 << 14;

/// How the numbers of an array are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) dtype: DType,
    pub(super) is_big_endian: bool,
}

impl Number {
    /// Reads NumPy's notation of a type.
    pub(super) fn parse(descr: &str) -> Result<Self, String> {
        let (order, kind) = match descr.split_at_checked(1) {
            Some((order @ ("<" | ">" | "|" | "="), kind)) => (order, kind),
            _ => ("<", descr),
        };
        let dtype = match kind {
            "b1" | "?" => DType::Bool,
            "u1" => DType::U8,
            "i1" => DType::I8,
            "u2" => DType::U16,
            "i2" => DType::I16,
            "u4" => DType::U32,
            "i4" => DType::I32,
            "u8" => DType::U64,
            "i8" => DType::I64,
            "f2" => DType::F16,
            "f4" => DType::F32,
            "f8" => DType::F64,
            other => return Err(unread(descr, other)),
        };
        Ok(Self { dtype, is_big_endian: order == ">" })
    }
}

/// Why arrays of this type are not read.
fn unread(descr: &str, kind: &str) -> String {
    let what = match kind.chars().next() {
        Some('O') => return "holds Python objects, which are never unpickled; save plain numbers".into(),
        Some('[' | '(' | '{') => {
            return "holds structures of named fields; save its fields as arrays of their own".into();
        }
        Some('U' | 'S' | 'a') => "texts",
        Some('c') => "complex numbers",
        Some('f' | 'g') => "numbers of extended precision",
        Some('M' | 'm') => "dates or times",
        Some('V') => "raw bytes",
        _ => "no kind of numbers",
    };
    format!("is of type {} ({what}), which is not supported; save it as float32", shorten(descr))
}

/// A reader that turns the bytes of every number round: big endian to little endian.
pub(super) struct Turned<R> {
    inner: R,
    /// Bytes of a number.
    size: usize,
    turned: Vec<u8>,
    /// How many of `turned` were handed out.
    at: usize,
}

impl<R: Read> Turned<R> {
    pub(super) fn new(inner: R, size: usize) -> Self {
        Self { inner, size, turned: Vec::new(), at: 0 }
    }
}

impl<R: Read> Read for Turned<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.turned.len() {
            self.turned.clear();
            self.at = 0;
            self.inner.by_ref().take((CHUNK * self.size) as u64).read_to_end(&mut self.turned)?;
            self.turned.chunks_exact_mut(self.size).for_each(<[u8]>::reverse);
        }
        let left = &self.turned[self.at..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.at += count;
        Ok(count)
    }
}
