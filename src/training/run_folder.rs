use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use crate::base::{FileError, TEMPORARY_PREFIX, folder_of, write_atomic};
use crate::formats::from_toml;

use super::{TrainConfig, TrainError};

/// The folder of one training run.
///
/// Holds `config.toml`, `log.jsonl`, TensorBoard events, `samples/`, `state-STEP.safetensors` (everything needed
/// to go on) and `checkpoint.safetensors` (the newest model, explorable by itself); of a run on CUDA also
/// `algorithms.json`, what cuDNN computes with. Locked while it is open.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Held for as long as this run is open, so that two processes never train into one folder.
    _lock: File,
}

const CONFIG: &str = "config.toml";
const CHECKPOINT: &str = "checkpoint.safetensors";
const ALGORITHMS: &str = "algorithms.json";
const LOG: &str = "log.jsonl";
const SAMPLES: &str = "samples";
const SAMPLES_PREFIX: &str = "step-";
const LOCK: &str = ".lock";
/// Times that a lock is asked for, 20 ms apart.
const LOCK_ATTEMPTS: usize = 10;
const STATE_PREFIX: &str = "state-";

impl RunFolder {
    /// Looks whether a new run could be made in `path`, without making anything.
    ///
    /// # Errors
    /// When it already holds a run, is in use, or nothing can be written there.
    pub fn check_free(path: &Path) -> Result<(), TrainError> {
        if Self::is_in_use(path) {
            return Err(TrainError::InUse { path: path.to_owned() });
        }
        // The nearest folder that is there must take files.
        let mut there = path;
        while !there.exists() {
            there = folder_of(there);
        }
        if !there.is_dir() {
            let what = "a file lies where the run folder should be; name another --out";
            return Err(FileError::new(std::io::Error::other(what), there).into());
        }
        tempfile::tempfile_in(there).map_err(|error| FileError::new(error, there))?;
        if holds_a_run(path)? { Err(TrainError::Occupied { path: path.to_owned() }) } else { Ok(()) }
    }

    /// Makes `path` the folder of a new run with this configuration.
    ///
    /// # Errors
    /// When it already holds a run, is in use, or cannot be written.
    pub fn create(path: &Path, config: &TrainConfig) -> Result<Self, TrainError> {
        std::fs::create_dir_all(path).map_err(|error| FileError::new(error, path))?;
        let folder = Self::lock(path)?;
        if holds_a_run(path)? {
            return Err(TrainError::Occupied { path: path.to_owned() });
        }
        folder.write_config(config)?;
        Ok(folder)
    }

    /// Opens the folder of an existing run.
    ///
    /// # Errors
    /// When it holds none, is in use, or cannot be read.
    pub fn open(path: &Path) -> Result<(Self, TrainConfig), TrainError> {
        let config = Self::saved_config(path)?.ok_or_else(|| TrainError::NoRun { path: path.to_owned() })?;
        Ok((Self::lock(path)?, config))
    }

    /// The saved configuration of the run in `path`, `None` where there is no run. Neither waits nor locks.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn saved_config(path: &Path) -> Result<Option<TrainConfig>, TrainError> {
        let path = path.join(CONFIG);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FileError::new(error, &path).into()),
        };
        from_toml(&text).map(Some).map_err(|reason| TrainError::BadConfig { reason, path })
    }

    /// Whether a process trains into `path` at this moment.
    pub fn is_in_use(path: &Path) -> bool {
        let lock = OpenOptions::new().write(true).open(path.join(LOCK));
        lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)))
    }

    fn lock(path: &Path) -> Result<Self, TrainError> {
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join(LOCK))
            .map_err(|error| FileError::new(error, path))?;
        let mut result = lock.try_lock();
        // `is_in_use` holds the lock for a moment, too
        for _ in 0..LOCK_ATTEMPTS {
            if !matches!(result, Err(std::fs::TryLockError::WouldBlock)) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
            result = lock.try_lock();
        }
        match result {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(std::fs::TryLockError::WouldBlock) => Err(TrainError::InUse { path: path.to_owned() }),
            // Some network file systems cannot lock; the run goes on without this protection.
            Err(std::fs::TryLockError::Error(error)) => {
                log::warn!("cannot lock the run folder ({error}); make sure that nobody else trains into it");
                Ok(Self { path: path.to_owned(), _lock: lock })
            }
        }
    }

    /// Replaces the saved configuration.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_config(&self, config: &TrainConfig) -> Result<(), TrainError> {
        let path = self.path.join(CONFIG);
        let text = toml::to_string(config)
            .map_err(|error| TrainError::BadConfig { reason: error.to_string(), path: path.clone() })?;
        write_atomic(&path, |writer| {
            writer.write_all(text.as_bytes()).map_err(|error| FileError::new(error, &path).into())
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the newest model lies.
    pub fn checkpoint(&self) -> PathBuf {
        self.path.join(CHECKPOINT)
    }

    /// Where a run on CUDA keeps what its libraries compute with.
    pub fn algorithms(&self) -> PathBuf {
        self.path.join(ALGORITHMS)
    }

    /// Where the state after `step` steps lies.
    pub fn state(&self, step: u64) -> PathBuf {
        self.path.join(format!("{STATE_PREFIX}{step:08}.safetensors"))
    }

    /// The steps of the saved states, newest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn states(&self) -> Result<Vec<u64>, TrainError> {
        states_in(&self.path)
    }

    /// Where the sample grid after `step` steps goes, in a folder that is made if it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new_samples(&self, step: u64) -> Result<PathBuf, TrainError> {
        let path = self.path.join(SAMPLES);
        std::fs::create_dir_all(&path).map_err(|error| FileError::new(error, &path))?;
        Ok(Self::samples_at(&self.path, step))
    }

    /// Whether the sample grid after `step` steps was drawn.
    pub fn has_samples(&self, step: u64) -> bool {
        Self::samples_at(&self.path, step).exists()
    }

    /// Where the sample grid after `step` steps lies in the run folder `path`.
    pub fn samples_at(path: &Path, step: u64) -> PathBuf {
        path.join(SAMPLES).join(format!("{SAMPLES_PREFIX}{step:08}.png"))
    }

    /// The steps after which the run in `path` has drawn sample grids, first ones first; none where there is no such folder.
    pub fn sampled_steps(path: &Path) -> Vec<u64> {
        let entries = std::fs::read_dir(path.join(SAMPLES)).into_iter().flatten().flatten();
        let step = |entry: std::fs::DirEntry| {
            let name = entry.file_name();
            name.to_str()?.strip_prefix(SAMPLES_PREFIX)?.strip_suffix(".png")?.parse().ok()
        };
        let mut steps: Vec<u64> = entries.filter_map(step).collect();
        steps.sort_unstable();
        steps
    }

    /// Where the run in `path` writes its log.
    pub fn log_of(path: &Path) -> PathBuf {
        path.join(LOG)
    }

    /// Opens `log.jsonl` for appending, after dropping lines of steps above `step`: a resumed run writes them again.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn log_from(&self, step: u64) -> Result<File, TrainError> {
        let path = Self::log_of(&self.path);
        let fail = |error: std::io::Error| TrainError::from(FileError::new(error, &path));
        if path.exists() {
            let lines = BufReader::new(File::open(&path).map_err(fail)?).split(b'\n');
            let mut kept = String::new();
            for line in lines {
                // a line cut short by a crash does not parse and goes too
                let line = String::from_utf8_lossy(&line.map_err(fail)?).into_owned();
                let entry: Option<serde_json::Value> = serde_json::from_str(&line).ok();
                if entry.and_then(|e| e.get("step")?.as_u64()).is_some_and(|own| own <= step) {
                    kept.push_str(&line);
                    kept.push('\n');
                }
            }
            write_atomic(&path, |writer| {
                writer
                    .write_all(kept.as_bytes())
                    .map_err(|error| TrainError::from(FileError::new(error, &path)))
            })?;
        }
        OpenOptions::new().create(true).append(true).open(&path).map_err(fail)
    }

    /// Removes what a killed process left half written.
    pub fn sweep(&self) {
        let Ok(entries) = std::fs::read_dir(&self.path) else {
            return;
        };
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX) {
                // what cannot be removed only takes space
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// Whether something of a run lies in the folder, which may not exist.
fn holds_a_run(path: &Path) -> Result<bool, TrainError> {
    let has = |name: &str| path.join(name).exists();
    Ok(has(CONFIG) || has(CHECKPOINT) || (path.is_dir() && !states_in(path)?.is_empty()))
}

/// The steps of the saved states in a folder, newest first.
fn states_in(path: &Path) -> Result<Vec<u64>, TrainError> {
    let fail = |error: std::io::Error| TrainError::from(FileError::new(error, path));
    let mut steps: Vec<u64> = Vec::new();
    for entry in std::fs::read_dir(path).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        let step: Option<u64> = name.to_str().and_then(|name: &str| {
            name.strip_prefix(STATE_PREFIX)?.strip_suffix(".safetensors")?.parse().ok()
        });
        steps.extend(step);
    }
    steps.sort_unstable_by(|a, b| b.cmp(a));
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::{Family, preset};

    fn config() -> TrainConfig {
        preset(Family::Vae, "dsprites-small").expect("exists")
    }

    #[test]
    fn a_folder_holds_one_run_and_one_process_at_a_time() {
        let folder = tempfile::tempdir().expect("temporary folder");
        assert!(matches!(RunFolder::open(folder.path()), Err(TrainError::NoRun { .. })));
        let run = RunFolder::create(folder.path(), &config()).expect("creates");
        assert!(matches!(RunFolder::open(folder.path()), Err(TrainError::InUse { .. })));
        assert!(RunFolder::is_in_use(folder.path()));
        drop(run);
        assert!(!RunFolder::is_in_use(folder.path()) && !RunFolder::is_in_use(Path::new("nowhere")));
        assert!(matches!(RunFolder::create(folder.path(), &config()), Err(TrainError::Occupied { .. })));
        let (_, read) = RunFolder::open(folder.path()).expect("opens");
        assert_eq!(read, config());
    }

    #[test]
    fn states_are_listed_newest_first_and_other_files_ignored() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let run = RunFolder::create(folder.path(), &config()).expect("creates");
        for step in [20, 3, 100_000_000] {
            std::fs::write(run.state(step), b"").expect("writes");
        }
        std::fs::write(folder.path().join("state-x.safetensors"), b"").expect("writes");
        assert_eq!(run.states().expect("lists"), [100_000_000, 20, 3]);
    }

    #[test]
    fn a_resumed_log_loses_the_lines_that_will_be_written_again() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let run = RunFolder::create(folder.path(), &config()).expect("creates");
        let path = folder.path().join("log.jsonl");
        std::fs::write(&path, "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n{\"st").expect("writes");
        let mut log = run.log_from(2).expect("opens");
        log.write_all(b"{\"step\":3,\"new\":true}\n").expect("writes");
        let text = std::fs::read_to_string(&path).expect("reads");
        assert_eq!(text, "{\"step\":1}\n{\"step\":2}\n{\"step\":3,\"new\":true}\n");
    }
}
