use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{FileError, FileErrorKind, Output};

/// How temporary files are called, so that what a killed process left can be told from other files.
pub const TEMPORARY_PREFIX: &str = ".idgan-";

/// Links that are followed before they are taken for a circle, as Linux does.
const MOST_LINKS: usize = 40;

/// The folder that `path` lies in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Looks before the work whether `path` can be written, so that nobody waits for an hour to hear that it cannot.
///
/// # Errors
/// When it is a folder, its folder does not exist, or nothing can be written there.
pub fn check_writable(path: &Path) -> Result<(), FileError> {
    match place_of(path)? {
        Place::Device => Ok(()),
        Place::File(target) => temporary_for(&target).map(drop).map_err(|error| FileError::new(error, path)),
    }
}

/// Where what is written to `path` will lie: the end of a chain of symbolic links, whether or not there is something yet.
///
/// # Errors
/// When the links lead in a circle, or there is no folder to write into.
pub fn target_of(path: &Path) -> Result<PathBuf, FileError> {
    let fail = |kind| FileError { kind, path: path.into() };
    let mut target = path.to_owned();
    for _ in 0..=MOST_LINKS {
        let Ok(next) = std::fs::read_link(&target) else {
            let folder = folder_of(&target);
            return match folder.is_dir() {
                true => Ok(target),
                false => Err(fail(FileErrorKind::NoFolder(folder.into()))),
            };
        };
        target = folder_of(&target).join(next);
    }
    Err(fail(FileErrorKind::LinksInACircle))
}

/// Writes a file so that the path always holds either the old content or all of the new one.
///
/// `fill` writes into a temporary file beside it, which is synced, renamed over it, and the folder synced. When `fill`
/// or the system fails nothing is left behind. A symbolic link stays one, and what it leads to is written; a file that
/// was there keeps its mode, and a new one has what the umask leaves. Devices and pipes are written as they are.
///
/// # Errors
/// Whatever `fill` returns, or a [`FileError`] naming `path`: also where a library has made another error of the
/// system's.
pub fn write_atomic<E: From<FileError>>(
    path: &Path,
    fill: impl FnOnce(&mut Output<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let fail = |error: io::Error| E::from(FileError::new(error, path));
    let target = match place_of(path)? {
        Place::Device => {
            let mut device = File::options().write(true).open(path).map_err(fail)?;
            return filled(&mut device, path, fill);
        }
        Place::File(target) => target,
    };
    let mut temporary = temporary_for(&target).map_err(fail)?;
    filled(temporary.as_file_mut(), path, fill)?;
    if let Ok(old) = std::fs::metadata(&target) {
        // Some file systems know no modes; what was written counts more.
        let _ = temporary.as_file().set_permissions(old.permissions());
    }
    temporary.as_file().sync_all().map_err(fail)?;
    temporary.persist(&target).map_err(|error| fail(error.error))?;
    sync_folder(folder_of(&target)).map_err(fail)
}

/// What is at a path that is to be written.
enum Place {
    /// A file, or nothing yet: the path itself, or where its links lead.
    File(PathBuf),
    /// A device or a pipe.
    Device,
}

fn place_of(path: &Path) -> Result<Place, FileError> {
    match std::fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(FileError { kind: FileErrorKind::IsFolder, path: path.into() }),
        Ok(there) if !there.is_file() => Ok(Place::Device),
        _ => target_of(path).map(Place::File),
    }
}

/// Lets `fill` write into `file`; the system's own error comes before what a library has made of it.
fn filled<E: From<FileError>>(
    file: &mut File,
    path: &Path,
    fill: impl FnOnce(&mut Output<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut output = Output::new(file);
    let result = fill(&mut output);
    match output.complete() {
        Ok(()) => result,
        Err(error) => Err(FileError::new(error, path).into()),
    }
}

/// A temporary file beside `target` that nobody may read who may not read what is there now.
fn temporary_for(target: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(target).map_or(0o666, |old| old.permissions().mode() & 0o777);
        // less what the umask takes away
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    builder.tempfile_in(folder_of(target))
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
    use std::io::Write;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("folder exists");
        let mut names: Vec<_> =
            entries.map(|e| e.expect("entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
        write_atomic(path, |writer| writer.write_all(bytes).map_err(|error| FileError::new(error, path)))
    }

    #[test]
    fn a_failed_write_keeps_the_old_content_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("kept.txt");
        write(&path, b"old").expect("writes");
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
        for error in [write(&nowhere, b"").expect_err("refused"), check_writable(&nowhere).expect_err("no")] {
            let error = error.to_string();
            assert!(
                error.contains("nowhere does not exist; create it first: ") && error.ends_with("file.txt"),
                "{error}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_its_target_is_written() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("temporary folder");
        let (here, there) = (folder.path().join("here"), folder.path().join("there"));
        std::fs::create_dir(&here).and_then(|()| std::fs::create_dir(&there)).expect("creates");
        // a chain of a relative and an absolute link to a file, and a link to nothing yet
        symlink("../there/second", here.join("first")).expect("links");
        symlink(there.join("file"), there.join("second")).expect("links");
        symlink("../there/new", here.join("dangling")).expect("links");
        std::fs::write(there.join("file"), b"old").expect("writes");
        for (link, target) in [("first", "file"), ("dangling", "new")] {
            let link = here.join(link);
            check_writable(&link).expect("can be written");
            write(&link, b"new").expect("writes");
            assert!(link.is_symlink() && !there.join(target).is_symlink(), "{target}");
            assert_eq!(std::fs::read(there.join(target)).expect("reads"), b"new");
        }
        assert_eq!(names(&here), ["dangling", "first"]);
        assert_eq!(names(&there), ["file", "new", "second"]);
        symlink("circle", here.join("circle")).expect("links");
        let error = write(&here.join("circle"), b"").expect_err("a circle").to_string();
        assert!(error.contains("links lead in a circle") && error.ends_with("circle"), "{error}");
        symlink("no/such/file", here.join("lost")).expect("links");
        let error = write(&here.join("lost"), b"").expect_err("no folder").to_string();
        assert!(error.contains("here/no/such does not exist") && error.ends_with("here/lost"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_there_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("file");
        let mode = || std::fs::metadata(&path).expect("is there").permissions().mode() & 0o7777;
        for kept in [0o600, 0o664, 0o640] {
            std::fs::write(&path, b"old").expect("writes");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(kept)).expect("sets the mode");
            write(&path, b"new").expect("writes");
            assert_eq!((mode(), std::fs::read(&path).expect("reads")), (kept, b"new".to_vec()));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_stays_one_and_a_full_disk_is_named_whatever_a_library_says() {
        let full = Path::new("/dev/full");
        check_writable(full).expect("nothing to try");
        let error = write_atomic(full, |writer| {
            let failed = writer.write_all(&[0; 1 << 20]).map_err(|_| io::Error::other("IoError(28)"));
            failed.map_err(|error| FileError::new(error, "elsewhere"))
        });
        let error = error.expect_err("is full");
        assert!(matches!(error.kind, FileErrorKind::Full) && error.path == full, "{error}");
        write(Path::new("/dev/null"), b"gone").expect("writes");
        use std::os::unix::fs::FileTypeExt;
        let null = std::fs::metadata("/dev/null").expect("is there");
        assert!(null.file_type().is_char_device());
    }
}
