//! Everything a person can tell the program to do without pointing at a place: menus, shortcuts and the palette are lists of
//! these. [`table`] has one row for each.

mod enabled;
mod name;
mod row;
mod table;

use egui::KeyboardShortcut;

use crate::app::document::Document;

pub(crate) use name::Command;
use row::Row;
use table::TABLE;

impl Command {
    /// All of them, in the order of the palette.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.command)
    }

    /// Its row, which stands where the command does.
    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// Does it.
    pub(crate) fn run(self, state: &mut Document) {
        (self.row().run)(state);
    }

    /// What menus and palette call it.
    pub(crate) fn title(self) -> &'static str {
        self.row().title
    }

    /// What it does, in plain words and in the paper's terms.
    pub(crate) fn hint(self) -> &'static str {
        self.row().hint
    }

    /// The keys that trigger it in words, empty where there are none: "Ctrl+Shift+Z", "[".
    pub(crate) fn keys(self) -> String {
        let Some(shortcut) = self.shortcut() else { return String::new() };
        let is_mac = cfg!(target_os = "macos");
        let modifiers = egui::ModifierNames::NAMES.format(&shortcut.modifiers, is_mac);
        let key = shortcut.logical_key.symbol_or_name();
        if modifiers.is_empty() { key.to_owned() } else { format!("{modifiers}+{key}") }
    }

    /// The keys that trigger it.
    pub(crate) fn shortcut(self) -> Option<KeyboardShortcut> {
        self.row().keys
    }

    /// Whether it would do anything now.
    pub(crate) fn is_enabled(self, state: &Document) -> bool {
        (self.row().is_enabled)(state)
    }

    /// Whether it is a choice that is made at the moment; `None` when it is not a choice.
    pub(crate) fn is_chosen(self, state: &Document) -> Option<bool> {
        self.row().is_chosen.map(|is_chosen| is_chosen(state))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_command_has_its_row() {
        for (place, row) in TABLE.iter().enumerate() {
            assert_eq!(row.command as usize, place, "{:?} stands elsewhere", row.command);
        }
        assert_eq!(Command::Quit as usize + 1, TABLE.len(), "the last one is not quitting");
    }

    #[test]
    fn names_and_shortcuts_are_unique() {
        let titles: HashSet<_> = Command::all().map(Command::title).collect();
        assert_eq!(titles.len(), Command::all().count());
        let shortcuts: Vec<_> = Command::all().filter_map(Command::shortcut).collect();
        for (index, shortcut) in shortcuts.iter().enumerate() {
            assert!(!shortcuts[index + 1..].contains(shortcut), "{shortcut:?} is taken twice");
        }
    }
}
