use egui::{DragValue, RichText, ScrollArea, Ui};

use super::board::overlays;
use super::{Panel, heading};
use crate::app::action::{Actions, TrainAction};
use crate::app::command::Command;
use crate::app::document::Document;
use crate::app::theme::{GRID, Palette, SMALL, figures};
use crate::app::train::News;
use crate::data::{DRAWN_BY_PROGRAM, KNOWN_SPECS};
use crate::training::{End, Family, preset_names};

/// Starts, steers and shows a training run.
#[derive(Default)]
pub(crate) struct Train;

/// Width of the words left of the fields, with the gap.
const LABELS: f32 = GRID * 9.5;

impl Panel for Train {
    fn title(&self) -> &'static str {
        "Train"
    }

    fn hint(&self) -> &'static str {
        "Train a VAE (stage 1) or a GAN that distils it (stage 2), and watch it learn"
    }

    fn ui(&mut self, ui: &mut Ui, state: &Document, actions: &mut Actions) {
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            let is_running = state.train.run.as_ref().is_some_and(|run| !run.is_over());
            if !is_running {
                form(ui, state, actions);
            }
            if state.train.run.is_some() {
                ui.add_space(GRID);
                run(ui, state, actions, is_running);
            }
            ui.add_space(GRID);
            overlays(ui, state, actions);
        });
    }
}

/// What to train, before it starts.
fn form(ui: &mut Ui, state: &Document, actions: &mut Actions) {
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
        if form.family.methods().nth(1).is_some() {
            let label = ui.label("Loss");
            egui::ComboBox::from_id_salt("method")
                .selected_text(form.method.name())
                .show_ui(ui, |ui| {
                    for method in form.family.methods() {
                        ui.selectable_value(&mut form.method, method, method.name());
                    }
                })
                .response
                .labelled_by(label.id)
                .on_hover_text(
                    "What is trained with these networks: names as `idgan train --method` takes them",
                );
            ui.end_row();
        }
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
        if form.method.takes_a_vae() {
            let label = ui.label("VAE");
            let edit = egui::TextEdit::singleline(&mut form.vae).desired_width(width).hint_text("runs/vae");
            let hint = "The VAE whose encoder is distilled: its run folder, a bundle, or a published file";
            ui.add(edit).labelled_by(label.id).on_hover_text(hint);
            ui.end_row();
        }
        if let Some((_, hint)) = form.start() {
            let label = ui.label("Start");
            let edit =
                egui::TextEdit::singleline(&mut form.start).desired_width(width).hint_text("at random");
            ui.add(edit).labelled_by(label.id).on_hover_text(hint);
            ui.end_row();
        }
        let label = ui.label("Folder");
        let edit = egui::TextEdit::singleline(&mut form.out).desired_width(width);
        let hint =
            "The run folder: configuration, log, sample grids, checkpoints. A run can be resumed from it";
        ui.add(edit).labelled_by(label.id).on_hover_text(hint);
        ui.end_row();
        let label = ui.label("Steps");
        let field = DragValue::new(&mut form.steps).range(1..=10_000_000).speed(20.0);
        ui.add(field).labelled_by(label.id).on_hover_text("Minibatches to train on in all");
        ui.end_row();
        let label = ui.label("Batch");
        let field = DragValue::new(&mut form.batch).range(1..=4096).speed(0.2);
        ui.add(field).labelled_by(label.id).on_hover_text("Pictures a step");
        ui.end_row();
        let label = ui.label("Seed");
        let field = DragValue::new(&mut form.seed).speed(0.1);
        ui.add(field)
            .labelled_by(label.id)
            .on_hover_text("Weights, order of the pictures and noise follow from it");
        ui.end_row();
    });
    if form != state.train.form {
        actions.push(TrainAction::Form(form));
    }
    ui.horizontal_wrapped(|ui| {
        let hint = "Train on threads that let the window and its pictures go first";
        if ui.button("Start training").on_hover_text(hint).clicked() {
            actions.push(TrainAction::Start);
        }
        if ui.button("Resume…").on_hover_text(Command::ResumeRun.hint()).clicked() {
            actions.push(Command::ResumeRun);
        }
    });
}

/// The run going on, or the last one.
fn run(ui: &mut Ui, state: &Document, actions: &mut Actions, is_running: bool) {
    let Some(run) = &state.train.run else { return };
    let palette = Palette::of(ui);
    let news = run.news();
    let name = run.folder.file_name().unwrap_or(run.folder.as_os_str()).to_string_lossy().into_owned();
    heading(ui, "Run", &name, &run.folder.display().to_string());
    let share = if news.steps == 0 { 0.0 } else { news.step as f32 / news.steps as f32 };
    let bar = egui::ProgressBar::new(share).desired_height(GRID * 0.75);
    ui.add(bar).widget_info(|| {
        let text = format!("{} of {} steps", news.step, news.steps);
        egui::WidgetInfo::labeled(egui::accesskit::Role::ProgressIndicator, true, text)
    });
    let is_paused = run.control().is_paused();
    let text = status(&news).or_else(|| state.progress(&run.folder)).unwrap_or_default();
    ui.label(RichText::new(text).size(SMALL).color(palette.quiet));
    ui.horizontal_wrapped(|ui| {
        if is_running {
            let (text, hint) = match is_paused {
                true => ("Go on", "Go on training"),
                false => ("Pause", "Wait after the step; nothing is lost"),
            };
            if ui.button(text).on_hover_text(hint).clicked() {
                actions.push(TrainAction::Pause(!is_paused));
            }
            if ui
                .button("Stop")
                .on_hover_text("Finish the step, save and end; the run can be resumed")
                .clicked()
            {
                actions.push(TrainAction::Stop);
            }
            if ui.button("Save now").on_hover_text("Write a checkpoint after this step").clicked() {
                actions.push(TrainAction::Save);
            }
            if ui.button("Preview now").on_hover_text("Draw a sample grid after this step").clicked() {
                actions.push(TrainAction::Preview);
            }
        }
        let hint = "Open the newest checkpoint in the explorer and follow the run while it trains";
        let can_explore = is_running || news.saved.is_some();
        let button = ui.add_enabled(can_explore, egui::Button::new("Explore this run now"));
        if button.on_hover_text(hint).clicked() {
            actions.push(TrainAction::Explore);
        }
    });
    if is_running {
        ui.horizontal(|ui| {
            let label = ui.label("Preview every");
            let mut steps = run.sample_every;
            let field = DragValue::new(&mut steps).range(0..=1_000_000).speed(5.0).suffix(" steps");
            let hint = "Steps between two sample grids; 0 for none. Takes effect at once";
            if ui.add(field).labelled_by(label.id).on_hover_text(hint).changed() {
                actions.push(TrainAction::PreviewEvery(steps));
            }
        });
    }
    values(ui, &news);
}

/// What there is to say of a run that makes no steps; `None` of one that does.
fn status(news: &News) -> Option<String> {
    let step = format!("step {} of {}", news.step, news.steps);
    match &news.end {
        Some(Ok(End::Finished)) => Some(format!("finished, {step}")),
        Some(Ok(End::Stopped)) => Some(format!("stopped and saved, {step}")),
        Some(Err(message)) => Some(message.clone()),
        None if news.steps == 0 => Some(match news.preparing.as_str() {
            "" => "preparing…".to_owned(),
            text => format!("{text}…"),
        }),
        None => None,
    }
}

/// What the newest step has found.
fn values(ui: &mut Ui, news: &News) {
    let palette = Palette::of(ui);
    for (name, value) in &news.values {
        ui.horizontal(|ui| {
            let hint = "What the newest step has found; the curves are in the middle of the window";
            ui.label(RichText::new(name.replace('_', " ")).size(SMALL)).on_hover_text(hint);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.label(RichText::new(format!("{value:.4}")).font(figures()).color(palette.quiet));
            });
        });
    }
}
