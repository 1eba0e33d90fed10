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
        Self::Content { what: one_line(&what.into()), path: path.into() }
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

/// Longest sentence about a file's content; names in a hostile file can be megabytes long.
const LONGEST: usize = 600;

/// `text` as part of a message: one line without control characters, cut off where it gets absurd. What comes from
/// a file may hold anything, terminal commands included.
pub(crate) fn one_line(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let mut line: String = text.chars().take(LONGEST).map(clean).collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push_str("...");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_says_stays_in_one_line() {
        let error = CheckpointError::content(format!("a\nb\u{1b}[2J{}", "x".repeat(10_000)), Path::new("f"));
        let message = error.to_string();
        assert!(message.starts_with("a b [2Jxxx") && message.ends_with("...: f"), "{message}");
        assert!(message.len() < 700);
    }
}
