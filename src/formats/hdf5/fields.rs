use std::io;

use super::fault::damaged;

/// An address that leads nowhere, at every width [II.A].
pub(super) const NOWHERE: u64 = u64::MAX;

/// The fields of a piece of structure, one after another, little-endian.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    widths: [usize; 2],
    what: &'a str,
}

impl<'a> Fields<'a> {
    pub(super) fn new(rest: &'a [u8], widths: [usize; 2], what: &'a str) -> Self {
        Self { rest, widths, what }
    }

    /// What is not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> io::Result<&'a [u8]> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| damaged(format!("{} ends in the middle of a field", self.what)))?;
        self.rest = rest;
        Ok(taken)
    }

    /// A number of `width` bytes, at most 8.
    pub(super) fn number(&mut self, width: usize) -> io::Result<u64> {
        let mut bytes = [0; 8];
        let to = bytes
            .get_mut(..width)
            .ok_or_else(|| damaged(format!("{} has numbers of {width} bytes", self.what)))?;
        to.copy_from_slice(self.take(width)?);
        Ok(u64::from_le_bytes(bytes))
    }

    pub(super) fn u8(&mut self) -> io::Result<u8> {
        Ok(self.number(1)? as u8)
    }

    pub(super) fn u16(&mut self) -> io::Result<u16> {
        Ok(self.number(2)? as u16)
    }

    pub(super) fn u32(&mut self) -> io::Result<u32> {
        Ok(self.number(4)? as u32)
    }

    /// An address, or [`NOWHERE`].
    pub(super) fn address(&mut self) -> io::Result<u64> {
        let width = self.widths[0];
        let address = self.number(width)?;
        Ok(if address == NOWHERE >> (64 - 8 * width) { NOWHERE } else { address })
    }

    /// A length.
    pub(super) fn length(&mut self) -> io::Result<u64> {
        self.number(self.widths[1])
    }

    /// A version, which must be one of `known`.
    pub(super) fn version(&mut self, known: std::ops::RangeInclusive<u8>) -> io::Result<u8> {
        let version = self.u8()?;
        if known.contains(&version) {
            return Ok(version);
        }
        Err(super::fault::unsupported(format!(
            "{} is of version {version}, which is not read here; write the file again with h5py, or with h5repack",
            self.what
        )))
    }
}
