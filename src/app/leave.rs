use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use egui::{Align2, Context, Id, Key, ViewportCommand, vec2};

use super::Explorer;
use super::jobs::Job;
use super::theme::GRID;
use crate::app::document::Document;
use crate::app::update::save::name;
use crate::base::on_request_to_end;

/// How the window ends: what would be lost is asked about, or waited for.
#[derive(Default)]
pub(super) struct Leaving {
    stage: Stage,
    signal: Arc<Signal>,
}

/// What the system has told the program.
#[derive(Default)]
struct Signal {
    /// That it should end.
    is_told: AtomicBool,
    /// Whether the window has heard.
    is_heard: AtomicBool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Staying,
    /// Asks whether to leave something unfinished.
    Asking,
    /// Ends what goes on, and closes the window when that is done.
    Finishing,
}

/// A window that has not heard a signal for so long will never hear it.
const DEAF: Duration = Duration::from_secs(5);

/// The code of a program that a signal has ended.
const INTERRUPTED: i32 = 130;

impl Leaving {
    /// From now on the signals that end programs close the window of `ctx` as somebody does who quits: what is not kept
    /// yet is kept, and training saves. A second Ctrl+C ends the program at once.
    ///
    /// # Errors
    /// When the system refuses, or something listens already.
    pub(super) fn listen(&self, ctx: &Context) -> anyhow::Result<()> {
        let (signal, ctx) = (Arc::clone(&self.signal), ctx.clone());
        on_request_to_end(move || {
            signal.is_told.store(true, Ordering::Relaxed);
            ctx.request_repaint();
            let signal = Arc::clone(&signal);
            let watch = move || {
                std::thread::sleep(DEAF);
                if !signal.is_heard.load(Ordering::Relaxed) {
                    std::process::exit(INTERRUPTED);
                }
            };
            if std::thread::Builder::new().name("idgan-signal".to_owned()).spawn(watch).is_err() {
                std::process::exit(INTERRUPTED);
            }
        })?;
        Ok(())
    }

    /// Whether the system has told the program to end.
    fn is_told(&self) -> bool {
        let is_told = self.signal.is_told.load(Ordering::Relaxed);
        self.signal.is_heard.store(is_told, Ordering::Relaxed);
        is_told
    }
}

impl Explorer {
    /// Lets the window close, or holds it back. Called whether or not anything is drawn.
    pub(super) fn watch_end(&mut self, ctx: &Context) {
        let is_asked = ctx.input(|input| input.viewport().close_requested());
        if self.leaving.is_told() {
            self.leaving.stage = Stage::Finishing;
        }
        if !is_asked && self.leaving.stage != Stage::Finishing {
            return;
        }
        self.state.receive_jobs();
        self.state.receive_evaluation();
        self.state.receive_page();
        let is_unfinished = self.state.unfinished().is_some();
        match (is_unfinished, self.leaving.stage) {
            (false, _) if is_asked => {} // Nothing holds the window.
            (false, _) => ctx.send_viewport_cmd(ViewportCommand::Close),
            (true, stage) => {
                if is_asked {
                    ctx.send_viewport_cmd(ViewportCommand::CancelClose);
                }
                if stage == Stage::Finishing {
                    self.state.finish();
                    ctx.request_repaint_after(Duration::from_millis(100));
                } else {
                    self.leaving.stage = Stage::Asking;
                    ctx.send_viewport_cmd(ViewportCommand::Minimized(false));
                    ctx.send_viewport_cmd(ViewportCommand::Focus);
                }
            }
        }
    }

    /// Shows the question, or what is waited for.
    pub(super) fn leave(&mut self, ctx: &Context) {
        let Some(unfinished) = self.state.unfinished().filter(|_| self.leaving.stage != Stage::Staying)
        else {
            if self.leaving.stage == Stage::Asking {
                self.leaving.stage = Stage::Staying; // It has ended while the question stood.
            }
            return;
        };
        let area = egui::Modal::default_area(Id::unique("leave")).anchor(Align2::CENTER_TOP, vec2(0.0, 96.0));
        let is_asking = self.leaving.stage == Stage::Asking;
        let modal = egui::Modal::new(Id::unique("leave")).area(area).show(ctx, |ui| {
            ui.set_width(480.0);
            ui.heading(if is_asking { "Quit while something goes on?" } else { "Finishing…" });
            ui.label(unfinished);
            ui.add_space(GRID);
            let mut answer = None;
            if is_asking {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let hint = "Finish the step, save the run so that it can be resumed, write the files, and close the window";
                    if ui.button("Finish and quit").on_hover_text(hint).clicked() {
                        answer = Some(Stage::Finishing);
                    }
                    let stay = ui.button("Stay").on_hover_text("Everything goes on");
                    if stay.clicked() || ui.input(|input| input.key_pressed(Key::Escape)) {
                        answer = Some(Stage::Staying);
                    }
                });
            } else {
                ui.spinner();
            }
            answer
        });
        if let Some(stage) = modal.inner {
            self.leaving.stage = stage;
            ctx.request_repaint();
        }
    }
}

impl Document {
    /// What goes on and would be lost, or left half done, without the program.
    fn unfinished(&self) -> Option<String> {
        let mut texts = Vec::new();
        if let Some(run) = self.train.run.as_ref().filter(|run| !run.is_over()) {
            let news = run.news();
            texts.push(format!(
                "{} is training: step {} of {}. It saves before it ends, and can be resumed.",
                name(&run.folder),
                news.step,
                news.steps
            ));
        }
        if self.evaluate.is_running() {
            texts.push("The model is being measured. Metrics that are finished are kept.".to_owned());
        }
        if self.pages.making.is_some() {
            texts.push("A page about the model's codes is being made.".to_owned());
        }
        texts.extend(self.jobs.running().iter().map(Job::status));
        (!texts.is_empty()).then(|| texts.join("\n"))
    }

    /// Ends what goes on at its next convenient point.
    fn finish(&self) {
        if let Some(run) = &self.train.run {
            run.stop();
        }
        self.evaluate.cancel();
        self.pages.cancel();
    }
}
