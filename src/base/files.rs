use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

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
    /// The system refuses access.
    #[error("permission denied; check who owns it and its mode")]
    Denied,
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
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => FileErrorKind::Denied,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FileErrorKind::Full,
            _ => FileErrorKind::Other(error),
        };
        Self { kind, path: path.into() }
    }
}

/// The folder that `path` lies in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Looks whether there is a folder to write `path` into.
///
/// # Errors
/// When there is none.
pub fn check_folder(path: &Path) -> Result<(), FileError> {
    let folder = folder_of(path);
    match folder.is_dir() {
        true => Ok(()),
        false => Err(FileError { kind: FileErrorKind::NoFolder(folder.into()), path: path.into() }),
    }
}

/// Writes a file so that the path always holds either the old content or all of the new one.
///
/// `fill` writes into a temporary file in the same folder, which is synced, renamed over `path`, and the
/// folder synced. When `fill` or the system fails nothing is left behind.
///
/// # Errors
/// Whatever `fill` returns, or a [`FileError`] naming `path`.
pub fn write_atomic<E: From<FileError>>(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&mut File>) -> Result<(), E>,
) -> Result<(), E> {
    let fail = |error: io::Error| E::from(FileError::new(error, path));
    if path.is_dir() {
        return Err(FileError { kind: FileErrorKind::IsFolder, path: path.into() }.into());
    }
    check_folder(path)?;
    let folder = folder_of(path);
    let mut temporary = tempfile::Builder::new().prefix(".idgan-").tempfile_in(folder).map_err(fail)?;
    {
        let mut writer = BufWriter::with_capacity(1 << 18, temporary.as_file_mut());
        fill(&mut writer)?;
        writer.flush().map_err(fail)?;
    }
    set_ordinary_mode(temporary.as_file()).map_err(fail)?;
    temporary.as_file().sync_all().map_err(fail)?;
    temporary.persist(path).map_err(|error| fail(error.error))?;
    sync_folder(folder).map_err(fail)
}

/// Temporary files are private to their owner; what the user asked for should be readable as usual.
#[cfg(unix)]
fn set_ordinary_mode(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_ordinary_mode(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Makes a rename in `folder` survive a power cut.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("folder exists");
        entries.map(|e| e.expect("entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_failed_write_keeps_the_old_content_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("kept.txt");
        write_atomic::<FileError>(&path, |w| w.write_all(b"old").map_err(|e| FileError::new(e, "kept.txt")))
            .expect("writes");
        let failed = write_atomic::<FileError>(&path, |w| {
            w.write_all(b"half of the new").map_err(|e| FileError::new(e, "kept.txt"))?;
            Err(FileError::new(io::ErrorKind::StorageFull.into(), "kept.txt"))
        });
        assert!(matches!(failed, Err(FileError { kind: FileErrorKind::Full, .. })));
        assert_eq!(std::fs::read(&path).expect("still there"), b"old");
        assert_eq!(names(folder.path()), ["kept.txt"]);
    }

    #[test]
    fn a_folder_is_not_overwritten() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let result = write_atomic::<FileError>(folder.path(), |_| Ok(()));
        assert!(matches!(result, Err(FileError { kind: FileErrorKind::IsFolder, .. })));
        let nowhere = folder.path().join("nowhere/file.txt");
        let error = write_atomic::<FileError>(&nowhere, |_| Ok(())).expect_err("refused").to_string();
        assert!(
            error.contains("nowhere does not exist; create it first: ") && error.ends_with("file.txt"),
            "{error}"
        );
    }
}
