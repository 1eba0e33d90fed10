use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::words::in_window;
use crate::engine::Part;
use crate::model::ChainId;

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Info,
    Warning,
    Error,
}

/// What a message is about: the box of a warning or an error goes with the next success about the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// Opening a model.
    Model,
    /// Opening a model beside it.
    Beside,
    /// A chain that draws.
    Chain(ChainId),
    /// A chain of the model beside.
    ChainBeside(ChainId),
    /// What reads codes from pictures.
    Encoder,
    /// A picture that somebody starts from.
    Picture,
    /// Codes from elsewhere: pasted, bookmarked, taken from a cell.
    Codes,
    /// What is put on the clipboard.
    Clipboard,
    /// Files that are written at somebody's wish.
    Files,
    /// Where the selected factor changes the pictures.
    HeatMap,
    /// How far dimensions of the code move each other.
    Leakage,
    /// How much of the pictures factors and nuisance explain.
    Shares,
    /// A training run.
    Training,
    /// The metrics.
    Evaluation,
    /// What is kept for the next start.
    Keeping,
}

impl About {
    /// Whether another model that has been opened makes it a thing of the past.
    fn is_of_the_model(self) -> bool {
        match self {
            Self::Model
            | Self::Chain(_)
            | Self::Encoder
            | Self::Picture
            | Self::Codes
            | Self::HeatMap
            | Self::Leakage
            | Self::Shares => true,
            Self::Beside
            | Self::ChainBeside(_)
            | Self::Clipboard
            | Self::Files
            | Self::Training
            | Self::Evaluation
            | Self::Keeping => false,
        }
    }
}

impl From<Part> for About {
    fn from(part: Part) -> Self {
        match part {
            Part::Model => Self::Model,
            Part::Chain(chain) => Self::Chain(chain),
            Part::Encoder => Self::Encoder,
        }
    }
}

/// A warning or an error that lies over the pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) severity: Severity,
    pub(crate) about: About,
    pub(crate) text: String,
}

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) severity: Severity,
    pub(crate) text: String,
    /// Seconds since the program started.
    pub(crate) at_secs: f32,
    /// How often it came in a row.
    pub(crate) times: usize,
}

/// What happened, newest last, and the message that lies over the pictures until it is closed or no longer true.
#[derive(Debug)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    /// The newest warning or error that the person has not closed yet, and that no success has made untrue.
    pub(crate) notice: Option<Notice>,
    /// What was done last at somebody's wish, and when.
    told: Option<(Instant, String)>,
    start: Instant,
}

/// How long the bottom line says what was done.
const TOLD_FOR: Duration = Duration::from_secs(8);

const LENGTH: usize = 500;

impl Default for Log {
    fn default() -> Self {
        Self { entries: VecDeque::new(), notice: None, told: None, start: Instant::now() }
    }
}

impl Log {
    /// Adds what is good to know.
    pub(crate) fn info(&mut self, text: impl Into<String>) {
        self.add(Severity::Info, text.into());
    }

    /// Adds a warning, which is shown over the pictures, too.
    pub(crate) fn warn(&mut self, about: About, text: impl Into<String>) {
        self.notify(Severity::Warning, about, &text.into());
    }

    /// Adds an error, which is shown over the pictures, too.
    pub(crate) fn fail(&mut self, about: About, text: impl Into<String>) {
        self.notify(Severity::Error, about, &text.into());
    }

    /// Adds that something was done at somebody's wish: the bottom line says it for a while, and a failure about the
    /// same is a thing of the past.
    pub(crate) fn tell(&mut self, about: About, text: impl Into<String>) {
        self.succeed(about);
        self.remark(text);
    }

    /// Adds what is good to know about something that somebody has just done; the bottom line says it for a while.
    pub(crate) fn remark(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.told = Some((Instant::now(), text.clone()));
        self.add(Severity::Info, text);
    }

    /// Takes away the box of a failure about the same: it has succeeded since.
    pub(crate) fn succeed(&mut self, about: About) {
        self.notice.take_if(|notice| notice.about == about);
    }

    /// Takes away the box of a failure of the model before.
    pub(crate) fn on_opened(&mut self) {
        self.notice.take_if(|notice| notice.about.is_of_the_model());
    }

    fn notify(&mut self, severity: Severity, about: About, text: &str) {
        let text = in_window(text);
        self.notice = Some(Notice { severity, about, text: text.clone() });
        self.add(severity, text);
    }

    fn add(&mut self, severity: Severity, text: String) {
        let at_secs = self.start.elapsed().as_secs_f32();
        if let Some(last) = self.entries.back_mut().filter(|last| last.text == text) {
            last.times += 1;
            last.at_secs = at_secs;
            return;
        }
        if self.entries.len() == LENGTH {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { severity, text, at_secs, times: 1 });
    }

    /// What was done lately, and how much longer that is worth saying.
    pub(crate) fn told(&self) -> Option<(&str, Duration)> {
        let (at, text) = self.told.as_ref()?;
        let left = TOLD_FOR.checked_sub(at.elapsed()).filter(|left| !left.is_zero())?;
        Some((text, left))
    }

    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_counted_and_the_length_is_bounded() {
        let mut log = Log::default();
        for i in 0..2000 {
            log.info(format!("message {}", i / 2));
        }
        assert_eq!(log.entries().count(), LENGTH);
        assert!(log.entries().all(|entry| entry.times == 2));
        assert!(log.notice.is_none());
    }

    #[test]
    fn a_box_goes_with_the_next_success_about_the_same_and_with_no_other() {
        let mut log = Log::default();
        log.fail(About::Files, "the disk is full");
        log.tell(About::Clipboard, "Copied the codes as JSON");
        log.on_opened();
        let notice = log.notice.clone().expect("another success says nothing about files");
        assert_eq!((notice.severity, notice.text.as_str()), (Severity::Error, "the disk is full"));
        log.tell(About::Files, "Saved the picture");
        assert_eq!(log.notice, None);
        log.warn(About::Chain(ChainId(0)), "stopped");
        log.succeed(About::Chain(ChainId(1)));
        assert!(log.notice.is_some());
        log.on_opened();
        assert_eq!(log.notice, None, "the chain of a model that is gone");
    }
}
