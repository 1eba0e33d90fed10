//! The grids of pictures that a run has drawn while it learnt.

use egui::{Rect, RichText, ScrollArea, Sense, Ui, Vec2, WidgetInfo, accesskit, vec2};

use crate::app::action::{Actions, BoardAction};
use crate::app::document::Document;
use crate::app::document::board::{BoardSettings, run_name};
use crate::app::paint::{fill, picture};
use crate::app::theme::{GRID, Palette};

/// The drawing of the sample grid.
const SAMPLES_KEY: u64 = 110;

/// Pixels of the screen for one of a grid, at most and at least.
const ZOOM: [f32; 2] = [0.1, 32.0];

pub(super) fn samples(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    let mut settings = state.board.settings.clone();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(GRID * 0.5, GRID * 0.25);
        run(ui, state, &mut settings);
        time(ui, state, &mut settings);
        zoom(ui, state, &mut settings);
    });
    let area = ui.available_rect_before_wrap();
    ui.painter().add(fill(area, Palette::of(ui).stage));
    match &state.board.grid_of {
        Some((_, step)) => grid(ui, state, &mut settings, *step),
        None => {
            let text = RichText::new("No sample grid was drawn yet.").color(Palette::of(ui).quiet);
            ui.centered_and_justified(|ui| ui.label(text));
        }
    }
    if settings != state.board.settings {
        actions.push(BoardAction::SetUp(settings));
    }
}

/// Whose grids are shown, where there are several runs.
fn run(ui: &mut Ui, state: &Document, settings: &mut BoardSettings) {
    let Some(focus) = state.board.focus().filter(|_| state.board.runs.len() > 1) else { return };
    let label = ui.label("Run");
    let menu = egui::ComboBox::from_id_salt("samples of").selected_text(run_name(focus));
    let menu = menu.show_ui(ui, |ui| {
        for run in &state.board.runs {
            let is_chosen = run.folder == focus;
            let choice = ui.selectable_label(is_chosen, run_name(&run.folder));
            if choice.on_hover_text(run.folder.display().to_string()).clicked() {
                settings.focus = Some(run.folder.clone());
            }
        }
    });
    menu.response.labelled_by(label.id).on_hover_text("The run whose sample grids are shown");
}

/// After how many steps the grid was drawn that is shown.
fn time(ui: &mut Ui, state: &Document, settings: &mut BoardSettings) {
    let facts = state.board.focus().and_then(|focus| state.board.facts(focus));
    let Some(sampled) = facts.map(|facts| &facts.sampled).filter(|sampled| sampled.len() > 1) else { return };
    let last = sampled.len() - 1;
    let shown = settings.grid.and_then(|step| sampled.binary_search(&step).ok()).unwrap_or(last);
    let mut at = shown;
    let label = ui.label("Step");
    ui.spacing_mut().slider_width = (ui.available_width() - GRID * 44.0).clamp(GRID * 10.0, GRID * 50.0);
    let slider = egui::Slider::new(&mut at, 0..=last)
        .custom_formatter(|at, _| sampled.get(at as usize).map(u64::to_string).unwrap_or_default())
        .custom_parser(|text| {
            let step: u64 = text.trim().parse().ok()?;
            Some(sampled.partition_point(|own| *own < step).min(last) as f64)
        });
    let hint = "Steps after which the grid was drawn. The newest follows the run; the same pictures and codes every time";
    if ui.add(slider).labelled_by(label.id).on_hover_text(hint).changed() {
        settings.grid = (at < last).then(|| sampled[at]);
    }
}

/// How large the grid is shown.
fn zoom(ui: &mut Ui, state: &Document, settings: &mut BoardSettings) {
    let shown = settings.zoom.map_or_else(|| ui.data(|data| data.get_temp(fitted_id()).unwrap_or(1.0)), even);
    for (text, name, factor, hint) in [
        ("−", "Smaller", 0.5, "Show the grid at half the size"),
        ("+", "Larger", 2.0, "Show the grid at twice the size"),
    ] {
        let button = ui.button(text);
        button.widget_info(|| WidgetInfo::labeled(accesskit::Role::Button, true, name));
        if button.on_hover_text(format!("{hint}; so does Ctrl and the wheel")).clicked() {
            settings.zoom = Some(even(shown * factor));
        }
    }
    for (text, name, zoom, hint) in [
        ("Fit", "Fit grid", None, "Show the whole grid as large as it fits"),
        ("1:1", "Grid at actual size", Some(1.0), "One pixel of the grid is one pixel of the screen"),
    ] {
        let button = ui.selectable_label(settings.zoom == zoom, text);
        button
            .widget_info(|| WidgetInfo::selected(accesskit::Role::Button, true, settings.zoom == zoom, name));
        if button.on_hover_text(hint).clicked() {
            settings.zoom = zoom;
        }
    }
    let size = state.board.grid.size();
    let percent = RichText::new(format!("{:.0} %", shown * 100.0)).color(Palette::of(ui).quiet);
    ui.label(percent).on_hover_text(format!(
        "At 100 % one of the {} x {} pixels is one of the screen's",
        size[0], size[1]
    ));
}

/// Where it is kept how large a grid that fits was shown last.
fn fitted_id() -> egui::Id {
    egui::Id::unique("fitted grid")
}

/// A size at which pixels are even: whole multiples above 1.
fn even(zoom: f32) -> f32 {
    let zoom = zoom.clamp(ZOOM[0], ZOOM[1]);
    if zoom > 1.0 { zoom.round() } else { zoom }
}

fn grid(ui: &mut Ui, state: &Document, settings: &mut BoardSettings, step: u64) {
    let scale = ui.pixels_per_point();
    let area = ui.available_rect_before_wrap().shrink(GRID * 0.5);
    let size = Vec2::from(state.board.grid.size().map(|side| side as f32)) / scale;
    let fitting = (area.width() / size.x.max(1.0)).min(area.height() / size.y.max(1.0));
    let fitting = if fitting > 1.0 { fitting.floor() } else { fitting };
    let zoom = settings.zoom.map_or(fitting, even);
    ui.data_mut(|data| data.insert_temp(fitted_id(), fitting));
    let pinch = ui.input(|input| input.zoom_delta());
    if pinch != 1.0 && ui.rect_contains_pointer(area) {
        // What a wheel turns adds up, whatever is shown of it.
        let wanted = settings.zoom.unwrap_or(fitting) * pinch;
        settings.zoom = Some(wanted.clamp(ZOOM[0], ZOOM[1]));
    }
    ScrollArea::both().auto_shrink([false, false]).scroll_source(egui::scroll_area::ScrollSource::ALL).show(
        ui,
        |ui| {
            let shown = size * zoom;
            let (outer, response) =
                ui.allocate_exact_size(shown.max(area.size() - vec2(GRID, GRID)), Sense::hover());
            let corner = (outer.center() - shown / 2.0).max(outer.min);
            let on_pixel = |at: f32| (at * scale).round() / scale;
            let rect = Rect::from_min_size(egui::pos2(on_pixel(corner.x), on_pixel(corner.y)), shown);
            let text = format!("Sample grid after {step} steps");
            response.widget_info(|| WidgetInfo::labeled(accesskit::Role::Image, true, &text));
            picture(ui, rect, SAMPLES_KEY, &state.board.grid, true);
            response.on_hover_text(
            "From above: pictures of the data, what each network makes of their codes, and each of the most \
             informative factors running through its range. The same pictures and codes every time",
        );
        },
    );
}
