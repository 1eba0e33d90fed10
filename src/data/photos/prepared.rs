use std::io::Write;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::decode::{self, Photo};
use super::store::{Entry, Store};
use crate::base::{FileError, Pool, write_atomic};
use crate::data::cache::{CacheFolder, EXTENSION, PositionalFile};
use crate::data::{DataError, OpenOptions, fingerprint};

/// The part of a picture that is used, before it is scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Crop {
    /// The largest square in the middle.
    Square,
    /// A square of this many pixels in the middle, or what there is of it.
    Middle(usize),
    /// A box: left, top, right and bottom, the last two not included.
    Box(usize, usize, usize, usize),
}

impl Crop {
    /// Cuts the part out and scales it to `size` x `size`.
    fn apply(self, photo: &Photo, size: usize) -> Result<Photo, String> {
        let part = match self {
            Self::Square => {
                let side = photo.width().min(photo.height());
                photo.crop_middle(side, side)
            }
            Self::Middle(side) => photo.crop_middle(side, side),
            Self::Box(left, top, right, bottom) => {
                let (right, bottom) = (right.min(photo.width()), bottom.min(photo.height()));
                if left >= right || top >= bottom {
                    return Err("its annotated box lies outside the picture".into());
                }
                photo.crop(left, top, right - left, bottom - top)
            }
        };
        if part.width() == 0 || part.height() == 0 {
            return Err("the picture has no pixels".into());
        }
        Ok(part.scale(size, size))
    }
}

/// The pictures of a store, each decoded, cropped and scaled, as many as the cache holds in a file of raw
/// pixels that is read by position.
#[derive(Debug)]
pub(super) struct Prepared {
    store: Store,
    /// The pictures' places in the store and what is cut from them, broken ones left out.
    pictures: Vec<(u32, Crop)>,
    size: usize,
    pixels: PositionalFile,
    /// Pictures in the pixel file; later ones are decoded anew each time.
    cached: usize,
    broken: usize,
}

/// What the end of a pixel file says about it.
#[derive(Debug, Serialize, Deserialize)]
struct Trailer {
    /// Pictures whose pixels are in the file.
    cached: usize,
    /// Places among all pictures of those that cannot be decoded, rising.
    broken: Vec<u32>,
}

/// The last eight bytes of a complete pixel file.
const MAGIC: &[u8; 8] = b"idganpix";

impl Prepared {
    /// Prepares `pictures` (their place in `store`, and the crop) at `size`, or finds them prepared already.
    pub(super) fn open(
        store: Store,
        pictures: Vec<(u32, Crop)>,
        size: usize,
        options: &OpenOptions,
    ) -> Result<Self, DataError> {
        if pictures.is_empty() {
            return Err(DataError::Content {
                what: "no pictures here".into(),
                path: store.path().to_owned(),
            });
        }
        let crops = serde_json::to_vec(&pictures).unwrap_or_default();
        let whole = std::fs::canonicalize(store.path()).unwrap_or_else(|_| store.path().to_owned());
        let key = fingerprint::of(&[
            whole.as_os_str().as_encoded_bytes(),
            store.fingerprint().as_bytes(),
            &crops,
            &size.to_le_bytes(),
        ]);
        let cache = CacheFolder::open(options)?;
        let path = cache.path_of(&format!("photos-{size}-{key}.{EXTENSION}"));
        let (pixels, trailer) = match open_pixels(&path, pictures.len(), size) {
            Some(found) => found,
            None => {
                write_pixels(&store, &pictures, size, &cache, &path, options)?;
                open_pixels(&path, pictures.len(), size).ok_or_else(|| DataError::Content {
                    what: "the prepared pictures changed while they were written; try again".into(),
                    path: path.clone(),
                })?
            }
        };
        CacheFolder::touch(pixels.file());
        let broken = trailer.broken.len();
        let pictures = without(pictures, &trailer.broken);
        Ok(Self { store, pictures, size, pixels, cached: trailer.cached, broken })
    }

    /// The number of pictures, broken ones left out.
    pub(super) fn len(&self) -> usize {
        self.pictures.len()
    }

    /// Whether no picture has to be decoded any more.
    pub(super) fn is_all_cached(&self) -> bool {
        self.cached == self.pictures.len()
    }

    /// The number of pictures that could not be decoded.
    pub(super) fn broken(&self) -> usize {
        self.broken
    }

    /// Writes picture `index` into `out` `(3, size, size)`, values in [0, 1].
    pub(super) fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DataError> {
        let bytes = record_bytes(self.size);
        if index < self.cached {
            let mut pixels = vec![0; bytes];
            self.pixels.read_at(&mut pixels, (index * bytes) as u64)?;
            decode::write_planes(&pixels, out);
            return Ok(());
        }
        let (entry, crop) = self.pictures[index];
        let entry = &self.store.entries()[entry as usize];
        prepare(&self.store, entry, crop, self.size)?.write_planes(out);
        Ok(())
    }
}

/// Bytes of one picture in the pixel file.
fn record_bytes(size: usize) -> usize {
    3 * size * size
}

fn prepare(store: &Store, entry: &Entry, crop: Crop, size: usize) -> Result<Photo, DataError> {
    let bytes = store.read(entry)?;
    let photo = decode::bytes(&bytes).and_then(|photo| crop.apply(&photo, size));
    photo.map_err(|what| DataError::Content { what, path: store.path_of(entry) })
}

/// Removes the elements at `places`, which rise.
fn without<T>(all: Vec<T>, places: &[u32]) -> Vec<T> {
    let mut places = places.iter().copied().peekable();
    let keep = |at: usize| places.next_if_eq(&(at as u32)).is_none();
    all.into_iter()
        .enumerate()
        .scan(keep, |keep, (at, item)| Some(keep(at).then_some(item)))
        .flatten()
        .collect()
}

/// Opens a pixel file if it is complete and fits.
fn open_pixels(path: &Path, pictures: usize, size: usize) -> Option<(PositionalFile, Trailer)> {
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
    let fits = trailer.cached <= pictures
        && trailer_at == (trailer.cached * record_bytes(size)) as u64
        && trailer.broken.is_sorted_by(|a, b| a < b)
        && trailer.broken.last().is_none_or(|&last| (last as usize) < pictures);
    fits.then_some((file, trailer))
}

/// Decodes every picture once, in parallel, and writes as many as fit into the cache.
fn write_pixels(
    store: &Store,
    pictures: &[(u32, Crop)],
    size: usize,
    cache: &CacheFolder,
    path: &PathBuf,
    options: &OpenOptions,
) -> Result<(), DataError> {
    let bytes = record_bytes(size);
    let room = cache.make_room((pictures.len() * bytes + (1 << 16)) as u64).saturating_sub(1 << 16);
    let most = (room as usize / bytes).min(pictures.len());
    if most < pictures.len() {
        log::warn!(
            "{} of {} pictures fit into the cache, the others are decoded each time; raise --cache-size to hold all",
            most,
            pictures.len()
        );
    }
    let pool = Pool::new("data-decode", options.threads)
        .map_err(|error| FileError::new(error, "data-decode threads"))?;
    // Enough at a time to keep every thread busy, little enough to hold in memory.
    let at_once = ((64 << 20) / bytes).clamp(options.threads, 512);
    write_atomic(path, |writer| {
        let mut trailer = Trailer { cached: 0, broken: Vec::new() };
        let mut first_failure = String::new();
        for (chunk, part) in pictures.chunks(at_once).enumerate() {
            options.step("decoding pictures", (chunk * at_once) as u64, pictures.len() as u64)?;
            let photos: Vec<Result<Photo, DataError>> = pool.run(|| {
                let one = |&(entry, crop): &(u32, Crop)| {
                    prepare(store, &store.entries()[entry as usize], crop, size)
                };
                part.par_iter().map(one).collect()
            });
            for (at, photo) in photos.into_iter().enumerate() {
                match photo {
                    Ok(photo) if trailer.cached < most => {
                        writer.write_all(photo.rgb()).map_err(|error| FileError::new(error, path))?;
                        trailer.cached += 1;
                    }
                    Ok(_) => {}
                    Err(DataError::Content { what, path }) => {
                        let failure = format!("{what}: {}", path.display());
                        log::warn!("skipped a picture: {failure}");
                        trailer.broken.push((chunk * at_once + at) as u32);
                        if first_failure.is_empty() {
                            first_failure = failure;
                        }
                    }
                    // A store that cannot be read any more is no matter of one picture.
                    Err(error) => return Err(error),
                }
            }
            if trailer.broken.len() * 100 > pictures.len() {
                let (broken, total) = (trailer.broken.len(), pictures.len());
                return Err(DataError::Broken { broken, total, first: first_failure });
            }
        }
        options.step("decoding pictures", pictures.len() as u64, pictures.len() as u64)?;
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
    fn leaving_out_places_keeps_the_rest_in_order() {
        assert_eq!(without(vec!['a', 'b', 'c', 'd'], &[0, 2]), ['b', 'd']);
        assert_eq!(without(vec!['a', 'b'], &[]), ['a', 'b']);
        assert_eq!(without(vec!['a', 'b'], &[0, 1]), [' '; 0]);
    }
}
