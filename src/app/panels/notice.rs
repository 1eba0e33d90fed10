use egui::{FontId, Rect, RichText, Stroke, Ui, pos2, vec2};

use crate::app::action::{Actions, ViewAction};
use crate::app::document::Document;
use crate::app::log::{Notice, Severity};
use crate::app::theme::{GRID, Palette};
use crate::app::widgets::{Icon, icon_button};

/// The newest warning or error, and what is being loaded, over whatever the middle of the window shows.
pub(crate) fn notice(ui: &mut Ui, state: &Document, actions: &mut Actions, area: Rect) {
    let palette = Palette::of(ui);
    let mut top = area.top() + GRID;
    let own = state.loading.as_ref().filter(|loading| loading.since.elapsed().as_millis() > 150);
    let loading = own.map(|loading| loading.source.name());
    let loading = loading.or(state.beside.loading().map(str::to_owned));
    if let (Some(name), true) = (loading, state.model.is_some()) {
        let text = format!("Opening {name}…");
        let font = FontId::proportional(13.0);
        let galley = ui.painter().layout_no_wrap(text, font, ui.visuals().text_color());
        let size = galley.size() + vec2(GRID * 2.0, GRID);
        let back = Rect::from_min_size(pos2(area.center().x - size.x / 2.0, top), size);
        ui.painter().rect(
            back,
            4.0,
            ui.visuals().window_fill,
            ui.visuals().window_stroke,
            egui::StrokeKind::Inside,
        );
        ui.painter().galley(back.min + vec2(GRID, GRID * 0.5), galley, ui.visuals().text_color());
        top = back.bottom() + GRID;
    }
    let Some(Notice { severity, text, .. }) = &state.log.notice else { return };
    let width = (area.width() - GRID * 4.0).min(560.0);
    let place = Rect::from_min_size(pos2(area.center().x - width / 2.0, top), vec2(width, GRID * 4.0));
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(place));
    let colour = if *severity == Severity::Error { palette.error } else { palette.warning };
    let frame = egui::Frame::new()
        .fill(child.visuals().window_fill)
        .stroke(Stroke::new(1.0, colour))
        .corner_radius(4.0)
        .inner_margin(GRID);
    frame.show(&mut child, |ui| {
        ui.horizontal(|ui| {
            ui.set_width(width - GRID * 2.0);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::TOP), |ui| {
                let hint = "Close this message (Escape); it stays in the log";
                if icon_button(ui, Icon::Close, true, "Close message", hint).clicked() {
                    actions.push(ViewAction::CloseNotice);
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::TOP).with_main_wrap(true), |ui| {
                    ui.label(RichText::new(text).color(colour));
                });
            });
        });
    });
}
