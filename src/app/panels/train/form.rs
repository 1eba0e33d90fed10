//! What to train, before it starts.

use egui::{DragValue, RichText, Ui};

use super::super::heading;
use super::values::{problem_row, said, values};
use crate::app::action::{Actions, TrainAction};
use crate::app::command::Command;
use crate::app::document::Document;
use crate::app::theme::{GRID, SMALL, figures};
use crate::app::train::{FOLDER, Form};
use crate::data::{DRAWN_BY_PROGRAM, KNOWN_SPECS};
use crate::training::{Family, preset_names};

/// Width of the words left of the fields, with the gap.
const LABELS: f32 = GRID * 9.5;

/// What to train, before it starts.
pub(super) fn form(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    let hint = "Both stages of ID-GAN: a VAE that finds the factors c, then a GAN that paints what the VAE's encoder \
                says";
    heading(ui, "New run", "", hint);
    let mut form = state.train.form.clone();
    // A grid grows with its fields, so they are told how wide they may be.
    let width = (ui.available_width() - LABELS).max(GRID * 8.0);
    egui::Grid::new("train").num_columns(2).spacing([GRID, GRID]).show(ui, |ui| {
        ui.label("Method");
        ui.vertical(|ui| {
            ui.set_max_width(width);
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = egui::vec2(GRID * 0.25, GRID * 0.25);
                for family in Family::ALL {
                    let (text, hint) = family.words();
                    if ui.selectable_label(form.family == family, text).on_hover_text(hint).clicked() {
                        actions.push(TrainAction::Family(family));
                    }
                }
            });
        });
        ui.end_row();
        method(ui, &form, actions);
        let label = ui.label("Preset");
        egui::ComboBox::from_id_salt("preset")
            .selected_text(&form.preset)
            .show_ui(ui, |ui| {
                for name in preset_names(form.family) {
                    if ui.selectable_label(form.preset == *name, *name).clicked() {
                        actions.push(TrainAction::Preset(form.family, name));
                    }
                }
            })
            .response
            .labelled_by(label.id)
            .on_hover_text(
                "Named sets of values: those of the paper, and `-small` ones for two CPU cores and an hour",
            );
        ui.end_row();
        let label = ui.label("Data");
        ui.horizontal(|ui| {
            let edit = egui::TextEdit::singleline(&mut form.data).desired_width(width - GRID * 5.5);
            ui.add(edit)
                .labelled_by(label.id)
                .on_hover_text(RichText::new(KNOWN_SPECS).font(figures()).size(SMALL));
            let menu = ui.menu_button("…", |ui| {
                for name in DRAWN_BY_PROGRAM {
                    let hint = "A data set that the program draws by itself";
                    if ui.button(name).on_hover_text(hint).clicked() {
                        name.clone_into(&mut form.data);
                    }
                }
                let hint = "Pictures of your own: write the folder behind the colon";
                if ui.button("images:FOLDER").on_hover_text(hint).clicked() {
                    "images:".clone_into(&mut form.data);
                }
            });
            menu.response.widget_info(|| {
                egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, "Choose data")
            });
            menu.response.on_hover_text("Data sets that need no files, and how to name a folder of your own");
        });
        ui.end_row();
        problem_row(ui, state, "data", width);
        if form.method.takes_a_vae() {
            let label = ui.label("VAE");
            let edit = egui::TextEdit::singleline(&mut form.vae).desired_width(width).hint_text("runs/vae");
            let hint = "The VAE whose encoder is distilled: its run folder, a bundle, or a published file";
            ui.add(edit).labelled_by(label.id).on_hover_text(hint);
            ui.end_row();
            problem_row(ui, state, "gan.vae", width);
        }
        if let Some((key, hint)) = form.start() {
            let label = ui.label("Start");
            let edit =
                egui::TextEdit::singleline(&mut form.start).desired_width(width).hint_text("at random");
            ui.add(edit).labelled_by(label.id).on_hover_text(hint);
            ui.end_row();
            problem_row(ui, state, key, width);
        }
        let label = ui.label("Folder");
        let edit = egui::TextEdit::singleline(&mut form.out).desired_width(width);
        let hint =
            "The run folder: configuration, log, sample grids, checkpoints. A run can be resumed from it";
        ui.add(edit).labelled_by(label.id).on_hover_text(hint);
        ui.end_row();
        problem_row(ui, state, FOLDER, width);
        let label = ui.label("Steps");
        let field = DragValue::new(&mut form.steps).range(1..=10_000_000).speed(20.0);
        ui.add(field).labelled_by(label.id).on_hover_text("Minibatches to train on in all");
        ui.end_row();
        problem_row(ui, state, "steps", width);
        let label = ui.label("Batch");
        let field = DragValue::new(&mut form.batch).range(1..=4096).speed(0.2);
        ui.add(field).labelled_by(label.id).on_hover_text("Pictures a step");
        ui.end_row();
        problem_row(ui, state, "batch", width);
        let label = ui.label("Seed");
        let field = DragValue::new(&mut form.seed).speed(0.1);
        ui.add(field)
            .labelled_by(label.id)
            .on_hover_text("Weights, order of the pictures and noise follow from it");
        ui.end_row();
        machine(ui, state, &mut form);
    });
    values(ui, state, &mut form, actions);
    if form != state.train.form {
        actions.push(TrainAction::Form(form));
    }
    for problem in state.train.problems.iter().filter(|problem| problem.key.is_empty()) {
        said(ui, &problem.text);
    }
    ui.horizontal_wrapped(|ui| {
        let hint = "Train on threads that let the window and its pictures go first";
        if ui.button("Start training").on_hover_text(hint).clicked() {
            actions.push(TrainAction::Start);
        }
        let is_occupied = state.train.problems.iter().any(|problem| problem.is_occupied);
        if let Some(folder) = state.train.form.folder().ok().filter(|_| is_occupied) {
            let hint =
                "Go on with the run that is in this folder, with its own values, as if it had not stopped";
            if ui.button("Resume this run").on_hover_text(hint).clicked() {
                actions.push(TrainAction::Resume(folder));
            }
        }
        if ui.button("Resume…").on_hover_text(Command::ResumeRun.hint()).clicked() {
            actions.push(Command::ResumeRun);
        }
        if let Some(command) = &state.train.command {
            let hint = format!("Put the command on the clipboard that starts the same run: {command}");
            if ui.button("Copy command").on_hover_text(hint).clicked() {
                actions.push(TrainAction::Copy);
            }
        }
    });
}

/// Which method, where there are several.
fn method(ui: &mut Ui, form: &Form, actions: &mut Actions) {
    if form.family.methods().nth(1).is_none() {
        return;
    }
    let label = ui.label("Loss");
    let menu = egui::ComboBox::from_id_salt("method").selected_text(form.method.name()).show_ui(ui, |ui| {
        for method in form.family.methods() {
            if ui.selectable_label(form.method == method, method.name()).clicked() {
                actions.push(TrainAction::Method(method));
            }
        }
    });
    let hint = "What is trained with these networks: names as `idgan train --method` takes them. Other values go back to \
                the preset's";
    menu.response.labelled_by(label.id).on_hover_text(hint);
    ui.end_row();
}

/// Where to compute and on how many threads.
fn machine(ui: &mut Ui, state: &Document, form: &mut Form) {
    let (cuda, metal) = (cfg!(feature = "cuda"), cfg!(feature = "metal"));
    let places = [
        ("", "auto", true),
        ("cpu", "CPU", true),
        ("cuda", "CUDA", cuda),
        ("cuda,f32", "CUDA, f32", cuda),
        ("cuda,tf32", "CUDA, tf32", cuda),
        ("cuda,bf16", "CUDA, bf16", cuda),
        ("metal", "Metal", metal),
    ];
    let label = ui.label("Device");
    let name =
        places.iter().find(|(place, ..)| *place == form.place).map_or(form.place.as_str(), |place| place.1);
    let menu = egui::ComboBox::from_id_salt("device").selected_text(name).show_ui(ui, |ui| {
        for (place, name, _) in places.iter().filter(|(.., is_built)| *is_built) {
            if ui.selectable_label(form.place == *place, *name).clicked() {
                (*place).clone_into(&mut form.place);
            }
        }
    });
    let hint = "Where to train and in which precision: the first graphics card that this build knows, else the processor";
    menu.response.labelled_by(label.id).on_hover_text(hint);
    ui.end_row();
    let label = ui.label("Threads");
    let mut threads = if form.threads == 0 { state.threads } else { form.threads };
    let field = DragValue::new(&mut threads).range(1..=256).speed(0.05);
    let hint = "Threads that train; they let the window and its pictures go first";
    if ui.add(field).labelled_by(label.id).on_hover_text(hint).changed() {
        form.threads = if threads == state.threads { 0 } else { threads };
    }
    ui.end_row();
}
