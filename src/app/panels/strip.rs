use egui::{RichText, ScrollArea, Sense, Stroke, Ui, WidgetInfo, accesskit, vec2};

use super::Panel;
use super::pictures::placeholder;
use crate::app::command::Command;
use crate::app::paint::picture;
use crate::app::state::State;
use crate::app::strip::StripKind;
use crate::app::theme::{GRID, Palette, SMALL};

/// The drawing of the first thumbnail; the others follow.
const THUMBNAIL_KEY: u64 = 1000;

/// Thumbnails below the pictures: bookmarks, or nine nuisance samples.
#[derive(Default)]
pub(crate) struct StripPanel;

impl Panel for StripPanel {
    fn title(&self) -> &'static str {
        "Film strip"
    }

    fn ui(&mut self, ui: &mut Ui, state: &mut State) {
        state.update_strip();
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = GRID * 0.25;
            tab(ui, state, StripKind::Bookmarks, "Bookmarks", Command::ShowBookmarks);
            if Command::NineNuisances.is_enabled(state) {
                tab(ui, state, StripKind::Nine, "Nine nuisance samples", Command::NineNuisances);
            }
            if Command::StartFromData.is_enabled(state) {
                let is_shown = state.strip.kind == StripKind::Data;
                let response = ui.selectable_label(is_shown, "Pictures of the data");
                if response.on_hover_text(Command::StartFromData.hint()).clicked() && !is_shown {
                    state.queue(Command::StartFromData);
                }
                let hint = "Nine other pictures of the data";
                if is_shown && ui.button("New pictures").on_hover_text(hint).clicked() {
                    state.queue(Command::StartFromData);
                }
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let enabled = Command::Bookmark.is_enabled(state);
                let button = ui.add_enabled(enabled, egui::Button::new("Bookmark"));
                if button.on_hover_text(Command::Bookmark.hint()).clicked() {
                    state.queue(Command::Bookmark);
                }
            });
        });
        let count = match state.strip.kind {
            StripKind::Data => state.data.len(),
            _ => state.strip.codes().map_or(0, |codes| codes.rows()),
        };
        if count == 0 {
            let text = match state.strip.kind {
                StripKind::Bookmarks => {
                    "Bookmarks keep codes you want to come back to: press Ctrl+B. Click one to go back to it."
                }
                StripKind::Nine | StripKind::Data => "…",
            };
            ui.label(RichText::new(text).size(SMALL).color(Palette::of(ui).quiet));
            return;
        }
        // Nine fit beside each other; what does not fit is scrolled to.
        let ninth = (ui.available_width() - GRID * 0.5 * 8.0) / 9.0;
        let side =
            (ui.available_height() - GRID * 1.5).min(ninth.max(GRID * 8.0)).clamp(GRID * 4.0, 160.0).floor();
        let mut adopted = None;
        let mut removed = None;
        ScrollArea::horizontal().auto_shrink([false, true]).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = GRID * 0.5;
                for index in 0..count {
                    let (is_adopted, is_removed) = thumbnail(ui, state, index, side);
                    adopted = adopted.or(is_adopted.then_some(index));
                    removed = removed.or(is_removed.then_some(index));
                }
            });
        });
        if let Some(index) = adopted {
            match (state.strip.kind, state.strip.codes().cloned()) {
                (StripKind::Data, _) => state.start_from_data(index),
                (StripKind::Nine, _) => state.visit_nine(index),
                (_, Some(codes)) => state.adopt(&codes, index),
                _ => {}
            }
        }
        if let Some(index) = removed.filter(|&index| index < state.strip.bookmarks.len()) {
            state.strip.bookmarks.remove(index);
        }
    }
}

/// One thumbnail; whether it was chosen, and whether it was thrown away.
fn thumbnail(ui: &mut Ui, state: &State, index: usize, side: f32) -> (bool, bool) {
    let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::click());
    let name = match state.strip.kind {
        StripKind::Bookmarks => {
            let name = state.strip.bookmarks.get(index).map(|bookmark| bookmark.name.as_str());
            format!("Bookmark {}", name.unwrap_or_default())
        }
        StripKind::Nine => format!("Nuisance sample {}", index + 1),
        StripKind::Data => format!("Picture of the data {}", index + 1),
    };
    response.widget_info(|| WidgetInfo::labeled(accesskit::Role::Button, true, &name));
    let surface = match state.strip.kind {
        StripKind::Data => state.data.surface(index),
        _ => state.strip.thumbnail(index),
    };
    match surface {
        Some(surface) => picture(ui, rect, THUMBNAIL_KEY + index as u64, surface, false),
        None => placeholder(ui, rect, "…"),
    }
    if response.hovered() || response.has_focus() {
        let stroke = Stroke::new(2.0, Palette::of(ui).accent);
        ui.painter().rect_stroke(rect, 2.0, stroke, egui::StrokeKind::Inside);
    }
    let is_bookmark = state.strip.kind == StripKind::Bookmarks;
    let action = match state.strip.kind {
        StripKind::Bookmarks => "click to go back to these codes, right-click for more",
        StripKind::Nine => "the nuisance code of the seed of this number; click to keep it",
        StripKind::Data => "click to set the factors to what the encoder finds in it",
    };
    let hint = format!("{name}: {action}");
    let mut removed = false;
    if is_bookmark {
        response.context_menu(|ui| {
            let hint = "Forget these codes";
            if ui.button("Remove bookmark").on_hover_text(hint).clicked() {
                removed = true;
            }
        });
    }
    (response.on_hover_text(hint).clicked(), removed)
}

fn tab(ui: &mut Ui, state: &mut State, kind: StripKind, text: &str, command: Command) {
    if ui.selectable_label(state.strip.kind == kind, text).on_hover_text(command.hint()).clicked() {
        state.strip.kind = kind;
    }
}
