use egui::{DragValue, RichText, Ui};

use super::figure::{cell_size, chain, export, settings};
use super::toolbar::hint;
use super::{Panel, heading};
use crate::app::action::{Actions, FigureAction};
use crate::app::command::Command;
use crate::app::document::Document;
use crate::app::document::traverse::{Figure, RangeKind, TraversalSettings};
use crate::app::theme::{GRID, Palette};
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

    fn ui(&mut self, ui: &mut Ui, state: &Document, actions: &mut Actions) {
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
                    actions.push(command);
                }
            }
        });
        ui.add_space(GRID * 0.5);
        egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| match state.traverse.figure {
            Figure::Traversal => traversal(ui, state, actions),
            Figure::Matrix => super::matrix::ui(ui, state, actions),
            Figure::Animation => super::animation::ui(ui, state, actions),
        });
    }
}

/// How the traversal grid is made, and its export.
fn traversal(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    heading(
        ui,
        "Latent traversal",
        "",
        "One row a factor, one column a value: each factor in turn runs through its range while everything else \
         stays as it is set now",
    );
    let mut set = state.traverse.traversal;
    settings("traverse", ui, |ui| {
        chain(ui, state, actions);
        range(ui, state, &mut set);
        let label = ui.label("Columns");
        let steps = DragValue::new(&mut set.steps).range(2..=64).speed(0.1);
        ui.add(steps).labelled_by(label.id).on_hover_text("Number of values, both ends included");
        ui.end_row();
        mode(ui, &mut set.mode);
        cell_size(ui, state, actions);
    });
    let can_sort = state.model.as_ref().is_some_and(|model| model.can_sort());
    if can_sort {
        let hint = "Show rows of dimensions that carry nothing, too";
        ui.checkbox(&mut set.with_collapsed, "Collapsed dimensions").on_hover_text(hint);
    }
    if set != state.traverse.traversal {
        actions.push(FigureAction::Traversal(set));
    }
    let Ok(traversal) = state.traversal() else { return };
    let Some([width, height]) = state.frame_size() else { return };
    let (columns, rows) = (traversal.steps, traversal.dims.len());
    let size = format!(
        "{rows} × {columns} pictures, about {} × {} pixels without labels",
        columns * width,
        rows * height
    );
    let Some(recipe) = state.traversal_recipe(&traversal, state.traverse.traversal.range()) else { return };
    export(ui, state, actions, Command::ExportTraversal, &size, &recipe, "traversal.png");
}

fn range(ui: &mut Ui, state: &Document, set: &mut TraversalSettings) {
    let has_data = state.model.as_ref().is_some_and(|model| model.profile.is_some());
    let label = ui.label("Range");
    let text = |kind| match kind {
        RangeKind::Fixed => "fixed",
        RangeKind::Prior => "prior quantiles",
        RangeKind::Posterior => "posterior quantiles",
        RangeKind::Data => "where the data is",
    };
    egui::ComboBox::from_id_salt("range")
        .selected_text(text(set.kind))
        .show_ui(ui, |ui| {
            ui.selectable_value(&mut set.kind, RangeKind::Fixed, text(RangeKind::Fixed));
            ui.selectable_value(&mut set.kind, RangeKind::Prior, text(RangeKind::Prior));
            if has_data {
                ui.selectable_value(&mut set.kind, RangeKind::Posterior, text(RangeKind::Posterior));
                ui.selectable_value(&mut set.kind, RangeKind::Data, text(RangeKind::Data));
            }
        })
        .response
        .labelled_by(label.id)
        .on_hover_text(
            "Which values each factor runs through: the same for all, between two quantiles of its prior or of the \
             aggregated posterior, or from the smallest to the largest mean over the data",
        );
    ui.end_row();
    match set.kind {
        RangeKind::Fixed => {
            ui.label("");
            ui.horizontal(|ui| {
                for (end, name) in set.ends.iter_mut().zip(["First value", "Last value"]) {
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
                DragValue::new(&mut set.quantile).speed(0.001).range(0.51..=0.9999).fixed_decimals(3);
            ui.add(quantile).labelled_by(label.id).on_hover_text(
                "The range ends where this share of the distribution lies below, and as much above the other end",
            );
            ui.end_row();
        }
        RangeKind::Data => {}
    }
}

fn mode(ui: &mut Ui, mode: &mut Mode) {
    ui.label("Values");
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = GRID * 0.25;
        ui.selectable_value(mode, Mode::Replace, "replace")
            .on_hover_text("The value takes the place of the factor's");
        ui.selectable_value(mode, Mode::Offset, "offset").on_hover_text("The value is added to the factor's");
    });
    ui.end_row();
}
