//! Where the window stands on the screen.

/// Moves a window back to a screen that would open where none is any more: its title bar must be within reach.
pub(super) fn bring_back(frame: &eframe::Frame, ctx: &egui::Context) {
    /// As much of a title bar as a hand needs, in pixels.
    const REACH: i64 = 64;
    let Some(window) = frame.winit_window() else { return };
    let Ok(corner) = window.outer_position() else { return }; // Where windows do not know, the system places them.
    let (left, top) = (i64::from(corner.x), i64::from(corner.y));
    let right = left + i64::from(window.outer_size().width);
    let mut screens = window.available_monitors().map(|screen| (screen.position(), screen.size())).peekable();
    let Some(&(first, _)) = screens.peek() else { return };
    let is_within_reach = screens.any(|(place, size)| {
        let (x, y) = (i64::from(place.x), i64::from(place.y));
        let (end, bottom) = (x + i64::from(size.width), y + i64::from(size.height));
        right.min(end) - left.max(x) >= REACH && top >= y - REACH && top + REACH / 2 <= bottom
    });
    if !is_within_reach {
        let scale = ctx.pixels_per_point();
        let place = egui::pos2(first.x as f32 / scale, first.y as f32 / scale);
        ctx.send_viewport_cmd(egui::ViewportCommand::OuterPosition(place));
    }
}
