use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::{Duration, SystemTime};

use super::{DataError, OpenOptions};
use crate::base::{FileError, TEMPORARY_PREFIX, cache_folder, make_writable, spare_folder};

/// The folder of derived files, kept below a size by deleting what was longest unused.
pub(super) struct CacheFolder {
    path: PathBuf,
    limit: u64,
}

impl CacheFolder {
    /// Opens the folder, making it when it is not there, to find or make the derived file `name` in it.
    ///
    /// Where the user's own folder neither holds that file nor can be written, a temporary folder is opened instead. A
    /// folder that somebody has named is used, or refused.
    pub(super) fn open(options: &OpenOptions, name: &str) -> Result<Self, DataError> {
        let named = &options.cache_dir;
        let at = |path: &Path| Self { path: path.to_owned(), limit: options.cache_bytes };
        if named.join(name).exists() {
            return Ok(at(named));
        }
        let Err(error) = make_writable(named) else { return Ok(at(named)) };
        let spare = spare_folder("cache");
        if cache_folder().as_ref() != Some(named) || make_writable(&spare).is_err() {
            return Err(DataError::Cache { kind: error.kind, path: error.path });
        }
        static TOLD: Once = Once::new();
        TOLD.call_once(|| {
            log::warn!(
                "pictures are prepared in {}, because nothing can be written into your cache folder; --cache DIR names \
                 another: {error}",
                spare.display()
            );
        });
        Ok(at(&spare))
    }

    /// `error`, where it is about a file in this folder as one that says how to choose another.
    pub(super) fn blame(&self, error: DataError) -> DataError {
        match error {
            DataError::File(FileError { kind, path }) if path.starts_with(&self.path) => {
                DataError::Cache { kind, path }
            }
            other => other,
        }
    }

    /// Where the derived file `name` lies, whether or not it exists.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes room for a new file of `wanted` bytes at `path` and returns how many it may have: less than `wanted` only
    /// when the folder's limit is lower than that. What lies at `path` stays until the new file replaces it.
    ///
    /// Files that are open elsewhere stay readable there after they are deleted (on Windows they are kept).
    pub(super) fn make_room(&self, path: &Path, wanted: u64) -> u64 {
        let wanted = wanted.min(self.limit);
        let mut files = self.files();
        files.retain(|file| file.path != path);
        let mut used: u64 = files.iter().map(|file| file.bytes).sum();
        files.sort_by_key(|file| file.used);
        for file in files {
            if used + wanted <= self.limit {
                break;
            }
            if std::fs::remove_file(&file.path).is_ok() {
                log::info!("removed {} from the cache to make room", file.path.display());
                used -= file.bytes;
            }
        }
        wanted.min(self.limit.saturating_sub(used))
    }

    /// Waits until no other process makes a derived file, and keeps others from it while the result is held. So no
    /// two make the same file, and the folder's limit holds for all of them together.
    pub(super) fn lock(&self, options: &OpenOptions) -> Result<Option<File>, DataError> {
        let path = self.path.join(LOCK);
        let opened = File::options().create(true).truncate(false).write(true).open(&path);
        let lock = match opened {
            Ok(lock) => lock,
            // Another user's: to be locked it need not be written.
            Err(error) => File::open(&path).map_err(|_| FileError::new(error, &self.path))?,
        };
        let mut is_told = false;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if options.cancel.is_cancelled() => {
                    return Err(DataError::Cancelled);
                }
                Err(TryLockError::WouldBlock) => {
                    if !std::mem::replace(&mut is_told, true) {
                        log::warn!(
                            "another run prepares its pictures in this folder; waiting for it: {}",
                            self.path.display()
                        );
                    }
                    std::thread::sleep(LOOK_AGAIN);
                }
                // Some network file systems cannot lock: what is made twice is made alike.
                Err(TryLockError::Error(_)) => return Ok(None),
            }
        }
        // Nobody prepares pictures now: these were left by processes that were killed.
        let is_abandoned = |file: &&CachedFile| {
            is_half_written(&file.path) && file.used.elapsed().is_ok_and(|age| age > ABANDONED)
        };
        for file in self.files().iter().filter(is_abandoned) {
            let _ = std::fs::remove_file(&file.path); // what cannot be removed only takes space
        }
        Ok(Some(lock))
    }

    /// Bytes that a file may have if all other files of the folder go.
    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// Marks a derived file as just used.
    pub(super) fn touch(file: &File) {
        // A read-only cache works too; only the order of deletion suffers.
        let _ = file.set_modified(SystemTime::now());
    }

    /// The derived files in the folder; foreign files are left alone and not counted.
    fn files(&self) -> Vec<CachedFile> {
        let Ok(entries) = std::fs::read_dir(&self.path) else { return Vec::new() };
        // What a killed program left half written counts too.
        let own = |path: &Path| {
            path.extension().is_some_and(|extension| extension == EXTENSION || extension == LISTING)
                || is_half_written(path)
        };
        entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let metadata = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
                own(&path).then_some(CachedFile {
                    bytes: metadata.len(),
                    used: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                    path,
                })
            })
            .collect()
    }
}

fn is_half_written(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(TEMPORARY_PREFIX))
}

/// The file whose lock is held by whoever makes a derived file.
///
/// Not the `.lock` of a run folder: people may give one folder as both.
const LOCK: &str = ".cache-lock";
/// How long nobody has written to a half-written file that is taken for a killed process's.
const ABANDONED: Duration = Duration::from_secs(60);
/// How long to wait before trying the lock again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What derived files are called, so that nothing else is ever deleted.
pub(super) const EXTENSION: &str = "idgan-cache";
/// The same of what looking into the files of a folder has shown.
pub(super) const LISTING: &str = "idgan-listing";

struct CachedFile {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

/// A file that many threads read at many places at once.
#[derive(Debug)]
pub(super) struct PositionalFile {
    file: File,
    path: PathBuf,
}

impl PositionalFile {
    /// Opens a file for reading.
    pub(super) fn open(path: &Path) -> Result<Self, FileError> {
        let file = File::open(path).map_err(|error| FileError::new(error, path))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// The file's length in bytes.
    pub(super) fn len(&self) -> Result<u64, FileError> {
        Ok(self.file.metadata().map_err(|error| FileError::new(error, &self.path))?.len())
    }

    /// The open file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Fills `bytes` from `offset` on.
    pub(super) fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<(), DataError> {
        read_exact_at(&self.file, bytes, offset).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => DataError::Content {
                what: "the file was cut short while it was in use; restore it and open the data set again"
                    .into(),
                path: self.path.clone(),
            },
            _ => FileError::new(error, &self.path).into(),
        })
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[read..];
        offset += read as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileErrorKind;

    #[test]
    fn the_longest_unused_files_go_first_and_foreign_files_stay() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let options =
            OpenOptions { cache_dir: folder.path().to_owned(), cache_bytes: 100, ..OpenOptions::default() };
        let cache = CacheFolder::open(&options, "new").expect("opens");
        std::fs::write(folder.path().join("notes.txt"), [0; 500]).expect("writes");
        for (name, age) in [("old", 300), ("older", 400), ("new", 10)] {
            let path = cache.path_of(&format!("{name}.{EXTENSION}"));
            std::fs::write(&path, [0; 30]).expect("writes");
            let file = File::options().write(true).open(&path).expect("opens");
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).expect("sets the time");
        }
        let new = cache.path_of("newest");
        assert_eq!(cache.make_room(&new, 10), 10);
        assert_eq!(cache.files().len(), 3);
        assert_eq!(cache.make_room(&new, 40), 40);
        let mut left: Vec<_> = cache.files().into_iter().map(|file| file.path).collect();
        left.sort();
        assert_eq!(left, ["new", "old"].map(|name| cache.path_of(&format!("{name}.{EXTENSION}"))));
        assert_eq!(cache.make_room(&new, 1000), 100);
        assert!(folder.path().join("notes.txt").exists());
    }

    #[test]
    fn a_named_folder_that_cannot_be_used_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = folder.path().join("file");
        std::fs::write(&file, b"").expect("writes");
        let options = OpenOptions { cache_dir: file.join("cache"), ..OpenOptions::default() };
        let error = CacheFolder::open(&options, "new").map(drop).expect_err("refused").to_string();
        assert!(error.contains("--cache DIR") && error.ends_with("file/cache"), "{error}");
        let cache = CacheFolder { path: folder.path().to_owned(), limit: 1 };
        let full = |path: PathBuf| DataError::File(FileError { kind: FileErrorKind::Full, path });
        let error = cache.blame(full(cache.path_of("pictures"))).to_string();
        assert!(error.contains("no space left") && error.contains("--cache DIR"), "{error}");
        assert!(matches!(cache.blame(full("elsewhere".into())), DataError::File(_)));
    }

    #[test]
    fn one_makes_files_at_a_time_and_clears_up_what_was_left_half_written() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let options = OpenOptions { cache_dir: folder.path().to_owned(), ..OpenOptions::default() };
        let cache = CacheFolder::open(&options, "new").expect("opens");
        let left = folder.path().join(".idgan-left");
        let leave = || {
            let file = File::create(&left).expect("creates");
            file.set_modified(SystemTime::now() - 2 * ABANDONED).expect("sets the time");
        };
        leave();
        let fresh = folder.path().join(".idgan-fresh");
        std::fs::write(&fresh, [0; 30]).expect("writes");
        let held = cache.lock(&options).expect("nobody else");
        assert!(held.is_some() && !left.exists() && fresh.exists());
        leave();
        let cancelled = OpenOptions { cancel: crate::base::Cancel::new(), ..options.clone() };
        cancelled.cancel.cancel();
        assert!(matches!(cache.lock(&cancelled), Err(DataError::Cancelled)), "held by another");
        assert!(left.exists(), "it may be what the other is writing");
        let waiting = std::thread::scope(|scope| {
            let waiting =
                scope.spawn(|| CacheFolder::open(&options, "new").and_then(|cache| cache.lock(&options)));
            std::thread::sleep(Duration::from_millis(50));
            assert!(!waiting.is_finished());
            drop(held);
            waiting.join().expect("no panic")
        });
        assert!(waiting.is_ok_and(|lock| lock.is_some()) && !left.exists());
    }

    #[test]
    fn a_file_cut_short_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("short");
        std::fs::write(&path, [7; 10]).expect("writes");
        let file = PositionalFile::open(&path).expect("opens");
        let mut bytes = [0; 4];
        file.read_at(&mut bytes, 6).expect("in range");
        let error = file.read_at(&mut bytes, 7).expect_err("out of range").to_string();
        assert!(error.contains("cut short") && error.ends_with("short"), "{error}");
    }
}
