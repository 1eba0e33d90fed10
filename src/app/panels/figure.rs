//! What the panels of all figures share.

use egui::{RichText, Ui};

use super::grid::{LARGEST, SMALLEST};
use super::heading;
use crate::app::action::{Actions, FigureAction};
use crate::app::command::Command;
use crate::app::document::Document;
use crate::app::document::recipe::Recipe;
use crate::app::theme::{GRID, Palette, SMALL};

/// A table of labels and controls.
pub(super) fn settings(id: &str, ui: &mut Ui, rows: impl FnOnce(&mut Ui)) {
    egui::Grid::new(id).num_columns(2).spacing([GRID, GRID]).show(ui, rows);
}

/// The size of the pictures on the screen.
pub(super) fn cell_size(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    let label = ui.label("Cell size");
    ui.horizontal(|ui| {
        let mut fits = state.traverse.cell.is_none();
        let hint = "As large as the whole table fits";
        if ui.checkbox(&mut fits, "fit").on_hover_text(hint).changed() {
            actions.push(FigureAction::CellSize((!fits).then_some(72.0)));
        }
        let mut side = state.traverse.cell.unwrap_or(72.0);
        ui.spacing_mut().slider_width = (ui.available_width() - GRID).clamp(GRID * 4.0, GRID * 12.0);
        let slider = egui::Slider::new(&mut side, SMALLEST..=LARGEST).show_value(false);
        let hint = "Size of the pictures on the screen; an export has the network's own size";
        if ui.add(slider).labelled_by(label.id).on_hover_text(hint).changed() {
            actions.push(FigureAction::CellSize(Some(side)));
        }
    });
    ui.end_row();
}

/// Which chain draws, where there are several.
pub(super) fn chain(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    let (Some(model), shown) = (&state.model, state.figure_chain()) else { return };
    let choices: Vec<_> =
        model.chains().map(|chain| (chain, model.name_of(chain), model.words(chain))).collect();
    if choices.len() < 2 {
        return;
    }
    ui.label("Pictures");
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = GRID * 0.25;
        ui.spacing_mut().button_padding.x = GRID * 0.5;
        for (chain, name, words) in choices {
            let button = ui.selectable_label(shown == Some(chain), words.label);
            if button.on_hover_text(words.choice).clicked() {
                actions.push(FigureAction::Chain(name.to_owned()));
            }
        }
    });
    ui.end_row();
}

/// The button that copies the command of `recipe`; it says so for a moment.
fn copy(ui: &mut Ui, actions: &mut Actions, recipe: &Recipe, out: &'static str) {
    const SHOWN_SECS: f64 = 2.0;
    let (id, now) = (ui.scope_id().with("copied"), ui.input(|input| input.time));
    let copied: Option<f64> = ui.data(|data| data.get_temp(id));
    let left = copied.map_or(0.0, |at| SHOWN_SECS - (now - at));
    let hint =
        "Put the command that makes this figure on the clipboard, and the codes that it reads into a file";
    let button = ui.button(if left > 0.0 { "Copied" } else { "Copy command" }).on_hover_text(hint);
    if button.clicked() {
        actions.push(FigureAction::Copy { recipe: Box::new(recipe.clone()), out });
        ui.data_mut(|data| data.insert_temp(id, now));
    }
    if left > 0.0 {
        ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(left));
    }
}

/// Size, export and command of a figure, and what is being exported. `recipe` makes it, in `out` where it is copied;
/// `command` exports.
pub(super) fn export(
    ui: &mut Ui,
    state: &Document,
    actions: &mut Actions,
    command: Command,
    size: &str,
    recipe: &Recipe,
    out: &'static str,
) {
    let palette = Palette::of(ui);
    ui.add_space(GRID);
    heading(ui, "Export", "", command.hint());
    ui.label(RichText::new(size).size(SMALL).color(palette.quiet));
    ui.horizontal_wrapped(|ui| {
        let button = ui.add_enabled(command.is_enabled(state), egui::Button::new("Export…"));
        if button.on_hover_text(command.hint()).clicked() {
            actions.push(command);
        }
        copy(ui, actions, recipe, out);
    });
    if recipe.codes.is_some() {
        let text = "These codes cannot be said in words, so the command reads them from a file: Copy command writes it \
                    where the command says, Export beside the figure.";
        ui.label(RichText::new(text).size(SMALL).color(palette.quiet));
    }
    let line = state.line(recipe, out);
    let text = RichText::new(line).font(crate::app::theme::figures()).size(SMALL).color(palette.quiet);
    ui.add(egui::Label::new(text).wrap()).on_hover_text("The command line that makes this figure again");
    for (index, job) in state.jobs.running().iter().enumerate() {
        ui.horizontal_wrapped(|ui| {
            ui.spinner();
            ui.label(job.status());
            let hint = "Stop it; nothing of it stays";
            if job.can_stop() && ui.button("Stop exporting").on_hover_text(hint).clicked() {
                actions.push(FigureAction::StopJob(index));
            }
        });
    }
}
