use std::io;

use super::checksum::lookup3;
use super::fault::damaged;
use super::fields::{Fields, NOWHERE};
use super::input::Input;
use crate::formats::ByteSource;

const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";

/// The longest superblock there is, in bytes.
const LONGEST: u64 = 128;

/// Reads the superblock [II.A]: the structure that it opens, and the address of the root group's object header.
pub(super) fn open(source: ByteSource) -> io::Result<(Input, u64)> {
    let (start, bytes) = find(&source)?;
    let what = "the superblock";
    let mut fields = Fields::new(&bytes, [8, 8], what);
    fields.take(SIGNATURE.len())?;
    let version = fields.version(0..=3)?;
    if version < 2 {
        fields.take(4)?;
    }
    let widths = [usize::from(fields.u8()?), usize::from(fields.u8()?)];
    if widths.iter().any(|width| ![2, 4, 8].contains(width)) {
        return Err(damaged("the superblock has addresses of no width that there is"));
    }
    // The sizes of nodes of trees, which each of them tells itself, and flags.
    fields.take(match version {
        0 => 1 + 2 + 2 + 4,
        1 => 1 + 2 + 2 + 4 + 4,
        _ => 1,
    })?;
    let mut fields = Fields::new(fields.rest(), widths, what);
    let (base, _, end, after) = (fields.address()?, fields.address()?, fields.address()?, fields.address()?);
    let root = match version {
        0 | 1 => {
            fields.address()?; // the root group's name
            fields.address()?
        }
        _ => {
            let len = bytes.len() - fields.rest().len();
            if fields.u32()? != lookup3(&bytes[..len]) {
                return Err(damaged("the checksum of the superblock does not fit its content"));
            }
            after
        }
    };
    if end > source.len() || end == NOWHERE {
        let (there, should) = (source.len(), end);
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it has {there} bytes of the {should} that it should have"),
        ));
    }
    // A file behind something else may say where it began, or where it is now.
    Ok((Input::new(source, if base == 0 { start } else { base }, widths), root))
}

/// Finds the superblock at the start, or behind a block of the user's: its place, and bytes from there.
fn find(source: &ByteSource) -> io::Result<(u64, Vec<u8>)> {
    let mut place = 0;
    while place < source.len() {
        let mut bytes = vec![0; LONGEST.min(source.len() - place) as usize];
        source.read_exact_at(&mut bytes, place)?;
        if bytes.starts_with(SIGNATURE) {
            return Ok((place, bytes));
        }
        place = if place == 0 { 512 } else { place.saturating_mul(2) };
    }
    Err(damaged("it does not begin as an HDF5 file does"))
}
