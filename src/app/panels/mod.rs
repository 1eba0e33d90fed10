//! The parts of the window, one a file. A panel reads the [`Document`] and pushes [`Actions`]; it keeps what only it needs, such
//! as a name that is being typed.

mod animation;
mod board;
mod evaluate;
mod factors;
mod figure;
mod grid;
mod hint;
mod inspect;
mod log;
mod matrix;
mod menu;
mod notice;
mod nuisance;
mod pages;
mod pictures;
mod questions;
mod stage;
mod status;
mod strip;
mod toolbar;
mod train;
mod traverse;

use egui::Ui;

use crate::app::action::Actions;
use crate::app::document::Document;

pub(crate) use board::BoardPanel;
pub(crate) use evaluate::Evaluate;
pub(crate) use factors::Factors;
pub(crate) use grid::GridPanel;
pub(crate) use hint::hint_line;
pub(crate) use inspect::Inspect;
pub(crate) use log::LogPanel;
pub(crate) use menu::Menu;
pub(crate) use notice::notice;
pub(crate) use nuisance::Nuisance;
pub(crate) use pages::{MapPanel, PagesPanel};
pub(crate) use pictures::Pictures;
pub(crate) use questions::Questions;
pub(crate) use stage::room_below;
pub(crate) use status::Status;
pub(crate) use strip::StripPanel;
pub(crate) use train::Train;
pub(crate) use traverse::Traverse;

/// A part of the window.
pub(crate) trait Panel {
    /// What tabs and assistive technology call it.
    fn title(&self) -> &'static str;

    /// What it is for, where it has a tab.
    fn hint(&self) -> &'static str {
        ""
    }

    /// Draws it, and pushes what the person does.
    fn ui(&mut self, ui: &mut Ui, state: &Document, actions: &mut Actions);
}

/// The line above a group of controls; `symbol` is what the paper calls it, if it has a name there.
pub(crate) fn heading(ui: &mut Ui, text: &str, symbol: &str, explanation: &str) {
    let colour = super::theme::Palette::of(ui).quiet;
    let text = format!("{}  {symbol}", text.to_uppercase());
    let text = egui::RichText::new(text.trim_end()).size(super::theme::SMALL).color(colour).strong();
    ui.label(text).on_hover_text(explanation);
}
