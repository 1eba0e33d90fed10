//! Prepared pictures at one size: a derived file of raw pixels, read by position.

use std::io::Write;
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cache::{CacheFolder, EXTENSION, PositionalFile};
use super::{DataError, OpenOptions};
use crate::base::{FileError, Pool, write_atomic};

/// As many pictures as the cache holds, RGB with 8 bits a channel.
#[derive(Debug)]
pub(super) struct PixelFile {
    file: PositionalFile,
    size: usize,
    trailer: Trailer,
}

/// What a pixel file is to hold.
pub(super) struct Wanted<'a> {
    /// Its name in the cache, without the extension; it changes with anything that changes the pictures.
    pub(super) name: &'a str,
    /// Pictures in all.
    pub(super) pictures: usize,
    /// Their side in pixels.
    pub(super) size: usize,
    /// What is being done to get them, for instance `decoding pictures`.
    pub(super) doing: &'a str,
}

/// What the end of a pixel file says about it.
#[derive(Debug, Serialize, Deserialize)]
struct Trailer {
    /// Pictures whose pixels are in the file.
    cached: usize,
    /// Those that cannot be made.
    #[serde(flatten)]
    broken: Broken,
}

/// Pictures that cannot be made.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Broken {
    /// Their places among all pictures, rising.
    #[serde(rename = "broken")]
    pub(super) places: Vec<u32>,
    /// What is wrong with the first of them.
    #[serde(default)]
    examples: Vec<String>,
}

/// Broken pictures that are named; the others are counted.
const NAMED: usize = 5;

impl Broken {
    fn add(&mut self, place: u32, what: String) {
        self.places.push(place);
        if self.examples.len() < NAMED {
            self.examples.push(what);
        }
    }

    /// What to say of them, if there are any, among `pictures` in all.
    pub(super) fn sentence(&self, pictures: usize) -> Option<String> {
        left_out(self.places.len(), pictures, &self.examples)
    }
}

/// What to say of `broken` among `pictures` that cannot be read, of which some are named; `None` where there are none.
pub fn left_out(broken: usize, pictures: usize, named: &[String]) -> Option<String> {
    let named = &named[..named.len().min(NAMED)];
    let more = match broken - named.len().min(broken) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let colon = if named.is_empty() { "" } else { ": " };
    let sentence = format!(
        "{broken} of {pictures} pictures cannot be read and are left out{colon}{}{more}",
        named.join("; ")
    );
    (broken > 0).then_some(sentence)
}

/// Room for what the end of a pixel file says.
const TRAILER: u64 = 1 << 16;

/// The last eight bytes of a complete pixel file.
const MAGIC: &[u8; 8] = b"idganpix";

impl PixelFile {
    /// Finds the file in the cache, or writes it. `make` gives the pixels of a picture, rows from the top, three
    /// bytes each; where it returns [`DataError::Content`] the picture is left out and counted.
    pub(super) fn open(
        wanted: &Wanted<'_>,
        options: &OpenOptions,
        make: impl Fn(usize) -> Result<Vec<u8>, DataError> + Sync,
    ) -> Result<Self, DataError> {
        let name = format!("{}.{EXTENSION}", wanted.name);
        let cache = CacheFolder::open(options, &name)?;
        let path = cache.path_of(&name);
        let found = match Self::find(&path, wanted) {
            Some(found) if !found.could_hold_more(wanted, &cache) => found,
            Some(fewer) => match Self::prepare(&path, wanted, &cache, options, make) {
                // Full disks and folders that can only be read are no hindrance.
                Err(error @ DataError::Cache { .. }) => {
                    log::warn!(
                        "the prepared pictures are used as they are, {} of them: {error}",
                        fewer.cached()
                    );
                    fewer
                }
                prepared => prepared?,
            },
            None => Self::prepare(&path, wanted, &cache, options, make)?,
        };
        CacheFolder::touch(found.file.file());
        Ok(found)
    }

    /// Writes the file, unless another process has done so meanwhile.
    fn prepare(
        path: &Path,
        wanted: &Wanted<'_>,
        cache: &CacheFolder,
        options: &OpenOptions,
        make: impl Fn(usize) -> Result<Vec<u8>, DataError> + Sync,
    ) -> Result<Self, DataError> {
        let _lock = cache.lock(options).map_err(|error| cache.blame(error))?;
        if let Some(found) = Self::find(path, wanted).filter(|found| !found.could_hold_more(wanted, cache)) {
            return Ok(found);
        }
        write(wanted, cache, path, options, make).map_err(|error| cache.blame(error))?;
        Self::find(path, wanted).ok_or_else(|| DataError::Content {
            what: "the prepared pictures changed while they were written; try again".into(),
            path: path.to_owned(),
        })
    }

    /// Opens a pixel file if it is complete and fits.
    pub(super) fn find(path: &Path, wanted: &Wanted<'_>) -> Option<Self> {
        let file = PositionalFile::open(path).ok()?;
        let len = file.len().ok()?;
        let mut end = [0; 16];
        file.read_at(&mut end, len.checked_sub(16)?).ok()?;
        let (trailer_len, magic) = end.split_at(8);
        let trailer_len = u64::from_le_bytes(trailer_len.try_into().ok()?);
        let trailer_at = len.checked_sub(16)?.checked_sub(trailer_len)?;
        if magic != MAGIC || trailer_len > 1 << 24 {
            return None;
        }
        let mut trailer = vec![0; trailer_len as usize];
        file.read_at(&mut trailer, trailer_at).ok()?;
        let trailer: Trailer = serde_json::from_slice(&trailer).ok()?;
        let fits = trailer.cached <= wanted.pictures
            && trailer_at == (trailer.cached * record_bytes(wanted.size)) as u64
            && trailer.broken.places.is_sorted_by(|a, b| a < b)
            && trailer.broken.places.last().is_none_or(|&last| (last as usize) < wanted.pictures);
        fits.then_some(Self { file, size: wanted.size, trailer })
    }

    /// Whether pictures were left out for want of room, and the cache may hold notably more of them now.
    fn could_hold_more(&self, wanted: &Wanted<'_>, cache: &CacheFolder) -> bool {
        let all = wanted.pictures - self.trailer.broken.places.len();
        let most = (cache.limit().saturating_sub(TRAILER) / record_bytes(wanted.size) as u64).min(all as u64);
        most as usize > self.trailer.cached + self.trailer.cached / 10
    }

    /// Pictures in the file, those that could not be made left out; later ones have to be made each time.
    pub(super) fn cached(&self) -> usize {
        self.trailer.cached
    }

    /// The pictures that could not be made.
    pub(super) fn broken(&self) -> &Broken {
        &self.trailer.broken
    }

    /// Writes picture `index`, below [`PixelFile::cached`], into `out` `(3, size, size)`, values in [0, 1].
    pub(super) fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DataError> {
        let bytes = record_bytes(self.size);
        let mut pixels = vec![0; bytes];
        self.file.read_at(&mut pixels, (index * bytes) as u64)?;
        write_planes(&pixels, out);
        Ok(())
    }
}

/// Bytes of one picture in the pixel file.
fn record_bytes(size: usize) -> usize {
    3 * size * size
}

/// Writes pixels of three bytes into `out` `(3, height, width)`, values in [0, 1].
pub(super) fn write_planes(rgb: &[u8], out: &mut [f32]) {
    for (channel, plane) in out.chunks_exact_mut(rgb.len() / 3).enumerate() {
        for (value, pixel) in plane.iter_mut().zip(rgb.chunks_exact(3)) {
            *value = f32::from(pixel[channel]) / 255.0;
        }
    }
}

/// The inverse of [`write_planes`], rounding to the nearest of 256 values.
pub(super) fn from_planes(planes: &[f32]) -> Vec<u8> {
    let plane = planes.len() / 3;
    (0..plane)
        .flat_map(|at| [0, 1, 2].map(|channel| (planes[channel * plane + at] * 255.0).round() as u8))
        .collect()
}

/// Makes every picture once, in parallel, and writes as many as fit into the cache.
fn write(
    wanted: &Wanted<'_>,
    cache: &CacheFolder,
    path: &Path,
    options: &OpenOptions,
    make: impl Fn(usize) -> Result<Vec<u8>, DataError> + Sync,
) -> Result<(), DataError> {
    let (bytes, total) = (record_bytes(wanted.size), wanted.pictures);
    let room = cache.make_room(path, (total * bytes) as u64 + TRAILER).saturating_sub(TRAILER);
    let most = (room as usize / bytes).min(total);
    if most < total {
        log::warn!(
            "{most} of {total} pictures fit into the cache, the others are made anew each time; raise --cache-size to hold all"
        );
    }
    let pool = Pool::new("data-prepare", options.threads)
        .map_err(|error| FileError::new(error, "data-prepare threads"))?;
    // Enough at a time to keep every thread busy, little enough to hold in memory.
    let at_once = ((64 << 20) / bytes).clamp(options.threads, 512);
    write_atomic(path, |writer| {
        let mut trailer = Trailer { cached: 0, broken: Broken::default() };
        for start in (0..total).step_by(at_once) {
            options.step(wanted.doing, start as u64, total as u64)?;
            let part = start..(start + at_once).min(total);
            let prepared: Vec<_> = pool.run(|| part.clone().into_par_iter().map(&make).collect());
            for (place, pixels) in part.zip(prepared) {
                match pixels {
                    Ok(pixels) if trailer.cached < most => {
                        writer.write_all(&pixels).map_err(|error| FileError::new(error, path))?;
                        trailer.cached += 1;
                    }
                    Ok(_) => {}
                    Err(error) if total == 1 => return Err(error),
                    Err(DataError::Content { what, path }) => {
                        trailer.broken.add(place as u32, format!("{what}: {}", path.display()));
                    }
                    // A store that cannot be read any more is no matter of one picture.
                    Err(error) => return Err(error),
                }
            }
            let broken = trailer.broken.places.len();
            if broken * 100 > total {
                let first = trailer.broken.examples.into_iter().next().unwrap_or_default();
                return Err(DataError::Broken { broken, total, first });
            }
        }
        options.step(wanted.doing, total as u64, total as u64)?;
        let trailer = serde_json::to_vec(&trailer).unwrap_or_default();
        let fail = |error| DataError::from(FileError::new(error, path));
        writer.write_all(&trailer).map_err(fail)?;
        writer.write_all(&(trailer.len() as u64).to_le_bytes()).map_err(fail)?;
        writer.write_all(MAGIC).map_err(fail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_and_bytes_are_inverse() {
        let bytes: Vec<u8> = (0..=254).collect();
        let mut planes = vec![0.0; 255];
        write_planes(&bytes, &mut planes);
        assert_eq!((planes[0], planes[85], planes[1]), (0.0, 1.0 / 255.0, 3.0 / 255.0));
        assert_eq!(from_planes(&planes), bytes);
    }

    #[test]
    fn a_file_that_does_not_fit_is_written_again() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let options =
            OpenOptions { cache_dir: folder.path().to_owned(), threads: 1, ..OpenOptions::default() };
        let wanted = |pictures| Wanted { name: "few", pictures, size: 8, doing: "making" };
        let make = |value: u8| move |index: usize| Ok(vec![value + index as u8; 192]);
        let first = |file: &PixelFile, index: usize| {
            let mut out = vec![0.0; 192];
            file.read(index, &mut out).expect("reads");
            (out[0] * 255.0).round() as u8
        };
        let file = PixelFile::open(&wanted(3), &options, make(10)).expect("writes");
        assert_eq!((file.cached(), first(&file, 2)), (3, 12));
        let again = PixelFile::open(&wanted(3), &options, make(20)).expect("finds");
        assert_eq!(first(&again, 2), 12, "found, not made");
        let path = folder.path().join(format!("few.{EXTENSION}"));
        let whole = std::fs::read(&path).expect("reads");
        std::fs::write(&path, &whole[..whole.len() - 1]).expect("cuts");
        let file = PixelFile::open(&wanted(3), &options, make(30)).expect("writes");
        assert_eq!(first(&file, 2), 32);
        let small = OpenOptions { cache_bytes: (1 << 16) + 400, ..options };
        std::fs::remove_file(&path).expect("removes");
        let file = PixelFile::open(&wanted(3), &small, make(40)).expect("writes what fits");
        assert_eq!(file.cached(), 2);
        let file = PixelFile::open(&wanted(3), &small, make(50)).expect("finds");
        assert_eq!((file.cached(), first(&file, 1)), (2, 41), "more would not fit");
        let large = OpenOptions { cache_bytes: 1 << 20, ..small };
        let gone = |_| {
            let FileError { kind, path } = FileError::new(std::io::ErrorKind::StorageFull.into(), "disk");
            Err(DataError::Cache { kind, path })
        };
        let file = PixelFile::open(&wanted(3), &large, gone).expect("goes on with what there is");
        assert_eq!((file.cached(), first(&file, 1)), (2, 41));
        let file = PixelFile::open(&wanted(3), &large, make(60)).expect("writes all");
        assert_eq!((file.cached(), first(&file, 2)), (3, 62), "the cache has grown");
    }
}
