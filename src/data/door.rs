//! What this room reads of other people's files and no function of it reads by itself, for tests/hostile alone.

use std::path::Path;

use super::pixels::{PixelFile, Wanted};
use super::{DataError, known, photos};
use crate::base::Pool;

/// Lists the folder or archive at `path` in the way of every set of photographs, and reads and prepares what each finds;
/// returns how many pictures could be, and what was wrong with the others. `pool` looks into the files.
///
/// # Errors
/// When there is no such folder or archive.
pub fn photographs(path: &Path, pool: &Pool) -> Result<(usize, Vec<DataError>), DataError> {
    photos::read_all(path, pool)
}

/// Takes the file at `path` for `pictures` prepared pictures of side `size`, and reads those that it holds.
///
/// # Errors
/// As for a set whose prepared pictures go away.
pub fn prepared_pictures(path: &Path, pictures: usize, size: usize) -> Result<(), DataError> {
    let wanted = Wanted { name: "", pictures, size, doing: "" };
    let Some(found) = PixelFile::find(path, &wanted) else { return Ok(()) };
    let mut picture = vec![0.0; 3 * size * size];
    (0..found.cached()).try_for_each(|index| found.read(index, &mut picture))
}

/// Takes the file at `path` for prepared pictures of so many channels and side `size`, with their factors, and reads those that
/// it holds.
///
/// # Errors
/// As for a set whose prepared pictures go away.
pub fn prepared_factors(path: &Path, channels: usize, size: usize) -> Result<(), DataError> {
    known::read_prepared(path, channels, size)
}
