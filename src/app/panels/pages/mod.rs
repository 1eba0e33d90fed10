//! Pages about the open model's codes: what the stage shows of them, and the controls that make them.

mod bar;
mod controls;
mod map;
mod map_bar;
mod tables;

use egui::{Ui, Vec2};

use super::Panel;
use crate::app::action::Actions;
use crate::app::document::Document;
use crate::app::document::pages::Page;
use crate::app::theme::GRID;

pub(super) use controls::controls;
pub(crate) use map::MapPanel;

/// A page in the middle of the window, below a line that chooses among them. Where the pictures of the model are wanted, alone
/// or beside the map, there is the line alone.
#[derive(Default)]
pub(crate) struct PagesPanel;

impl Panel for PagesPanel {
    fn title(&self) -> &'static str {
        "Pages"
    }

    fn ui(&mut self, ui: &mut Ui, state: &Document, actions: &mut Actions) {
        egui::Frame::new().inner_margin(Vec2::new(GRID, GRID * 0.5)).show(ui, |ui| {
            bar::bar(ui, state, actions);
            match state.pages.shown() {
                Page::Pictures | Page::Map => {}
                Page::Tables => tables::tables(ui, state, actions),
            }
        });
    }
}
