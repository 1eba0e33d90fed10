use std::io;

use super::checksum::lookup3;
use super::fault::damaged;
use super::fields::Fields;
use crate::formats::ByteSource;

/// The structure of a file: read at checked places, each byte counted.
#[derive(Debug)]
pub(super) struct Input {
    source: ByteSource,
    /// Where the file's own addresses begin.
    base: u64,
    /// Bytes of an address and of a length, 2, 4 or 8 each.
    widths: [usize; 2],
    /// Bytes of structure that may still be read.
    left: u64,
}

impl Input {
    /// The structure of `source`, whose addresses begin at `base`.
    pub(super) fn new(source: ByteSource, base: u64, widths: [usize; 2]) -> Self {
        let left = source.len().saturating_mul(4).saturating_add(1 << 20);
        Self { source, base, widths, left }
    }

    /// The file.
    pub(super) fn source(&self) -> &ByteSource {
        &self.source
    }

    /// Bytes of an address.
    pub(super) fn address_width(&self) -> usize {
        self.widths[0]
    }

    /// Bytes of a length.
    pub(super) fn length_width(&self) -> usize {
        self.widths[1]
    }

    /// Where in the file an address lies.
    pub(super) fn place(&self, address: u64) -> u64 {
        self.base.saturating_add(address)
    }

    /// `len` bytes at `address`; `what` they are, for messages.
    pub(super) fn bytes(&mut self, address: u64, len: u64, what: &str) -> io::Result<Vec<u8>> {
        let place = self.place(address);
        if place.checked_add(len).is_none_or(|end| end > self.source.len()) {
            return Err(damaged(format!("{what} at byte {place} does not lie inside the file")));
        }
        self.left = self.left.checked_sub(len).ok_or_else(|| {
            damaged(format!("its structure leads in circles, last to {what} at byte {place}"))
        })?;
        let mut bytes = vec![0; len as usize];
        self.source.read_exact_at(&mut bytes, place)?;
        Ok(bytes)
    }

    /// The same, beginning with the four letters `mark`, ending in a checksum of all before it where `is_summed`.
    pub(super) fn block(
        &mut self,
        address: u64,
        len: u64,
        (mark, what): (&[u8; 4], &str),
        is_summed: bool,
    ) -> io::Result<Vec<u8>> {
        let mut bytes = self.bytes(address, len, what)?;
        let place = self.place(address);
        if !bytes.starts_with(mark) {
            return Err(damaged(format!("there is no {what} at byte {place}, where one should be")));
        }
        if is_summed {
            check_sum(&mut bytes, what, place)?;
        }
        Ok(bytes)
    }

    /// The fields of a piece of structure called `what`.
    pub(super) fn fields<'a>(&self, bytes: &'a [u8], what: &'a str) -> Fields<'a> {
        Fields::new(bytes, self.widths, what)
    }
}

/// Checks the four last bytes, the checksum of all before them, and takes them off.
pub(super) fn check_sum(bytes: &mut Vec<u8>, what: &str, place: u64) -> io::Result<()> {
    let (content, sum) =
        bytes.split_last_chunk::<4>().ok_or_else(|| damaged(format!("{what} is too short")))?;
    if lookup3(content) != u32::from_le_bytes(*sum) {
        return Err(damaged(format!("the checksum of {what} at byte {place} does not fit its content")));
    }
    bytes.truncate(bytes.len() - 4);
    Ok(())
}
