use egui::{DragValue, RichText, Ui};

use super::grid::{LARGEST, SMALLEST};
use super::toolbar::hint;
use super::{Panel, heading};
use crate::app::command::Command;
use crate::app::recipe::Recipe;
use crate::app::state::State;
use crate::app::theme::{GRID, Palette, SMALL};
use crate::app::traverse::{Figure, RangeKind};
use crate::explore::Mode;

/// How the traversal grid is made, and its export.
#[derive(Default)]
pub(crate) struct Traverse;

impl Panel for Traverse {
    fn title(&self) -> &'static str {
        "Traverse"
    }

    fn hint(&self) -> &'static str {
        "Figures: latent traversals, the matrix of codes and nuisances (c × s), animations"
    }

    fn ui(&mut self, ui: &mut Ui, state: &mut State) {
        if state.model.is_none() {
            ui.label(RichText::new("Open a model to traverse its factors.").color(Palette::of(ui).quiet));
            return;
        }
        let figures = [
            (Command::Traverse, Figure::Traversal, "Traversal"),
            (Command::Matrix, Figure::Matrix, "c × s"),
            (Command::Animate, Figure::Animation, "Animation"),
        ];
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = GRID * 0.25;
            for (command, figure, text) in figures {
                let button = egui::Button::selectable(state.traverse.figure == figure, text);
                let response = ui.add_enabled(command.is_enabled(state), button);
                let response = response.on_hover_text(hint(command));
                let missing = "This model has no nuisance code beside its factors";
                if response.on_disabled_hover_text(missing).clicked() {
                    state.queue(command);
                }
            }
        });
        ui.add_space(GRID * 0.5);
        egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| match state.traverse.figure {
            Figure::Traversal => traversal(ui, state),
            Figure::Matrix => super::matrix::ui(ui, state),
            Figure::Animation => super::animation::ui(ui, state),
        });
    }
}

/// How the traversal grid is made, and its export.
fn traversal(ui: &mut Ui, state: &mut State) {
    heading(
        ui,
        "Latent traversal",
        "",
        "One row a factor, one column a value: each factor in turn runs through its range while everything else \
         stays as it is set now",
    );
    settings("traverse", ui, |ui| {
        chain(ui, state);
        range(ui, state);
        let label = ui.label("Columns");
        let steps = DragValue::new(&mut state.traverse.steps).range(2..=64).speed(0.1);
        ui.add(steps).labelled_by(label.id).on_hover_text("Number of values, both ends included");
        ui.end_row();
        mode(ui, state);
        cell_size(ui, state);
    });
    state.update_ranges();
    let can_sort = state.model.as_ref().is_some_and(|model| model.can_sort());
    if can_sort {
        let hint = "Show rows of dimensions that carry nothing, too";
        ui.checkbox(&mut state.traverse.with_collapsed, "Collapsed dimensions").on_hover_text(hint);
    }
    let Ok(traversal) = state.traversal() else { return };
    let Some([width, height]) = state.frame_size() else { return };
    let (columns, rows) = (traversal.steps, traversal.dims.len());
    let size = format!(
        "{rows} × {columns} pictures, about {} × {} pixels without labels",
        columns * width,
        rows * height
    );
    let Some(recipe) = state.traversal_recipe(&traversal, state.traverse.range()) else { return };
    export(ui, state, Command::ExportTraversal, &size, &recipe, "traversal.png");
}

/// A table of labels and controls.
pub(super) fn settings(id: &str, ui: &mut Ui, rows: impl FnOnce(&mut Ui)) {
    egui::Grid::new(id).num_columns(2).spacing([GRID, GRID]).show(ui, rows);
}

/// The size of the pictures on the screen.
pub(super) fn cell_size(ui: &mut Ui, state: &mut State) {
    let label = ui.label("Cell size");
    ui.horizontal(|ui| {
        let mut fits = state.traverse.cell.is_none();
        let hint = "As large as the whole table fits";
        if ui.checkbox(&mut fits, "fit").on_hover_text(hint).changed() {
            state.traverse.cell = (!fits).then_some(72.0);
        }
        let mut side = state.traverse.cell.unwrap_or(72.0);
        ui.spacing_mut().slider_width = (ui.available_width() - GRID).clamp(GRID * 4.0, GRID * 12.0);
        let slider = egui::Slider::new(&mut side, SMALLEST..=LARGEST).show_value(false);
        let hint = "Size of the pictures on the screen; an export has the network's own size";
        if ui.add(slider).labelled_by(label.id).on_hover_text(hint).changed() {
            state.traverse.cell = Some(side);
        }
    });
    ui.end_row();
}

/// Which chain draws, where there are several.
pub(super) fn chain(ui: &mut Ui, state: &mut State) {
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
                state.traverse.chain = Some(name.to_owned());
            }
        }
    });
    ui.end_row();
}

fn range(ui: &mut Ui, state: &mut State) {
    let has_data = state.model.as_ref().is_some_and(|model| model.profile.is_some());
    let label = ui.label("Range");
    let traverse = &mut state.traverse;
    let text = |kind| match kind {
        RangeKind::Fixed => "fixed",
        RangeKind::Prior => "prior quantiles",
        RangeKind::Posterior => "posterior quantiles",
        RangeKind::Data => "where the data is",
    };
    egui::ComboBox::from_id_salt("range")
        .selected_text(text(traverse.kind))
        .show_ui(ui, |ui| {
            ui.selectable_value(&mut traverse.kind, RangeKind::Fixed, text(RangeKind::Fixed));
            ui.selectable_value(&mut traverse.kind, RangeKind::Prior, text(RangeKind::Prior));
            if has_data {
                ui.selectable_value(&mut traverse.kind, RangeKind::Posterior, text(RangeKind::Posterior));
                ui.selectable_value(&mut traverse.kind, RangeKind::Data, text(RangeKind::Data));
            }
        })
        .response
        .labelled_by(label.id)
        .on_hover_text(
            "Which values each factor runs through: the same for all, between two quantiles of its prior or of the \
             aggregated posterior, or from the smallest to the largest mean over the data",
        );
    ui.end_row();
    match traverse.kind {
        RangeKind::Fixed => {
            ui.label("");
            ui.horizontal(|ui| {
                for (end, name) in traverse.ends.iter_mut().zip(["First value", "Last value"]) {
                    let value = f64::from(*end);
                    let response =
                        ui.add(DragValue::new(end).speed(0.05).range(-100.0..=100.0).fixed_decimals(1));
                    let response =
                        response.on_hover_text(format!("{name} of every row, in units of the code"));
                    response.widget_info(|| {
                        let mut info = egui::WidgetInfo::drag_value(true, value);
                        info.label = Some(name.to_owned());
                        info
                    });
                }
            });
            ui.end_row();
        }
        RangeKind::Prior | RangeKind::Posterior => {
            let label = ui.label("Quantile");
            let quantile =
                DragValue::new(&mut traverse.quantile).speed(0.001).range(0.51..=0.9999).fixed_decimals(3);
            ui.add(quantile).labelled_by(label.id).on_hover_text(
                "The range ends where this share of the distribution lies below, and as much above the other end",
            );
            ui.end_row();
        }
        RangeKind::Data => {}
    }
}

fn mode(ui: &mut Ui, state: &mut State) {
    ui.label("Values");
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = GRID * 0.25;
        let mode = &mut state.traverse.mode;
        ui.selectable_value(mode, Mode::Replace, "replace")
            .on_hover_text("The value takes the place of the factor's");
        ui.selectable_value(mode, Mode::Offset, "offset").on_hover_text("The value is added to the factor's");
    });
    ui.end_row();
}

/// The button that copies the command of `recipe`; it says so for a moment.
fn copy(ui: &mut Ui, state: &mut State, recipe: &Recipe, out: &str) {
    const SHOWN_SECS: f64 = 2.0;
    let (id, now) = (ui.scope_id().with("copied"), ui.input(|input| input.time));
    let copied: Option<f64> = ui.data(|data| data.get_temp(id));
    let left = copied.map_or(0.0, |at| SHOWN_SECS - (now - at));
    let hint =
        "Put the command that makes this figure on the clipboard, and the codes that it reads into a file";
    let button = ui.button(if left > 0.0 { "Copied" } else { "Copy command" }).on_hover_text(hint);
    if button.clicked() {
        state.copy_line(recipe, out);
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
    state: &mut State,
    command: Command,
    size: &str,
    recipe: &Recipe,
    out: &str,
) {
    let palette = Palette::of(ui);
    ui.add_space(GRID);
    heading(ui, "Export", "", command.hint());
    ui.label(RichText::new(size).size(SMALL).color(palette.quiet));
    ui.horizontal_wrapped(|ui| {
        let button = ui.add_enabled(command.is_enabled(state), egui::Button::new("Export…"));
        if button.on_hover_text(command.hint()).clicked() {
            state.queue(command);
        }
        copy(ui, state, recipe, out);
    });
    if recipe.codes.is_some() {
        let text = "These codes cannot be said in words, so the command reads them from a file: Copy command writes it \
                    where the command says, Export beside the figure.";
        ui.label(RichText::new(text).size(SMALL).color(palette.quiet));
    }
    let line = state.line(recipe, out);
    let text = RichText::new(line).font(crate::app::theme::figures()).size(SMALL).color(palette.quiet);
    ui.add(egui::Label::new(text).wrap()).on_hover_text("The command line that makes this figure again");
    for job in state.jobs.running() {
        ui.horizontal_wrapped(|ui| {
            ui.spinner();
            ui.label(job.status());
            let hint = "Stop it; nothing of it stays";
            if job.can_stop() && ui.button("Stop exporting").on_hover_text(hint).clicked() {
                job.stop();
            }
        });
    }
}
