//! The line below the pictures: how they are compared and looked at.

use egui::{Rect, RichText, Sense, Ui, UiBuilder, WidgetInfo, accesskit, vec2};

use super::stage::BAR;
use crate::app::action::{Actions, ViewAction};
use crate::app::command::Command;
use crate::app::document::Document;
use crate::app::paint::heat;
use crate::app::theme::{GRID, Palette, figures};
use crate::app::view::Compare;
use crate::app::widgets::{Icon, icon_button};

/// What the line took in the frame before.
#[derive(Clone, Copy)]
struct Taken {
    height: f32,
    /// Width of the controls at its right end.
    end: f32,
}

/// Height of the line, which takes several where there is little room.
pub(super) fn toolbar_height(ui: &Ui) -> f32 {
    taken(ui).height
}

fn taken(ui: &Ui) -> Taken {
    let default = Taken { height: BAR, end: GRID * 24.0 };
    ui.data(|data| data.get_temp(egui::Id::unique("toolbar"))).unwrap_or(default)
}

/// Draws it into `bar`; `scale` is how many pixels of the screen one of the first picture covers.
pub(super) fn toolbar(ui: &mut Ui, state: &Document, actions: &mut Actions, bar: Rect, scale: Option<f32>) {
    let before = taken(ui);
    let margin = vec2(GRID, GRID * 0.5);
    let line = bar.shrink2(margin);
    let mut line_ui = ui.new_child(UiBuilder::new().max_rect(line));
    let mut end = 0.0;
    let row = line_ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(GRID * 0.25, GRID * 0.25);
        ui.set_min_height(BAR - 2.0 * margin.y);
        comparing(ui, state, actions);
        // At the right end of the first line they fit into.
        let free = ui.available_size_before_wrap().x - before.end;
        if free > 0.0 {
            ui.add_space(free);
        } else {
            ui.end_row();
        }
        end = looking(ui, state, actions, scale);
    });
    let height = (row.response.rect.height() + 2.0 * margin.y).max(BAR).ceil();
    if (height, end) != (before.height, before.end) {
        ui.data_mut(|data| data.insert_temp(egui::Id::unique("toolbar"), Taken { height, end }));
        // The pictures above would be drawn with the wrong height for a frame.
        ui.ctx().request_discard("the line below the pictures takes another room");
    }
}

/// How two pictures are compared.
fn comparing(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    play_button(ui, state, actions);
    if !state.can_compare() {
        return;
    }
    for (command, text) in [
        (Command::SideBySide, "Side by side"),
        (Command::Wipe, "Wipe"),
        (Command::Blink, "Blink"),
        (Command::Difference, "Difference"),
    ] {
        choose(ui, state, actions, command, text);
    }
    let shared = state.shared_chains();
    if shared.len() > 1 {
        keep_together(ui, GRID * 20.0);
        chain_beside(ui, state, actions, shared);
    }
    if state.views.compare == Compare::Difference {
        keep_together(ui, GRID * 32.0);
        legend(ui, state, actions);
    }
}

/// Begins another line where `width` more do not fit into this one.
fn keep_together(ui: &mut Ui, width: f32) {
    if ui.available_size_before_wrap().x < width {
        ui.end_row();
    } else {
        ui.add_space(GRID);
    }
}

/// How the pictures are looked at; the width that it takes.
fn looking(ui: &mut Ui, state: &Document, actions: &mut Actions, scale: Option<f32>) -> f32 {
    let mut widths = Vec::new();
    if let Some(scale) = scale {
        let percent = scale * 100.0;
        let text = if percent < 10.0 { format!("{percent:.1} %") } else { format!("{percent:.0} %") };
        let hint = "Zoom: at 100 % one pixel of the first picture is one pixel of the screen. Ctrl and the wheel over a \
                    picture zooms; to pan drag with the middle button, or with Alt.";
        let zoom = RichText::new(text).font(figures()).color(Palette::of(ui).quiet);
        widths.push(ui.label(zoom).on_hover_text(hint).rect.width() + GRID);
        ui.add_space(GRID * 0.5);
    }
    for (command, text) in [(Command::Fit, "Fit"), (Command::ActualSize, "1:1")] {
        let button = ui.add(egui::Button::new(text));
        button.widget_info(|| WidgetInfo::labeled(accesskit::Role::Button, true, command.title()));
        widths.push(button.rect.width());
        if button.on_hover_text(hint(command)).clicked() {
            actions.push(command);
        }
    }
    widths.push(choose(ui, state, actions, Command::ToggleCrisp, "Crisp"));
    widths.iter().sum::<f32>() + ui.spacing().item_spacing.x * (widths.len() + 1) as f32
}

/// Whose pictures of two models are compared.
fn chain_beside(ui: &mut Ui, state: &Document, actions: &mut Actions, shared: Vec<String>) {
    let shown = state.panes().first().map(|pane| pane.chain);
    for name in shared {
        let Some(model) = &state.model else { return };
        let Some(chain) = model.description().chain_id(&name) else { continue };
        let words = model.words(chain);
        let hint = format!("Compare the pictures of both models' {}s", words.noun);
        let button = ui.add(egui::Button::selectable(shown == Some(chain), words.plural));
        if button.on_hover_text(hint).clicked() {
            actions.push(ViewAction::ChainBeside(name));
        }
    }
}

/// Starts and stops the animation.
fn play_button(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    let can_play = state.can_play();
    let is_playing = state.player.is_playing();
    let (icon, name) = if is_playing { (Icon::Pause, "Pause") } else { (Icon::Play, "Play") };
    let text = match &can_play {
        Ok(()) => format!("{name} {}. {}", state.course_name(), hint(Command::PlayPause)),
        Err(reason) => reason.clone(),
    };
    if icon_button(ui, icon, can_play.is_ok(), name, &text).clicked() && can_play.is_ok() {
        actions.push(Command::PlayPause);
    }
    ui.add_space(GRID * 0.5);
}

/// A button for one of several choices; its width.
fn choose(ui: &mut Ui, state: &Document, actions: &mut Actions, command: Command, text: &str) -> f32 {
    let is_chosen = command.is_chosen(state).unwrap_or_default();
    let button = ui.add(egui::Button::selectable(is_chosen, text));
    button.widget_info(|| WidgetInfo::selected(accesskit::Role::Button, true, is_chosen, command.title()));
    let width = button.rect.width();
    if button.on_hover_text(hint(command)).clicked() {
        actions.push(command);
    }
    width
}

/// What a command does, with its keys.
pub(super) fn hint(command: Command) -> String {
    match command.keys() {
        keys if keys.is_empty() => command.hint().to_owned(),
        keys => format!("{}  ({keys})", command.hint()),
    }
}

/// The colours of the difference map, and how strong it is.
fn legend(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    let (rect, response) = ui.allocate_exact_size(vec2(GRID * 10.0, GRID * 1.5), Sense::hover());
    let steps = 40;
    for step in 0..steps {
        let at = |k: i32| rect.left() + rect.width() * k as f32 / steps as f32;
        let bar = Rect::from_x_y_ranges(at(step)..=at(step + 1) + 0.5, rect.y_range());
        let [r, g, b] = heat(step as f32 / (steps - 1) as f32);
        ui.painter().rect_filled(bar, 0.0, egui::Color32::from_rgb(r, g, b));
    }
    let top = 255.0 / state.views.gain;
    response
        .on_hover_text(format!("Mean absolute difference of the channels: black 0, white {top:.0} of 255"));
    ui.add_space(GRID * 0.5);
    let mut gain = state.views.gain;
    let slider = egui::Slider::new(&mut gain, 1.0..=16.0).logarithmic(true).fixed_decimals(1).prefix("× ");
    let response = ui.add(slider).on_hover_text("How much differences are brightened");
    response.widget_info(|| WidgetInfo::slider(true, f64::from(gain), "Difference gain"));
    if response.changed() {
        actions.push(ViewAction::Gain(gain));
    }
}
