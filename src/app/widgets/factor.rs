use egui::accesskit::{Action, ActionData};
use egui::{EventFilter, FontId, Key, Rect, Response, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::app::theme::{GRID, Palette};

/// A slider over a histogram of where the data lies.
pub(crate) struct FactorSlider<'a> {
    /// What assistive technology reads.
    pub(crate) name: &'a str,
    pub(crate) value: f32,
    pub(crate) range: [f32; 2],
    pub(crate) neutral: f32,
    /// Shares of the data over equal parts of the range.
    pub(crate) histogram: Option<&'a [f32]>,
    /// Where the data ends.
    pub(crate) data_range: Option<[f32; 2]>,
    /// Mean KL divergence of this dimension from its prior over the data in nats, if known.
    pub(crate) kl: Option<f32>,
    /// Whether this dimension is the one that keys and pictures move.
    pub(crate) is_selected: bool,
    /// Where the encoder reads the generated picture, if known.
    pub(crate) read_back: Option<f32>,
}

/// What a person did to a slider.
pub(crate) struct Interaction {
    pub(crate) response: Response,
    /// The value asked for, if any.
    pub(crate) value: Option<f32>,
    /// A wheel or key moved it: more of the same may follow at once.
    pub(crate) is_scrub: bool,
}

/// A key press moves a slider by this share of its range, with shift by ten times that.
const STEP: f32 = 0.01;

impl FactorSlider<'_> {
    pub(crate) fn show(&self, ui: &mut Ui) -> Interaction {
        let size = vec2(ui.available_width().max(GRID * 5.0), TRACK + CAPTION);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        let rail = Rect::from_min_max(
            pos2(rect.left() + HANDLE, rect.top()),
            pos2(rect.right() - HANDLE, rect.top() + TRACK),
        );
        response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), f64::from(self.value), self.name));
        let mut is_scrub = false;
        let mut value = self.dragged_to(&response, rail);
        if let Some(steps) = self.steps(ui, &response) {
            is_scrub = true;
            value = Some(self.clamp(self.value + steps * STEP * (self.range[1] - self.range[0])));
        }
        if let Some(asked) = set_value_request(ui, response.id) {
            value = Some(self.clamp(asked));
        }
        self.describe(ui, &response);
        if ui.is_rect_visible(rect) {
            self.paint(ui, &response, rail, value.unwrap_or(self.value));
            self.caption(ui, rect);
        }
        let response = response.on_hover_text_at_pointer(self.hint());
        Interaction { response, value: value.filter(|value| *value != self.value), is_scrub }
    }

    /// What it does, and what is drawn on it.
    fn hint(&self) -> String {
        let mut hint = format!(
            "{}: drag, or use the arrow keys; while it is selected the wheel moves it too. It changes one factor of the \
             picture, one dimension of the code.",
            self.name
        );
        if self.histogram.is_some() {
            hint += " Bars: where the data's codes lie (aggregated posterior); dashed: where they end.";
        }
        if let Some(kl) = self.kl {
            hint += &format!(
                " Below: the ends of the range, and its information, {kl:.2} nats (mean KL divergence from the prior over the data)."
            );
        }
        if self.read_back.is_some() {
            hint += " Ring: the value that the encoder reads back from the generator's picture.";
        }
        hint
    }

    /// A value outside the range, typed by hand, may stay where it is but not go further.
    fn clamp(&self, value: f32) -> f32 {
        value.clamp(self.range[0].min(self.value), self.range[1].max(self.value))
    }

    fn dragged_to(&self, response: &Response, rail: Rect) -> Option<f32> {
        let pointer = response.interact_pointer_pos()?;
        if !response.dragged() && !response.clicked() && !response.is_pointer_button_down_on() {
            return None;
        }
        let fraction = ((pointer.x - rail.left()) / rail.width()).clamp(0.0, 1.0);
        Some(self.range[0] + (self.range[1] - self.range[0]) * fraction)
    }

    /// How many steps keys, wheel and assistive technology ask for.
    fn steps(&self, ui: &Ui, response: &Response) -> Option<f32> {
        let mut steps = 0.0;
        if response.has_focus() {
            let filter = EventFilter { horizontal_arrows: true, ..Default::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
            ui.input(|input| {
                let size = if input.modifiers.shift { 10.0 } else { 1.0 };
                steps += size * input.num_presses(Key::ArrowRight) as f32;
                steps -= size * input.num_presses(Key::ArrowLeft) as f32;
            });
        }
        if self.is_selected && response.hovered() {
            // Only the selected slider takes the wheel; over the others it scrolls the panel.
            let wheel = ui.input_mut(|input| {
                let delta = input.smooth_scroll_delta().y;
                if delta != 0.0 {
                    input.smooth_scroll_delta = egui::Vec2::ZERO;
                }
                delta
            });
            steps += wheel / 12.0;
        }
        ui.input(|input| {
            steps += 5.0 * input.num_accesskit_action_requests(response.id, Action::Increment) as f32;
            steps -= 5.0 * input.num_accesskit_action_requests(response.id, Action::Decrement) as f32;
        });
        (steps != 0.0).then_some(steps)
    }

    /// Tells assistive technology what can be done.
    fn describe(&self, ui: &Ui, response: &Response) {
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_min_numeric_value(f64::from(self.range[0]));
            node.set_max_numeric_value(f64::from(self.range[1]));
            node.set_numeric_value_step(f64::from(STEP * (self.range[1] - self.range[0])));
            node.add_action(Action::SetValue);
            node.add_action(Action::Increment);
            node.add_action(Action::Decrement);
        });
    }

    /// The ends of the range and the information between them, below the track.
    fn caption(&self, ui: &Ui, rect: Rect) {
        let (font, colour) = (FontId::proportional(FINE), Palette::of(ui).quiet);
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        let ends = self.range.map(|end| painter.layout_no_wrap(short(end), font.clone(), colour));
        let room = rect.width() - ends[0].size().x - ends[1].size().x - GRID * 2.0;
        let at = |x: f32, width: f32| pos2(x - width, rect.bottom() - CAPTION);
        let [low, high] = ends;
        let right = at(rect.right() - HANDLE * 0.5, high.size().x);
        painter.galley(at(rect.left() + HANDLE * 0.5, 0.0), low, colour);
        painter.galley(right, high, colour);
        if let Some(kl) = self.kl {
            let middle = painter.layout_no_wrap(format!("{kl:.2} nats"), font, colour);
            if middle.size().x <= room {
                painter.galley(at(rect.center().x, middle.size().x * 0.5), middle, colour);
            }
        }
    }

    fn paint(&self, ui: &Ui, response: &Response, rail: Rect, value: f32) {
        let palette = Palette::of(ui);
        let painter = ui.painter();
        let visuals = ui.style().interact(response);
        let [low, high] = self.range;
        let x = |value: f32| {
            let fraction = ((value - low) / (high - low)).clamp(0.0, 1.0);
            rail.left() + rail.width() * fraction
        };
        // Bars need room above the rail; without them it lies in the middle, in line with the text.
        let base = if self.histogram.is_some() { rail.bottom() - 5.0 } else { rail.center().y };
        if let Some(histogram) = self.histogram {
            let most = histogram.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
            let width = rail.width() / histogram.len() as f32;
            for (index, &share) in histogram.iter().enumerate() {
                let left = rail.left() + width * index as f32;
                let top = base - (base - rail.top()) * share / most;
                let bar = Rect::from_min_max(pos2(left, top), pos2(left + width - 0.5, base));
                painter.rect_filled(bar, 0.0, palette.data);
            }
        }
        let line = ui.visuals().widgets.noninteractive.bg_stroke.color;
        painter.line_segment([pos2(rail.left(), base), pos2(rail.right(), base)], Stroke::new(2.0, line));
        let neutral = x(self.neutral);
        painter
            .line_segment([pos2(neutral, base), pos2(neutral, base + 4.0)], Stroke::new(1.0, palette.quiet));
        if let Some(ends) = self.data_range {
            for end in ends.into_iter().filter(|end| *end > low && *end < high) {
                let top = pos2(x(end), rail.top() + 2.0);
                let bottom = pos2(x(end), base);
                painter.extend(egui::Shape::dashed_line(
                    &[top, bottom],
                    Stroke::new(1.0, palette.quiet),
                    2.0,
                    2.0,
                ));
            }
        }
        let handle = x(value);
        let accent = if self.is_selected || response.dragged() || response.hovered() {
            palette.accent
        } else {
            palette.accent.gamma_multiply(0.75)
        };
        let (from, to) = if neutral < handle { (neutral, handle) } else { (handle, neutral) };
        painter.line_segment([pos2(from, base), pos2(to, base)], Stroke::new(2.0, accent));
        if let Some(read) = self.read_back {
            // Where the encoder sees this factor: a hollow ring beside the solid handle.
            let centre = pos2(x(read), base);
            painter.circle_stroke(centre, HANDLE - 2.5, Stroke::new(1.2, palette.quiet));
        }
        let radius = if response.dragged() { HANDLE } else { HANDLE - 1.0 };
        painter.circle(pos2(handle, base), radius, accent, Stroke::new(1.5, ui.visuals().panel_fill));
        if value < low || value > high {
            // The value lies beyond the end: an arrow says so.
            let side = if value < low { -1.0 } else { 1.0 };
            let tip = pos2(handle + side * (HANDLE + 1.0), base);
            let back = vec2(-side * 4.0, 4.0);
            painter
                .line(vec![tip + back, tip, tip + vec2(back.x, -back.y)], Stroke::new(1.5, palette.warning));
        }
        if response.has_focus() {
            let around = rail.expand2(vec2(HANDLE - 1.0, 0.0));
            let stroke = Stroke::new(1.0, palette.accent);
            painter.rect_stroke(around, visuals.corner_radius, stroke, egui::StrokeKind::Inside);
        }
    }
}

/// A number as short as it can be told: whole ones without decimals.
fn short(value: f32) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Height of the track with its histogram.
const TRACK: f32 = GRID * 2.75;
/// Height of the numbers below it.
const CAPTION: f32 = GRID * 1.5;
/// Size of these.
const FINE: f32 = 10.0;

/// Radius of the handle.
const HANDLE: f32 = 6.0;

/// The value assistive technology asks for.
fn set_value_request(ui: &Ui, id: egui::Id) -> Option<f32> {
    ui.input(|input| {
        let requests = input.accesskit_action_requests(id, Action::SetValue);
        let values = requests.filter_map(|request| match request.data {
            Some(ActionData::NumericValue(value)) if value.is_finite() => Some(value as f32),
            _ => None,
        });
        values.last()
    })
}
