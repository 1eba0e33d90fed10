use std::time::Duration;

use egui::{DragValue, RichText, ScrollArea, Ui};
use egui_plot::{Line, Plot};

use super::{Panel, heading};
use crate::app::action::{Actions, TrainAction};
use crate::app::command::Command;
use crate::app::document::Document;
use crate::app::paint::{fill, picture};
use crate::app::theme::{GRID, Palette, SMALL, figures};
use crate::app::train::News;
use crate::data::{DRAWN_BY_PROGRAM, KNOWN_SPECS};
use crate::training::{End, Family, preset_names};

/// Starts, steers and shows a training run.
#[derive(Default)]
pub(crate) struct Train;

/// The drawing of the sample grid.
const SAMPLES_KEY: u64 = 110;

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
    ui.label(RichText::new(status(&news, is_paused)).size(SMALL).color(palette.quiet));
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
    curves(ui, &news);
}

fn status(news: &News, is_paused: bool) -> String {
    let step = format!("step {} of {}", news.step, news.steps);
    match &news.end {
        Some(Ok(End::Finished)) => format!("finished, {step}"),
        Some(Ok(End::Stopped)) => format!("stopped and saved, {step}"),
        Some(Err(message)) => message.clone(),
        None if news.steps == 0 => match news.preparing.as_str() {
            "" => "preparing…".to_owned(),
            text => format!("{text}…"),
        },
        None if is_paused => format!("paused, {step}"),
        None => format!(
            "{step}, {:.0} pictures/s, {} left",
            news.pictures_per_second,
            duration(news.seconds_left)
        ),
    }
}

/// A time for people: `3 h 20 min`, `12 min`, `40 s`.
fn duration(seconds: f64) -> String {
    let seconds = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX).as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, _) => format!("{m} min"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// One plot for each loss, the newest value beside its name.
fn curves(ui: &mut Ui, news: &News) {
    let palette = Palette::of(ui);
    for curve in news.curves.iter() {
        ui.horizontal(|ui| {
            ui.label(RichText::new(curve.name.replace('_', " ")).size(SMALL));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.label(RichText::new(format!("{:.4}", curve.last)).font(figures()).color(palette.quiet));
            });
        });
        Plot::new(("loss", &curve.name))
            .height(GRID * 9.0)
            .allow_drag(false)
            .allow_zoom(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .show_x(false)
            .show_y(true)
            .y_axis_min_width(GRID * 4.0)
            .show_background(false)
            .show(ui, |plot| {
                plot.line(
                    Line::new(curve.name.clone(), curve.points.clone()).color(palette.accent).width(1.5),
                );
            });
    }
}

/// The newest sample grid in the middle of the window; whether there is one.
pub(crate) fn samples(ui: &mut Ui, state: &Document) -> bool {
    let Some(run) = state.train.run.as_ref().filter(|run| run.sampled.is_some()) else { return false };
    let palette = Palette::of(ui);
    let area = ui.available_rect_before_wrap();
    ui.painter().add(fill(area, palette.stage));
    let [width, height] = run.samples.size().map(|side| side as f32);
    let caption = GRID * 3.0;
    let place = area.shrink(GRID).with_min_y(area.top() + caption);
    let scale = (place.width() / width.max(1.0)).min(place.height() / height.max(1.0));
    // Whole multiples keep the pixels even.
    let scale = if scale > 1.0 { scale.floor() } else { scale };
    let rect = egui::Rect::from_center_size(place.center(), egui::vec2(width, height) * scale);
    let text = format!("Sample grid after {} steps", run.sampled.unwrap_or_default());
    let at = egui::pos2(area.center().x, area.top() + caption / 2.0);
    let font = egui::FontId::proportional(13.0);
    ui.painter().text(at, egui::Align2::CENTER_CENTER, &text, font, palette.quiet);
    let response = ui.interact(rect, ui.scope_id().with("samples"), egui::Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Image, true, &text));
    picture(ui, rect, SAMPLES_KEY, &run.samples, true);
    response.on_hover_text(
        "From above: pictures of the data, what each network makes of their codes, and each of the most informative \
         factors running through its range. The same pictures and codes every time",
    );
    ui.allocate_rect(area, egui::Sense::hover());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short_and_never_fail() {
        assert_eq!(duration(40.2), "40 s");
        assert_eq!(duration(725.0), "12 min");
        assert_eq!(duration(12_000.0), "3 h 20 min");
        assert!(!duration(f64::INFINITY).is_empty() && !duration(f64::NAN).is_empty());
    }
}
