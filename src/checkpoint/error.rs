use std::io;
use std::path::{Path, PathBuf};

use crate::base::FileError;
use crate::checkpoint::onnx::EncoderQuestion;
use crate::formats::spelt_out;

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
    /// An encoder is good, but does not say what its results are.
    #[error("{question}: {path}", path = path.display())]
    Unclear {
        /// What has to be said.
        question: EncoderQuestion,
        /// The encoder's file.
        path: PathBuf,
    },
    /// Files that are good by themselves and do not fit each other or what was asked.
    #[error("{0}")]
    Request(String),
}

impl CheckpointError {
    /// `what` does not fit, in files that are good by themselves.
    pub(crate) fn request(what: impl Into<String>) -> Self {
        Self::Request(spelt_out(&what.into(), LONGEST_REQUEST))
    }

    /// `what` is wrong with the content of `path`.
    pub(crate) fn content(what: impl Into<String>, path: &Path) -> Self {
        Self::Content { what: one_line(&what.into()), path: path.into() }
    }

    /// A failed read or write of `path`. A file that ends early and one whose bytes contradict each other are
    /// faults of the content, and so is what cannot be read here; everything else is the system's.
    pub(crate) fn io(error: io::Error, path: &Path) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Self::content("the file ends too early; it was cut short, copy or download it again", path)
            }
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                Self::content(format!("the file is damaged ({error}); copy or download it again"), path)
            }
            io::ErrorKind::Unsupported => Self::content(error.to_string(), path),
            _ => FileError::new(error, path).into(),
        }
    }
}

/// Longest sentence about a file's content; names in a hostile file can be megabytes long.
const LONGEST: usize = 600;
/// Longest sentence about files that do not fit each other, which names their paths.
const LONGEST_REQUEST: usize = 10_000;

/// `text` as part of a message: one line that a terminal shows as it is, cut off where it gets absurd. What comes from a
/// file may hold anything, terminal commands included.
pub(crate) fn one_line(text: &str) -> String {
    spelt_out(text, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_says_stays_in_one_line() {
        let error =
            CheckpointError::content(format!("a\nb\u{1b}[2J\u{202e}{}", "x".repeat(10_000)), Path::new("f"));
        let message = error.to_string();
        assert!(message.starts_with("a b\\u{1b}[2J\\u{202e}xxx") && message.ends_with("...: f"), "{message}");
        assert!(message.len() < 700);
    }

    #[test]
    fn what_does_not_fit_together_is_one_line_too() {
        let message = CheckpointError::request("its block `\u{1b}[31m` is none").to_string();
        assert_eq!(message, "its block `\\u{1b}[31m` is none");
    }
}
