//! Training from the window: a run on the engine's thread, and what of it is shown.

use std::path::Path;

use crate::app::document::board::{BoardSettings, BoardView};
use crate::app::document::{Document, Start};
use crate::app::log::{About, Severity};
use crate::app::train::Run;
use crate::engine::ModelSource;
use crate::training::Family;

impl Document {
    /// Starts the run that the form describes.
    pub(crate) fn start_training(&mut self) {
        let result = self.train.form.config().and_then(|config| {
            let folder = self.train.form.folder()?;
            let ctx = self.ctx().clone();
            Run::start(&folder, Some(config), self.threads, &mut self.tasks, &ctx)
        });
        self.on_started(result);
    }

    /// Goes on with the run in `folder`.
    pub(crate) fn resume_training(&mut self, folder: &Path) {
        let ctx = self.ctx().clone();
        let result = Run::start(folder, None, self.threads, &mut self.tasks, &ctx);
        self.on_started(result);
    }

    fn on_started(&mut self, result: Result<Run, String>) {
        match result {
            Ok(run) => {
                self.log.succeed(About::Training);
                self.log.info(format!("Training into {}", run.folder.display()));
                self.train.explore_when_saved = false;
                self.train.run = Some(run);
                self.board.settings = BoardSettings {
                    view: BoardView::Curves,
                    range: None,
                    focus: None,
                    grid: None,
                    ..self.board.settings.clone()
                };
                self.overlay_own();
            }
            Err(message) => self.log.fail(About::Training, message),
        }
    }

    /// Opens the run in the explorer, where it is followed; where nothing has been saved yet, as soon as it is.
    pub(crate) fn explore_run(&mut self) {
        let Some(run) = &self.train.run else { return };
        if run.has_checkpoint() {
            self.train.explore_when_saved = false;
            let folder = run.folder.clone();
            self.open(ModelSource::file(folder), Start::Fresh);
        } else {
            run.control().save();
            self.train.explore_when_saved = true;
        }
    }

    /// Takes in what the run has told.
    pub(crate) fn receive_training(&mut self) {
        let Some(run) = &mut self.train.run else { return };
        let told = run.receive();
        for (severity, text) in told {
            match severity {
                Severity::Info => self.log.info(text),
                Severity::Warning => self.log.warn(About::Training, text),
                Severity::Error => self.log.fail(About::Training, text),
            }
        }
        let Some(run) = &self.train.run else { return };
        if run.is_over() && run.has_checkpoint() && self.train.form.family == Family::Vae {
            // The second stage distils what the first has found.
            self.train.form.propose_vae(&run.folder);
        }
        if self.train.explore_when_saved && run.has_checkpoint() {
            self.explore_run();
        }
    }
}
