//! The line above curves and sample grids: what is shown, and how.

use egui::{DragValue, RichText, Sense, Ui, WidgetInfo, accesskit};

use crate::app::action::{Actions, BoardAction};
use crate::app::board::XAxis;
use crate::app::document::Document;
use crate::app::document::board::{BoardSettings, BoardView, run_name};
use crate::app::theme::{GRID, Palette, SMALL, series};

pub(super) fn bar(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    let mut settings = state.board.settings.clone();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(GRID * 0.5, GRID * 0.25);
        for (view, text, hint) in [
            (BoardView::Curves, "Curves", "Everything that the runs have logged, over steps or time"),
            (BoardView::Samples, "Samples", "The grids of pictures that a run has drawn while it learnt"),
            (BoardView::Pictures, "Pictures", "The pictures of the model that is open in the explorer"),
        ] {
            ui.selectable_value(&mut settings.view, view, text).on_hover_text(hint);
        }
        if settings.view == BoardView::Curves {
            ui.separator();
            looking(ui, state, &mut settings);
        }
    });
    if settings.view == BoardView::Curves {
        legend(ui, state);
    }
    if settings != state.board.settings {
        actions.push(BoardAction::SetUp(settings));
    }
}

/// How curves are looked at.
fn looking(ui: &mut Ui, state: &Document, settings: &mut BoardSettings) {
    let before = settings.x;
    for (x, text, hint) in [
        (XAxis::Steps, "Steps", "Draw over steps trained"),
        (
            XAxis::Time,
            "Time",
            "Draw over the time that the run has trained, without pauses and what it wrote meanwhile",
        ),
    ] {
        ui.selectable_value(&mut settings.x, x, text).on_hover_text(hint);
    }
    if settings.x != before {
        settings.range = None; // Seconds are no steps.
    }
    ui.toggle_value(&mut settings.log_y, "Log y")
        .on_hover_text("A logarithmic axis: what is not above 0 is left out");
    keep_together(ui, GRID * 25.0);
    let label = ui.label(RichText::new("Smoothing").size(SMALL));
    ui.spacing_mut().slider_width = GRID * 8.0;
    let slider = egui::Slider::new(&mut settings.smoothing, 0.0..=0.99).fixed_decimals(2);
    ui.add(slider).labelled_by(label.id).on_hover_text(
        "Running mean in which a value counts so much less than the one after it, as in TensorBoard; the values as \
         they are stay behind it, faintly",
    );
    range(ui, state, settings);
    if settings.only.is_some() && ui.button("All plots").on_hover_text("Show every plot again").clicked() {
        settings.only = None;
    }
}

/// Begins another line where `width` more do not fit into this one.
fn keep_together(ui: &mut Ui, width: f32) {
    if ui.available_size_before_wrap().x < width {
        ui.end_row();
    }
}

/// The part of the axis that is shown.
fn range(ui: &mut Ui, state: &Document, settings: &mut BoardSettings) {
    let whole = state.board.told.drawing.whole;
    let mut shown = settings.range.unwrap_or(whole);
    // Fields in the unit of the axis.
    let (unit, decimals, suffix) = match settings.x {
        XAxis::Steps => (1.0, 0, ""),
        XAxis::Time => (60.0, 1, " min"),
    };
    let least = (whole[1] - whole[0]) * 1e-4;
    let mut is_changed = false;
    for (end, name, hint) in [(0, "from", "Where the axis begins"), (1, "to", "Where the axis ends")] {
        keep_together(ui, GRID * 13.0);
        let label = ui.label(RichText::new(name).size(SMALL));
        let mut value = shown[end] / unit;
        let most = if end == 0 { [whole[0], shown[1] - least] } else { [shown[0] + least, whole[1]] };
        let field = DragValue::new(&mut value)
            .range(most[0] / unit..=most[1].max(most[0]) / unit)
            .speed((whole[1] - whole[0]) / unit / 500.0)
            .fixed_decimals(decimals)
            .suffix(suffix);
        let hint = format!(
            "{hint}. Drag over a plot to look at a part, Ctrl and the wheel zoom, a double click shows all"
        );
        if ui.add(field).labelled_by(label.id).on_hover_text(hint).changed() {
            shown[end] = value * unit;
            is_changed = true;
        }
    }
    if is_changed {
        settings.range = (shown != whole).then_some(shown);
    }
    let button = ui.add_enabled(settings.range.is_some(), egui::Button::new("Whole"));
    button.widget_info(|| {
        WidgetInfo::labeled(accesskit::Role::Button, settings.range.is_some(), "Whole range")
    });
    if button.on_hover_text("Show the whole axis again").clicked() {
        settings.range = None;
    }
}

/// The colours of the runs, and how far each has come.
fn legend(ui: &mut Ui, state: &Document) {
    let colours = series(ui);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(GRID * 0.5, GRID * 0.25);
        for run in &state.board.runs {
            let progress = state.progress(&run.folder).unwrap_or_default();
            let (dot, _) = ui.allocate_exact_size(egui::vec2(GRID, GRID), Sense::hover());
            ui.painter().circle_filled(dot.center(), GRID * 0.5, colours[run.colour]);
            let name = RichText::new(run_name(&run.folder)).size(SMALL).color(colours[run.colour]);
            ui.label(name).on_hover_text(run.folder.display().to_string());
            ui.label(RichText::new(progress).size(SMALL).color(Palette::of(ui).quiet));
            ui.add_space(GRID);
        }
    });
}
