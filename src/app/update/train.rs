//! Training from the window: a run on the engine's thread, and what of it is shown.

use std::path::Path;

use crate::app::document::board::{BoardSettings, BoardView};
use crate::app::document::{Document, Start};
use crate::app::log::{About, Severity};
use crate::app::train::{Form, Run};
use crate::engine::ModelSource;
use crate::training::Family;

impl Document {
    /// Starts the run that the form describes.
    pub(crate) fn start_training(&mut self) {
        let result = self.train.form.config().and_then(|config| {
            let folder = self.train.form.folder()?;
            let ctx = self.ctx().clone();
            let machine = (self.train_threads(), self.train.form.place()?);
            Run::start(&folder, Some(config), machine, &mut self.tasks, &ctx)
        });
        self.on_started(result);
    }

    /// Goes on with the run in `folder`.
    pub(crate) fn resume_training(&mut self, folder: &Path) {
        let ctx = self.ctx().clone();
        let place = self.train.form.place();
        let threads = self.train_threads();
        let result =
            place.and_then(|place| Run::start(folder, None, (threads, place), &mut self.tasks, &ctx));
        self.on_started(result);
    }

    /// Threads of a run.
    fn train_threads(&self) -> usize {
        match self.train.form.threads {
            0 => self.threads,
            threads => threads,
        }
    }

    /// Changes the form, and looks whether a run could start.
    pub(crate) fn fill_in(&mut self, change: impl FnOnce(&mut Form)) {
        change(&mut self.train.form);
        self.check_form();
    }

    /// Looks whether the run that the form describes could start.
    fn check_form(&mut self) {
        let train = &mut self.train;
        train.problems = train.form.problems();
        train.fields = train.form.fields();
        train.command = train.form.command().ok();
    }

    /// Puts the command on the clipboard that starts the run of the form.
    pub(crate) fn copy_train_command(&mut self) {
        if let Some(command) = self.train.command.clone() {
            self.ctx().copy_text(command);
            self.log.tell(About::Clipboard, "Copied the command that starts this run");
        }
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
        self.notice_end();
        let Some(run) = &self.train.run else { return };
        let (has_checkpoint, folder) = (run.has_checkpoint(), run.folder.clone());
        let form = &self.train.form;
        if run.is_over() && has_checkpoint && form.family == Family::Vae && form.vae.is_empty() {
            // The second stage distils what the first has found.
            self.fill_in(|form| form.propose_vae(&folder));
        }
        if self.train.explore_when_saved && has_checkpoint {
            self.explore_run();
        }
    }

    /// Once a run has begun or ended, its folder is no longer what it was.
    fn notice_end(&mut self) {
        let is_over = self.train.run.as_ref().is_none_or(Run::is_over);
        if std::mem::replace(&mut self.train.was_over, is_over) != is_over {
            self.check_form();
        }
    }
}
