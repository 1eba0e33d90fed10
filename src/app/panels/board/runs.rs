//! The runs of a folder, and which of them are laid over each other.

use egui::{RichText, Ui};

use super::super::heading;
use crate::app::action::{Actions, BoardAction};
use crate::app::command::Command;
use crate::app::document::Document;
use crate::app::document::board::run_name;
use crate::app::theme::{Palette, SMALL, series};

/// The runs of a folder, each of which can be drawn over the others.
pub(crate) fn overlays(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    let board = &state.board;
    let folder = board.folder.as_deref();
    let hint =
        folder.map_or_else(|| Command::ListRuns.hint().to_owned(), |folder| folder.display().to_string());
    heading(ui, "Runs in", &folder.map(run_name).unwrap_or_default(), &hint);
    let colours = series(ui);
    let quiet = Palette::of(ui).quiet;
    let shown = board.runs.iter().map(|run| &run.folder);
    let others = board.told.listed.iter().filter(|listed| board.colour(listed).is_none());
    for run in shown.chain(others) {
        let colour = board.colour(run);
        // Runs of a sweep lie deeper, and are told apart by the way to them.
        let below = folder.and_then(|folder| run.strip_prefix(folder).ok());
        let name = below.map_or_else(|| run_name(run), |below| below.display().to_string());
        ui.horizontal(|ui| {
            let mut is_shown = colour.is_some();
            let text = match colour {
                Some(colour) => RichText::new(&name).color(colours[colour]),
                None => RichText::new(&name),
            };
            let hint = format!("Draw the curves of this run over the others: {}", run.display());
            if ui.checkbox(&mut is_shown, text).on_hover_text(hint).changed() {
                actions.push(BoardAction::Overlay(run.clone(), is_shown));
            }
            if let Some(progress) = state.progress(run) {
                ui.add(egui::Label::new(RichText::new(progress).size(SMALL).color(quiet)).truncate());
            }
        });
    }
    if ui.button("Overlay runs…").on_hover_text(Command::ListRuns.hint()).clicked() {
        actions.push(Command::ListRuns);
    }
}
