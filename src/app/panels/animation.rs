use egui::{DragValue, RichText, Ui};

use super::figure::{chain, export, settings};
use super::heading;
use crate::app::action::{Actions, FigureAction};
use crate::app::command::Command;
use crate::app::document::Document;
use crate::app::document::player::Along;
use crate::app::theme::{GRID, Palette, SMALL};

/// What moves, how fast, and its export.
pub(super) fn ui(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    heading(ui, "Animation", "", Command::Animate.hint());
    settings("animation", ui, |ui| {
        chain(ui, state, actions);
        let mut set = state.player.settings;
        ui.label("Along");
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = GRID * 0.25;
            let along = &mut set.along;
            ui.selectable_value(along, Along::Factor, "selected factor")
                .on_hover_text("The factor that is selected on the left runs through its range and back");
            ui.selectable_value(along, Along::Bookmarks, "bookmarks").on_hover_text(
                "From each bookmarked code to the next: c in straight lines, s along great circles",
            );
        });
        ui.end_row();
        let is_path = set.along == Along::Bookmarks;
        let label = ui.label("Seconds");
        let seconds = DragValue::new(&mut set.seconds).range(0.2..=60.0).speed(0.05).fixed_decimals(1);
        let hint = if is_path {
            "Time from each bookmark to the next"
        } else {
            "Time that the factor takes from one end of its range to the other"
        };
        ui.add(seconds).labelled_by(label.id).on_hover_text(hint);
        ui.end_row();
        let label = ui.label("Frames");
        let frames = DragValue::new(&mut set.frames).range(2..=500).speed(0.2);
        let hint = "Pictures of the exported animation over that time";
        ui.add(frames).labelled_by(label.id).on_hover_text(hint);
        ui.end_row();
        if is_path {
            ui.label("");
            let hint = "Go on from the last bookmark to the first; otherwise the animation runs back";
            ui.checkbox(&mut set.is_closed, "Close the loop").on_hover_text(hint);
            ui.end_row();
        }
        if set != state.player.settings {
            actions.push(FigureAction::Animation(set));
        }
    });
    let can_play = state.can_play();
    ui.horizontal(|ui| {
        let text = if state.player.is_playing() { "Pause" } else { "Play" };
        let hint = super::toolbar::hint(Command::PlayPause);
        let button = ui.add_enabled(can_play.is_ok(), egui::Button::new(text).min_size([56.0, 0.0].into()));
        let name = "Play the animation";
        button
            .widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, can_play.is_ok(), name));
        if button.on_hover_text(hint).clicked() {
            actions.push(Command::PlayPause);
        }
        let text = can_play.clone().err().unwrap_or_else(|| state.course_name());
        let quiet = Palette::of(ui).quiet;
        ui.add(egui::Label::new(RichText::new(text).size(SMALL).color(quiet)).wrap());
    });
    if can_play.is_err() {
        return;
    }
    let [width, height] = state.frame_size().unwrap_or_default();
    let size = format!("{} pictures of {width} × {height} pixels", state.animation_frames());
    let Some(recipe) = state.animation_recipe() else { return };
    export(ui, state, actions, Command::ExportAnimation, &size, &recipe, "animation.gif");
}
