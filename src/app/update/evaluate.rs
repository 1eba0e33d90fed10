use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::app::document::Document;
use crate::app::document::evaluate::{News, Running, lock};
use crate::app::log::About;
use crate::app::process::run_until;
use crate::app::update::save::name;
use crate::base::{Cancel, typed_path, write_atomic};
use crate::engine::Opened;
use crate::inference::Place;
use crate::metrics::{EVALUATION_FILE, Evaluation, FactorNetwork, Metric};

impl Document {
    /// Takes the results that were kept for the model that has just opened.
    pub(crate) fn recall_evaluation(&mut self) {
        self.evaluate.running = None;
        self.evaluate.results = None;
        let Some(model) = &self.model else { return };
        self.evaluate.settings.data = model.description().data.clone().unwrap_or_default();
        let kept =
            self.kept_file(&model.opened, EVALUATION_FILE).and_then(|path| Evaluation::read(&path).ok());
        // A run folder keeps those of an older checkpoint until it is measured again.
        self.evaluate.results = kept.filter(|kept| kept.model_hash == model.opened.hash);
    }

    /// Where what is measured of a model is kept as `name`: in its run folder, else beside its notes.
    pub(crate) fn kept_file(&self, opened: &Opened, name: &str) -> Option<PathBuf> {
        let path = opened.source.path();
        if path.is_dir() {
            return Some(path.join(name));
        }
        let folder = self.config.as_ref()?;
        Some(folder.join("models").join(format!("{}.{name}", opened.hash)))
    }

    /// Measures what is chosen, one metric after the other, in a process of its own: it takes minutes, and whatever
    /// goes wrong there, the window stays.
    pub(crate) fn start_evaluation(&mut self) {
        let Some(model) = &self.model else { return };
        let metrics: Vec<Metric> = self
            .evaluate
            .settings
            .chosen
            .iter()
            .filter(|(_, chosen)| **chosen)
            .map(|(metric, _)| *metric)
            .collect();
        let set = &self.evaluate.settings;
        let mut words = words_about("eval", &model.opened, set.data.trim(), set.seed);
        if set.samples > 0 {
            words.push(format!("--samples={}", set.samples));
        }
        let news = Arc::new(Mutex::new(News::default()));
        let model_id = model.opened.model_id;
        let worker = Worker {
            program: self.program.clone(),
            words,
            network: typed_path(&self.evaluate.settings.network).display().to_string(),
            metrics,
            news: Arc::clone(&news),
            ctx: self.ctx().clone(),
        };
        let ctx = self.ctx().clone();
        match self.tasks.start("idgan-evaluate", &ctx, move |cancel| worker.run(cancel)) {
            Ok(task) => self.evaluate.running = Some(Running { model_id, news, task }),
            Err(message) => self.log.fail(About::Evaluation, message),
        }
    }

    /// Takes in what has been measured, and keeps it with the model.
    pub(crate) fn receive_evaluation(&mut self) {
        let Some(running) = &self.evaluate.running else { return };
        // First whether it has ended, so that nothing is told between the two looks.
        let end = running.task.take();
        let News { results, errors, .. } = {
            let mut news = lock(&running.news);
            let at = news.at;
            std::mem::replace(&mut *news, News { at, ..News::default() })
        };
        let is_current = self.model.as_ref().is_some_and(|model| model.opened.model_id == running.model_id);
        if !results.is_empty() {
            self.log.succeed(About::Evaluation);
        }
        for error in errors {
            self.log.fail(About::Evaluation, error);
        }
        if let Some(end) = end {
            self.evaluate.running = None;
            if let Err(panic) = end {
                let text = format!("Measuring stopped by a fault of the program ({panic}); try again");
                self.log.fail(About::Evaluation, text);
            }
        }
        if results.is_empty() || !is_current {
            return;
        }
        for mut new in results {
            if let Some(older) = &self.evaluate.results {
                new.complete_from(older);
            }
            self.evaluate.results = Some(new);
        }
        self.keep_evaluation();
    }

    fn keep_evaluation(&mut self) {
        let Some((model, mut results)) = self.model.as_ref().zip(self.evaluate.results.clone()) else {
            return;
        };
        let Some(path) = self.kept_file(&model.opened, EVALUATION_FILE) else { return };
        let ctx = self.ctx().clone();
        self.start_job("Keeping the results".to_owned(), About::Keeping, &ctx, move || {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
            }
            // The command line may have measured more meanwhile. What cannot be read is replaced.
            let _ = results.complete_from_file(&path);
            results.write(&path).map_err(|error| error.to_string())?;
            Ok(format!("Kept the results: {}", path.display()))
        });
    }

    /// Writes the results as JSON, or as a table where the file's name ends in `.csv`.
    pub(crate) fn export_evaluation(&mut self, path: PathBuf, ctx: &egui::Context) {
        let Some(results) = self.evaluate.results.clone() else { return };
        self.start_job(format!("Exporting {}", name(&path)), About::Files, ctx, move || {
            if path.extension().is_some_and(|extension| extension == "csv") {
                let table = results.csv();
                let written = write_atomic(&path, |writer| {
                    use std::io::Write;
                    writer
                        .write_all(table.as_bytes())
                        .map_err(|error| crate::base::FileError::new(error, &path))
                });
                written.map_err(|error| error.to_string())?;
            } else {
                results.write(&path).map_err(|error| error.to_string())?;
            }
            Ok(format!("Exported the results: {}", path.display()))
        });
    }
}

/// The words of the command called `command` about a model's codes of `data`, with the choices of `seed`.
pub(crate) fn words_about(command: &str, opened: &Opened, data: &str, seed: u64) -> Vec<String> {
    let mut words = vec![command.to_owned()];
    words.extend(opened.source.sources().arguments());
    words.push(format!("--data={data}"));
    words.push(format!("--seed={seed}"));
    let place: Place = opened.source.device.parse().unwrap_or_default();
    words.extend(place.options().into_iter().map(|(name, value)| format!("--{name}={value}")));
    words
}

/// Runs `idgan eval` for one computation after the other.
struct Worker {
    program: PathBuf,
    words: Vec<String>,
    network: String,
    metrics: Vec<Metric>,
    news: Arc<Mutex<News>>,
    ctx: egui::Context,
}

impl Worker {
    fn run(self, cancel: &Cancel) {
        // The child inherits it: the window and its pictures go first.
        crate::base::step_back(10);
        let count = self.metrics.len();
        let mut done = 0;
        // What one computation tells is asked for at once.
        for metrics in self.metrics.chunk_by(|a, b| a.together().contains(b)) {
            if cancel.is_cancelled() {
                break;
            }
            lock(&self.news).at = Some((metrics[0], done, count));
            self.ctx.request_repaint();
            let result = self.measure(metrics, cancel);
            done += metrics.len();
            let mut news = lock(&self.news);
            match result {
                Ok(Some(evaluation)) => news.results.push(evaluation),
                Ok(None) => {}
                Err(message) => {
                    let titles: Vec<&str> = metrics.iter().map(|metric| metric.title()).collect();
                    news.errors.push(format!("{} was not measured: {message}", titles.join(", ")));
                }
            }
        }
    }

    /// The results of some metrics; `None` when it was cancelled.
    fn measure(&self, metrics: &[Metric], cancel: &Cancel) -> Result<Option<Evaluation>, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let out = folder.path().join("eval.json");
        let by_features = metrics.iter().any(|metric| metric.needs_features());
        let names: Vec<&str> = metrics.iter().map(|metric| metric.name()).collect();
        let mut words = self.words.clone();
        words.push(format!("--metrics={}", names.join(",")));
        words.extend(by_features.then(|| network_word(&self.network)).flatten());
        words.push(format!("--out={}", out.display()));
        let has_ended = run_until(&self.program, &words, cancel)?;
        has_ended.then(|| Evaluation::read(&out)).transpose().map_err(|error| error.to_string())
    }
}

/// The argument that names the network behind FID: one of `idgan train features`, or else the Inception weights.
fn network_word(file: &str) -> Option<String> {
    if file.is_empty() {
        return None;
    }
    let is_own_kind = FactorNetwork::read(Path::new(file)).is_ok();
    let is_dinov2 = Path::new(file).file_name().is_some_and(|name| name.to_string_lossy().contains("dinov2"));
    let flag = match (is_own_kind, is_dinov2) {
        (true, _) => "features",
        (_, true) => "dinov2",
        _ => "inception",
    };
    Some(format!("--{flag}={file}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_named_for_what_it_is() {
        assert_eq!(network_word(""), None);
        let own = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/features-dsprites.safetensors");
        assert_eq!(network_word(own), Some(format!("--features={own}")));
        assert_eq!(network_word("weights.pth").as_deref(), Some("--inception=weights.pth"));
        let dinov2 = "dinov2_vits14_pretrain.pth";
        assert_eq!(network_word(dinov2), Some(format!("--dinov2={dinov2}")));
    }
}
