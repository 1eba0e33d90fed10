use egui::{RichText, ScrollArea, Ui};

use super::Panel;
use crate::app::action::Actions;
use crate::app::document::Document;
use crate::app::log::Severity;
use crate::app::theme::{Palette, SMALL, figures};

/// What happened, newest first.
#[derive(Default)]
pub(crate) struct LogPanel;

impl Panel for LogPanel {
    fn title(&self) -> &'static str {
        "Log"
    }

    fn hint(&self) -> &'static str {
        "What happened since the start, newest first: models opened, files written, warnings, errors"
    }

    fn ui(&mut self, ui: &mut Ui, state: &Document, _actions: &mut Actions) {
        let palette = Palette::of(ui);
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            for entry in state.log.entries().rev() {
                let colour = match entry.severity {
                    Severity::Info => ui.visuals().text_color(),
                    Severity::Warning => palette.warning,
                    Severity::Error => palette.error,
                };
                ui.horizontal_wrapped(|ui| {
                    let time = format!("{:7.1} s", entry.at_secs);
                    ui.label(RichText::new(time).font(figures()).size(SMALL).color(palette.quiet));
                    let times =
                        if entry.times > 1 { format!("  ({} times)", entry.times) } else { String::new() };
                    ui.label(RichText::new(format!("{}{times}", entry.text)).color(colour));
                });
            }
        });
    }
}
