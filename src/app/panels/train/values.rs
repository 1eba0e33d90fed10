//! The values of the run that have no control of their own, and what is wrong with them.

use egui::{CollapsingHeader, Id, RichText, TextEdit, Ui, WidgetInfo, accesskit};

use crate::app::action::{Actions, TrainAction};
use crate::app::document::Document;
use crate::app::theme::{GRID, Palette, SMALL, figures};
use crate::app::train::{Form, LINES};
use crate::app::widgets::{Icon, icon_button};
use crate::app::words::in_window;
use crate::training::Field;

/// Every value of the method, as the preset has it or as it was changed, and room for lines of one's own.
pub(super) fn values(ui: &mut Ui, state: &Document, form: &mut Form, actions: &mut Actions) {
    // A header that is wider than the panel would widen everything.
    let title = match state.train.form.values.len() {
        0 => "All values".to_owned(),
        count => format!("All values, {count} changed"),
    };
    let header = CollapsingHeader::new(title).id_salt("values").default_open(true);
    let shown = header.show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = GRID * 0.5;
        for field in &state.train.fields {
            let changed = state.train.form.values.get(&field.key).map(String::as_str);
            value(ui, state, field, changed, actions);
        }
        lines(ui, state, form);
    });
    shown
        .header_response
        .on_hover_text("Every value that decides what is learnt, and which are not the preset's");
}

/// The share of the width that names take.
const NAMES: f32 = 0.42;

/// A name and beside it a field of the width that is left; the room for a button at its end.
fn row(ui: &mut Ui, name: RichText, hint: &str, field: impl FnOnce(&mut Ui, Id, f32)) {
    let room = ui.available_width() - GRID * 4.5;
    ui.horizontal(|ui| {
        let label = egui::Label::new(name).truncate();
        let place = ui.allocate_ui(egui::vec2(room * NAMES, GRID * 2.5), |ui| {
            ui.set_width(room * NAMES);
            ui.add(label).on_hover_text(hint).id
        });
        field(ui, place.inner, room * (1.0 - NAMES) - GRID);
    });
}

/// One value: what was typed, or what it is in the preset.
fn value(ui: &mut Ui, state: &Document, field: &Field, changed: Option<&str>, actions: &mut Actions) {
    let palette = Palette::of(ui);
    let name = field.key.split_once('.').map_or(field.key.as_str(), |(_, name)| name);
    let is_wrong = state.train.problems.iter().any(|problem| problem.key == field.key);
    let colour = match (is_wrong, changed) {
        (true, _) => palette.error,
        (false, Some(_)) => palette.accent,
        (false, None) => ui.visuals().text_color(),
    };
    let hint = match changed {
        Some(_) => format!("{}. {}, in the preset {}", field.explanation, field.key, field.value),
        None => format!("{}. {} = {}", field.explanation, field.key, field.value),
    };
    row(ui, RichText::new(name).size(SMALL).color(colour), &hint, |ui, label, width| {
        let mut text = changed.unwrap_or(&field.value).to_owned();
        let edit = TextEdit::singleline(&mut text).desired_width(width).font(figures()).text_color(colour);
        if ui.add(edit).labelled_by(label).on_hover_text(&hint).changed() {
            actions.push(TrainAction::Value(field.key.clone(), text));
        }
        if changed.is_some() {
            let hint = format!("Back to the preset's {}", field.value);
            if icon_button(ui, Icon::Reset, true, &format!("Reset {name}"), &hint).clicked() {
                actions.push(TrainAction::Value(field.key.clone(), field.value.clone()));
            }
        }
    });
    problem(ui, state, &field.key, ui.available_width());
}

/// Values that have no field, one a line.
fn lines(ui: &mut Ui, state: &Document, form: &mut Form) {
    let hint = "Values that have no field here: one key=value a line, as --set of the command line takes them; these come last";
    row(ui, RichText::new("lines").size(SMALL), hint, |ui, label, width| {
        let edit = TextEdit::multiline(&mut form.lines).desired_rows(1).desired_width(width);
        ui.add(edit.font(figures()).hint_text("key=value")).labelled_by(label).on_hover_text(hint);
    });
    problem(ui, state, LINES, ui.available_width());
}

/// What is wrong with the value called `key`, in lines of their own below it.
pub(super) fn problem(ui: &mut Ui, state: &Document, key: &str, width: f32) {
    for problem in state.train.problems.iter().filter(|problem| problem.key == key) {
        ui.vertical(|ui| {
            ui.set_max_width(width);
            said(ui, &problem.text);
        });
    }
}

/// The same in a row of a grid, below the fields.
pub(super) fn problem_row(ui: &mut Ui, state: &Document, key: &str, width: f32) {
    if state.train.problems.iter().any(|problem| problem.key == key) {
        ui.label("");
        problem(ui, state, key, width);
        ui.end_row();
    }
}

/// What is wrong, in the window's words.
pub(super) fn said(ui: &mut Ui, text: &str) {
    let text = in_window(text);
    let colour = Palette::of(ui).error;
    let label = ui.add(egui::Label::new(RichText::new(&text).size(SMALL).color(colour)).wrap());
    label.widget_info(|| WidgetInfo::labeled(accesskit::Role::Label, true, format!("Problem: {text}")));
}
