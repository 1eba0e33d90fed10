use std::io::Write;
use std::path::Path;

use crate::base::{FileError, shell_quoted, write_atomic};
use crate::checkpoint::{RUN_CHECKPOINT, summarise};
use crate::metrics::{EVALUATION_FILE, Evaluation};
use crate::training::{RunFolder, TrainConfig};

use super::{Cell, Measurement, SweepError};

/// How far a cell is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CellProgress {
    /// There is no run yet.
    New,
    /// It is being trained, or was.
    Training {
        /// Steps in its newest checkpoint.
        step: u64,
        /// Steps to train in all.
        steps: u64,
    },
    /// It is trained, but not measured, or another model was.
    Trained,
    /// Trained, and measured where that is asked for.
    Done,
}

impl std::fmt::Display for CellProgress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::New => f.pad("new"),
            Self::Training { step, steps } => f.pad(&format!("step {step} of {steps}")),
            Self::Trained => f.pad("trained"),
            Self::Done => f.pad("done"),
        }
    }
}

/// Looks how far `cell` is, from its folder alone.
///
/// # Errors
/// When a file of the run cannot be read.
pub fn progress(cell: &Cell) -> Result<CellProgress, SweepError> {
    let Some(config) = RunFolder::saved_config(&cell.folder)? else {
        return Ok(CellProgress::New);
    };
    let steps = cell.steps.unwrap_or(config.steps);
    let path = cell.folder.join(RUN_CHECKPOINT);
    if !path.is_file() {
        return Ok(CellProgress::Training { step: 0, steps });
    }
    let summary = summarise(&path)?;
    let step = summary.training.get("steps").and_then(serde_json::Value::as_u64).unwrap_or(0);
    // a run ends by measuring the statistics of its encoder
    let lacks_stats = summary.vae.is_some() && summary.stats_rows.is_none();
    if step < steps || lacks_stats {
        return Ok(CellProgress::Training { step, steps });
    }
    let is_measured = match &cell.measurement {
        Some(measurement) => {
            asks_as_before(cell) && holds(&cell.folder.join(EVALUATION_FILE), &summary.sha256, measurement)
        }
        None => true,
    };
    Ok(if is_measured { CellProgress::Done } else { CellProgress::Trained })
}

/// How the saved run in a cell's folder differs from what the cell would train, `config`: its results would stand under
/// values that it never had. Empty where there is no run yet.
///
/// # Errors
/// When the saved configuration cannot be read.
pub fn differences(cell: &Cell, config: &TrainConfig) -> Result<Vec<String>, SweepError> {
    let saved = RunFolder::saved_config(&cell.folder)?;
    Ok(saved.map(|saved| super::variant::differences(&saved, config)).unwrap_or_default())
}

/// The file in a run folder with the arguments of the `idgan eval` that a sweep ended with.
const MEASURED: &str = "eval.arguments";

/// What decides a cell's measurement: the folder may have moved.
fn arguments(cell: &Cell) -> Option<String> {
    let words = cell.measuring()?;
    let others: Vec<String> = words.into_iter().filter(|word| Path::new(word) != cell.folder).collect();
    Some(shell_quoted(&others))
}

/// Notes that `cell` was measured as it asks.
///
/// # Errors
/// When the note cannot be written.
pub(super) fn note_measured(cell: &Cell) -> Result<(), SweepError> {
    let Some(words) = arguments(cell) else { return Ok(()) };
    let path = cell.folder.join(MEASURED);
    write_atomic(&path, |writer| {
        writeln!(writer, "{words}").map_err(|error| FileError::new(error, &path).into())
    })
}

/// Whether a sweep has measured with these arguments, or none has: somebody measured by hand then.
fn asks_as_before(cell: &Cell) -> bool {
    let before = std::fs::read_to_string(cell.folder.join(MEASURED));
    before.map_or(true, |before| Some(before.trim_end()) == arguments(cell).as_deref())
}

/// Whether the results in this file are about the model with this SHA-256, and answer what was asked.
fn holds(path: &Path, sha256: &str, asked: &Measurement) -> bool {
    let answers =
        |results: &Evaluation, name: &String| name.parse().is_ok_and(|metric| results.answers(metric));
    Evaluation::read(path).is_ok_and(|results| {
        results.model_hash == sha256 && asked.metrics.iter().all(|name| answers(&results, name))
    })
}
