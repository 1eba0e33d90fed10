use egui::{RichText, Ui};

use crate::app::action::{Actions, ModelAction};
use crate::app::document::Document;
use crate::app::paint::fill;
use crate::app::theme::{GRID, Palette};
use crate::base::PixelRange;
use crate::checkpoint::{RangeGuess, Reading};
use crate::engine::ModelSource;

/// What a button for a range is called.
fn label(range: PixelRange) -> &'static str {
    match range {
        PixelRange::Unit => "0 to 1",
        PixelRange::Signed => "-1 to 1",
        PixelRange::Logits => "Logits",
    }
}

/// What it means for the pictures.
fn hint(range: PixelRange) -> &'static str {
    match range {
        PixelRange::Unit => "0 is black and 1 is white; what is beyond is cut off",
        PixelRange::Signed => "-1 is black and 1 is white, as a tanh gives",
        PixelRange::Logits => "What the network gives goes through a sigmoid",
    }
}

/// The question which numbers the pictures of a file are in that does not say it, above the pictures until it is answered. The
/// answer is kept with the model: in the session, among the recent models, and in a bundle that is made of it.
pub(crate) fn range_line(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    let Some((source, guess)) = asked(state) else { return };
    let palette = Palette::of(ui);
    let line = egui::Frame::new().inner_margin(egui::Margin::symmetric(16, 4));
    let mut chosen = None;
    egui::Panel::top("range").frame(line).resizable(false).show_separator_line(false).show(ui, |ui| {
        let area = ui.max_rect().expand2(egui::vec2(GRID * 2.0, GRID * 0.5));
        ui.painter().add(fill(area, palette.accent_faint));
        let text = format!(
            "The file does not say which numbers its pictures are in; they are taken for {}, since {}. They are:",
            guess.range.in_words(),
            guess.why
        );
        ui.label(RichText::new(text).color(ui.visuals().strong_text_color()));
        ui.horizontal(|ui| {
            for range in std::iter::once(guess.range).chain(guess.others.iter().copied()) {
                if ui.button(label(range)).on_hover_text(hint(range)).clicked() {
                    chosen = Some(range);
                }
            }
        });
    });
    if let Some(range) = chosen {
        actions.push(ModelAction::Read(Reading { range: Some(range), ..source.reading.clone() }));
    }
}

/// What is asked about the open model, unless it is being read again.
fn asked(state: &Document) -> Option<(&ModelSource, &RangeGuess)> {
    let opened = &state.model.as_ref().filter(|_| state.loading.is_none())?.opened;
    Some((&opened.source, opened.guess.as_ref()?))
}
