use egui::accesskit::Role;
use egui::{Painter, Rect, Response, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::app::theme::{GRID, Palette};

/// A small drawing on a button. Drawn, not typed, so that it looks the same with every font.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    /// An arrow turning back.
    Reset,
    /// A closed padlock.
    Locked,
    /// An open padlock.
    Unlocked,
    /// A triangle to the left.
    Back,
    /// A triangle to the right.
    Forward,
    /// Two crossing lines.
    Close,
    /// A filled triangle to the right.
    Play,
    /// Two upright bars.
    Pause,
}

/// A button with an icon. `name` is what assistive technology reads, `hint` the tooltip.
pub(crate) fn icon_button(ui: &mut Ui, icon: Icon, enabled: bool, name: &str, hint: &str) -> Response {
    let side = GRID * 2.5;
    let sense = if enabled { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(side, side), sense);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled && ui.is_enabled(), name));
    if ui.is_rect_visible(rect) {
        let visuals = ui.style().interact(&response);
        let active = enabled && (response.hovered() || response.has_focus());
        if active {
            ui.painter().rect_filled(rect, visuals.corner_radius, visuals.bg_fill);
        }
        let palette = Palette::of(ui);
        let colour = match (enabled, active, icon) {
            (false, ..) => palette.quiet.gamma_multiply(0.4),
            (true, true, _) => visuals.fg_stroke.color,
            (true, false, Icon::Locked) => palette.accent,
            (true, false, _) => palette.quiet,
        };
        draw(ui.painter(), icon, rect.shrink(5.0), Stroke::new(1.4, colour));
    }
    response.on_hover_text(hint)
}

fn draw(painter: &Painter, icon: Icon, rect: Rect, stroke: Stroke) {
    let at = |x: f32, y: f32| pos2(rect.left() + x * rect.width(), rect.top() + y * rect.height());
    match icon {
        Icon::Reset => {
            let arc = |step: i32| {
                let angle = -2.2 + f32::from(step as i16) * 0.31;
                rect.center() + rect.width() * 0.46 * vec2(angle.cos(), angle.sin())
            };
            let points: Vec<_> = (0..=15).map(arc).collect();
            let tip = points[0];
            painter.line(points, stroke);
            painter.line_segment([tip, tip + vec2(0.5, -4.0)], stroke);
            painter.line_segment([tip, tip + vec2(4.2, 0.6)], stroke);
        }
        Icon::Locked | Icon::Unlocked => {
            let body = Rect::from_min_max(at(0.12, 0.48), at(0.88, 1.0));
            painter.rect_filled(body, 1.0, stroke.color);
            let lift = if icon == Icon::Locked { 0.0 } else { -0.14 };
            let right_end = if icon == Icon::Locked { 0.48 } else { 0.16 };
            let bow = [(0.26, 0.48), (0.26, 0.2), (0.38, 0.04), (0.62, 0.04), (0.74, 0.2), (0.74, right_end)];
            painter.line(bow.map(|(x, y)| at(x, y + lift)).to_vec(), stroke);
            if icon == Icon::Unlocked {
                painter.line_segment([at(0.26, 0.34), at(0.26, 0.5)], stroke);
            }
        }
        Icon::Back | Icon::Forward => {
            let (tip, base) = if icon == Icon::Back { (0.2, 0.75) } else { (0.8, 0.25) };
            painter.line(vec![at(base, 0.1), at(tip, 0.5), at(base, 0.9)], stroke);
        }
        Icon::Play => {
            let corners = vec![at(0.15, 0.0), at(1.0, 0.5), at(0.15, 1.0)];
            painter.add(egui::Shape::convex_polygon(corners, stroke.color, Stroke::NONE));
        }
        Icon::Pause => {
            for (left, right) in [(0.1, 0.38), (0.62, 0.9)] {
                painter.rect_filled(Rect::from_min_max(at(left, 0.0), at(right, 1.0)), 1.0, stroke.color);
            }
        }
        Icon::Close => {
            painter.line_segment([at(0.1, 0.1), at(0.9, 0.9)], stroke);
            painter.line_segment([at(0.9, 0.1), at(0.1, 0.9)], stroke);
        }
    }
}
