//! One plot for everything that runs have logged.

use std::path::PathBuf;

use egui::{Color32, Rect, RichText, ScrollArea, Sense, Ui, WidgetInfo, accesskit, vec2};
use egui_plot::{GridInput, GridMark, HoverPosition, Line, Plot, PlotBounds, PlotPoints};

use crate::app::action::{Actions, BoardAction, Seen};
use crate::app::board::{CurveDrawing, Drawing, Look, PlotDrawing, XAxis, duration};
use crate::app::document::Document;
use crate::app::document::board::{BoardSettings, run_name};
use crate::app::theme::{GRID, Palette, SMALL, in_order, series};

/// The narrowest that a plot may be for another column, and the height of one of several, in points.
const WIDTH: f32 = GRID * 44.0;
const HEIGHT: f32 = GRID * 26.0;

/// Room for the name above a plot.
const TITLE: f32 = GRID * 3.0;

/// The nearest that two marks of the lower and of the left axis may be, in the steps of 8 points that plots count in: their
/// numbers need this much.
const MARKS: [f64; 2] = [10.0, 4.0];

/// Room for the numbers left of a plot.
const AXIS: f32 = GRID * 6.0;

pub(super) fn plots(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    let drawing = &state.board.told.drawing;
    let mut settings = state.board.settings.clone();
    let shown: Vec<&PlotDrawing> = drawing.plots.iter().filter(|plot| is_shown(plot, &settings)).collect();
    let area = ui.available_size();
    let columns = if shown.len() <= 1 { 1 } else { ((area.x / WIDTH) as usize).clamp(1, 4) };
    let room = area.x - GRID * 1.5 - (columns - 1) as f32 * GRID;
    let size = match shown.len() {
        0 | 1 => vec2(room, area.y - GRID * 2.0),
        count => {
            // Higher where all of them have room, but not more than wide.
            let width = (room / columns as f32).floor();
            let rows = count.div_ceil(columns) as f32;
            let fitting = (area.y - GRID * 2.0) / rows - ui.spacing().item_spacing.y;
            vec2(width, fitting.min(width * 0.75).max(HEIGHT + TITLE).floor())
        }
    };
    let pixels = (size.x - AXIS) * ui.pixels_per_point();
    actions.push(Seen::Curves { pixels: pixels.max(1.0) as usize });
    let Some(look) = drawing.look.filter(|_| !shown.is_empty()) else {
        let text = if state.board.is_waiting() { "Reading…" } else { "Nothing was logged yet." };
        ui.centered_and_justified(|ui| ui.label(RichText::new(text).color(Palette::of(ui).quiet)));
        return;
    };
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        for row in shown.chunks(columns) {
            let (line, _) = ui.allocate_exact_size(vec2(room, size.y), Sense::hover());
            // What is out of sight costs nothing.
            if !ui.is_rect_visible(line) {
                continue;
            }
            for (column, plot) in row.iter().enumerate() {
                let corner = line.min + vec2(column as f32 * (size.x + GRID), 0.0);
                let place = egui::UiBuilder::new().max_rect(Rect::from_min_size(corner, size));
                ui.scope_builder(place, |ui| one(ui, state, drawing, look, plot, &mut settings));
            }
        }
    });
    if settings != state.board.settings {
        actions.push(BoardAction::SetUp(settings));
    }
}

/// Whether a plot is shown: all are, or the one that is looked at alone. One that is gone makes way for all.
fn is_shown(plot: &PlotDrawing, settings: &BoardSettings) -> bool {
    let only = settings.only.as_ref();
    only.is_none_or(|(name, run)| plot.name == *name && plot.run == *run)
}

fn one(
    ui: &mut Ui,
    state: &Document,
    drawing: &Drawing,
    look: Look,
    plot: &PlotDrawing,
    settings: &mut BoardSettings,
) {
    title(ui, plot, settings);
    let palette = Palette::of(ui);
    let response = lines(ui, state, drawing, look, plot);
    let response = response.interact(Sense::click_and_drag());
    let frame = response.rect;
    let to_axis = |x: f32| {
        let share = f64::from((x - frame.left()) / frame.width().max(1.0)).clamp(0.0, 1.0);
        drawing.range[0] + share * (drawing.range[1] - drawing.range[0])
    };
    let whole = drawing.whole;
    let within = |[low, high]: [f64; 2]| {
        let range = [low.max(whole[0]), high.min(whole[1])];
        let is_wide = range[1] - range[0] > (whole[1] - whole[0]) * 1e-4;
        (is_wide && range != whole).then_some(range)
    };
    // Where a drag began is forgotten by the time that it ends.
    let origin = response.id.with("origin");
    if let Some(from) = ui.input(|input| input.pointer.press_origin()).filter(|_| response.drag_started()) {
        ui.data_mut(|data| data.insert_temp(origin, from.x));
    }
    let from = ui.data(|data| data.get_temp::<f32>(origin));
    if let Some((from, to)) = from.zip(response.interact_pointer_pos()) {
        let [left, right] = [from.min(to.x), from.max(to.x)].map(|x| x.clamp(frame.left(), frame.right()));
        if response.drag_stopped() {
            settings.range = within([to_axis(left), to_axis(right)]).or(settings.range);
            ui.data_mut(|data| data.remove::<f32>(origin));
        } else if response.dragged() {
            let part = Rect::from_x_y_ranges(left..=right, frame.y_range());
            ui.painter().rect_filled(part, 0.0, palette.accent.gamma_multiply(0.2));
        }
    }
    if response.double_clicked() {
        settings.range = None;
    }
    let pinch = ui.input(|input| input.zoom_delta());
    if let Some(pointer) = response.hover_pos().filter(|_| pinch != 1.0) {
        let (at, factor) = (to_axis(pointer.x), 1.0 / f64::from(pinch));
        settings.range = within(drawing.range.map(|end| at + (end - at) * factor));
    }
}

/// The name of a plot, which shows it alone, or all again.
fn title(ui: &mut Ui, plot: &PlotDrawing, settings: &mut BoardSettings) {
    let mut name = plot.name.replace('_', " ");
    if let Some(run) = &plot.run {
        name = format!("{name}, {}", run_name(run));
    }
    let is_alone = settings.only.is_some();
    ui.allocate_ui(vec2(ui.available_width(), TITLE), |ui| {
        let button = ui.add(egui::Button::new(RichText::new(&name).size(SMALL)).frame(false).truncate());
        let hint =
            if is_alone { "Show every plot again" } else { "Show this plot alone, as large as the stage" };
        if button.on_hover_text(hint).clicked() {
            settings.only = (!is_alone).then(|| (plot.name.clone(), plot.run.clone()));
        }
    });
}

/// The plot itself; what happened on it.
fn lines(ui: &mut Ui, state: &Document, drawing: &Drawing, look: Look, plot: &PlotDrawing) -> egui::Response {
    let (colours, palette) = (series(ui), Palette::of(ui));
    let colour = |curve: &CurveDrawing, ui: &Ui| match curve.dimension {
        Some([dim, count]) => in_order(ui, dim, count),
        None => state.board.colour(&curve.run).map_or(Color32::GRAY, |colour| colours[colour]),
    };
    let paints: Vec<Color32> = plot.curves.iter().map(|curve| colour(curve, ui)).collect();
    let key: (&str, &Option<PathBuf>) = (&plot.name, &plot.run);
    let height = ui.available_height() - GRID * 0.5;
    let said = Plot::new(key)
        .height(height)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .allow_double_click_reset(false)
        .y_axis_min_width(AXIS)
        .grid_color(palette.quiet.gamma_multiply(0.35))
        .x_grid_spacer(|input| plain(&input, 0))
        .x_axis_formatter(move |mark, range| axis_text(mark.value, range.end() - range.start(), look.x))
        .y_axis_formatter(move |mark, _| value_text(mark.value, look.log_y))
        .y_grid_spacer(move |input| if look.log_y { decades(&input) } else { plain(&input, 1) })
        .label_formatter(move |position| hover(position, look))
        .show(ui, |ui| {
            let [x, y] = [drawing.range, plot.y];
            ui.set_plot_bounds(PlotBounds::from_min_max([x[0], y[0]], [x[1], y[1]]));
            for (curve, paint) in plot.curves.iter().zip(paints) {
                let name = match curve.dimension {
                    Some([dim, _]) => format!("dimension {dim}"),
                    None => run_name(&curve.run),
                };
                let line = |points, part| {
                    Line::new(name.clone(), PlotPoints::Borrowed(points)).id((
                        &curve.run,
                        curve.dimension,
                        part,
                    ))
                };
                if !curve.raw.is_empty() {
                    let faint = paint.gamma_multiply(0.3);
                    ui.line(line(&curve.raw, "raw").color(faint).width(1.0).allow_hover(false));
                }
                ui.line(line(&curve.points, "curve").color(paint).width(1.5));
            }
        });
    let text = format!("Plot of {}", plot.name.replace('_', " "));
    said.response.widget_info(|| WidgetInfo::labeled(accesskit::Role::Image, true, &text));
    said.response
}

/// What is said of the point below the pointer.
fn hover(position: &HoverPosition<'_>, look: Look) -> Option<String> {
    let HoverPosition::NearDataPoint { plot_name, position, .. } = position else { return None };
    let at = match look.x {
        XAxis::Steps => format!("step {:.0}", position.x),
        XAxis::Time => duration(position.x),
    };
    let value = if look.log_y { 10f64.powf(position.y) } else { position.y };
    Some(format!("{plot_name}\n{at}\n{}", number(value, 5)))
}

/// A number of the lower axis, of which `extent` is shown.
fn axis_text(value: f64, extent: f64, x: XAxis) -> String {
    match x {
        XAxis::Steps if extent >= 10_000.0 && value != 0.0 => format!("{} k", number(value / 1000.0, 4)),
        XAxis::Steps => number(value, 6),
        XAxis::Time if extent >= 7200.0 => format!("{} h", number(value / 3600.0, 3)),
        XAxis::Time if extent >= 120.0 => format!("{} min", number(value / 60.0, 3)),
        XAxis::Time => format!("{} s", number(value, 3)),
    }
}

/// A number of the left axis.
fn value_text(value: f64, is_log: bool) -> String {
    number(if is_log { 10f64.powf(value) } else { value }, 4)
}

/// A number with so many digits at most, without what says nothing.
fn number(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let size = value.abs().log10().floor() as i32;
    if !(-4..7).contains(&size) {
        return format!("{value:.*e}", digits.saturating_sub(2));
    }
    let decimals = (digits as i32 - 1 - size).max(0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Marks at even numbers: multiples of 1, 2 or 5 times a power of ten, as many as have room for their numbers on the lower
/// (0) or the left axis (1).
fn plain(input: &GridInput, axis: usize) -> Vec<GridMark> {
    let step_size = even_step(input.base_step_size * MARKS[axis]);
    let values = multiples(step_size, input.bounds).into_iter();
    values.map(|value| GridMark { value, step_size }).collect()
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below `least`.
fn even_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0].map(|part| part * power).into_iter().find(|step| *step >= least).unwrap_or(10.0 * power)
}

/// The multiples of `step` from `low` to `high`; none where they are not a few.
fn multiples(step: f64, (low, high): (f64, f64)) -> Vec<f64> {
    let count = (high - low) / step;
    if !(step > 0.0 && (0.0..1000.0).contains(&count)) {
        return Vec::new();
    }
    let first = (low / step).ceil();
    let values = (0..=count as u32).map(|at| (first + f64::from(at)) * step);
    values.filter(|value| *value <= high).collect()
}

/// Marks of a logarithmic axis at powers of ten, with fainter ones between them; where less than a decade is shown, at even
/// numbers.
fn decades(input: &GridInput) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let least = input.base_step_size * MARKS[1];
    if high - low < 1.0 {
        // They lie nearest to each other at the upper end.
        let slope = 10f64.powf(high) * std::f64::consts::LN_10;
        let step = even_step(least * slope);
        let values = multiples(step, (10f64.powf(low), 10f64.powf(high))).into_iter();
        return values.map(|value| GridMark { value: value.log10(), step_size: step / slope }).collect();
    }
    let apart = least.ceil().max(1.0);
    let mut marks = Vec::new();
    for decade in low.floor() as i32..=high.ceil() as i32 {
        let whole = f64::from(decade);
        if whole % apart == 0.0 {
            marks.push(GridMark { value: whole, step_size: apart });
        }
        let between = (2..10).map(|part| whole + f64::from(part).log10());
        marks.extend(between.map(|value| GridMark { value, step_size: 0.1 }));
    }
    marks.retain(|mark| (low..=high).contains(&mark.value));
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_matter() {
        let said = |value, digits| number(value, digits);
        assert_eq!(said(0.0, 4), "0");
        assert_eq!(said(123.456, 4), "123.5");
        assert_eq!(said(2.0, 4), "2");
        assert_eq!(said(0.00125, 4), "0.00125");
        assert_eq!(said(1.25e-7, 4), "1.25e-7");
        assert_eq!(said(1234567.0, 4), "1234567");
        assert_eq!(said(-45.0, 3), "-45");
        assert_eq!(axis_text(100_000.0, 1e5, XAxis::Steps), "100 k");
        assert_eq!(axis_text(5400.0, 9000.0, XAxis::Time), "1.5 h");
        assert_eq!(value_text(-2.0, true), "0.01");
    }

    #[test]
    fn marks_are_even_numbers_with_room_between_them() {
        let marks = |low: f64, high: f64, points: f64| -> Vec<f64> {
            // Plots count in steps of 8 points.
            let input = GridInput { bounds: (low, high), base_step_size: (high - low) / points * 8.0 };
            plain(&input, 1).iter().map(|mark| mark.value).collect()
        };
        assert_eq!(
            marks(20.0, 12_000.0, 400.0),
            [
                1000.0, 2000.0, 3000.0, 4000.0, 5000.0, 6000.0, 7000.0, 8000.0, 9000.0, 10_000.0, 11_000.0,
                12_000.0
            ]
        );
        assert_eq!(marks(-0.1, 0.9, 200.0), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8]);
        assert_eq!(marks(1.0, 1.0, 200.0), [0.0; 0]);
        assert!(marks(0.0, 1e300, 200.0).len() < 10);
    }

    #[test]
    fn a_logarithmic_axis_has_its_marks_at_powers_of_ten() {
        let input = GridInput { bounds: (-1.2, 1.1), base_step_size: 0.01 };
        let whole: Vec<f64> =
            decades(&input).iter().filter(|mark| mark.step_size == 1.0).map(|mark| mark.value).collect();
        assert_eq!(whole, [-1.0, 0.0, 1.0]);
        let input = GridInput { bounds: (0.2, 0.9), base_step_size: 0.01 };
        let within: Vec<f64> = decades(&input).iter().map(|mark| 10f64.powf(mark.value).round()).collect();
        assert_eq!(within, [2.0, 3.0, 4.0, 5.0, 6.0, 7.0], "less than a decade has even numbers");
    }

    #[test]
    fn what_is_below_the_pointer_is_said_in_the_runs_own_numbers() {
        let position = egui_plot::PlotPoint::new(1200.0, 2.0);
        let near = HoverPosition::NearDataPoint { plot_name: "a", position, index: 0 };
        let look = Look { x: XAxis::Steps, range: None, log_y: true, smoothing: 0.0, pixels: 1 };
        assert_eq!(hover(&near, look).as_deref(), Some("a\nstep 1200\n100"));
        let look = Look { x: XAxis::Time, log_y: false, ..look };
        assert_eq!(hover(&near, look).as_deref(), Some("a\n20 min\n2"));
        assert_eq!(hover(&HoverPosition::Elsewhere { position: pos(0.0) }, look), None);
    }

    fn pos(at: f64) -> egui_plot::PlotPoint {
        egui_plot::PlotPoint::new(at, at)
    }
}
