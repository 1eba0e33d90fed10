use egui::accesskit;
use egui::{
    Align2, CursorIcon, FontId, PointerButton, Rect, Response, RichText, Sense, Stroke, Ui, WidgetInfo, pos2,
    vec2,
};

use super::Panel;
use super::stage::{layout, parts, side_of, sizes};
use super::toolbar::{hint, toolbar, toolbar_height};
use crate::app::action::{Actions, CodeAction, Seen, ViewAction};
use crate::app::chain_words::ChainWords;
use crate::app::command::Command;
use crate::app::document::Document;
use crate::app::model::ModelView;
use crate::app::paint::{Paint, PaintMode, Surface, fill, picture, shape};
use crate::app::theme::{GRID, Palette, SMALL, figures};
use crate::app::view::{Compare, Look, Pane};
use crate::app::widgets::{Icon, icon_button};

/// The pictures of the code, and how they are compared.
#[derive(Default)]
pub(crate) struct Pictures;

/// The drawing of the picture that others are made of.
const INPUT_KEY: u64 = 198;

/// Dragging this far over a picture moves the selected factor through its whole range.
const SCRUB_POINTS: f32 = 480.0;

/// Time between the two pictures when they blink, in seconds.
const BLINK_SECS: f64 = 0.5;

impl Panel for Pictures {
    fn title(&self) -> &'static str {
        "Pictures"
    }

    fn ui(&mut self, ui: &mut Ui, state: &Document, actions: &mut Actions) {
        let area = ui.available_rect_before_wrap();
        ui.painter().add(fill(area, Palette::of(ui).stage));
        if state.model.is_some() {
            let (stage, bar) = area.split_top_bottom_at_y(area.bottom() - toolbar_height(ui));
            let scale = self.stage(ui, state, actions, stage.shrink(GRID));
            toolbar(ui, state, actions, bar, scale);
        } else {
            welcome(ui, state, actions, area);
        }
        ui.allocate_rect(area, Sense::hover());
    }
}

impl Pictures {
    /// All of them; how many pixels of the screen one of the first picture covers.
    fn stage(&self, ui: &mut Ui, state: &Document, actions: &mut Actions, stage: Rect) -> Option<f32> {
        let panes = state.panes();
        let compare = if panes.len() == 2 { state.views.compare } else { Compare::SideBySide };
        let is_crisp = state.settings.crisp;
        if panes.is_empty() {
            placeholder(ui, stage, "This model has no network that draws");
            return None;
        }
        let sizes = sizes(state, &panes);
        let input = state.input.surface().filter(|_| compare == Compare::SideBySide);
        let count = panes.len() + usize::from(input.is_some());
        let areas = if compare == Compare::SideBySide { parts(stage, count) } else { vec![stage] };
        let mut places: Vec<_> = areas.into_iter().map(|area| layout(ui, area, &sizes)).collect();
        if let Some(surface) = input {
            // the first place is its own
            input_picture(ui, state, places.remove(0), surface);
        }
        let &first_place = places.first()?;
        let screen = first_place.1.width() * ui.pixels_per_point();
        let side = panes.first().map_or(0, |pane| side_of(state, *pane));
        actions.push(Seen::Pictures { side, screen });
        let Look { part, scale } = state.views.look(side, screen, is_crisp);
        match (compare, &panes[..]) {
            (Compare::SideBySide, panes) => {
                for (pane, place) in panes.iter().zip(places) {
                    self.single(ui, state, actions, part, place, *pane);
                }
            }
            (Compare::Blink, [first, second]) => {
                let time = ui.input(|input| input.time);
                let is_second = (time / BLINK_SECS) as i64 % 2 == 1;
                let next = BLINK_SECS - time % BLINK_SECS;
                ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(next));
                self.single(ui, state, actions, part, first_place, if is_second { *second } else { *first });
            }
            (Compare::Wipe | Compare::Difference, [first, second]) => {
                self.pair(ui, state, actions, part, first_place, compare, [*first, *second]);
            }
            _ => {}
        }
        scale
    }

    /// The `part` of one network's picture that is looked at, with its caption.
    fn single(
        &self,
        ui: &mut Ui,
        state: &Document,
        actions: &mut Actions,
        part: Rect,
        (caption, square): (Rect, Rect),
        pane: Pane,
    ) {
        caption_of(ui, state, actions, caption, pane);
        let response = canvas(ui, square, &name(state, pane));
        let paint = self.paint(ui, state, part, square, (pane, None), PaintMode::Single);
        ui.painter().with_clip_rect(square).add(shape(square, paint));
        look(ui, actions, part, &response, square);
        probe(ui, state, part, &response, square, &[pane]);
    }

    /// Both pictures in one square.
    fn pair(
        &self,
        ui: &mut Ui,
        state: &Document,
        actions: &mut Actions,
        part: Rect,
        (caption, square): (Rect, Rect),
        compare: Compare,
        [first, second]: [Pane; 2],
    ) {
        let (left, right) = caption.split_left_right_at_fraction(0.5);
        caption_of(ui, state, actions, left.with_max_x(left.right() - GRID), first);
        caption_of(ui, state, actions, right.with_min_x(right.left() + GRID), second);
        let (mode, title) = match compare {
            Compare::Wipe => (PaintMode::Wipe(state.views.wipe), "Both pictures, wiped against each other"),
            _ => (PaintMode::Difference(state.views.gain), "Difference of the pictures"),
        };
        let response = canvas(ui, square, title);
        let paint = self.paint(ui, state, part, square, (first, Some(second)), mode);
        ui.painter().with_clip_rect(square).add(shape(square, paint));
        if compare == Compare::Wipe {
            divider(ui, state, actions, part, square);
        }
        look(ui, actions, part, &response, square);
        probe(ui, state, part, &response, square, &[first, second]);
    }

    fn paint(
        &self,
        ui: &Ui,
        state: &Document,
        part: Rect,
        square: Rect,
        panes: (Pane, Option<Pane>),
        mode: PaintMode,
    ) -> Paint {
        let (first, second) = panes;
        Paint {
            key: first.key(),
            first: state.views.surface(first),
            second: second.map(|pane| state.views.surface(pane)),
            mode,
            window: part,
            crisp: state.settings.crisp,
            screen: square.size() * ui.pixels_per_point(),
        }
    }
}

/// The picture that the others are made of, with its caption.
fn input_picture(ui: &mut Ui, state: &Document, (caption, square): (Rect, Rect), surface: &Surface) {
    let hint = "The picture that the others are made of; drop one of your own on the window, or choose it with File > Start from a \
                picture";
    let mut line = ui.new_child(egui::UiBuilder::new().max_rect(caption));
    line.horizontal_centered(|ui| ui.label(RichText::new("Input").strong()).on_hover_text(hint));
    let response = ui.interact(square, ui.scope_id().with("input"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(accesskit::Role::Image, true, "Input picture"));
    picture(ui, square, INPUT_KEY, surface, state.settings.crisp);
    response.on_hover_text(hint);
}

fn name(state: &Document, pane: Pane) -> String {
    let model = if pane.is_beside { &state.beside.model } else { &state.model };
    let name = model.as_ref().map(|model| model.words(pane.chain).picture).unwrap_or_default();
    if pane.is_beside { format!("{name} of the model beside") } else { name }
}

fn canvas(ui: &mut Ui, square: Rect, name: &str) -> Response {
    let response = ui.interact(square, ui.scope_id().with(name), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(accesskit::Role::Image, true, name));
    response
}

/// Name and size of a network's picture; where two models are compared, the model's name and a way to close the
/// second.
fn caption_of(ui: &mut Ui, state: &Document, actions: &mut Actions, rect: Rect, pane: Pane) {
    let model = if pane.is_beside { &state.beside.model } else { &state.model };
    let Some(model) = model else { return };
    let ChainWords { label, caption: mut title, mut hint, .. } = model.words(pane.chain);
    if state.beside.model.is_some() {
        hint = format!("{title} of {}\n\n{hint}", model.opened.source.path().display());
        title = format!("{label} · {}", model_name(state, model, pane.is_beside));
    }
    let palette = Palette::of(ui);
    let mut line = ui.new_child(egui::UiBuilder::new().max_rect(rect));
    line.horizontal_centered(|ui| {
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if pane.is_beside {
                let text = Command::CloseBeside.hint();
                if icon_button(ui, Icon::Close, true, Command::CloseBeside.title(), text).clicked() {
                    actions.push(Command::CloseBeside);
                }
            }
            if let Some([_, height, width]) = model.opened.shape(pane.chain) {
                let size = RichText::new(format!("{width} × {height}")).font(figures()).color(palette.quiet);
                ui.label(size).on_hover_text("Width and height of the network's picture in pixels");
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                let title = egui::Label::new(RichText::new(title).strong()).truncate();
                ui.add(title.show_tooltip_when_elided(false)).on_hover_text(hint);
            });
        });
    });
}

/// What tells one of two models from the other: its name, or its file where both have the same name.
fn model_name(state: &Document, model: &ModelView, is_beside: bool) -> String {
    let other = if is_beside { &state.model } else { &state.beside.model };
    let name = &model.description().name;
    if other.as_ref().is_some_and(|other| other.description().name == *name) {
        let path = model.opened.source.path();
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        return parts[parts.len().saturating_sub(2)..].join("/");
    }
    name.clone()
}

/// Looks around and moves the selected factor: wheel, drag, pinch.
fn look(ui: &mut Ui, actions: &mut Actions, part: Rect, response: &Response, square: Rect) {
    let per_point = part.width() / square.width();
    if response.dragged_by(PointerButton::Primary) && !ui.input(|input| input.modifiers.alt) {
        let delta = response.drag_delta();
        if delta.x != 0.0 {
            actions.push(CodeAction::Nudge { fraction: delta.x / SCRUB_POINTS, is_scrub: false });
        }
        ui.ctx().set_cursor_icon(CursorIcon::ResizeHorizontal);
    } else if response.dragged() {
        actions.push(ViewAction::Pan(-response.drag_delta() * per_point));
        ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
    }
    if response.double_clicked() {
        actions.push(Command::Fit);
    }
    let Some(pointer) = response.hover_pos() else { return };
    let anchor = part.min + (pointer - square.min) * per_point;
    let (wheel, zoom) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
    if zoom != 1.0 {
        actions.push(ViewAction::Zoom { factor: zoom, anchor });
    } else if wheel != 0.0 {
        actions.push(CodeAction::Nudge { fraction: wheel / 1200.0, is_scrub: true });
    }
}

/// The values of the pixel under the cursor, in every picture shown.
fn probe(ui: &Ui, state: &Document, part: Rect, response: &Response, square: Rect, panes: &[Pane]) {
    let Some(pointer) = response.hover_pos() else { return };
    let place = part.min + (pointer - square.min) / square.width() * part.width();
    let mut lines = Vec::new();
    for &pane in panes {
        let Some(frame) = state.views.frame(pane) else { continue };
        let picture = &frame.picture;
        let (x, y) = (place.x * picture.width() as f32, place.y * picture.height() as f32);
        if x < 0.0 || y < 0.0 || x >= picture.width() as f32 || y >= picture.height() as f32 {
            continue;
        }
        let [r, g, b, _] = picture.pixel(x as usize, y as usize);
        lines.push(format!("x {:4}  y {:4}   {r:3} {g:3} {b:3}", x as usize, y as usize));
    }
    if lines.is_empty() {
        return;
    }
    let font = FontId::new(SMALL, egui::FontFamily::Monospace);
    let text = ui.painter().layout_no_wrap(lines.join("\n"), font, egui::Color32::WHITE);
    let size = text.size() + vec2(GRID, GRID * 0.5);
    let corner = if pointer.y > square.center().y {
        square.left_top()
    } else {
        square.left_bottom() - vec2(0.0, size.y)
    };
    let back = Rect::from_min_size(corner, size);
    ui.painter().rect_filled(back, 2.0, egui::Color32::from_black_alpha(170));
    ui.painter().galley(back.min + vec2(GRID * 0.5, GRID * 0.25), text, egui::Color32::WHITE);
}

/// The line between the two pictures of a wipe, to drag.
fn divider(ui: &mut Ui, state: &Document, actions: &mut Actions, part: Rect, square: Rect) {
    let x = square.left() + (state.views.wipe - part.left()) / part.width() * square.width();
    let x = x.clamp(square.left(), square.right());
    let grip = Rect::from_center_size(pos2(x, square.center().y), vec2(GRID * 2.0, square.height()));
    let response = ui.interact(grip, ui.scope_id().with("divider"), Sense::drag());
    response.widget_info(|| WidgetInfo::slider(true, f64::from(state.views.wipe), "Wipe position"));
    if response.dragged() || response.hovered() {
        ui.ctx().set_cursor_icon(CursorIcon::ResizeHorizontal);
    }
    if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged()) {
        let fraction = (pointer.x - square.left()) / square.width();
        actions.push(ViewAction::Wipe((part.left() + fraction * part.width()).clamp(0.0, 1.0)));
    }
    let painter = ui.painter().with_clip_rect(square);
    painter.vline(x, square.y_range(), Stroke::new(3.0, egui::Color32::from_black_alpha(120)));
    painter.vline(x, square.y_range(), Stroke::new(1.0, egui::Color32::WHITE));
    painter.circle_filled(pos2(x, square.center().y), GRID * 0.625, egui::Color32::WHITE);
}

/// What the window shows before the first model.
fn welcome(ui: &mut Ui, state: &Document, actions: &mut Actions, area: Rect) {
    let mut inner = ui.new_child(
        egui::UiBuilder::new()
            .max_rect(Rect::from_center_size(area.center(), vec2(area.width().min(420.0), 160.0)))
            .layout(egui::Layout::top_down(egui::Align::Center)),
    );
    let ui = &mut inner;
    if let Some(loading) = &state.loading {
        ui.spinner();
        ui.label(format!("Opening {}…", loading.source.name()));
        return;
    }
    ui.label(RichText::new("Open a model to explore").heading());
    ui.add_space(GRID);
    let text = "A bundle, a published checkpoint or a run folder. You can also drop a file on this window.";
    ui.label(RichText::new(text).color(Palette::of(ui).quiet));
    ui.add_space(GRID);
    for command in [Command::Open, Command::Gallery] {
        if ui.button(command.title()).on_hover_text(hint(command)).clicked() {
            actions.push(command);
        }
    }
}

/// Writes `text` in the middle of `rect`, for places where a picture will be.
pub(super) fn placeholder(ui: &Ui, rect: Rect, text: &str) {
    let font = FontId::proportional(SMALL);
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, font, Palette::of(ui).quiet);
}
