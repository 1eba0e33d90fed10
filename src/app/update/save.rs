use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::app::dialog::Purpose;
use crate::app::document::follow::Follow;
use crate::app::document::stage_picture::StageTarget;
use crate::app::document::{Document, Start};
use crate::app::jobs::JobProgress;
use crate::app::log::About;
use crate::app::process::run;
use crate::app::update::recipe::with_codes;
use crate::base::{Cancel, FileError, write_atomic};
use crate::checkpoint::BundledModel;
use crate::checkpoint::npz::NpzWriter;
use crate::engine::ModelSource;
use crate::explore::Codes;
use crate::figures::export::{Colour, Provenance, numbers, write_png};
use crate::figures::{ChainChoice, Figure, FigureRequest, SampleCodes, SampleRequest};

/// Writes every block of `codes` as an array of an npz file, with provenance.
pub(crate) fn write_codes(path: &Path, codes: &Codes, provenance: &Provenance) -> Result<(), FileError> {
    let fail = |error| FileError::new(error, path);
    write_atomic(path, |writer| {
        let mut npz = NpzWriter::new(writer);
        for (name, values) in codes.blocks() {
            npz.floats(name, values.shape(), values.data()).map_err(fail)?;
        }
        npz.text("provenance", &provenance.document().to_string()).map_err(fail)?;
        npz.finish().map(drop).map_err(fail)
    })
}

impl Document {
    /// Provenance of something made from the codes shown. `command` makes it again.
    pub(crate) fn provenance(&self, command: Vec<String>) -> Option<Provenance> {
        let (model, latent) = self.model.as_ref().zip(self.latent.as_ref())?;
        let mut codes = Map::<String, Value>::new();
        for (name, values) in latent.codes().blocks() {
            codes.insert(name.to_owned(), numbers(values.row(0)));
        }
        let provenance = Provenance {
            command,
            model: model.description().name.clone(),
            checkpoint: model.opened.hash.clone(),
            details: Map::new(),
        };
        Some(provenance.with("codes", codes))
    }

    /// Does with `path` what it was asked for. Returns what is to be asked for next, and what to propose for it.
    pub(crate) fn on_path(
        &mut self,
        purpose: Purpose,
        path: PathBuf,
        ctx: &egui::Context,
    ) -> Option<(Purpose, PathBuf)> {
        match purpose {
            Purpose::Model | Purpose::Run => self.open_path(path),
            Purpose::Beside => self.open_beside(ModelSource::file(path)),
            Purpose::ResumeRun => self.resume_training(&path),
            Purpose::Runs => self.list_runs(path),
            Purpose::PairVae => self.pair_with(path),
            Purpose::Encoder => self.pair_with_encoder(path),
            Purpose::Data => {
                let proposal = self.measured_path()?;
                self.measured_on = Some(path);
                return Some((Purpose::SaveMeasured, proposal));
            }
            Purpose::SaveMeasured => self.measure_data(path, ctx),
            Purpose::Photo => self.start_from_photo(path, ctx),
            Purpose::SaveCodes => self.save_codes(path, ctx),
            Purpose::SavePicture => self.save_picture(path, ctx),
            Purpose::SaveStage => self.picture_stage(StageTarget::File(path)),
            Purpose::SaveEvaluation => self.export_evaluation(path, ctx),
            Purpose::SaveTables => self.export_tables(path, ctx),
            Purpose::SaveMap => self.export_map(path, ctx),
            Purpose::SaveTraversal => self.export_traversal(&path, ctx),
            Purpose::SaveMatrix => self.export_matrix(&path, ctx),
            Purpose::SaveAnimation => self.export_animation(&path, ctx),
        }
        None
    }

    /// Where the model would go once it is measured: into its own bundle, or beside what cannot hold statistics or is not
    /// the person's.
    fn measured_path(&self) -> Option<PathBuf> {
        let path = self.model.as_ref()?.opened.source.path();
        let is_bundle =
            path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"));
        Some(match BundledModel::at(path) {
            Some(model) => PathBuf::from(format!("{}.measured.safetensors", model.name)),
            None if is_bundle && path.is_file() => path.to_owned(),
            None => path.with_extension("measured.safetensors"),
        })
    }

    /// Measures where the codes of the pictures lie that were named before, writes a bundle with the result to `out` and
    /// opens it.
    fn measure_data(&mut self, out: PathBuf, ctx: &egui::Context) {
        let Some((model, folder)) = self.model.as_ref().zip(self.measured_on.take()) else { return };
        let mut words = vec!["stats".to_owned()];
        words.extend(model.opened.source.sources().arguments());
        words.extend(["--images".to_owned(), folder.display().to_string()]);
        words.extend(["--out".to_owned(), out.display().to_string()]);
        let source = ModelSource { device: model.opened.source.device.clone(), ..ModelSource::file(out) };
        let program = self.program.clone();
        let then_open = self.then_open.clone();
        self.start_job(format!("Measuring on {}", name(&folder)), About::Picture, ctx, move || {
            run(&program, &words).map_err(|reason| format!("The data was not measured: {reason}"))?;
            let text = format!("Measured where the data lies: {}", source.path().display());
            then_open.put(Follow::Keep(source));
            Ok(text)
        });
    }

    fn save_codes(&mut self, path: PathBuf, ctx: &egui::Context) {
        let command = vec!["idgan".to_owned(), "explore".to_owned()];
        let (Some(latent), Some(provenance)) = (&self.latent, self.provenance(command)) else { return };
        let codes = latent.codes().clone();
        self.start_job(format!("Saving {}", name(&path)), About::Files, ctx, move || {
            write_codes(&path, &codes, &provenance).map_err(|error| error.to_string())?;
            Ok(format!("Saved the codes: {}", path.display()))
        });
    }

    /// Saves the first picture shown at its own resolution.
    fn save_picture(&mut self, path: PathBuf, ctx: &egui::Context) {
        let Some(model) = &self.model else { return };
        let Some(chain) = model.main_chain() else { return };
        let Some(frame) = self.views.own.frame(chain) else { return };
        let picture = std::sync::Arc::clone(&frame.picture);
        let channels = model.opened.shape(chain).map_or(3, |shape| shape[0]);
        let colour = if channels == 1 { Colour::Grey } else { Colour::Rgb };
        let codes_path = path.with_extension("npz");
        let decoder = Some(ChainChoice::Named(model.name_of(chain).to_owned()));
        let samples = SampleRequest { codes: SampleCodes::File(codes_path.clone()), seed: 0, decoder };
        let request = FigureRequest {
            model: model.opened.source.sources(),
            place: model.opened.source.device.parse().unwrap_or_default(),
            figure: Figure::Samples(samples),
            out: path.with_extension(""),
        };
        let (Some(latent), Some(provenance)) = (&self.latent, self.provenance(request.command())) else {
            return;
        };
        let codes = latent.codes().clone();
        self.start_job(format!("Saving {}", name(&path)), About::Files, ctx, move || {
            with_codes(&codes_path, &codes, &provenance, || write_png(&path, &picture, colour, &provenance))
                .map_err(|error| error.to_string())?;
            Ok(format!("Saved the picture, and its codes beside it: {}", path.display()))
        });
    }

    /// Runs `work` on a thread of its own; its answer lands in the log, as something `about` this.
    pub(crate) fn start_job(
        &mut self,
        name: String,
        about: About,
        ctx: &egui::Context,
        work: impl FnOnce() -> Result<String, String> + Send + 'static,
    ) {
        if let Err(message) = self.jobs.start(&mut self.tasks, name, about, ctx, work) {
            self.log.fail(about, message);
        }
    }

    /// As [`Document::start_job`], for work that takes a while: it can be stopped, and says how far it is.
    pub(crate) fn start_long_job(
        &mut self,
        name: String,
        about: About,
        ctx: &egui::Context,
        work: impl FnOnce(&Cancel, &JobProgress) -> Result<String, String> + Send + 'static,
    ) {
        if let Err(message) = self.jobs.start_long(&mut self.tasks, name, about, ctx, work) {
            self.log.fail(about, message);
        }
    }

    /// Takes in what jobs have answered.
    pub(crate) fn receive_jobs(&mut self) {
        for (about, answer) in self.jobs.take_answers() {
            match answer {
                Ok(message) => self.log.tell(about, message),
                Err(message) => self.log.fail(about, message),
            }
        }
        match self.then_open.take() {
            Some(Follow::Keep(source)) => self.open(source, Start::AsIs),
            Some(Follow::Open(source)) => self.open(source, Start::Fresh),
            Some(Follow::Beside(source)) => self.open_beside(source),
            None => {}
        }
    }
}

/// The file name, for people.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
