use egui::KeyboardShortcut;

use super::name::Command;
use crate::app::document::Document;

/// What there is to know of a command.
pub(super) struct Row {
    pub(super) command: Command,
    /// What menus and palette call it.
    pub(super) title: &'static str,
    /// Does it.
    pub(super) run: fn(&mut Document),
    /// What it does, in plain words and in the paper's terms.
    pub(super) hint: &'static str,
    /// The keys that trigger it.
    pub(super) keys: Option<KeyboardShortcut>,
    /// Whether it would do anything now.
    pub(super) is_enabled: fn(&Document) -> bool,
    /// Of a choice, whether it is made at the moment.
    pub(super) is_chosen: Option<fn(&Document) -> bool>,
}

/// A command without keys, that always does something and is no choice.
pub(super) const fn row(
    command: Command,
    title: &'static str,
    run: fn(&mut Document),
    hint: &'static str,
) -> Row {
    Row { command, title, run, hint, keys: None, is_enabled: |_| true, is_chosen: None }
}

impl Row {
    /// With these keys.
    pub(super) const fn on(self, keys: KeyboardShortcut) -> Self {
        Self { keys: Some(keys), ..self }
    }

    /// Only there when it would do something.
    pub(super) const fn when(self, is_enabled: fn(&Document) -> bool) -> Self {
        Self { is_enabled, ..self }
    }

    /// As a choice.
    pub(super) const fn chosen(self, is_chosen: fn(&Document) -> bool) -> Self {
        Self { is_chosen: Some(is_chosen), ..self }
    }
}
