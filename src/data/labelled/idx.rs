use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::MOST_BYTES;
use crate::base::FileError;
use crate::data::DataError;

/// The type of unsigned bytes in the third byte of a file; files of other types are not read.
const BYTES: u8 = 8;

/// Reads an array of bytes of `N` dimensions in the idx format of MNIST, plain or compressed with gzip.
///
/// Memory stays in proportion to the bytes that the file really holds, at most 256 MiB.
pub(super) fn read_idx<const N: usize>(path: &Path) -> Result<([usize; N], Vec<u8>), DataError> {
    let file = File::open(path).map_err(|error| FileError::new(error, path))?;
    let mut file = BufReader::new(file);
    let mut start = [0; 2];
    let read = file.read_exact(&mut start);
    read.map_err(|error| DataError::io(error, path))?;
    let whole = io::Cursor::new(start).chain(file);
    match start {
        [0x1f, 0x8b] => read_array(MultiGzDecoder::new(whole), path),
        _ => read_array(whole, path),
    }
}

fn read_array<const N: usize>(mut bytes: impl Read, path: &Path) -> Result<([usize; N], Vec<u8>), DataError> {
    let content = |what: String| DataError::Content { what, path: path.to_owned() };
    let mut word = || -> Result<[u8; 4], DataError> {
        let mut word = [0; 4];
        bytes.read_exact(&mut word).map_err(|error| DataError::io(error, path))?;
        Ok(word)
    };
    let magic = word()?;
    if magic != [0, 0, BYTES, N as u8] {
        return Err(content(format!(
            "this is no idx file of bytes in {N} dimension(s), as MNIST's are; download it again"
        )));
    }
    let mut shape = [0; N];
    for side in &mut shape {
        *side = u32::from_be_bytes(word()?) as usize;
    }
    let len = shape.iter().try_fold(1u64, |product, &side| product.checked_mul(side as u64));
    let Some(len) = len.filter(|&len| len <= MOST_BYTES) else {
        return Err(content(format!(
            "it claims to hold an array of {shape:?}, more than the 256 MiB that are read"
        )));
    };
    let mut values = Vec::new();
    bytes.take(len + 1).read_to_end(&mut values).map_err(|error| DataError::io(error, path))?;
    match (values.len() as u64).cmp(&len) {
        std::cmp::Ordering::Equal => Ok((shape, values)),
        std::cmp::Ordering::Less => Err(content(format!(
            "the file ends too early: it should hold {len} values and holds {}; copy or download it again",
            values.len()
        ))),
        std::cmp::Ordering::Greater => {
            Err(content(format!("the file holds more than the {len} values that it says; download it again")))
        }
    }
}
