//! The pictures of a set and what is known of them, in one derived file that is read by position.

use std::io::Write;
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::source::{Block, Source};
use crate::base::{FileError, Pool, write_atomic};
use crate::data::cache::{CacheFolder, EXTENSION, PositionalFile};
use crate::data::factor_table::KnownFactors;
use crate::data::{DataError, Factor, OpenOptions};

/// The last eight bytes of a complete file.
const MAGIC: &[u8; 8] = b"idganfac";

/// The most bytes that the end of a file says of its factors.
const MOST_TRAILER: u64 = 1 << 24;

/// Square pictures of 8 bits a channel, rows from the top, and the factors of each.
#[derive(Debug)]
pub(super) struct PreparedFile {
    file: PositionalFile,
    /// Bytes of a picture.
    picture: usize,
    pictures: usize,
}

/// What the end of a file says of it.
#[derive(Serialize, Deserialize)]
struct Trailer {
    channels: usize,
    size: usize,
    pictures: usize,
    factors: Vec<Factor>,
}

/// What a file is to hold.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Its name in the cache, without the extension; it changes with anything that changes the pictures.
    pub(super) name: &'a str,
    pub(super) channels: usize,
    /// Side of the pictures in pixels.
    pub(super) size: usize,
}

impl Wanted<'_> {
    fn picture(&self) -> usize {
        self.channels * self.size * self.size
    }
}

impl PreparedFile {
    /// Finds the file in the cache, or writes it from the pictures that `source` opens.
    ///
    /// What a preparation that was stopped or killed has left is never taken for a file: it has another name until it is
    /// whole.
    pub(super) fn open<S: Source>(
        wanted: Wanted<'_>,
        options: &OpenOptions,
        source: impl FnOnce() -> Result<S, DataError>,
    ) -> Result<(Self, KnownFactors), DataError> {
        let name = format!("{}.{EXTENSION}", wanted.name);
        let cache = CacheFolder::open(options, &name)?;
        let path = cache.path_of(&name);
        let found = match Self::find(&path, wanted) {
            Some(found) => found,
            None => {
                let _lock = cache.lock(options).map_err(|error| cache.blame(error))?;
                match Self::find(&path, wanted) {
                    Some(found) => found,
                    None => Self::prepare(&path, wanted, &cache, options, &source()?)?,
                }
            }
        };
        CacheFolder::touch(found.0.file.file());
        Ok(found)
    }

    fn prepare(
        path: &Path,
        wanted: Wanted<'_>,
        cache: &CacheFolder,
        options: &OpenOptions,
        source: &impl Source,
    ) -> Result<(Self, KnownFactors), DataError> {
        let known = source.known()?;
        let pictures = source.pictures();
        let bytes = pictures as u64 * (wanted.picture() + 2 * known.factors.len()) as u64 + (1 << 16);
        if cache.make_room(path, bytes) < bytes {
            return Err(DataError::Spec(format!(
                "the prepared pictures take {bytes} bytes, more than the cache may hold; raise --cache-size"
            )));
        }
        write(path, wanted, &known, options, source).map_err(|error| cache.blame(error))?;
        Self::find(path, wanted).ok_or_else(|| DataError::Content {
            what: "the prepared pictures changed while they were written; try again".into(),
            path: path.to_owned(),
        })
    }

    /// Opens a file if it is complete and fits.
    pub(super) fn find(path: &Path, wanted: Wanted<'_>) -> Option<(Self, KnownFactors)> {
        let file = PositionalFile::open(path).ok()?;
        let len = file.len().ok()?;
        let mut end = [0; 16];
        file.read_at(&mut end, len.checked_sub(16)?).ok()?;
        let (trailer_len, magic) = end.split_at(8);
        let trailer_len = u64::from_le_bytes(trailer_len.try_into().ok()?);
        let trailer_at = len.checked_sub(16)?.checked_sub(trailer_len)?;
        if magic != MAGIC || trailer_len > MOST_TRAILER {
            return None;
        }
        let mut trailer = vec![0; trailer_len as usize];
        file.read_at(&mut trailer, trailer_at).ok()?;
        let Trailer { channels, size, pictures, factors } = serde_json::from_slice(&trailer).ok()?;
        let (picture, width) = (wanted.picture() as u64, 2 * factors.len() as u64);
        let classes_at = (pictures as u64).checked_mul(picture)?;
        let fits = (channels, size) == (wanted.channels, wanted.size)
            && pictures > 0
            && !factors.is_empty()
            && classes_at.checked_add((pictures as u64).checked_mul(width)?) == Some(trailer_at);
        if !fits {
            return None;
        }
        let mut bytes = vec![0; (trailer_at - classes_at) as usize];
        file.read_at(&mut bytes, classes_at).ok()?;
        let classes: Vec<u16> =
            bytes.chunks_exact(2).map(|class| u16::from_le_bytes([class[0], class[1]])).collect();
        let is_known = |row: &[u16]| {
            row.iter().zip(&factors).all(|(&class, factor)| usize::from(class) < factor.values.len())
        };
        if !classes.chunks_exact(factors.len()).all(is_known) {
            return None;
        }
        Some((Self { file, picture: picture as usize, pictures }, KnownFactors { factors, classes }))
    }

    /// The number of pictures.
    pub(super) fn pictures(&self) -> usize {
        self.pictures
    }

    /// The bytes of a picture.
    pub(super) fn read(&self, picture: usize) -> Result<Vec<u8>, DataError> {
        let mut bytes = vec![0; self.picture];
        self.file.read_at(&mut bytes, (picture * self.picture) as u64)?;
        Ok(bytes)
    }
}

/// Takes the file at `path` for prepared pictures, and reads those that it holds.
pub(in crate::data) fn read_prepared(path: &Path, channels: usize, size: usize) -> Result<(), DataError> {
    let Some((file, _)) = PreparedFile::find(path, Wanted { name: "", channels, size }) else {
        return Ok(());
    };
    (0..file.pictures()).try_for_each(|picture| file.read(picture).map(drop))
}

/// Writes all pictures of `source`, scaled, and what is known of them.
fn write(
    path: &Path,
    wanted: Wanted<'_>,
    known: &KnownFactors,
    options: &OpenOptions,
    source: &impl Source,
) -> Result<(), DataError> {
    let pool = Pool::new("data-prepare", options.threads)
        .map_err(|error| FileError::new(error, "data-prepare threads"))?;
    let total = source.pictures();
    write_atomic(path, |writer| {
        let fail = |error| DataError::from(FileError::new(error, path));
        let mut done = 0;
        options.step(DOING, 0, total as u64)?;
        source.stream(&pool, &mut |block: Block<'_>| {
            let own = wanted.channels * block.side * block.side;
            if block.side == wanted.size {
                writer.write_all(block.pixels).map_err(fail)?;
            } else {
                let pictures = block.pixels.par_chunks_exact(own);
                let scaled: Vec<Vec<u8>> = pool.run(|| {
                    pictures.map(|pixels| block.scaled(pixels, wanted.channels, wanted.size)).collect()
                });
                scaled.iter().try_for_each(|pixels| writer.write_all(pixels)).map_err(fail)?;
            }
            done += block.pixels.len() / own;
            options.step(DOING, done.min(total) as u64, total as u64)
        })?;
        let trailer = Trailer {
            channels: wanted.channels,
            size: wanted.size,
            pictures: total,
            factors: known.factors.clone(),
        };
        let trailer = serde_json::to_vec(&trailer).unwrap_or_default();
        let classes: Vec<u8> = known.classes.iter().flat_map(|class| class.to_le_bytes()).collect();
        let len = (trailer.len() as u64).to_le_bytes();
        [&classes, &trailer, &len[..], MAGIC]
            .into_iter()
            .try_for_each(|part| writer.write_all(part))
            .map_err(fail)
    })
}

/// What a preparation is called while it goes on.
const DOING: &str = "preparing pictures";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Cancel;

    /// Four pictures of 8 pixels, of which one is all that its number says.
    struct Four {
        breaks: bool,
    }

    impl Source for Four {
        fn pictures(&self) -> usize {
            4
        }

        fn known(&self) -> Result<KnownFactors, DataError> {
            Ok(KnownFactors::all(vec![
                Factor::of_values("a", vec![0.5, 0.75]),
                Factor::of_names("b", &["one", "two"]),
            ]))
        }

        fn stream(
            &self,
            _pool: &Pool,
            each: &mut dyn FnMut(Block<'_>) -> Result<(), DataError>,
        ) -> Result<(), DataError> {
            for picture in 0..4 {
                if picture == 3 && self.breaks {
                    return Err(DataError::Spec("broken".into()));
                }
                each(Block { pixels: &[picture * 10; 64], side: 8 })?;
            }
            Ok(())
        }
    }

    fn options(folder: &Path) -> OpenOptions {
        OpenOptions { cache_dir: folder.to_owned(), threads: 1, ..OpenOptions::default() }
    }

    const WANTED: Wanted<'_> = Wanted { name: "four", channels: 1, size: 8 };

    #[test]
    fn what_is_prepared_is_found_again_and_cut_files_are_not() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let options = options(folder.path());
        let open = || PreparedFile::open(WANTED, &options, || Ok(Four { breaks: false }));
        let (file, known) = open().expect("prepares");
        assert_eq!((file.pictures(), file.read(2).expect("reads")), (4, vec![20; 64]));
        let none = || -> Result<Four, DataError> { Err(DataError::Spec("asked again".into())) };
        let (_, again) = PreparedFile::open(WANTED, &options, none).expect("finds");
        assert_eq!(again, known);
        let path = folder.path().join(format!("four.{EXTENSION}"));
        let whole = std::fs::read(&path).expect("reads");
        for len in 0..whole.len() {
            std::fs::write(&path, &whole[..len]).expect("cuts");
            assert!(PreparedFile::find(&path, WANTED).is_none(), "cut to {len}");
        }
        let mut other = whole.clone();
        other[256] = 9;
        std::fs::write(&path, &other).expect("writes");
        assert!(PreparedFile::find(&path, WANTED).is_none(), "a class that there is not");
        assert_eq!(open().expect("prepares again").1, known);
    }

    #[test]
    fn a_preparation_that_fails_or_is_stopped_leaves_nothing() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let left = || {
            let names = std::fs::read_dir(folder.path())
                .expect("lists")
                .map(|entry| entry.expect("an entry").file_name());
            names.filter(|name| name != ".cache-lock").count()
        };
        let options = options(folder.path());
        let broken = PreparedFile::open(WANTED, &options, || Ok(Four { breaks: true }));
        assert!(matches!(broken, Err(DataError::Spec(_))) && left() == 0);
        let stopped = OpenOptions { cancel: Cancel::new(), ..options.clone() };
        stopped.cancel.cancel();
        let stopped = PreparedFile::open(WANTED, &stopped, || Ok(Four { breaks: false }));
        assert!(matches!(stopped, Err(DataError::Cancelled)) && left() == 0);
        let small = OpenOptions { cache_bytes: 100, ..options };
        let error = PreparedFile::open(WANTED, &small, || Ok(Four { breaks: false })).expect_err("too small");
        assert!(error.to_string().contains("raise --cache-size"), "{error}");
    }
}
