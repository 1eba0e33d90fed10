//! The map of codes on the stage: a dot for each picture, a few of the pictures, and the code as it is set.

use egui::{
    Color32, EventFilter, FontId, Key, Pos2, Rect, Response, RichText, Sense, Stroke, StrokeKind, Ui,
    WidgetInfo, accesskit, pos2, vec2,
};
use egui_plot::{Plot, PlotBounds, PlotPoint, PlotPoints, PlotTransform, Points};

use crate::app::action::{Actions, EvaluateAction, Seen};
use crate::app::document::Document;
use crate::app::document::map::MapView;
use crate::app::paint::picture;
use crate::app::panels::Panel;
use crate::app::theme::{GRID, Palette, SMALL, series};
use crate::figures::drawing::{ColourScale, Colouring};

/// The drawings of the pictures of dots, and of the one below the pointer.
const DOT_KEY: u64 = 10_000;
const HOVER_KEY: u64 = 9_999;

/// Side of a picture beside its dot, and of the one below the pointer.
const SIDE: f32 = GRID * 3.5;
const LARGE: f32 = GRID * 12.0;

/// Radius of a dot, and how near the pointer has to be to it.
const DOT: f32 = 2.5;
const NEAR: f32 = GRID;

/// The part of the axes' range that lies around the dots, to both sides.
const AROUND: f64 = 0.08;

/// Colours that a scale is drawn with.
const STEPS: usize = 32;

/// How far an arrow key moves the code, in shares of the axes' range.
const STEP: f64 = 0.01;

/// The map, beside the pictures.
#[derive(Default)]
pub(crate) struct MapPanel;

impl Panel for MapPanel {
    fn title(&self) -> &'static str {
        "Map"
    }

    fn ui(&mut self, ui: &mut Ui, state: &Document, actions: &mut Actions) {
        let (Some(map), Some(model), Some(latent)) = (&state.pages.map, &state.model, &state.latent) else {
            return;
        };
        actions.push(Seen::Map);
        legend(ui, map);
        let block = model.description().encoded().unwrap_or_default();
        let now = map.projection.at(latent.values(block));
        let (response, transform) = dots(ui, map);
        if !map.settings.is_bare {
            pictures(ui, map, actions, &transform);
        }
        if !code_dot(ui, map, actions, &transform, now) {
            touched(ui, map, actions, &transform, response);
        }
    }
}

/// A place of the map on the screen.
fn on(transform: &PlotTransform, place: [f64; 2]) -> Pos2 {
    transform.position_from_point(&PlotPoint::new(place[0], place[1]))
}

/// The place of the map below a point of the screen.
fn under(transform: &PlotTransform, at: Pos2) -> [f64; 2] {
    let place = transform.value_from_position(at);
    [place.x, place.y]
}

/// The nearest point of the screen that lies on the map.
fn within(transform: &PlotTransform, at: Pos2) -> Pos2 {
    let frame = transform.frame();
    pos2(at.x.clamp(frame.left(), frame.right()), at.y.clamp(frame.top(), frame.bottom()))
}

/// What the colours mean.
fn legend(ui: &mut Ui, map: &MapView) {
    let quiet = Palette::of(ui).quiet;
    let small = |text: &str| RichText::new(text).size(SMALL);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(GRID * 0.5, GRID * 0.25);
        match &map.scatter.colouring {
            Colouring::Nothing => {
                drop(ui.label(small("The factors of these pictures are not known").color(quiet)));
            }
            Colouring::Classes { title, names, .. } => {
                ui.label(small(title));
                for (class, name) in names.iter().enumerate() {
                    let (place, _) = ui.allocate_exact_size(vec2(GRID, GRID), Sense::hover());
                    let (colour, is_filled) = class_colour(ui, class);
                    if is_filled {
                        ui.painter().circle_filled(place.center(), GRID * 0.5, colour);
                    } else {
                        ui.painter().circle_stroke(place.center(), GRID * 0.4, Stroke::new(1.5, colour));
                    }
                    ui.label(small(name).color(quiet));
                }
            }
            Colouring::Values { title, values } => {
                let [low, high] = ends(values);
                ui.label(small(title));
                ui.label(small(&format!("{low:.2}")).color(quiet));
                let (place, _) = ui.allocate_exact_size(vec2(GRID * 10.0, GRID), Sense::hover());
                let wide = place.width() / STEPS as f32;
                for step in 0..STEPS {
                    let corner = pos2(place.left() + wide * step as f32, place.top());
                    let part = Rect::from_min_size(corner, vec2(wide, place.height()));
                    ui.painter().rect_filled(part, 0.0, scale_colour(ui, step));
                }
                ui.label(small(&format!("{high:.2}")).color(quiet));
            }
        }
    });
}

/// The colour of a class, and whether its dots are filled.
fn class_colour(ui: &Ui, class: usize) -> (Color32, bool) {
    let colours = series(ui);
    (colours[class % colours.len()], (class / colours.len()).is_multiple_of(2))
}

/// The colour of a step of the scale.
fn scale_colour(ui: &Ui, step: usize) -> Color32 {
    let scale = if ui.visuals().dark_mode { ColourScale::DOTS_ON_DARK } else { ColourScale::DOTS_ON_LIGHT };
    let [r, g, b] = scale.at((step as f64 + 0.5) / STEPS as f64);
    Color32::from_rgb(r, g, b)
}

fn ends(values: &[f64]) -> [f64; 2] {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    [low, values.iter().copied().fold(f64::NEG_INFINITY, f64::max).max(low)]
}

/// The dots in groups of one colour, and whether those are filled.
fn groups(ui: &Ui, map: &MapView) -> Vec<(Color32, bool, Vec<PlotPoint>)> {
    let group: Box<dyn Fn(usize) -> usize> = match &map.scatter.colouring {
        Colouring::Nothing => Box::new(|_| 0),
        Colouring::Classes { classes, .. } => Box::new(|dot| classes[dot]),
        Colouring::Values { values, .. } => {
            let [low, high] = ends(values);
            let wide = (high - low).max(f64::MIN_POSITIVE);
            Box::new(move |dot| (((values[dot] - low) / wide * STEPS as f64) as usize).min(STEPS - 1))
        }
    };
    let count = match &map.scatter.colouring {
        Colouring::Nothing => 1,
        Colouring::Classes { names, .. } => names.len(),
        Colouring::Values { .. } => STEPS,
    };
    let look = |group: usize| match &map.scatter.colouring {
        Colouring::Values { .. } => (scale_colour(ui, group), true),
        _ => class_colour(ui, group),
    };
    let mut groups: Vec<_> = (0..count).map(|group| (look(group).0, look(group).1, Vec::new())).collect();
    for (dot, place) in map.scatter.dots.iter().enumerate() {
        groups[group(dot)].2.push(PlotPoint::new(place[0], place[1]));
    }
    groups
}

/// The plot with its axes and all dots.
fn dots(ui: &mut Ui, map: &MapView) -> (Response, PlotTransform) {
    let groups = groups(ui, map);
    let quiet = Palette::of(ui).quiet;
    let axis = |label: &String| RichText::new(label).size(SMALL);
    let plot = Plot::new("map")
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .allow_double_click_reset(false)
        .show_x(false)
        .show_y(false)
        .grid_color(quiet.gamma_multiply(0.35))
        .x_axis_label(axis(&map.scatter.axes[0]))
        .y_axis_label(axis(&map.scatter.axes[1]))
        .sense(Sense::click());
    let said = plot.show(ui, |ui| {
        let [x, y] = map.range.map(|[low, high]| {
            let around = AROUND * (high - low);
            [low - around, high + around]
        });
        ui.set_plot_bounds(PlotBounds::from_min_max([x[0], y[0]], [x[1], y[1]]));
        for (number, (colour, is_filled, points)) in groups.into_iter().enumerate() {
            let points = Points::new("", PlotPoints::Owned(points)).id(("dots", number));
            ui.points(points.color(colour).filled(is_filled).radius(DOT).allow_hover(false));
        }
    });
    let text = format!("Map of {} pictures of {}", map.scatter.dots.len(), map.told.data);
    said.response.widget_info(|| WidgetInfo::labeled(accesskit::Role::Image, true, &text));
    (said.response, said.transform)
}

/// Pictures of some dots, which start from them: those that have room beside the others.
fn pictures(ui: &mut Ui, map: &MapView, actions: &mut Actions, transform: &PlotTransform) {
    let mut taken: Vec<Rect> = Vec::new();
    for &dot in &map.spread {
        let Some((_, surface)) = map.pictures.get(&dot) else { continue };
        let at = on(transform, map.scatter.dots[dot]);
        let place = Rect::from_center_size(at - vec2(0.0, SIDE * 0.5 + DOT * 2.0), vec2(SIDE, SIDE));
        if !transform.frame().contains_rect(place) || taken.iter().any(|other| other.intersects(place)) {
            continue;
        }
        taken.push(place);
        let response = ui.interact(place, ui.scope_id().with(("picture", dot)), Sense::click());
        let text = format!("Start from picture {}", map.told.indices[dot]);
        response.widget_info(|| WidgetInfo::labeled(accesskit::Role::Button, true, &text));
        picture(ui, place, DOT_KEY + dot as u64, surface, false);
        let palette = Palette::of(ui);
        let is_met = response.hovered() || response.has_focus();
        let colour = if is_met { palette.accent } else { palette.quiet };
        ui.painter().rect_stroke(place, 0.0, Stroke::new(1.0, colour), StrokeKind::Outside);
        if response.clicked() {
            actions.push(EvaluateAction::StartFromDot(dot));
        }
        response.on_hover_text(format!(
            "{}\nClick to set the factors to what the encoder finds in it",
            map.said(dot)
        ));
    }
}

/// The code as it is set, to be dragged; whether somebody has hold of it.
fn code_dot(
    ui: &mut Ui,
    map: &MapView,
    actions: &mut Actions,
    transform: &PlotTransform,
    now: [f64; 2],
) -> bool {
    let at = within(transform, on(transform, now));
    let place = Rect::from_center_size(at, vec2(GRID * 2.5, GRID * 2.5));
    let response = ui.interact(place, ui.scope_id().with("code"), Sense::click_and_drag());
    let text = format!("Code on the map at {:.2}, {:.2}", now[0], now[1]);
    response.widget_info(|| WidgetInfo::labeled(accesskit::Role::Button, true, &text));
    if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged()) {
        let place = under(transform, within(transform, pointer));
        actions.push(EvaluateAction::MoveOnMap { place, is_scrub: false });
    } else if response.clicked() && !ui.input(|input| input.pointer.any_released()) {
        // By the keyboard.
        if let Some((dot, _)) = map.nearest(now) {
            actions.push(EvaluateAction::StartFromDot(dot));
        }
    }
    if let Some(place) = by_arrows(ui, map, &response, now) {
        actions.push(EvaluateAction::MoveOnMap { place, is_scrub: true });
    }
    let (palette, strong) = (Palette::of(ui), ui.visuals().strong_text_color());
    let painter = ui.painter();
    painter.circle_filled(at, GRID * 0.75, ui.visuals().extreme_bg_color);
    painter.circle_stroke(at, GRID * 0.75, Stroke::new(3.0, palette.accent));
    if response.has_focus() || response.hovered() {
        painter.circle_stroke(at, GRID * 1.25, Stroke::new(1.0, strong));
    }
    let is_held = response.dragged() || response.hovered();
    response.on_hover_text(
        "The code as it is set: drag it to set both axes at once, or use the arrow keys. Enter starts from the nearest picture",
    );
    is_held
}

/// Where arrow keys move the code to.
fn by_arrows(ui: &Ui, map: &MapView, response: &Response, now: [f64; 2]) -> Option<[f64; 2]> {
    if !response.has_focus() {
        return None;
    }
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let steps = ui.input(|input| {
        let size = if input.modifiers.shift { 10.0 } else { 1.0 };
        let pressed = |more, less| input.num_presses(more) as f64 - input.num_presses(less) as f64;
        [pressed(Key::ArrowRight, Key::ArrowLeft), pressed(Key::ArrowUp, Key::ArrowDown)]
            .map(|steps| size * steps)
    });
    let step = |axis: usize| {
        let [low, high] = map.range[axis];
        now[axis] + steps[axis] * STEP * (high - low)
    };
    (steps != [0.0; 2]).then(|| [step(0), step(1)])
}

/// What the pointer does elsewhere: a dot below it is told and started from, a free place takes the code.
fn touched(ui: &Ui, map: &MapView, actions: &mut Actions, transform: &PlotTransform, response: Response) {
    let Some(pointer) = response.hover_pos().filter(|at| transform.frame().contains(*at)) else { return };
    let place = under(transform, pointer);
    let near = |(dot, _): &(usize, f64)| on(transform, map.scatter.dots[*dot]).distance(pointer) < NEAR;
    let dot = map.nearest(place).filter(near).map(|(dot, _)| dot);
    if response.clicked() {
        actions.push(match dot {
            Some(dot) => EvaluateAction::StartFromDot(dot),
            None => EvaluateAction::MoveOnMap { place, is_scrub: false },
        });
    }
    let Some(dot) = dot else { return };
    actions.push(Seen::Dot(dot));
    ui.painter().circle_stroke(
        on(transform, map.scatter.dots[dot]),
        DOT * 2.0,
        Stroke::new(1.0, ui.visuals().strong_text_color()),
    );
    response.on_hover_ui_at_pointer(|ui| {
        if let Some((_, surface)) = map.pictures.get(&dot) {
            let (place, _) = ui.allocate_exact_size(vec2(LARGE, LARGE), Sense::hover());
            picture(ui, place, HOVER_KEY, surface, false);
        }
        ui.label(RichText::new(map.said(dot)).font(FontId::proportional(SMALL)));
    });
}
