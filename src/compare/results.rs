use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::base::FileError;
use crate::checkpoint::{RUN_CHECKPOINT, summarise};
use crate::metrics::EVALUATION_FILE;
use crate::training::{Method, RunFolder, TrainConfig};

use super::{Row, SweepError};

/// How deep run folders may lie below a folder that is named.
const DEPTH: usize = 6;

/// What was measured of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunResult {
    /// The run folder.
    pub folder: PathBuf,
    /// Where it belongs in a table.
    pub row: Row,
    /// The data set that it was measured on.
    pub data: String,
    /// Picture height and width in pixels.
    pub size: usize,
    /// Its seed.
    pub seed: u64,
    /// Weight of the distillation loss, lambda of Eq. 2, in methods of stage 2.
    pub w_info: Option<f64>,
    /// The values by metric, under the names of `idgan eval`.
    pub metrics: BTreeMap<String, f64>,
}

/// Results of runs, and words about the runs that have none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// One for each run that was measured.
    pub runs: Vec<RunResult>,
    /// What one should know.
    pub warnings: Vec<String>,
}

/// The part of `eval.json` that tables need.
#[derive(Deserialize)]
struct Measured {
    data: String,
    metrics: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Value {
    value: f64,
}

impl Results {
    /// Reads every run folder among `paths` and below them.
    ///
    /// # Errors
    /// When a folder or a file of a run cannot be read.
    pub fn read(paths: &[PathBuf]) -> Result<Self, SweepError> {
        let mut results = Self::default();
        for path in paths {
            results.visit(path, DEPTH)?;
        }
        results.runs.sort_by(|a, b| (a.row, &a.data, a.seed).cmp(&(b.row, &b.data, b.seed)));
        results.runs.dedup_by(|a, b| a.folder == b.folder);
        Ok(results)
    }

    fn visit(&mut self, path: &Path, depth: usize) -> Result<(), SweepError> {
        if let Some(config) = RunFolder::saved_config(path)? {
            return self.add(path, &config);
        }
        let entries = std::fs::read_dir(path).map_err(|error| FileError::new(error, path))?;
        let mut folders = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| FileError::new(error, path))?.path();
            if entry.is_dir() && depth > 0 {
                folders.push(entry);
            }
        }
        folders.sort();
        folders.iter().try_for_each(|folder| self.visit(folder, depth - 1))
    }

    fn add(&mut self, folder: &Path, config: &TrainConfig) -> Result<(), SweepError> {
        let path = folder.join(EVALUATION_FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.warnings.push(format!("not measured yet, see idgan eval: {}", folder.display()));
                return Ok(());
            }
            Err(error) => return Err(FileError::new(error, path).into()),
        };
        let measured: Measured = match serde_json::from_str(&text) {
            Ok(measured) => measured,
            Err(error) => {
                self.warnings.push(format!("no results of idgan eval ({error}): {}", path.display()));
                return Ok(());
            }
        };
        let vae = if config.method.takes_a_vae() { vae_method(folder, config) } else { None };
        self.runs.push(RunResult {
            folder: folder.to_owned(),
            row: Row { method: config.method, vae },
            data: measured.data,
            size: config.size,
            seed: config.seed,
            w_info: config.gan.as_ref().map(|gan| gan.w_info),
            metrics: measured.metrics.into_iter().map(|(name, value)| (name, value.value)).collect(),
        });
        Ok(())
    }
}

/// What trained the VAE that a run distils: what the model says of it, else what the VAE's own run says.
fn vae_method(folder: &Path, config: &TrainConfig) -> Option<Method> {
    let summary = summarise(&folder.join(RUN_CHECKPOINT)).ok();
    let said = summary.and_then(|summary| {
        let name = summary.description?.provenance.get("vae_method")?.as_str()?.to_owned();
        Method::from_name(&name)
    });
    said.or_else(|| Some(RunFolder::saved_config(Path::new(&config.gan.as_ref()?.vae)).ok()??.method))
}
