//! What a run has logged, read while it grows.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::base::{Cancel, FileError};

/// What is read at once, in bytes. A line that is longer is no line of a log.
const CHUNK: u64 = 1 << 20;
/// How much before the place where reading stopped has to be the same for reading to go on there, in bytes.
const OVERLAP: usize = 256;
/// Most names that are followed, and most dimensions of one.
const NAMES: usize = 256;
/// Most numbers that are kept of a run.
const NUMBERS: usize = 1 << 26;

/// Reads a run's `log.jsonl` as it grows, also while another process writes it.
#[derive(Debug)]
pub struct RunLog {
    path: PathBuf,
    /// Bytes that are understood.
    read: u64,
    /// The last of them: a log that was written anew has others there.
    before: Vec<u8>,
    logged: Logged,
    numbers: usize,
}

/// What a run has logged so far, in columns: NaN where a line had no number, shorter where the newest lines have none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logged {
    /// Steps trained, one a line.
    pub steps: Vec<f64>,
    /// Seconds of training until then.
    pub seconds: Vec<f64>,
    /// Every number that lines have, under its name, in the order in which names came.
    pub numbers: Vec<(String, Vec<f32>)>,
    /// What there is a number of for each dimension: of each dimension its column.
    pub per_dimension: Vec<(String, Vec<Vec<f32>>)>,
}

impl RunLog {
    /// The log of the run in folder `run`, which may not be there yet; nothing is read.
    pub fn new(run: &Path) -> Self {
        let path = super::RunFolder::log_of(run);
        Self { path, read: 0, before: Vec::new(), logged: Logged::default(), numbers: 0 }
    }

    /// What was read so far.
    pub fn logged(&self) -> &Logged {
        &self.logged
    }

    /// Reads what has come since; true when that is anything. A log that was written anew, as resuming does, is read from
    /// its beginning. What is not a line of a log is left out, a line that is not finished waits.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read_on(&mut self, cancel: &Cancel) -> Result<bool, FileError> {
        self.try_read_on(cancel).map_err(|error| FileError::new(error, &self.path))
    }

    fn try_read_on(&mut self, cancel: &Cancel) -> std::io::Result<bool> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(self.forget()),
            Err(error) => return Err(error),
        };
        let is_anew = !self.goes_on_in(&mut file)? && self.forget();
        let mut has_more = false;
        while !cancel.is_cancelled() && self.numbers < NUMBERS {
            file.seek(SeekFrom::Start(self.read))?;
            let mut chunk = Vec::new();
            (&mut file).take(CHUNK).read_to_end(&mut chunk)?;
            let whole = match chunk.iter().rposition(|&byte| byte == b'\n') {
                Some(at) => at + 1,
                None if chunk.len() as u64 == CHUNK => chunk.len(),
                None => break,
            };
            for line in chunk[..whole].split(|&byte| byte == b'\n') {
                self.take(line);
            }
            self.read += whole as u64;
            self.before.extend_from_slice(&chunk[..whole]);
            self.before.drain(..self.before.len().saturating_sub(OVERLAP));
            has_more = true;
        }
        Ok(has_more || is_anew)
    }

    /// Whether what was read last still stands in `file`.
    fn goes_on_in(&self, file: &mut File) -> std::io::Result<bool> {
        file.seek(SeekFrom::Start(self.read - self.before.len() as u64))?;
        let mut there = Vec::new();
        file.take(self.before.len() as u64).read_to_end(&mut there)?;
        Ok(there == self.before)
    }

    /// Forgets everything; whether there was anything.
    fn forget(&mut self) -> bool {
        let had = self.read > 0;
        (self.read, self.numbers) = (0, 0);
        self.before.clear();
        self.logged = Logged::default();
        had
    }

    /// Takes in one line.
    fn take(&mut self, line: &[u8]) {
        let Ok(Value::Object(line)) = serde_json::from_slice(line) else { return };
        let Some(step) = line.get("step").and_then(Value::as_u64) else { return };
        let logged = &mut self.logged;
        let rows = logged.steps.len();
        logged.steps.push(step as f64);
        logged.seconds.push(line.get("seconds").and_then(Value::as_f64).unwrap_or(f64::NAN));
        self.numbers += 2;
        for (name, value) in &line {
            if let Some(value) = value.as_f64().filter(|_| name != "step" && name != "seconds") {
                if let Some(column) = column(&mut logged.numbers, name) {
                    put(column, rows, value);
                    self.numbers += 1;
                }
            } else if let Some(each) = value.as_array()
                && let Some(columns) = column(&mut logged.per_dimension, name)
            {
                columns.resize(columns.len().max(each.len().min(NAMES)), Vec::new());
                for (column, value) in columns.iter_mut().zip(each) {
                    put(column, rows, value.as_f64().unwrap_or(f64::NAN));
                    self.numbers += 1;
                }
            }
        }
    }
}

impl Logged {
    /// The newest number called `name`.
    pub fn last(&self, name: &str) -> Option<f64> {
        let (_, column) = self.numbers.iter().find(|(own, _)| own == name)?;
        column.iter().rev().find(|value| value.is_finite()).map(|value| f64::from(*value))
    }
}

/// The column called `name`, made where it is missing and there are not too many.
fn column<'a, T: Default>(columns: &'a mut Vec<(String, T)>, name: &str) -> Option<&'a mut T> {
    let at = columns.iter().position(|(own, _)| own == name);
    if at.is_none() && columns.len() >= NAMES {
        return None;
    }
    let at = at.unwrap_or_else(|| {
        columns.push((name.to_owned(), T::default()));
        columns.len() - 1
    });
    Some(&mut columns[at].1)
}

/// Puts `value` into row `row` of a column; the rows before that it lacks have no number.
fn put(column: &mut Vec<f32>, row: usize, value: f64) {
    column.resize(row, f32::NAN);
    column.push(value as f32);
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn append(run: &Path, text: &str) {
        let path = crate::training::RunFolder::log_of(run);
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("opens");
        file.write_all(text.as_bytes()).expect("writes");
    }

    /// Reads on; whether there was anything new.
    fn read_on(log: &mut RunLog) -> bool {
        log.read_on(&Cancel::new()).expect("reads")
    }

    #[test]
    fn a_log_is_read_as_it_grows_and_an_unfinished_line_waits() {
        let run = tempfile::tempdir().expect("temporary folder");
        let mut log = RunLog::new(run.path());
        assert!(!read_on(&mut log), "there is none yet");
        append(run.path(), "{\"step\":20,\"kl\":1.5,\"seconds\":3.0,\"kl_each\":[1,0.5]}\n{\"step\":40,");
        assert!(read_on(&mut log));
        assert_eq!(log.logged().steps, [20.0]);
        assert!(!read_on(&mut log), "nothing is read twice");
        append(run.path(), "\"kl\":2.5,\"rate\":1e-3,\"name\":\"x\"}\nnonsense\n[1]\n{\"kl\":1}\n");
        assert!(read_on(&mut log));
        let logged = log.logged();
        assert_eq!(logged.steps, [20.0, 40.0]);
        assert!(logged.seconds[0] == 3.0 && logged.seconds[1].is_nan());
        assert_eq!(logged.numbers[0], ("kl".to_owned(), vec![1.5, 2.5]));
        assert!(logged.numbers[1].0 == "rate" && logged.numbers[1].1[0].is_nan());
        assert_eq!(logged.per_dimension, [("kl_each".to_owned(), vec![vec![1.0], vec![0.5]])]);
        assert_eq!(
            (logged.last("kl"), logged.last("rate"), logged.last("other")),
            (Some(2.5), Some(f64::from(1e-3f32)), None)
        );
    }

    #[test]
    fn a_log_that_is_written_anew_is_read_anew() {
        let run = tempfile::tempdir().expect("temporary folder");
        let lines = |steps: std::ops::Range<u32>, kl: f32| -> String {
            steps.map(|step| format!("{{\"step\":{step},\"kl\":{kl}}}\n")).collect()
        };
        append(run.path(), &lines(1..100, 1.0));
        let mut log = RunLog::new(run.path());
        assert!(read_on(&mut log));
        // A run that is resumed drops the lines that it writes again; by then there may be more of them.
        std::fs::remove_file(crate::training::RunFolder::log_of(run.path())).expect("removes");
        append(run.path(), &(lines(1..51, 1.0) + &lines(51..200, 2.0)));
        assert!(read_on(&mut log));
        assert_eq!(log.logged().steps.len(), 199);
        assert_eq!((log.logged().numbers[0].1[49], log.logged().numbers[0].1[50]), (1.0, 2.0));
        std::fs::remove_file(crate::training::RunFolder::log_of(run.path())).expect("removes");
        assert!(read_on(&mut log) && log.logged().steps.is_empty());
    }

    #[test]
    fn a_log_of_many_names_and_of_lines_without_an_end_costs_little() {
        let run = tempfile::tempdir().expect("temporary folder");
        let names: Vec<String> = (0..2000).map(|at| format!("\"n{at}\":{at}")).collect();
        append(run.path(), &format!("{{\"step\":1,{}}}\n", names.join(",")));
        append(run.path(), &"x".repeat(3 << 20));
        append(run.path(), "\n{\"step\":2}\n");
        let mut log = RunLog::new(run.path());
        assert!(read_on(&mut log));
        assert_eq!((log.logged().numbers.len(), &log.logged().steps[..]), (NAMES, &[1.0, 2.0][..]));
    }
}
