//! What the threads of an engine tell the world.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::news::News;
use super::{Event, Frame};

/// Called, on any thread, when there is something new to show.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Called on the worker's thread with every finished frame, before anybody else sees it, so that its picture can be
/// put where the next paint finds it.
pub type Tap = Arc<dyn Fn(&Frame) + Send + Sync>;

/// How often things happened since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Frames rendered to the end.
    pub frames: AtomicU64,
    /// Requests replaced before a worker began them.
    pub superseded: AtomicU64,
    /// Renders stopped between two layers.
    pub cancelled: AtomicU64,
    /// Warnings and errors lost because nobody read them.
    pub lost_messages: AtomicU64,
}

/// How threads tell the world.
#[derive(Clone)]
pub(super) struct Outbox {
    pub(super) news: News,
    pub(super) counters: Arc<Counters>,
    pub(super) wake: Wake,
    pub(super) tap: Tap,
}

impl Outbox {
    /// Sends an event without ever waiting.
    pub(super) fn event(&self, event: Event) {
        if let Some(lost) = self.news.put(event) {
            self.counters.lost_messages.fetch_add(1, Ordering::Relaxed);
            log::warn!("nobody reads messages, lost {lost:?}");
        }
        (self.wake)();
    }
}
