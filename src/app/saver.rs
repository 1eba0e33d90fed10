use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use crossbeam::channel::{Receiver, Sender, bounded};

use crate::base::{FileError, write_atomic};

/// Writes small files on a thread of its own, so that the window never waits for a disk. Dropping it waits until
/// everything is written.
pub(crate) struct Saver {
    files: Option<Sender<(PathBuf, Vec<u8>)>>,
    errors: Receiver<String>,
    thread: Option<JoinHandle<()>>,
}

impl Saver {
    /// Starts the thread.
    pub(crate) fn new() -> std::io::Result<Self> {
        let (files, inbox) = bounded::<(PathBuf, Vec<u8>)>(64);
        let (outbox, errors) = bounded(16);
        let body = move || {
            for (path, bytes) in inbox {
                if let Err(error) = write(&path, &bytes) {
                    let _ = outbox.try_send(format!("this could not be kept for the next start: {error}"));
                }
            }
        };
        let thread = std::thread::Builder::new().name("idgan-saver".to_owned()).spawn(body)?;
        Ok(Self { files: Some(files), errors, thread: Some(thread) })
    }

    /// Writes `bytes` to `path` soon; false when too much is waiting, so that it should be tried again later.
    pub(crate) fn save(&self, path: PathBuf, bytes: Vec<u8>) -> bool {
        self.files.as_ref().is_some_and(|files| files.try_send((path, bytes)).is_ok())
    }

    /// What went wrong since the last call.
    pub(crate) fn error(&self) -> Option<String> {
        self.errors.try_recv().ok()
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.files = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // It has told its errors already.
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| FileError::new(error, folder))?;
    }
    write_atomic(path, |writer| writer.write_all(bytes).map_err(|error| FileError::new(error, path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_written_before_the_end_and_errors_are_told() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let saver = Saver::new().expect("starts");
        let path = folder.path().join("deep/settings.json");
        assert!(saver.save(path.clone(), b"first".to_vec()) && saver.save(path.clone(), b"second".to_vec()));
        let blocked = path.join("below a file.json");
        assert!(saver.save(blocked, Vec::new()));
        let errors = saver.errors.clone();
        drop(saver);
        assert_eq!(std::fs::read(path).expect("is there"), b"second");
        assert!(errors.try_recv().is_ok_and(|error| error.contains("could not be kept")));
    }
}
