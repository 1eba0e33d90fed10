//! The run going on, or the last one.

use egui::{DragValue, RichText, Ui};

use super::super::heading;
use crate::app::action::{Actions, TrainAction};
use crate::app::document::Document;
use crate::app::theme::{GRID, Palette, SMALL, figures};
use crate::app::train::News;
use crate::training::End;

/// How far it is, and what can be done with it.
pub(super) fn run(ui: &mut Ui, state: &Document, actions: &mut Actions, is_running: bool) {
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
        if !is_running && !matches!(news.end, Some(Ok(End::Finished))) {
            let hint = "Go on with this run from its newest checkpoint, as if it had not stopped";
            if ui.button("Resume this run").on_hover_text(hint).clicked() {
                actions.push(TrainAction::Resume(run.folder.clone()));
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
