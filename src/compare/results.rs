use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::base::FileError;
use crate::checkpoint::{RUN_CHECKPOINT, Summary, summarise};
use crate::data::DrawingVersion;
use crate::metrics::EVALUATION_FILE;
use crate::training::{Method, RunFolder, TrainConfig};

use super::variant::{Values, deciding, labels};
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
    /// The values by which it differs from other runs of its row, data set and size: `gan.w_info=0.1`; empty where they
    /// differ in their seeds alone.
    pub variant: String,
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
    /// Pictures behind each value, and how it was computed, in words.
    pub how: BTreeMap<String, (usize, String)>,
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
    #[serde(default)]
    model_hash: String,
    data: String,
    #[serde(default)]
    drawing: DrawingVersion,
    metrics: BTreeMap<String, Value>,
    #[serde(default)]
    samples: BTreeMap<String, usize>,
    #[serde(default)]
    settings: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Value {
    value: f64,
}

impl Results {
    /// Reads every run folder among `paths` and below them, each once. A run that cannot be read, was not measured, or
    /// was measured before it was trained on is left out with a warning.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn read(paths: &[PathBuf]) -> Result<Self, SweepError> {
        let mut reader = Reader::default();
        for path in paths {
            reader.visit(path, DEPTH)?;
        }
        Ok(reader.finish())
    }
}

/// Walks through folders.
#[derive(Default)]
struct Reader {
    results: Results,
    /// What decides each run's training.
    values: Vec<Values>,
    /// Folders seen, so that one that is named twice counts once.
    seen: HashSet<PathBuf>,
}

impl Reader {
    fn visit(&mut self, path: &Path, depth: usize) -> Result<(), SweepError> {
        let own = std::fs::canonicalize(path).map_err(|error| FileError::new(error, path))?;
        if !self.seen.insert(own) {
            return Ok(());
        }
        match RunFolder::saved_config(path) {
            Ok(Some(config)) => return self.add(path, &config),
            Ok(None) => {}
            Err(error) => {
                self.results
                    .warnings
                    .push(format!("left out, since its configuration cannot be read: {error}"));
                return Ok(());
            }
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
                self.results.warnings.push(format!("not measured yet, see idgan eval: {}", folder.display()));
                return Ok(());
            }
            Err(error) => return Err(FileError::new(error, path).into()),
        };
        let measured: Measured = match serde_json::from_str(&text) {
            Ok(measured) => measured,
            Err(error) => {
                self.results.warnings.push(format!("no results of idgan eval ({error}): {}", path.display()));
                return Ok(());
            }
        };
        // A folder that was copied without its model is taken at its word.
        let summary = summarise(&folder.join(RUN_CHECKPOINT)).ok();
        if summary.as_ref().is_some_and(|summary| summary.sha256 != measured.model_hash) {
            let place = folder.display();
            self.results.warnings.push(format!("left out, since it was trained on after it was measured; measure it again with idgan eval: {place}"));
            return Ok(());
        }
        if measured.drawing != DrawingVersion::of(&measured.data) {
            let (data, place) = (&measured.data, folder.display());
            self.results.warnings.push(format!(
                "counts, but was measured when this program drew {data} otherwise; train and measure it again: {place}"
            ));
        }
        let vae = if config.method.takes_a_vae() { vae_method(summary, config) } else { None };
        let how = |name: &String| {
            let setting = measured.settings.get(name).cloned().unwrap_or_default();
            (measured.samples.get(name).copied().unwrap_or_default(), setting)
        };
        self.values.push(deciding(config));
        self.results.runs.push(RunResult {
            folder: folder.to_owned(),
            row: Row { method: config.method, vae },
            variant: String::new(),
            how: measured.metrics.keys().map(|name| (name.clone(), how(name))).collect(),
            data: measured.data,
            size: config.size,
            seed: config.seed,
            w_info: config.gan.as_ref().map(|gan| gan.w_info),
            metrics: measured.metrics.into_iter().map(|(name, value)| (name, value.value)).collect(),
        });
        Ok(())
    }

    fn finish(self) -> Results {
        let mut results = self.results;
        let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (index, run) in results.runs.iter().enumerate() {
            groups.entry((run.row, run.data.clone(), run.size)).or_default().push(index);
        }
        for group in groups.values() {
            let values: Vec<&Values> = group.iter().map(|&index| &self.values[index]).collect();
            for (&index, label) in group.iter().zip(labels(&values)) {
                results.runs[index].variant = label;
            }
        }
        let place = |run: &RunResult| (run.row, run.variant.clone(), run.data.clone(), run.size, run.seed);
        results.runs.sort_by_key(place);
        for pair in results.runs.windows(2).filter(|pair| place(&pair[0]) == place(&pair[1])) {
            let (one, other) = (pair[0].folder.display(), pair[1].folder.display());
            results
                .warnings
                .push(format!("two runs of seed {} count in one mean: {one} and {other}", pair[0].seed));
        }
        results
    }
}

/// What trained the VAE that a run distils: what the model says of it, else what the VAE's own run says.
fn vae_method(summary: Option<Summary>, config: &TrainConfig) -> Option<Method> {
    let said = summary.and_then(|summary| {
        let name = summary.description?.provenance.get("vae_method")?.as_str()?.to_owned();
        Method::from_name(&name)
    });
    said.or_else(|| Some(RunFolder::saved_config(Path::new(&config.gan.as_ref()?.vae)).ok()??.method))
}
