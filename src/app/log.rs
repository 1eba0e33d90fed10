use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Info,
    Warning,
    Error,
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

/// What happened, newest last, and the message that lies over the pictures until it is closed.
#[derive(Debug)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    /// The newest warning or error that the person has not closed yet.
    pub(crate) notice: Option<(Severity, String)>,
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
    /// Adds a message; warnings and errors are shown over the pictures too.
    pub(crate) fn add(&mut self, severity: Severity, text: impl Into<String>) {
        let text = text.into();
        if severity > Severity::Info {
            self.notice = Some((severity, text.clone()));
        }
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

    /// Adds that something was done at somebody's wish; the bottom line says it for a while.
    pub(crate) fn tell(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.told = Some((Instant::now(), text.clone()));
        self.add(Severity::Info, text);
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
            log.add(Severity::Info, format!("message {}", i / 2));
        }
        assert_eq!(log.entries().count(), LENGTH);
        assert!(log.entries().all(|entry| entry.times == 2));
        assert!(log.notice.is_none());
        log.add(Severity::Error, "broken");
        assert_eq!(log.notice, Some((Severity::Error, "broken".to_owned())));
    }
}
