use egui::{RichText, ScrollArea, Sense, Stroke, Ui, WidgetInfo, accesskit, vec2};

use super::Panel;
use super::pictures::placeholder;
use crate::app::action::{Actions, Seen, StripAction};
use crate::app::command::Command;
use crate::app::document::Document;
use crate::app::document::strip::StripKind;
use crate::app::paint::picture;
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

    fn ui(&mut self, ui: &mut Ui, state: &Document, actions: &mut Actions) {
        actions.push(Seen::Strip);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(GRID * 0.25, GRID * 0.25);
            tab(ui, state, actions, StripKind::Bookmarks, "Bookmarks", Command::ShowBookmarks);
            if Command::NineNuisances.is_enabled(state) {
                let emission = state.model.as_ref().and_then(|model| model.description().emission());
                let text = emission.map_or_else(
                    || "Nine nuisance samples".to_owned(),
                    |emission| format!("Nine samples of {}", emission.noise.name),
                );
                tab(ui, state, actions, StripKind::Nine, &text, Command::NineNuisances);
            }
            if Command::StartFromData.is_enabled(state) {
                let is_shown = state.strip.kind == StripKind::Data;
                let response = ui.selectable_label(is_shown, "Pictures of the data");
                if response.on_hover_text(Command::StartFromData.hint()).clicked() && !is_shown {
                    actions.push(Command::StartFromData);
                }
                let hint = "Nine other pictures of the data";
                if is_shown && ui.button("New pictures").on_hover_text(hint).clicked() {
                    actions.push(Command::StartFromData);
                }
            }
            // At the right end, where there is room for it on this line.
            ui.add_space((ui.available_size_before_wrap().x - GRID * 9.5).max(0.0));
            let enabled = Command::Bookmark.is_enabled(state);
            let button =
                ui.add_enabled(enabled, egui::Button::new("Bookmark").min_size(vec2(GRID * 9.0, 0.0)));
            if button.on_hover_text(Command::Bookmark.hint()).clicked() {
                actions.push(Command::Bookmark);
            }
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
        let gap = GRID * 0.5;
        let (side, columns) = thumbnails(count, ui.available_size(), gap);
        let mut adopted = None;
        let mut removed = None;
        // What does not fit is scrolled to.
        ScrollArea::horizontal().auto_shrink([false, true]).show(ui, |ui| {
            ui.spacing_mut().item_spacing = vec2(gap, gap);
            for first in (0..count).step_by(columns) {
                ui.horizontal(|ui| {
                    for index in first..(first + columns).min(count) {
                        let (is_adopted, is_removed) = thumbnail(ui, state, index, side);
                        adopted = adopted.or(is_adopted.then_some(index));
                        removed = removed.or(is_removed.then_some(index));
                    }
                });
            }
        });
        if let Some(index) = adopted {
            actions.push(StripAction::Adopt(index));
        }
        if let Some(index) = removed {
            actions.push(StripAction::Remove(index));
        }
    }
}

/// Side of thumbnails and how many stand beside each other, so that `count` are as large as they can be in `room`. Where
/// they would become too small to see, they reach beyond its right end.
fn thumbnails(count: usize, room: egui::Vec2, gap: f32) -> (f32, usize) {
    const SIDES: std::ops::RangeInclusive<f32> = GRID * 8.0..=GRID * 20.0;
    let bar = GRID * 1.5; // The scroll bar has room of its own.
    let fitting = |rows: usize| {
        let columns = count.div_ceil(rows).max(1);
        let height = (room.y - bar - gap * (rows - 1) as f32) / rows as f32;
        let width = (room.x - gap * (columns - 1) as f32) / columns as f32;
        (height.min(width).min(*SIDES.end()), columns)
    };
    let best = (1..=count.max(1)).map(fitting).max_by(|a, b| a.0.total_cmp(&b.0));
    let (side, columns) = best.unwrap_or((*SIDES.start(), 1));
    if side >= *SIDES.start() {
        return (side.floor(), columns);
    }
    let rows = ((room.y - bar + gap) / (SIDES.start() + gap)).floor().max(1.0);
    let side = ((room.y - bar + gap) / rows - gap).clamp(GRID * 4.0, *SIDES.end());
    (side.floor(), count.div_ceil(rows as usize).max(1))
}

/// One thumbnail; whether it was chosen, and whether it was thrown away.
fn thumbnail(ui: &mut Ui, state: &Document, index: usize, side: f32) -> (bool, bool) {
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

fn tab(ui: &mut Ui, state: &Document, actions: &mut Actions, kind: StripKind, text: &str, command: Command) {
    if ui.selectable_label(state.strip.kind == kind, text).on_hover_text(command.hint()).clicked() {
        actions.push(StripAction::Show(kind));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbnails_use_the_room_they_have() {
        let of = |count, width, height| thumbnails(count, vec2(width, height), 4.0);
        assert_eq!(of(9, 784.0, 92.0), (80.0, 9), "one line in a low strip");
        assert_eq!(of(9, 784.0, 320.0), (152.0, 5), "two in a high one");
        assert_eq!(of(1, 784.0, 320.0), (160.0, 1));
        let (side, columns) = of(100, 784.0, 92.0);
        assert!(side >= 64.0 && columns == 100, "many are scrolled: {side}, {columns}");
        let (side, columns) = of(100, 784.0, 320.0);
        assert!(side >= 64.0 && columns == 25, "in as many lines as fit: {side}, {columns}");
    }
}
