//! Starts, steers and shows a training run.

mod form;
mod run;
mod values;

use egui::{ScrollArea, Ui};

use super::Panel;
use super::board::overlays;
use crate::app::action::Actions;
use crate::app::document::Document;
use crate::app::theme::GRID;

/// The form of a new run, the run that goes on, and the runs that can be looked at.
#[derive(Default)]
pub(crate) struct Train;

impl Panel for Train {
    fn title(&self) -> &'static str {
        "Train"
    }

    fn hint(&self) -> &'static str {
        "Train a VAE (stage 1) or a GAN that distils it (stage 2), and watch it learn"
    }

    fn ui(&mut self, ui: &mut Ui, state: &Document, actions: &mut Actions) {
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            let is_running = state.train.run.as_ref().is_some_and(|run| !run.is_over());
            if !is_running {
                form::form(ui, state, actions);
            }
            if state.train.run.is_some() {
                ui.add_space(GRID);
                run::run(ui, state, actions, is_running);
            }
            ui.add_space(GRID);
            overlays(ui, state, actions);
        });
    }
}
