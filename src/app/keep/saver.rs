use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::notes::Notes;
use super::store;
use crate::base::{FileError, folder_of, panic_text, write_atomic};

/// Writes small files on a thread of its own, so that the window never waits for a disk. Dropping it waits until
/// everything is written.
pub(crate) struct Saver {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

/// What is to be written into a file.
#[derive(Debug)]
pub(crate) enum Work {
    /// These bytes, whatever is there.
    Replace(Vec<u8>),
    /// What was changed from one to the other, into what is there: another window may have written meanwhile.
    Merge(Box<[Notes; 2]>),
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A person should read this: something could not be written, or something damaged was found.
    Told(String),
    /// The file at `path` could not be written; `before` are the notes that a change was to be merged from.
    Failed { path: PathBuf, before: Option<Notes> },
    /// A file that could not be written before has been.
    Recovered,
    /// `handed` is in the file at `path`, with what others wrote: `merged`.
    Merged { path: PathBuf, handed: Notes, merged: Notes },
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    news: Condvar,
}

#[derive(Default)]
struct Waiting {
    /// The newest work for each file: what it replaces need not be written any more.
    files: BTreeMap<PathBuf, Work>,
    answers: Vec<Answer>,
    is_closing: bool,
}

impl Saver {
    /// Starts the thread. `wake` is called when there is an answer.
    pub(crate) fn new(wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let body = {
            let queue = Arc::clone(&queue);
            move || {
                let mut failed = BTreeSet::new();
                while let Some((path, work)) = queue.next() {
                    let answers = attempt(&path, work, &mut failed);
                    if !answers.is_empty() {
                        queue.lock().answers.extend(answers);
                        wake();
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("idgan-saver".to_owned()).spawn(body)?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// Does `work` on the file at `path` soon.
    pub(crate) fn save(&self, path: PathBuf, work: Work) {
        let mut waiting = self.queue.lock();
        let work = match (waiting.files.remove(&path), work) {
            // Nothing of the change before is written yet.
            (Some(Work::Merge(before)), Work::Merge(after)) => {
                let ([first, _], [_, last]) = (*before, *after);
                Work::Merge(Box::new([first, last]))
            }
            (_, work) => work,
        };
        waiting.files.insert(path, work);
        self.queue.news.notify_one();
    }

    /// What became of what was handed over, since the last call.
    pub(crate) fn take_answers(&self) -> Vec<Answer> {
        std::mem::take(&mut self.queue.lock().answers)
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.queue.lock().is_closing = true;
        self.queue.news.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // It has told its errors already.
        }
    }
}

impl Queue {
    /// Waits for work; `None` once there is none and will be none.
    fn next(&self) -> Option<(PathBuf, Work)> {
        let mut waiting = self.lock();
        loop {
            if let Some(work) = waiting.files.pop_first() {
                return Some(work);
            }
            if waiting.is_closing {
                return None;
            }
            waiting = self.news.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Locks the queue whatever became of its last holder: nothing is half done in it.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does `work`, whatever comes of it. `failed` are the files that could not be written last.
fn attempt(path: &Path, work: Work, failed: &mut BTreeSet<PathBuf>) -> Vec<Answer> {
    let mut answers = catch_unwind(AssertUnwindSafe(|| write(path, work))).unwrap_or_else(|panic| {
        let (reason, path) = (panic_text(&*panic), path.to_owned());
        let told = format!("this could not be kept for the next start ({reason}): {}", path.display());
        vec![Answer::Failed { path, before: None }, Answer::Told(told)]
    });
    if answers.iter().any(|answer| matches!(answer, Answer::Failed { .. })) {
        failed.insert(path.to_owned());
    } else if failed.remove(path) {
        answers.push(Answer::Recovered);
    }
    answers
}

fn write(path: &Path, work: Work) -> Vec<Answer> {
    let mut answers = Vec::new();
    let (written, before) = match work {
        Work::Replace(bytes) => (write_bytes(path, &bytes), None),
        Work::Merge(change) => {
            let [before, now] = *change;
            (merge(path, [&before, &now], &mut answers), Some(before))
        }
    };
    if let Err(message) = written {
        answers.push(Answer::Failed { path: path.to_owned(), before });
        answers.push(Answer::Told(format!("this could not be kept for the next start: {message}")));
    }
    answers
}

fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let folder = folder_of(path);
    std::fs::create_dir_all(folder).map_err(|error| FileError::new(error, folder).to_string())?;
    let fill = |error| FileError::new(error, path);
    write_atomic(path, |writer| writer.write_all(bytes).map_err(fill))
        .map_err(|error: FileError| error.to_string())
}

/// Writes what was changed into the notes that are there now, with nobody between reading and writing.
fn merge(path: &Path, [before, now]: [&Notes; 2], answers: &mut Vec<Answer>) -> Result<(), String> {
    let folder = folder_of(path);
    std::fs::create_dir_all(folder).map_err(|error| FileError::new(error, folder).to_string())?;
    let lock = store::lock(folder);
    let theirs = match store::read::<Notes>(path) {
        Ok(theirs) => theirs,
        Err(fault @ store::Fault::Damaged { .. }) => {
            answers.push(Answer::Told(fault.to_string()));
            None
        }
        // What cannot be read must not be written over.
        Err(store::Fault::Unreadable(error)) => return Err(error.to_string()),
    };
    let merged = match &theirs {
        Some(theirs) => Notes::merged(before, now, theirs),
        // Where the file has gone, all there is is here.
        None => now.clone(),
    };
    let bytes = serde_json::to_vec_pretty(&merged).map_err(|error| error.to_string())?;
    write_bytes(path, &bytes)?;
    drop(lock);
    answers.push(Answer::Merged { path: path.to_owned(), handed: now.clone(), merged });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saver() -> Saver {
        Saver::new(|| {}).expect("starts")
    }

    #[test]
    fn everything_is_written_before_the_end_and_errors_are_told() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let saver = saver();
        let path = folder.path().join("deep/settings.json");
        saver.save(path.clone(), Work::Replace(b"first".to_vec()));
        saver.save(path.clone(), Work::Replace(b"second".to_vec()));
        let queue = Arc::clone(&saver.queue);
        drop(saver);
        assert_eq!(std::fs::read(&path).expect("is there"), b"second");
        assert!(queue.lock().answers.is_empty());

        let saver = self::saver();
        let blocked = path.join("below a file.json");
        saver.save(blocked.clone(), Work::Replace(Vec::new()));
        let queue = Arc::clone(&saver.queue);
        drop(saver);
        let answers = &queue.lock().answers;
        assert!(
            matches!(&answers[..], [Answer::Failed { path, before: None }, Answer::Told(text)]
            if *path == blocked && text.contains("could not be kept")),
            "{answers:?}"
        );
    }

    #[test]
    fn a_file_that_can_be_written_again_is_told_once() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (path, mut failed) = (folder.path().join("deep/settings.json"), BTreeSet::new());
        let mut save = || attempt(&path, Work::Replace(b"x".to_vec()), &mut failed);
        std::fs::write(folder.path().join("deep"), "in the way").expect("writes");
        assert!(matches!(save()[..], [Answer::Failed { .. }, Answer::Told(_)]));
        std::fs::remove_file(folder.path().join("deep")).expect("removes");
        assert!(matches!(save()[..], [Answer::Recovered]));
        assert!(save().is_empty());
    }

    #[test]
    fn changes_that_wait_become_one() {
        let queue = Arc::new(Queue::default());
        let saver = Saver { queue: Arc::clone(&queue), thread: None };
        let notes = |name: &str| -> Notes {
            serde_json::from_str(&format!("{{\"bookmarks\": [{{\"name\": \"{name}\"}}]}}")).expect("parses")
        };
        for pair in [["a", "b"], ["b", "c"]] {
            saver.save("notes".into(), Work::Merge(Box::new(pair.map(notes))));
        }
        let (_, work) = queue.next().expect("waits");
        assert!(matches!(work, Work::Merge(change) if *change == [notes("a"), notes("c")]));
    }

    #[test]
    fn notes_that_cannot_be_read_are_not_written_over() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("notes.json");
        std::fs::write(&path, "damaged").expect("writes");
        let change = || Work::Merge(Box::new([Notes::default(), Notes::default()]));
        let answers = write(&path, change());
        assert!(
            matches!(&answers[..], [Answer::Told(text), Answer::Merged { .. }] if text.contains("damaged"))
        );
        let kept = std::fs::read_to_string(folder.path().join("notes.json.bak"));
        assert_eq!(kept.expect("is there"), "damaged");
        // A folder of the same name is nothing to read.
        let folder = folder.path().join("folder.json");
        std::fs::create_dir(&folder).expect("creates");
        assert!(matches!(
            &write(&folder, change())[..],
            [Answer::Failed { before: Some(_), .. }, Answer::Told(_)]
        ));
    }
}
