use std::path::PathBuf;
use std::sync::Arc;

use crate::base::{Background, Cancel, cache_folder, spare_folder};

/// How a data set is opened.
#[derive(Clone)]
pub struct OpenOptions {
    /// The folder for decoded pictures and other derived files; it is made when needed and may be deleted. Where the
    /// user's own cannot be written, the system's temporary folder takes its place.
    pub cache_dir: PathBuf,
    /// The most bytes the cache folder may hold; the files longest unused go first.
    pub cache_bytes: u64,
    /// The picture behind `scream-dsprites`; `None` for the one the program paints.
    pub picture: Option<PathBuf>,
    /// What shows through the transparent parts of pictures.
    pub background: Background,
    /// Threads for decoding pictures the first time.
    pub threads: usize,
    /// Told how far a long preparation has come.
    pub progress: Option<ProgressFn>,
    /// Stops a long preparation, which then returns [`super::DataError::Cancelled`].
    pub cancel: Cancel,
}

/// Called now and then during preparation, from any thread.
pub type ProgressFn = Arc<dyn Fn(PreparationProgress<'_>) + Send + Sync>;

/// How far a preparation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreparationProgress<'a> {
    /// What is being done, for instance `decoding`.
    pub what: &'a str,
    /// Items done.
    pub done: u64,
    /// Items in all.
    pub total: u64,
}

impl Default for OpenOptions {
    /// 20 GB in the user's cache folder, or in the system's temporary folder where there is none.
    fn default() -> Self {
        let cache_dir = cache_folder().unwrap_or_else(|| spare_folder("cache"));
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            cache_dir,
            cache_bytes: 20_000_000_000,
            picture: None,
            background: Background::BLACK,
            threads,
            progress: None,
            cancel: Cancel::new(),
        }
    }
}

impl OpenOptions {
    /// Reports progress and says whether to go on.
    pub(super) fn step(&self, what: &str, done: u64, total: u64) -> Result<(), super::DataError> {
        if self.cancel.is_cancelled() {
            return Err(super::DataError::Cancelled);
        }
        if let Some(progress) = &self.progress {
            progress(PreparationProgress { what, done, total });
        }
        Ok(())
    }
}

impl std::fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenOptions")
            .field("cache_dir", &self.cache_dir)
            .field("cache_bytes", &self.cache_bytes)
            .field("picture", &self.picture)
            .field("background", &self.background)
            .finish_non_exhaustive()
    }
}
