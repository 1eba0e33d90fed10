use std::path::PathBuf;

use crate::training::Method;

/// One run of a sweep: a folder, and the commands that fill it.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The run folder.
    pub folder: PathBuf,
    /// The method.
    pub method: Method,
    /// The data set's specification.
    pub data: String,
    /// The preset it starts from.
    pub preset: String,
    /// Its seed.
    pub seed: u64,
    /// Steps to train, if not the preset's.
    pub steps: Option<u64>,
    /// Values, as `idgan train --set` takes them; later ones win.
    pub set: Vec<String>,
    /// More arguments of `idgan train`.
    pub arguments: Vec<String>,
    /// What is measured of it, if anything is.
    pub measurement: Option<Measurement>,
    /// The run whose VAE it distils.
    pub needs: Option<Box<Cell>>,
}

/// What is measured of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurement {
    /// The data set's specification.
    pub data: String,
    /// The metrics, by the names of `idgan eval`; empty: all that model and data allow.
    pub metrics: Vec<String>,
    /// More arguments of `idgan eval`.
    pub arguments: Vec<String>,
}

impl Cell {
    /// The arguments of `idgan` that train it, or that go on with its training.
    pub fn training(&self, resume: bool) -> Vec<String> {
        let family = self.method.family().name();
        let folder = |path: &PathBuf| path.display().to_string();
        let mut words: Vec<String> = ["train", family, "--preset", &self.preset].map(String::from).to_vec();
        let mut flag = |name: &str, value: String| words.extend([format!("--{name}"), value]);
        flag("method", self.method.name().into());
        flag("data", self.data.clone());
        // a run keeps a copy of its VAE, and may have been moved since
        if let Some(vae) = self.needs.as_ref().filter(|_| !resume) {
            flag("vae", folder(&vae.folder));
        }
        flag("seed", self.seed.to_string());
        if let Some(steps) = self.steps {
            flag("steps", steps.to_string());
        }
        for pair in &self.set {
            flag("set", pair.clone());
        }
        flag("out", folder(&self.folder));
        words.extend(resume.then(|| "--resume".into()));
        words.extend(self.arguments.iter().cloned());
        words
    }

    /// The arguments of `idgan` that measure it, if it is to be measured.
    pub fn measuring(&self) -> Option<Vec<String>> {
        let Measurement { data, metrics, arguments } = self.measurement.as_ref()?;
        let mut words = vec!["eval".to_owned(), self.folder.display().to_string()];
        words.extend(["--data".into(), data.clone(), "--seed".into(), self.seed.to_string()]);
        if !metrics.is_empty() {
            words.extend(["--metrics".into(), metrics.join(",")]);
        }
        words.extend(arguments.iter().cloned());
        Some(words)
    }
}
