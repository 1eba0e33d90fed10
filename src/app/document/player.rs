//! What plays, and along which path.

use crate::app::document::selection::Dimension;
use crate::explore::CodePath;

/// What an animation moves along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Along {
    /// The selected factor, through its range and back.
    #[default]
    Factor,
    /// The bookmarked codes, from each to the next.
    Bookmarks,
}

/// An animation as a person sets it up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct AnimationSettings {
    pub(crate) along: Along,
    /// Time that the factor takes through its range, or from each bookmark to the next, in seconds.
    pub(crate) seconds: f32,
    /// Frames of the exported animation over that time.
    pub(crate) frames: usize,
    /// Whether a path goes on from the last bookmark to the first.
    pub(crate) is_closed: bool,
}

/// An animation, and where it stands.
#[derive(Default)]
pub(crate) struct Player {
    pub(crate) settings: AnimationSettings,
    pub(crate) playing: Option<Playing>,
}

pub(crate) struct Playing {
    pub(crate) course: Course,
    /// How far it is: 1 is once through the range, or to the next stop; past the end it is on the way back.
    pub(crate) place: f64,
    /// When it stood there, in seconds of the window's clock.
    pub(crate) at: f64,
}

/// The way that an animation takes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Course {
    Factor { selected: Dimension, range: [f32; 2] },
    Path(CodePath),
}

impl Default for AnimationSettings {
    fn default() -> Self {
        Self { along: Along::Factor, seconds: 2.0, frames: 25, is_closed: true }
    }
}

impl Player {
    pub(crate) fn is_playing(&self) -> bool {
        self.playing.is_some()
    }

    /// Stops where it is.
    pub(crate) fn pause(&mut self) {
        self.playing = None;
    }
}

impl AnimationSettings {
    /// Milliseconds that an exported frame is shown.
    pub(crate) fn frame_ms(&self) -> u16 {
        let parts = match self.along {
            Along::Factor => self.frames.max(2) - 1,
            Along::Bookmarks => self.frames.max(1),
        };
        ((self.seconds * 1000.0 / parts as f32).round() as u16).clamp(20, 10_000)
    }
}

impl Course {
    /// How far it goes before it begins anew.
    pub(crate) fn period(&self) -> f64 {
        match self {
            Self::Factor { .. } => 2.0,
            Self::Path(path) if path.is_closed => path.legs() as f64,
            Self::Path(path) => 2.0 * path.legs() as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_share_the_time() {
        let mut settings = AnimationSettings { seconds: 2.0, frames: 21, ..AnimationSettings::default() };
        assert_eq!(settings.frame_ms(), 100);
        settings.frames = 2000;
        assert_eq!(settings.frame_ms(), 20);
        settings = AnimationSettings { seconds: 3.0, frames: 30, along: Along::Bookmarks, ..settings };
        assert_eq!(settings.frame_ms(), 100);
        settings.seconds = 10.0;
        assert_eq!(settings.frame_ms(), 333);
    }
}
