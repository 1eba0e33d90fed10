use std::io::Read;
use std::num::IntErrorKind;

use super::torch::malformed;
use super::tree::Node;

/// Most bytes of one pickle; tensors lie outside it, so real ones stay below a few megabytes.
const MOST_BYTES: u64 = 64 << 20;
/// Longest line of a number in the memo.
const LONGEST_NUMBER: usize = 20;

/// Why a pickle could not be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// The bytes could not be read.
    Read(std::io::Error),
    /// They were read and make no sense, or ask for what is not allowed.
    Content(String),
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Read(error)
    }
}

impl From<String> for Fault {
    fn from(what: String) -> Self {
        Self::Content(what)
    }
}

/// The bytes of one pickle.
pub(super) struct Input<'a, R> {
    reader: std::io::Take<&'a mut R>,
}

impl<'a, R: Read> Input<'a, R> {
    pub(super) fn new(reader: &'a mut R) -> Self {
        Self { reader: reader.take(MOST_BYTES) }
    }

    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        if self.reader.limit() < N as u64 {
            return Err(malformed("far more bytes than weights need").into());
        }
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn length(&mut self) -> Result<u32, Fault> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    /// `len` bytes; memory is taken as they arrive, not as they are announced.
    pub(super) fn take(&mut self, len: u32) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        self.reader.by_ref().take(u64::from(len)).read_to_end(&mut bytes)?;
        if bytes.len() != len as usize {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        bytes.shrink_to_fit();
        Ok(bytes)
    }

    /// A length of 64 bits, of which no more than 32 make sense.
    pub(super) fn long_length(&mut self) -> Result<u32, Fault> {
        let len = u64::from_le_bytes(self.bytes()?);
        Ok(u32::try_from(len).map_err(|_| malformed("a text of absurd length"))?)
    }

    /// The text up to the next line break, of at most `longest` bytes.
    pub(super) fn line(&mut self, longest: usize) -> Result<String, Fault> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => break,
                byte if line.len() < longest => line.push(byte),
                _ => return Err(malformed("a name of absurd length").into()),
            }
        }
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    /// The number in the next line.
    pub(super) fn number_line(&mut self) -> Result<u32, Fault> {
        let line = self.line(LONGEST_NUMBER)?;
        Ok(line.trim().parse().map_err(|_| malformed("a reference to nothing"))?)
    }
}

/// The whole number that `bytes` are in little endian two's complement.
pub(super) fn long(bytes: Vec<u8>) -> Node {
    if bytes.len() > 8 {
        return Node::Big(bytes.into());
    }
    let negative = bytes.last().is_some_and(|&last| last >= 0x80);
    let mut wide = [if negative { 0xff } else { 0 }; 8];
    wide[..bytes.len()].copy_from_slice(&bytes);
    Node::Int(i64::from_le_bytes(wide))
}

/// The whole number or, with `or_bool`, the truth value that a line of protocols 0 and 1 spells.
pub(super) fn whole_number(line: &str, or_bool: bool) -> Option<Node> {
    match line.trim() {
        "00" if or_bool => Some(Node::Bool(false)),
        "01" if or_bool => Some(Node::Bool(true)),
        digits => {
            let value: i128 = match digits.strip_suffix('L').unwrap_or(digits).parse() {
                Ok(value) => value,
                Err(error) => {
                    let is_huge =
                        matches!(error.kind(), IntErrorKind::PosOverflow | IntErrorKind::NegOverflow);
                    return is_huge.then_some(Node::Kept("a whole number"));
                }
            };
            Some(match i64::try_from(value) {
                Ok(value) => Node::Int(value),
                Err(_) => Node::Big(shortest(value).into()),
            })
        }
    }
}

/// Little endian two's complement in as few bytes as it takes.
fn shortest(value: i128) -> Vec<u8> {
    let mut bytes = value.to_le_bytes().to_vec();
    let filler = if value < 0 { 0xff } else { 0 };
    while let [.., before, last] = bytes[..]
        && last == filler
        && (before >= 0x80) == (value < 0)
    {
        bytes.pop();
    }
    bytes
}
