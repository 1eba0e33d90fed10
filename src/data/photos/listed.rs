use std::fs::File;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::{FileError, Pool, write_atomic};
use crate::data::cache::{CacheFolder, LISTING};
use crate::data::store::{PassedOver, Store};
use crate::data::{DataError, OpenOptions, fingerprint};

/// Counted up whenever other files are taken for pictures than before, so that what was found earlier is not taken.
const VERSION: u32 = 1;

/// What looking into every file of a store has shown.
#[derive(Serialize, Deserialize)]
struct Found {
    /// The number of files, against files that do not belong to the store.
    files: usize,
    /// Places of those that are no pictures, rising.
    others: Vec<u32>,
    passed: PassedOver,
}

/// The places of the pictures of a store, and all that was passed over. Looking into hundreds of thousands of files takes
/// a while, so it is done once and what it showed is kept in the cache.
pub(super) fn pictures(store: &Store, options: &OpenOptions) -> Result<(Vec<u32>, PassedOver), DataError> {
    let whole = std::fs::canonicalize(store.path()).unwrap_or_else(|_| store.path().to_owned());
    let key = fingerprint::of(&[
        whole.as_os_str().as_encoded_bytes(),
        store.fingerprint().as_bytes(),
        &VERSION.to_le_bytes(),
    ]);
    let name = format!("listing-{key}.{LISTING}");
    // A folder that cannot be used is no hindrance yet: prepared pictures may be there, and say so if not.
    let cache = CacheFolder::open(options, &name).ok();
    let kept = cache.as_ref().and_then(|cache| kept(&cache.path_of(&name)));
    let all = 0..store.entries().len() as u32;
    if let Some(found) = kept.filter(|found| found.files == store.entries().len()) {
        let pictures = without(all, &found.others);
        return Ok((pictures, found.passed.and(store.passed_over())));
    }
    let pool = Pool::new("data-listing", options.threads)
        .map_err(|error| FileError::new(error, "data-listing threads"))?;
    let (pictures, passed) = store.pictures(&pool)?;
    let found = Found { files: store.entries().len(), others: without(all, &pictures), passed };
    // What could not be read may be readable soon.
    let keeps = cache.filter(|_| found.passed.denied == 0);
    if let Some(Err(error)) = keeps.map(|cache| keep(&found, &cache.path_of(&name), &cache)) {
        log::debug!("the listing is not kept: {error}"); // it is made again next time
    }
    Ok((pictures, found.passed.and(store.passed_over())))
}

/// `all` but for `some` of them; both rise.
fn without(all: std::ops::Range<u32>, some: &[u32]) -> Vec<u32> {
    let mut some = some.iter().copied().peekable();
    all.filter(|place| some.next_if_eq(place).is_none()).collect()
}

fn kept(path: &Path) -> Option<Found> {
    let found = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    CacheFolder::touch(&File::open(path).ok()?);
    Some(found)
}

fn keep(found: &Found, path: &Path, cache: &CacheFolder) -> Result<(), FileError> {
    let bytes = serde_json::to_vec(found).map_err(|error| FileError::new(error.into(), path))?;
    if cache.make_room(path, bytes.len() as u64) < bytes.len() as u64 {
        return Ok(()); // in so small a cache there is no place for it
    }
    write_atomic(path, |writer| writer.write_all(&bytes).map_err(|error| FileError::new(error, path)))
}
