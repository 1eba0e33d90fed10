use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::app::document::Document;
use crate::app::keep::{Settings, Shelf};

impl Document {
    /// Turns a switch of the settings.
    pub(crate) fn toggle(&mut self, switch: fn(&mut Settings) -> &mut bool) {
        let switch = switch(&mut self.settings);
        *switch = !*switch;
    }

    /// Enlarges text and controls by `step`, 1 being their normal size.
    pub(crate) fn zoom(&mut self, step: f32) {
        self.settings.zoom = (self.settings.zoom + step).clamp(0.5, 3.0);
    }

    /// Text and controls at their normal size.
    pub(crate) fn reset_zoom(&mut self) {
        self.settings.zoom = 1.0;
    }

    /// Remembers the folders that paths were chosen in last.
    pub(crate) fn remember_folders(&mut self, folders: &BTreeMap<Shelf, PathBuf>) {
        self.settings.folders.clone_from(folders);
    }

    /// Whether the hint of the first start is shown: once, and only where that can be remembered.
    pub(crate) fn shows_hint(&self) -> bool {
        self.config.is_some() && self.model.is_some() && !self.settings.hint_seen
    }

    /// Takes the hint away from somebody who has moved something already, once the mouse is up.
    pub(crate) fn forget_hint(&mut self) {
        let has_moved = self.latent.as_ref().is_some_and(|latent| latent.can_undo());
        if has_moved && !self.is_dragging && self.shows_hint() {
            self.settings.hint_seen = true;
        }
    }
}
