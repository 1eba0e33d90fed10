use std::path::Path;

use crate::checkpoint::{RUN_CHECKPOINT, summarise};
use crate::metrics::EVALUATION_FILE;
use crate::training::RunFolder;

use super::{Cell, Measurement, SweepError};

/// How far a cell is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
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

impl std::fmt::Display for Progress {
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
pub fn progress(cell: &Cell) -> Result<Progress, SweepError> {
    let Some(config) = RunFolder::saved_config(&cell.folder)? else {
        return Ok(Progress::New);
    };
    let steps = cell.steps.unwrap_or(config.steps);
    let path = cell.folder.join(RUN_CHECKPOINT);
    if !path.is_file() {
        return Ok(Progress::Training { step: 0, steps });
    }
    let summary = summarise(&path)?;
    let step = summary.training.get("steps").and_then(serde_json::Value::as_u64).unwrap_or(0);
    // a run ends by measuring the statistics of its encoder
    let lacks_stats = summary.vae.is_some() && summary.stats_rows.is_none();
    if step < steps || lacks_stats {
        return Ok(Progress::Training { step, steps });
    }
    let is_measured = match &cell.measurement {
        Some(measurement) => holds(&cell.folder.join(EVALUATION_FILE), &summary.sha256, measurement),
        None => true,
    };
    Ok(if is_measured { Progress::Done } else { Progress::Trained })
}

/// Whether the results in this file are about the model with this SHA-256, and hold what was asked for.
fn holds(path: &Path, sha256: &str, asked: &Measurement) -> bool {
    let read =
        || -> Option<serde_json::Value> { serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok() };
    read().is_some_and(|results| {
        results["model_hash"] == sha256
            && asked.metrics.iter().all(|name| results["metrics"][name.as_str()].is_object())
    })
}
