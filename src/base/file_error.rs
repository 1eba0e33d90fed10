use std::io;
use std::path::PathBuf;

/// A file that could not be read or written: what was wrong, what to do, and the path last.
#[derive(Debug, thiserror::Error)]
#[error("{kind}: {path}", path = path.display())]
pub struct FileError {
    /// What went wrong.
    pub kind: FileErrorKind,
    /// The file or folder.
    pub path: PathBuf,
}

/// What went wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileErrorKind {
    /// There is nothing at the path.
    #[error("no such file; check the spelling")]
    Missing,
    /// A file is to be written into a folder that does not exist.
    #[error("cannot write here, because the folder {} does not exist; create it first", .0.display())]
    NoFolder(PathBuf),
    /// A folder where a file is expected.
    #[error("this is a folder, not a file; name the file inside it")]
    IsFolder,
    /// A file where the path needs a folder.
    #[error("a part of this path is a file, not a folder; check the spelling")]
    NotAFolder,
    /// Symbolic links that lead to one another.
    #[error("its symbolic links lead in a circle; remove one of them or name another file")]
    LinksInACircle,
    /// The system refuses access.
    #[error("permission denied; check who owns it and its mode")]
    Denied,
    /// The disk takes no changes.
    #[error("this disk is read-only; choose another place")]
    ReadOnly,
    /// The file would outgrow what this process or this disk allows.
    #[error(
        "the file would be larger than is allowed here; raise the limit (ulimit -f) or choose another place (nothing was \
         overwritten)"
    )]
    TooLarge,
    /// No space is left.
    #[error("no space left on the device; free some or choose another place (nothing was overwritten)")]
    Full,
    /// Anything else the system reports.
    #[error("{0}")]
    Other(io::Error),
}

impl FileError {
    /// Attaches `path` to a system error.
    pub fn new(error: io::Error, path: impl Into<PathBuf>) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => FileErrorKind::Missing,
            io::ErrorKind::IsADirectory => FileErrorKind::IsFolder,
            io::ErrorKind::NotADirectory => FileErrorKind::NotAFolder,
            io::ErrorKind::PermissionDenied => FileErrorKind::Denied,
            io::ErrorKind::ReadOnlyFilesystem => FileErrorKind::ReadOnly,
            io::ErrorKind::FileTooLarge => FileErrorKind::TooLarge,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FileErrorKind::Full,
            _ => FileErrorKind::Other(error),
        };
        Self { kind, path: path.into() }
    }
}
