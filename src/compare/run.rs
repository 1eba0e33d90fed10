use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::base::{FileError, shell_quoted};
use crate::training::RunFolder;

use super::progress::note_measured;
use super::{Cell, CellProgress, SweepError, progress};

/// Time between two looks at a process, or at a run that another process trains.
const LOOK: Duration = Duration::from_millis(200);
/// How long a process may take to save and end once it was asked to stop.
const GRACE: Duration = Duration::from_secs(60);

/// How the processes of cells are started.
#[derive(Debug)]
pub struct Processes<'a> {
    /// This program.
    pub program: PathBuf,
    /// Threads of each.
    pub threads: usize,
    /// Whether their words go to `log.txt` in the run folder, not to the terminal.
    pub quiet: bool,
    /// Set when all are to stop.
    pub stopped: &'a AtomicBool,
}

/// Brings `cell` on to its end: the run that it needs, its own training, its measurement. What is done already is
/// left as it is, and what was cut off goes on, so calling this again after any interruption is right.
///
/// A run that another process trains is waited for.
///
/// # Errors
/// When a command fails (it has said why), somebody asks to stop, or a run cannot be read.
pub fn advance(cell: &Cell, processes: &Processes<'_>) -> Result<(), SweepError> {
    if progress(cell)? == CellProgress::Done {
        return Ok(());
    }
    if let Some(needed) = &cell.needs {
        train(needed, processes)?;
    }
    train(cell, processes)?;
    match (progress(cell)?, cell.measuring()) {
        (CellProgress::Trained, Some(words)) => {
            processes.run(&words, &cell.folder)?;
            note_measured(cell)
        }
        _ => Ok(()),
    }
}

/// Trains `cell` to its last step, or waits until another process has.
fn train(cell: &Cell, processes: &Processes<'_>) -> Result<(), SweepError> {
    loop {
        let resume = match progress(cell)? {
            CellProgress::Trained | CellProgress::Done => return Ok(()),
            CellProgress::Training { .. } if RunFolder::is_in_use(&cell.folder) => {
                processes.check(&cell.folder)?;
                std::thread::sleep(LOOK);
                continue;
            }
            CellProgress::Training { .. } => true,
            CellProgress::New => false,
        };
        let result = processes.run(&cell.training(resume), &cell.folder);
        // somebody else was faster to begin: theirs is as good as ours
        if result.is_err() && RunFolder::is_in_use(&cell.folder) && processes.check(&cell.folder).is_ok() {
            continue;
        }
        result?;
    }
}

/// Asks a process to save and end. Where there are no signals, it hears of Ctrl+C from its terminal alone.
fn ask_to_stop(child: &Child) {
    #[cfg(unix)]
    if let Ok(id) = libc::pid_t::try_from(child.id()) {
        // SAFETY: a signal to a child that nobody has waited for yet, so the number is still its own.
        unsafe { libc::kill(id, libc::SIGTERM) };
    }
    #[cfg(not(unix))]
    let _ = child;
}

impl Processes<'_> {
    fn check(&self, folder: &Path) -> Result<(), SweepError> {
        match self.stopped.load(Ordering::Relaxed) {
            true => Err(SweepError::Stopped { folder: folder.to_owned() }),
            false => Ok(()),
        }
    }

    /// Runs one command to its end.
    fn run(&self, words: &[String], folder: &Path) -> Result<(), SweepError> {
        self.check(folder)?;
        std::fs::create_dir_all(folder).map_err(|error| FileError::new(error, folder))?;
        let log = self.quiet.then(|| folder.join("log.txt"));
        let mut command = Command::new(&self.program);
        command.args(["--threads", &self.threads.to_string()]).args(words).stdin(Stdio::null());
        if let Some(path) = &log {
            let open = || -> std::io::Result<(File, File)> {
                let file = OpenOptions::new().create(true).append(true).open(path)?;
                Ok((file.try_clone()?, file))
            };
            let (out, err) = open().map_err(|error| FileError::new(error, path))?;
            command.stdout(out).stderr(err);
        }
        let fail = |error: std::io::Error| FileError::new(error, &self.program);
        let mut child = command.spawn().map_err(fail)?;
        let mut asked: Option<Instant> = None;
        let status: ExitStatus = loop {
            if let Some(status) = child.try_wait().map_err(fail)? {
                break status;
            }
            if self.stopped.load(Ordering::Relaxed) {
                // A terminal or scheduler may have told the child too: it takes both for one. A child that does not end
                // loses nothing but the steps since its last checkpoint.
                let since = *asked.get_or_insert_with(|| {
                    ask_to_stop(&child);
                    Instant::now()
                });
                if since.elapsed() > GRACE {
                    child.kill().map_err(fail)?;
                }
            }
            std::thread::sleep(LOOK);
        };
        self.check(folder)?;
        if status.success() {
            return Ok(());
        }
        let mut line = vec!["idgan".to_owned()];
        line.extend(words.iter().cloned());
        Err(SweepError::Command {
            command: shell_quoted(&line),
            status: status.to_string(),
            folder: folder.to_owned(),
            log,
        })
    }
}
