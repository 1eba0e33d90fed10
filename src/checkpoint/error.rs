use std::io;
use std::path::{Path, PathBuf};

use crate::base::FileError;

/// A model file that cannot be opened or written: what is wrong, why, what to do, path last.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The system could not read or write the file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file was read, but its content does not fit.
    #[error("{what}: {path}", path = path.display())]
    Content {
        /// What is wrong and what to do.
        what: String,
        /// The file.
        path: PathBuf,
    },
    /// Files that are good by themselves and do not fit each other or what was asked.
    #[error("{0}")]
    Request(String),
}

impl CheckpointError {
    /// `what` is wrong with the content of `path`.
    pub(crate) fn content(what: impl Into<String>, path: &Path) -> Self {
        Self::Content { what: what.into(), path: path.into() }
    }

    /// A failed read or write of `path`. A file that ends early and one whose bytes contradict each other are
    /// faults of the content, everything else is the system's.
    pub(crate) fn io(error: io::Error, path: &Path) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Self::content("the file ends too early; it was cut short, copy or download it again", path)
            }
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                Self::content(format!("the file is damaged ({error}); copy or download it again"), path)
            }
            _ => FileError::new(error, path).into(),
        }
    }
}
