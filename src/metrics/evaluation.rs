use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::{Background, FileError, write_atomic};
use crate::checkpoint::CheckpointError;
use crate::data::DrawingVersion;
use crate::ops::Precision;

use super::{Metric, MetricError, Score};

/// The file in a run folder that keeps the results of its newest model.
pub const EVALUATION_FILE: &str = "eval.json";

/// What was measured of one model on one data set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// SHA-256 of the model's file or files.
    pub model_hash: String,
    /// The data set's specification.
    pub data: String,
    /// How the program drew its pictures.
    #[serde(default, skip_serializing_if = "DrawingVersion::is_first")]
    pub drawing: DrawingVersion,
    /// What showed through its pictures where they are transparent.
    #[serde(default, skip_serializing_if = "Background::is_black")]
    pub background: Background,
    /// In what the networks multiplied.
    #[serde(default, skip_serializing_if = "Precision::is_single")]
    pub precision: Precision,
    /// Seed of every random choice.
    pub seed: u64,
    /// Pictures (of [`Metric::Fvm`], votes) behind each value.
    pub samples: BTreeMap<Metric, usize>,
    /// How each value was computed, in words, where there is a choice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<Metric, String>,
    /// The values.
    pub metrics: BTreeMap<Metric, Score>,
    /// What was asked but has no value, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<Metric, String>,
    /// What one should know before using them; each begins with the name of its metric.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Evaluation {
    /// Reads what [`Evaluation::write`] wrote.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<Self, MetricError> {
        let text = std::fs::read_to_string(path).map_err(|error| FileError::new(error, path))?;
        serde_json::from_str(&text).map_err(|error| {
            let what = format!("these are no results of idgan eval ({error}); measure again");
            CheckpointError::content(what, path).into()
        })
    }

    /// Writes a JSON document, all of it or nothing.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), MetricError> {
        write_atomic(path, |writer| {
            serde_json::to_writer_pretty(&mut *writer, self)
                .map_err(std::io::Error::from)
                .and_then(|()| writer.write_all(b"\n"))
                .map_err(|error| FileError::new(error, path).into())
        })
    }

    /// Keeps a value that is one. A NaN anywhere in a model shows here, and would be no JSON either.
    pub(super) fn keep(&mut self, metric: Metric, score: Score, samples: usize, setting: impl Into<String>) {
        if !score.is_finite() {
            let reason = format!(
                "{metric} is left out: it came out as {}, so the model's codes or pictures hold what are no finite \
                 numbers",
                score.value
            );
            self.left_out.insert(metric, reason);
            return;
        }
        self.metrics.insert(metric, score);
        self.samples.insert(metric, samples);
        self.settings.insert(metric, setting.into());
    }

    /// Says of the FactorVAE metric of a uniform code what it would be of means `as_it_is`, with the published bound on variances.
    pub(super) fn explain_uniform_fvm(&mut self, as_it_is: f64, width: f64) {
        if let Some(score) = self.metrics.remove(&Metric::Fvm) {
            let score = score.with_parts(["means as they are".to_owned()], &[as_it_is]);
            self.metrics.insert(Metric::Fvm, score);
        }
        if let Some(setting) = self.settings.get_mut(&Metric::Fvm) {
            setting.push_str(&format!(
                ", that of means multiplied by sqrt(12) / {width}, as the code is uniform over a range of {width}"
            ));
        }
    }

    /// Whether `metric` was asked and answered, be it with the reason why it has no value.
    pub fn answers(&self, metric: Metric) -> bool {
        self.metrics.contains_key(&metric) || self.left_out.contains_key(&metric)
    }

    /// Adds what `older` measured beyond this, when it is about the same model, pictures and seed.
    pub fn complete_from(&mut self, older: &Self) {
        let identity =
            |e: &Self| (e.model_hash.clone(), e.data.clone(), e.drawing, e.background, e.precision, e.seed);
        if identity(self) != identity(older) {
            return;
        }
        for (&metric, reason) in &older.left_out {
            if !self.answers(metric) {
                self.left_out.insert(metric, reason.clone());
            }
        }
        for (&metric, score) in &older.metrics {
            if self.answers(metric) {
                continue;
            }
            let about = |warning: &&String| warning.split(' ').next() == Some(metric.name());
            self.warnings.extend(older.warnings.iter().filter(about).cloned());
            self.metrics.insert(metric, score.clone());
            self.samples.extend(older.samples.get(&metric).map(|&count| (metric, count)));
            self.settings.extend(older.settings.get(&metric).map(|words| (metric, words.clone())));
        }
    }
}

impl Evaluation {
    /// Adds what the file at `path` holds beyond this, as [`Evaluation::complete_from`] does; nothing where there is none.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else; nothing is added then.
    pub fn complete_from_file(&mut self, path: &Path) -> Result<(), MetricError> {
        if path.exists() {
            self.complete_from(&Self::read(path)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(seed: u64, metric: Metric, value: f64) -> Evaluation {
        Evaluation {
            model_hash: "ab".into(),
            data: "dsprites".into(),
            seed,
            samples: BTreeMap::from([(metric, 10)]),
            metrics: BTreeMap::from([(metric, Score::around(value, 0.1, [0.0, 1.0]))]),
            ..Evaluation::default()
        }
    }

    #[test]
    fn results_survive_the_disk_under_the_names_of_the_metrics() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join(EVALUATION_FILE);
        let written = evaluation(3, Metric::RId, 0.25);
        written.write(&path).expect("writes");
        let text = std::fs::read_to_string(&path).expect("reads");
        let json: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
        assert_eq!(json["metrics"]["r_id"]["value"], 0.25);
        assert_eq!(json["samples"]["r_id"], 10);
        assert_eq!(Evaluation::read(&path).expect("reads"), written);
        std::fs::write(&path, "{}").expect("writes");
        assert!(Evaluation::read(&path).is_err_and(|error| error.to_string().contains("measure again")));
    }

    #[test]
    fn only_results_of_the_same_model_data_and_seed_are_kept() {
        let mut new = evaluation(3, Metric::Mig, 0.5);
        new.complete_from(&evaluation(4, Metric::Fvm, 0.7));
        let drawing = DrawingVersion::of("dsprites");
        new.complete_from(&Evaluation { drawing, ..evaluation(3, Metric::Fvm, 0.7) });
        let background = Background::WHITE;
        new.complete_from(&Evaluation { background, ..evaluation(3, Metric::Fvm, 0.7) });
        let precision = Precision::Tf32;
        new.complete_from(&Evaluation { precision, ..evaluation(3, Metric::Fvm, 0.7) });
        assert_eq!(new, evaluation(3, Metric::Mig, 0.5), "neither another seed's nor of other pictures");
        new.complete_from(&evaluation(3, Metric::Mig, 0.9));
        assert_eq!(new.metrics[&Metric::Mig].value, 0.5, "new values win");
        let mut older = evaluation(3, Metric::Fvm, 0.7);
        older.warnings = vec!["fvm is rough".into(), "mig is rough".into()];
        older.left_out = BTreeMap::from([(Metric::Mig, "why".into()), (Metric::Kl, "because".into())]);
        new.complete_from(&older);
        assert_eq!((new.metrics[&Metric::Fvm].value, new.samples[&Metric::Fvm]), (0.7, 10));
        assert_eq!(new.warnings, ["fvm is rough"], "a warning stays with its value");
        assert_eq!(new.left_out.keys().collect::<Vec<_>>(), [&Metric::Kl]);
        assert!(new.answers(Metric::Kl) && !new.answers(Metric::Fid));
    }
}
