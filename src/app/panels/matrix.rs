use egui::{DragValue, RichText, Ui};

use super::figure::{cell_size, export, settings};
use super::heading;
use crate::app::action::{Actions, FigureAction};
use crate::app::command::Command;
use crate::app::document::Document;
use crate::app::document::matrix::{Columns, MOST, MatrixSettings};
use crate::app::theme::Palette;
use crate::model::ChainId;

/// How the matrix of codes and nuisances is made, and its export.
pub(super) fn ui(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    heading(ui, "Codes by nuisances", "c × s", Command::Matrix.hint());
    let has_nuisance = state.has_matrix();
    if has_nuisance {
        settings("matrix", ui, |ui| {
            let mut set = state.traverse.matrix;
            columns(ui, state, &mut set);
            rows(ui, &mut set);
            if set != state.traverse.matrix {
                actions.push(FigureAction::Matrix(set));
            }
            cell_size(ui, state, actions);
        });
    }
    let matrix = match state.code_matrix() {
        Ok(matrix) => matrix,
        Err(reason) => {
            ui.label(RichText::new(reason).color(Palette::of(ui).quiet));
            return;
        }
    };
    let Some(model) = &state.model else { return };
    let Some([_, height, width]) = model.opened.shape(matrix.chain) else { return };
    let (m, n) = (matrix.columns.rows(), matrix.rows.rows());
    let by = |&chain: &ChainId| format!(" and {m} by the {}", model.words(chain).label);
    let above: String = matrix.above.iter().map(by).collect();
    let size = format!(
        "{n} × {m} pictures{above}, about {} × {} pixels without labels",
        m * width,
        (n + matrix.above.len()) * height
    );
    let Some(recipe) = state.matrix_recipe(&matrix) else { return };
    export(ui, state, actions, Command::ExportMatrix, &size, &recipe, "matrix.png");
}

/// Which codes stand beside each other.
fn columns(ui: &mut Ui, state: &Document, set: &mut MatrixSettings) {
    let has_data = state.model.as_ref().is_some_and(|model| model.profile.is_some());
    let from = state.matrix_columns();
    let label = ui.label("Columns c");
    let count = DragValue::new(&mut set.columns).range(1..=MOST).speed(0.1);
    let hint = "How many codes c: everything in a column is the same but for the nuisance";
    ui.add(count).labelled_by(label.id).on_hover_text(hint);
    ui.end_row();
    let label = ui.label("from");
    let text = |from| match from {
        Columns::Posterior => "random data",
        Columns::Prior => "the prior",
        Columns::Bookmarks => "bookmarks",
    };
    egui::ComboBox::from_id_salt("columns")
        .selected_text(text(from))
        .show_ui(ui, |ui| {
            if has_data {
                ui.selectable_value(&mut set.from, Columns::Posterior, text(Columns::Posterior))
                    .on_hover_text("Codes of random pictures of the training data (aggregated posterior)");
            }
            ui.selectable_value(&mut set.from, Columns::Prior, text(Columns::Prior))
                .on_hover_text("c drawn from its prior, for ID-GAN N(0, I)");
            ui.selectable_value(&mut set.from, Columns::Bookmarks, text(Columns::Bookmarks))
                .on_hover_text("The codes that you kept in the film strip, the first ones first");
        })
        .response
        .labelled_by(label.id)
        .on_hover_text("Where the codes of the columns come from");
    ui.end_row();
    if from != Columns::Bookmarks {
        let label = ui.label("Seed of c");
        let hint = "The random draw of the columns: the same number always gives the same codes";
        ui.add(DragValue::new(&mut set.seed).speed(0.1)).labelled_by(label.id).on_hover_text(hint);
        ui.end_row();
    }
}

/// Which nuisances stand below each other.
fn rows(ui: &mut Ui, set: &mut MatrixSettings) {
    let label = ui.label("Rows s");
    let count = DragValue::new(&mut set.rows).range(1..=MOST).speed(0.1);
    let hint = "How many nuisance codes s ~ N(0, I): everything in a row has the same nuisance";
    ui.add(count).labelled_by(label.id).on_hover_text(hint);
    ui.end_row();
    let label = ui.label("Seed of s");
    let hint = "The random draw of the rows: the same number always gives the same nuisance codes";
    ui.add(DragValue::new(&mut set.s_seed).speed(0.1)).labelled_by(label.id).on_hover_text(hint);
    ui.end_row();
}
