//! What a model's file does not say is asked above the pictures, one question at a time. The answer is kept with the model: in
//! the session, among the recent models, and in a bundle that is made of it.

use egui::{RichText, Ui};

use super::Panel;
use crate::app::action::{Actions, ModelAction};
use crate::app::document::Document;
use crate::app::paint::fill;
use crate::app::theme::{GRID, Palette, SMALL, figures};
use crate::base::PixelRange;
use crate::checkpoint::{EncoderQuestion, Halves, RangeGuess, Reading};
use crate::data::{DRAWN_BY_PROGRAM, KNOWN_SPECS, is_known};
use crate::formats::shorten;

/// The questions, and what somebody has begun to answer: nobody else needs it before it is an answer.
#[derive(Default)]
pub(crate) struct Questions {
    /// The encoder's result that was chosen for the mean.
    mean: Option<String>,
    /// The data set that is being typed.
    data: String,
}

impl Panel for Questions {
    fn title(&self) -> &'static str {
        "Questions"
    }

    fn ui(&mut self, ui: &mut Ui, state: &Document, actions: &mut Actions) {
        if let Some(unread) = state.unread.as_ref() {
            let reading = &unread.source.reading;
            let answer = line(ui, |ui| match &unread.question {
                EncoderQuestion::Results(names) => self.results(ui, names, reading),
                EncoderQuestion::Halves(count) => halves(ui, *count, reading),
            });
            actions.answer(answer);
            return;
        }
        self.mean = None;
        let Some(model) = state.model.as_ref().filter(|_| state.loading.is_none()) else { return };
        let reading = &model.opened.source.reading;
        let unsaid = &model.opened.unsaid;
        if let Some(guess) = &unsaid.range {
            actions.answer(line(ui, |ui| range(ui, guess, reading)));
        } else if unsaid.data {
            actions.answer(line(ui, |ui| self.data(ui, reading)));
        } else {
            self.data.clear();
        }
    }
}

impl Actions {
    fn answer(&mut self, answer: Option<Reading>) {
        if let Some(reading) = answer {
            self.push(ModelAction::Answer(reading));
        }
    }
}

/// A line above the pictures.
fn line(ui: &mut Ui, question: impl FnOnce(&mut Ui) -> Option<Reading>) -> Option<Reading> {
    let palette = Palette::of(ui);
    let line = egui::Frame::new().inner_margin(egui::Margin::symmetric(16, 4));
    let panel = egui::Panel::top("question").frame(line).resizable(false).show_separator_line(false);
    let shown = panel.show(ui, |ui| {
        let area = ui.max_rect().expand2(egui::vec2(GRID * 2.0, GRID * 0.5));
        ui.painter().add(fill(area, palette.accent_faint));
        question(ui)
    });
    shown.inner
}

fn ask(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).color(ui.visuals().strong_text_color()));
}

/// Which numbers the pictures are in.
fn range(ui: &mut Ui, guess: &RangeGuess, reading: &Reading) -> Option<Reading> {
    let text = format!(
        "The file does not say which numbers its pictures are in; they are taken for {}, since {}. They are:",
        guess.range.in_words(),
        guess.why
    );
    ask(ui, &text);
    let choices: Vec<_> = std::iter::once(guess.range).chain(guess.others.iter().copied()).collect();
    let buttons = choices.into_iter().map(|range| {
        let (label, hint) = match range {
            PixelRange::Unit => ("0 to 1", "0 is black and 1 is white; what is beyond is cut off"),
            PixelRange::Signed => ("-1 to 1", "-1 is black and 1 is white, as a tanh gives"),
            PixelRange::Logits => ("Logits", "What the network gives goes through a sigmoid"),
        };
        (label.to_owned(), hint.to_owned(), Reading { range: Some(range), ..reading.clone() })
    });
    choose(ui, buttons.collect())
}

/// How an encoder's only result holds means and log variances.
fn halves(ui: &mut Ui, count: usize, reading: &Reading) -> Option<Reading> {
    ask(ui, &format!("The encoder gives one row of {count} numbers, twice the code's. They are:"));
    let answer = |label: &str, hint: &str, halves| {
        (label.to_owned(), hint.to_owned(), Reading { halves: Some(halves), ..reading.clone() })
    };
    let hint = "Both halves are rows of their own, as torch.chunk and split take them apart";
    let behind = answer("All means, then all log variances", hint, Halves::Behind);
    let hint = "Every second number is a mean, as a view of (dimensions, 2) takes them apart";
    let interleaved = answer("Each mean with its log variance", hint, Halves::Interleaved);
    choose(ui, vec![behind, interleaved, without(reading)])
}

/// The answer that leaves the encoder out.
fn without(reading: &Reading) -> (String, String, Reading) {
    let hint = "Open the decoder alone; File > Open its encoder asks again";
    let alone = Reading { encoder: None, mean: None, logvar: None, halves: None, ..reading.clone() };
    ("Leave the encoder out".to_owned(), hint.to_owned(), alone)
}

/// One button for each answer; the one that was chosen.
fn choose<T>(ui: &mut Ui, answers: Vec<(String, String, T)>) -> Option<T> {
    let mut chosen = None;
    ui.horizontal_wrapped(|ui| {
        for (label, hint, answer) in answers {
            if ui.button(label).on_hover_text(hint).clicked() {
                chosen = Some(answer);
            }
        }
    });
    chosen
}

impl Questions {
    /// Which results of an encoder are the mean and the log variance.
    fn results(&mut self, ui: &mut Ui, names: &[String], reading: &Reading) -> Option<Reading> {
        let shown = |name: &String| shorten(name).to_string();
        let Some(mean) = self.mean.clone().filter(|mean| names.contains(mean)) else {
            ask(ui, &format!("The encoder has {} results. Which one is the mean of the code?", names.len()));
            let named = names.iter().map(|name| {
                let hint = "The code that a picture is read as (mu)".to_owned();
                (shown(name), hint, Some(name.clone()))
            });
            let (label, hint, alone) = without(reading);
            let chosen = choose(ui, named.chain([(label, hint, None)]).collect())?;
            self.mean = chosen;
            return self.mean.is_none().then_some(alone);
        };
        ask(ui, &format!("{} is the mean. Which one is the log variance?", shown(&mean)));
        let answer = |logvar| Reading { mean: Some(mean.clone()), logvar, ..reading.clone() };
        let others = names.iter().filter(|name| **name != mean).map(|name| {
            let hint = "The log of the variance about the mean (log sigma squared)".to_owned();
            (shown(name), hint, answer(Some(name.clone())))
        });
        let hint = "The code is taken for certain: its distributions have no width".to_owned();
        choose(ui, others.chain([("None of them".to_owned(), hint, answer(None))]).collect())
    }

    /// Which data the model was trained on.
    fn data(&mut self, ui: &mut Ui, reading: &Reading) -> Option<Reading> {
        ask(ui, "The file does not say which pictures the model was trained on. They are:");
        let mut chosen = None;
        ui.horizontal_wrapped(|ui| {
            for name in DRAWN_BY_PROGRAM {
                let hint = "A data set that the program draws by itself";
                if ui.button(name).on_hover_text(hint).clicked() {
                    chosen = Some(name.to_owned());
                }
            }
            let edit = egui::TextEdit::singleline(&mut self.data).desired_width(GRID * 24.0);
            let known = RichText::new(KNOWN_SPECS).font(figures()).size(SMALL);
            let field = ui.add(edit.hint_text("celeba:FOLDER")).on_hover_text(known);
            field.widget_info(|| {
                egui::WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, "Data of the model")
            });
            let can = is_known(self.data.trim());
            let button = ui.add_enabled(can, egui::Button::new("Keep"));
            let hint = "Measure on these pictures, and keep their name with the model";
            let button =
                button.on_hover_text(hint).on_disabled_hover_text("Name a data set as its tooltip shows");
            if button.clicked() {
                chosen = Some(self.data.trim().to_owned());
            }
            let hint = "Do not ask again; Model > Ask about this file again does";
            if ui.button("Nobody knows").on_hover_text(hint).clicked() {
                chosen = Some(String::new());
            }
        });
        Some(Reading { data: Some(chosen?), ..reading.clone() })
    }
}
