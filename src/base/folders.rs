//! Where this program keeps what belongs to its user: derived files, settings.

use std::io;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::files::TEMPORARY_PREFIX;
use super::{FileError, FileErrorKind, folder_of};

/// The user's folder for derived files, which may be deleted at any time; `None` where the user has no home.
pub fn cache_folder() -> Option<PathBuf> {
    ProjectDirs::from("", "", "idgan").map(|folders| folders.cache_dir().to_owned())
}

/// The user's folder for settings; `None` where the user has no home.
pub fn config_folder() -> Option<PathBuf> {
    ProjectDirs::from("", "", "idgan").map(|folders| folders.config_dir().to_owned())
}

/// A folder for `what` in the system's temporary folder, for those who have none or cannot write into it.
pub fn spare_folder(what: &str) -> PathBuf {
    let user = std::env::var("USER").unwrap_or_default();
    let user: String = user.chars().filter(|letter| letter.is_ascii_alphanumeric()).collect();
    std::env::temp_dir().join(format!("idgan-{what}-{user}"))
}

/// Makes `folder` where there is none, and looks whether files can be written into it.
///
/// # Errors
/// Why they cannot.
pub fn make_writable(folder: &Path) -> Result<(), FileError> {
    let probe = || tempfile::Builder::new().prefix(TEMPORARY_PREFIX).tempfile_in(folder);
    match std::fs::create_dir_all(folder).and_then(|()| probe().map(drop)) {
        Ok(()) => Ok(()),
        Err(error) => {
            let kind = match error.kind() {
                // Something on the way there cannot be made.
                io::ErrorKind::NotFound => FileErrorKind::NoFolder(folder_of(folder).into()),
                io::ErrorKind::AlreadyExists => FileErrorKind::NotAFolder,
                _ => return Err(FileError::new(error, folder)),
            };
            Err(FileError { kind, path: folder.into() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_or_the_reason_is_told() {
        let root = tempfile::tempdir().expect("temporary folder");
        let folder = root.path().join("a/b");
        make_writable(&folder).and_then(|()| make_writable(&folder)).expect("makes it");
        assert_eq!(std::fs::read_dir(&folder).expect("is there").count(), 0, "nothing is left in it");
        std::fs::write(root.path().join("file"), "").expect("writes");
        for inside in ["file/a", "file"] {
            let error = make_writable(&root.path().join(inside)).expect_err("a file").to_string();
            assert!(error.contains("is a file, not a folder") && error.ends_with(inside), "{error}");
        }
        #[cfg(target_os = "linux")]
        {
            let error = make_writable(Path::new("/proc/nowhere/a")).expect_err("no place for files");
            assert!(matches!(error.kind, FileErrorKind::NoFolder(_)), "{error}");
        }
    }
}
