//! The line above a page: which is shown, and what of.

use egui::{RichText, Ui};

use super::map_bar::map_bar;
use crate::app::action::{Actions, EvaluateAction};
use crate::app::command::Command;
use crate::app::document::Document;
use crate::app::document::pages::Page;
use crate::app::theme::{GRID, Palette, SMALL};

pub(super) fn bar(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(GRID * 0.5, GRID * 0.25);
        let pages = [
            (Page::Pictures, true, "Pictures", "The pictures of the codes as they are set"),
            (
                Page::Tables,
                state.pages.tables.is_some(),
                "Tables",
                "What each dimension of the code has to do with each factor of the data",
            ),
            (
                Page::Map,
                state.pages.map.is_some(),
                "Map",
                "Where the codes of the data's pictures lie, beside the picture of the code as it is set",
            ),
        ];
        for (page, _, text, hint) in pages.into_iter().filter(|(_, is_there, ..)| *is_there) {
            let button = ui.selectable_label(state.pages.shown() == page, text);
            if button.on_hover_text(hint).clicked() {
                actions.push(EvaluateAction::Show(page));
            }
        }
        if let Some(tables) = state.pages.tables.as_ref().filter(|_| state.pages.shown() == Page::Tables) {
            let told = &tables.told;
            let text = format!("{} pictures of {}, seed {}", told.samples, told.data, told.seed);
            ui.label(RichText::new(text).size(SMALL).color(Palette::of(ui).quiet));
            if ui.button("Export tables…").on_hover_text(Command::ExportTables.hint()).clicked() {
                actions.push(Command::ExportTables);
            }
        }
        if state.pages.shown() == Page::Map {
            map_bar(ui, state, actions);
        }
    });
}
