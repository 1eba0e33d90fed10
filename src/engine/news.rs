use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::Event;
use super::latest::lock;

/// What the engine's threads have to tell, until somebody reads it, in the order in which it happened.
///
/// Telling never waits and never needs more room than there is, and yet no news about the model's state is lost:
/// of each kind the newest waits, and an unread older one, which is no longer true, makes way. Of the messages for
/// people the newest [`MESSAGES`] wait.
#[derive(Clone, Default)]
pub(super) struct News(Arc<Mutex<VecDeque<Event>>>);

/// Most warnings and errors that may wait to be read.
pub(super) const MESSAGES: usize = 64;

impl News {
    /// Adds `event`; returns the message that was lost because nobody has read this many.
    pub(super) fn put(&self, event: Event) -> Option<Event> {
        let mut waiting = lock(&self.0);
        if event.is_message() {
            waiting.push_back(event);
        } else {
            let older = waiting.iter().position(|older| older.is_replaced_by(&event));
            let failure = older.and_then(|at| waiting.remove(at)).and_then(Event::into_message);
            // Why a model could not be opened is worth telling even when the next one could not, either.
            waiting.extend(failure);
            waiting.push_back(event);
        }
        let messages = waiting.iter().filter(|event| event.is_message()).count();
        let oldest = waiting.iter().position(Event::is_message).filter(|_| messages > MESSAGES)?;
        waiting.remove(oldest)
    }

    /// Takes the oldest.
    pub(super) fn take(&self) -> Option<Event> {
        lock(&self.0).pop_front()
    }
}

impl Event {
    /// Whether it is for people to read, and says nothing about the state.
    fn is_message(&self) -> bool {
        match self {
            Self::Warning { .. } | Self::Error { .. } => true,
            Self::Loading { .. }
            | Self::Opened(_)
            | Self::Profiled(_)
            | Self::Sensed(_)
            | Self::Described { .. }
            | Self::OpenFailed { .. }
            | Self::Restarted(_) => false,
        }
    }

    /// Whether `newer` is of the same kind.
    fn is_replaced_by(&self, newer: &Self) -> bool {
        match (self, newer) {
            (Self::Restarted(ours), Self::Restarted(theirs)) => ours == theirs,
            _ => std::mem::discriminant(self) == std::mem::discriminant(newer),
        }
    }

    /// What remains to be said once the state has changed again.
    fn into_message(self) -> Option<Self> {
        match self {
            Self::OpenFailed { error, .. } => {
                Some(Self::Error { part: super::Part::Model, message: error.message })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Part;
    use crate::model::ChainId;

    fn message(number: usize) -> Event {
        Event::Error { part: Part::Encoder, message: format!("message {number}") }
    }

    fn all(news: &News) -> Vec<String> {
        std::iter::from_fn(|| news.take()).map(|event| format!("{event:?}")).collect()
    }

    #[test]
    fn no_flood_of_messages_washes_a_state_away() {
        let news = News::default();
        news.put(Event::OpenFailed { model_id: 7, error: "no such file".to_owned().into() });
        let lost = (0..10_000).filter_map(|number| news.put(message(number))).count();
        news.put(Event::Described { model_id: 6 });
        assert_eq!(lost, 10_000 - MESSAGES);
        let all = all(&news);
        assert_eq!(all.len(), MESSAGES + 2);
        assert!(all[0].starts_with("OpenFailed"), "{}", all[0]);
        assert!(all[1].contains("message 9936"), "the oldest messages give way: {}", all[1]);
        assert!(all[MESSAGES + 1].starts_with("Described"));
    }

    #[test]
    fn of_each_state_the_newest_waits_in_order() {
        let news = News::default();
        for model_id in 0..1000 {
            news.put(Event::Loading { model_id, name: String::new() });
            news.put(Event::Restarted(ChainId(0)));
            news.put(Event::Restarted(ChainId(1)));
            news.put(Event::Described { model_id });
        }
        let expected = [
            "Loading { model_id: 999, name: \"\" }",
            "Restarted(ChainId(0))",
            "Restarted(ChainId(1))",
            "Described { model_id: 999 }",
        ];
        assert_eq!(all(&news), expected);
    }

    #[test]
    fn a_failure_is_told_when_another_follows() {
        let news = News::default();
        news.put(Event::OpenFailed { model_id: 1, error: "first".to_owned().into() });
        news.put(Event::OpenFailed { model_id: 2, error: "second".to_owned().into() });
        let all = all(&news);
        assert!(all.len() == 2 && all[0].contains("first") && all[1].contains("model_id: 2"), "{all:?}");
    }
}
