use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use crate::base::FileError;

/// The longest that one window waits for another one that is writing.
const LOCKED: Duration = Duration::from_secs(5);

/// The value in the JSON file at `path`; `None` where there is no file, or none that can be read.
pub(crate) fn peek<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// It is damaged, and lies beside its old place now.
    #[error(
        "what was kept from one start to the next is damaged (line {line}, column {column}), so a new file is begun; the \
         damaged one was left beside it: {}",
        .to.display()
    )]
    Damaged { line: usize, column: usize, to: PathBuf },
    /// The system does not let it be read.
    #[error(transparent)]
    Unreadable(FileError),
}

/// As [`peek`], but a file that holds no such value is moved aside, so that nothing is written over it.
///
/// # Errors
/// Where there is a file that cannot be read or understood.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Fault> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Fault::Unreadable(FileError::new(error, path))),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|damage| match move_aside(path) {
        Ok(to) => Fault::Damaged { line: damage.line(), column: damage.column(), to },
        Err(error) => Fault::Unreadable(FileError::new(error, path)),
    })
}

/// Gives the file at `path` the first name that is free of NAME.bak, NAME.bak2 and so on.
fn move_aside(path: &Path) -> std::io::Result<PathBuf> {
    let with = |ending: String| {
        let mut name = OsString::from(path);
        name.push(ending);
        PathBuf::from(name)
    };
    let mut endings = std::iter::once(".bak".to_owned()).chain((2..100).map(|n| format!(".bak{n}")));
    let free = endings.find_map(|ending| Some(with(ending)).filter(|path| !path.exists()));
    let to = free.unwrap_or_else(|| with(".bak".to_owned()));
    std::fs::rename(path, &to)?;
    Ok(to)
}

/// Keeps other windows from writing into `folder` as long as it lives. Where the system knows no locks, or somebody
/// holds one for too long, it goes without: better an entry lost than a window that never closes.
pub(crate) fn lock(folder: &Path) -> Option<File> {
    let file = File::options().create(true).append(true).open(folder.join(".lock")).ok()?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Some(file),
            Err(TryLockError::WouldBlock) if start.elapsed() < LOCKED => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_is_moved_aside_and_said() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("notes.json");
        assert!(matches!(read::<Vec<u8>>(&path), Ok(None)));
        for (damage, backup) in [("[1, 2", "notes.json.bak"), ("{}", "notes.json.bak2")] {
            std::fs::write(&path, damage).expect("writes");
            let message = read::<Vec<u8>>(&path).expect_err("damaged").to_string();
            assert!(message.contains("damaged") && message.ends_with(backup), "{message}");
            assert_eq!(std::fs::read_to_string(folder.path().join(backup)).expect("is there"), damage);
            assert!(!path.exists());
        }
        std::fs::write(&path, "[1, 2]").expect("writes");
        assert!(matches!(read::<Vec<u8>>(&path), Ok(Some(values)) if values == [1, 2]));
        // A folder of that name is nothing to move.
        assert!(matches!(read::<Vec<u8>>(folder.path()), Err(Fault::Unreadable(_))));
    }

    #[test]
    fn one_window_writes_at_a_time() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let first = lock(folder.path()).expect("locks");
        let path = folder.path().to_owned();
        let second = std::thread::spawn(move || (lock(&path).is_some(), Instant::now()));
        std::thread::sleep(Duration::from_millis(100));
        let released = Instant::now();
        drop(first);
        let (has_locked, at) = second.join().expect("no panic");
        assert!(has_locked && at >= released);
    }
}
