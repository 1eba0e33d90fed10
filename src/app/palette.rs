use egui::{Align2, Id, Key, RichText, ScrollArea, Ui, vec2};

use super::command::Command;
use super::theme::{GRID, Palette as Colours, SMALL};
use crate::app::document::Document;

/// The list of all commands, filtered while typing.
#[derive(Default)]
pub(crate) struct Palette {
    is_open: bool,
    text: String,
    at: usize,
}

impl Palette {
    pub(crate) fn toggle(&mut self) {
        *self = Self { is_open: !self.is_open, ..Self::default() };
    }

    /// Shows the palette while it is open and returns the chosen command.
    pub(crate) fn show(&mut self, ctx: &egui::Context, state: &Document) -> Option<Command> {
        if !self.is_open {
            return None;
        }
        let mut chosen = None;
        let area =
            egui::Modal::default_area(Id::unique("palette")).anchor(Align2::CENTER_TOP, vec2(0.0, 72.0));
        let modal = egui::Modal::new(Id::unique("palette")).area(area).show(ctx, |ui| {
            ui.set_width(460.0);
            chosen = self.list(ui, state);
        });
        if modal.should_close() || chosen.is_some() {
            self.is_open = false;
        }
        chosen
    }

    fn list(&mut self, ui: &mut Ui, state: &Document) -> Option<Command> {
        let edit = egui::TextEdit::singleline(&mut self.text)
            .hint_text("Type the name of a command")
            .desired_width(f32::INFINITY)
            .margin(vec2(GRID, GRID * 0.75));
        let response = ui.add(edit);
        response.request_focus();
        if response.changed() {
            self.at = 0;
        }
        let found = search(&self.text);
        let (up, down, enter) = ui.input(|input| {
            (
                input.key_pressed(Key::ArrowUp),
                input.key_pressed(Key::ArrowDown),
                input.key_pressed(Key::Enter),
            )
        });
        self.at =
            (self.at + usize::from(down)).saturating_sub(usize::from(up)).min(found.len().saturating_sub(1));
        let mut chosen = None;
        ScrollArea::vertical().max_height(360.0).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (index, &command) in found.iter().enumerate() {
                let response = row(ui, state, command, index == self.at);
                if index == self.at && (up || down) {
                    response.scroll_to_me(None);
                }
                let is_chosen = response.clicked() || (enter && index == self.at);
                if is_chosen && command.is_enabled(state) {
                    chosen = Some(command);
                }
            }
            if found.is_empty() {
                ui.label(RichText::new("No command has this name").color(Colours::of(ui).quiet));
            }
        });
        chosen
    }
}

fn row(ui: &mut Ui, state: &Document, command: Command, is_current: bool) -> egui::Response {
    let enabled = command.is_enabled(state);
    let shortcut = RichText::new(command.keys()).size(SMALL).color(Colours::of(ui).quiet);
    let button = egui::Button::selectable(is_current, command.title())
        .right_text(shortcut)
        .min_size(vec2(ui.available_width(), GRID * 3.5));
    let response = ui.add_enabled(enabled, button);
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::accesskit::Role::ListBoxOption, enabled, command.title())
    });
    response.on_hover_text(command.hint())
}

/// Commands whose title holds the words of `text`, those that begin with it first.
fn search(text: &str) -> Vec<Command> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let all = Command::all().filter(|command| *command != Command::Palette);
    let mut found: Vec<Command> = all
        .filter(|command| {
            let title = command.title().to_lowercase();
            words.iter().all(|word| title.contains(word))
        })
        .collect();
    found.sort_by_key(|command| !command.title().to_lowercase().starts_with(text.trim()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_order_and_beginnings_come_first() {
        assert_eq!(search("wipe"), [Command::Wipe]);
        assert_eq!(search("model open"), search("open model"));
        assert_eq!(search("undo")[0], Command::Undo);
        assert!(search("no such thing").is_empty());
        assert_eq!(search("").len(), Command::all().count() - 1);
        assert_eq!(search("nuisance").len(), 6, "five for the sample, and the matrix");
    }
}
