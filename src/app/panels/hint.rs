use egui::{RichText, Ui};

use crate::app::action::{Actions, SettingAction};
use crate::app::paint::fill;
use crate::app::theme::{GRID, Palette};
use crate::app::widgets::{Icon, icon_button};

/// What a person who sees the window for the first time needs to know.
const TEXT: &str = "Drag a slider: each one changes one factor of the picture and leaves the rest.";

/// One line above the pictures, until somebody closes it or has moved something.
pub(crate) fn hint_line(ui: &mut Ui, actions: &mut Actions) {
    let palette = Palette::of(ui);
    let line = egui::Frame::new().inner_margin(egui::Margin::symmetric(16, 4));
    egui::Panel::top("hint").frame(line).resizable(false).show_separator_line(false).show(ui, |ui| {
        let area = ui.max_rect().expand2(egui::vec2(GRID * 2.0, GRID * 0.5));
        ui.painter().add(fill(area, palette.accent_faint));
        ui.horizontal(|ui| {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let hint = "Close this hint; it does not come back";
                if icon_button(ui, Icon::Close, true, "Close hint", hint).clicked() {
                    actions.push(SettingAction::HintSeen);
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center).with_main_wrap(true), |ui| {
                    ui.label(RichText::new(TEXT).color(ui.visuals().strong_text_color()));
                });
            });
        });
    });
}
