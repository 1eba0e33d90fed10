use std::fmt::Write as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use super::DataError;
use crate::base::FileError;

/// A short name for `parts` that other parts will not share: 16 hexadecimal digits of their SHA-256.
pub(super) fn of(parts: &[&[u8]]) -> String {
    of_parts(parts.iter().map(|&part| (part, [].as_slice())))
}

/// As [`of`], for many pairs of parts.
pub(super) fn of_parts<'a>(parts: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> String {
    let mut hash = Sha256::new();
    for (first, second) in parts {
        hash.update((first.len() as u64).to_le_bytes());
        hash.update(first);
        hash.update((second.len() as u64).to_le_bytes());
        hash.update(second);
    }
    hash.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A short name for a file as it is now: it changes with the file's place, size and time of writing.
pub(super) fn of_file(path: &Path) -> Result<String, DataError> {
    let fail = |error| FileError::new(error, path);
    let whole = std::fs::canonicalize(path).map_err(fail)?;
    let metadata = std::fs::metadata(&whole).map_err(fail)?;
    let written = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let written = written.map_or(0, |since| since.as_nanos());
    Ok(of(&[whole.as_os_str().as_encoded_bytes(), &metadata.len().to_le_bytes(), &written.to_le_bytes()]))
}
