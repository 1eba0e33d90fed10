//! The training board: what the stage shows of runs.

mod bar;
mod plots;
mod runs;
mod samples;

use egui::{Ui, Vec2};

use super::Panel;
use crate::app::action::Actions;
use crate::app::document::Document;
use crate::app::document::board::BoardView;
use crate::app::theme::GRID;

pub(super) use runs::overlays;

/// Curves or sample grids in the middle of the window, below a line that says how they are looked at. Where the pictures of
/// the model are wanted there is the line alone.
#[derive(Default)]
pub(crate) struct BoardPanel;

impl Panel for BoardPanel {
    fn title(&self) -> &'static str {
        "Training board"
    }

    fn ui(&mut self, ui: &mut Ui, state: &Document, actions: &mut Actions) {
        egui::Frame::new().inner_margin(Vec2::new(GRID, GRID * 0.5)).show(ui, |ui| {
            bar::bar(ui, state, actions);
            match state.board.settings.view {
                BoardView::Curves => plots::plots(ui, state, actions),
                BoardView::Samples => samples::samples(ui, state, actions),
                BoardView::Pictures => {}
            }
        });
    }
}
