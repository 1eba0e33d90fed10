use crate::app::document::Document;
use crate::app::keep::WindowPlace;

impl Document {
    /// Takes in, at the beginning of a frame, where the window stands, whether a mouse button is down, what other threads
    /// have to say, and where an animation has got to; and goes on with a picture of the stage.
    pub(crate) fn begin_frame(&mut self, ctx: &egui::Context) {
        let (is_dragging, now) = ctx.input(|input| (input.pointer.any_down(), input.time));
        self.is_dragging = is_dragging;
        self.note_window(ctx);
        self.follow_stage_picture(ctx);
        self.receive();
        self.play(now);
    }

    /// Remembers where the window stands, for the next start.
    fn note_window(&mut self, ctx: &egui::Context) {
        let (inner, outer, is_maximized, is_apart) = ctx.input(|input| {
            let window = input.viewport();
            let is = |flag: Option<bool>| flag.unwrap_or_default();
            (
                window.inner_rect.unwrap_or(input.viewport_rect()),
                window.outer_rect,
                is(window.maximized),
                is(window.minimized) || is(window.fullscreen),
            )
        });
        if is_apart {
            return;
        }
        let zoom = ctx.zoom_factor();
        let now = WindowPlace {
            size: (inner.size() * zoom).into(),
            corner: outer.map(|outer| (outer.min.to_vec2() * zoom).into()),
            is_maximized,
        };
        let before = self.settings.window.filter(|_| is_maximized);
        self.settings.window = Some(before.map_or(now, |before| WindowPlace { is_maximized, ..before }));
    }
}
