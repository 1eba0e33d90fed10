use std::io::{self, BufReader, Read};

use bzip2::bufread::BzDecoder;
use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::{Member, Method, damaged};
use crate::formats::Section;

/// Reads an archive's entry and checks length and checksum where it ends.
pub(crate) struct MemberReader {
    unpacked: Unpacked,
    left: u64,
    crc: Crc,
    expected: u32,
}

enum Unpacked {
    Stored(BufReader<Section>),
    Deflated(DeflateDecoder<BufReader<Section>>),
    Bzip2(BzDecoder<BufReader<Section>>),
}

impl MemberReader {
    /// A reader of `member`, whose packed bytes are `section`.
    pub(super) fn new(section: Section, member: &Member) -> Self {
        let buffered = BufReader::with_capacity(1 << 16, section);
        let unpacked = match member.method {
            Method::Stored => Unpacked::Stored(buffered),
            Method::Deflated => Unpacked::Deflated(DeflateDecoder::new(buffered)),
            Method::Bzip2 => Unpacked::Bzip2(BzDecoder::new(buffered)),
        };
        Self { unpacked, left: member.size, crc: Crc::new(), expected: member.crc }
    }
}

impl std::fmt::Debug for MemberReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemberReader").field("left", &self.left).finish_non_exhaustive()
    }
}

impl Read for MemberReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if want == 0 {
            return Ok(0);
        }
        let buffer = &mut buffer[..want];
        let count = match &mut self.unpacked {
            Unpacked::Stored(reader) => reader.read(buffer)?,
            Unpacked::Deflated(reader) => reader.read(buffer)?,
            Unpacked::Bzip2(reader) => reader.read(buffer)?,
        };
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.crc.update(&buffer[..count]);
        self.left -= count as u64;
        if self.left == 0 && self.crc.sum() != self.expected {
            return Err(damaged("the checksum of a zip entry does not fit its content"));
        }
        Ok(count)
    }
}
