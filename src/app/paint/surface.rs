use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use crate::base::Picture;
use crate::engine::Latest;

/// A picture that lives in a GPU texture. Clones show the same texture; the texture goes when the last of
/// them does.
#[derive(Clone)]
pub(crate) struct Surface(Arc<Shared>);

pub(super) struct Shared {
    pub(super) id: u64,
    pending: Mutex<Pending>,
    latency: Latest<Duration>,
}

#[derive(Default)]
struct Pending {
    size: [usize; 2],
    /// Pictures to write and where their top left corners go.
    patches: Vec<(Arc<Picture>, [usize; 2])>,
    asked: Option<Instant>,
}

/// What the GPU has to do to catch up with a surface.
pub(super) struct Update {
    pub(super) size: [usize; 2],
    pub(super) patches: Vec<(Arc<Picture>, [usize; 2])>,
    pub(super) asked: Option<Instant>,
}

impl Surface {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(Arc::new(Shared {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            pending: Mutex::default(),
            latency: Latest::new(),
        }))
    }

    /// Shows `picture` from the next paint on. `asked` is when the person asked for it.
    pub(crate) fn show(&self, picture: Arc<Picture>, asked: Option<Instant>) {
        let mut pending = self.0.pending();
        pending.size = [picture.width(), picture.height()];
        pending.patches.clear();
        pending.patches.push((picture, [0, 0]));
        pending.asked = asked;
    }

    /// Makes the texture this large; what it showed is lost if it had another size.
    pub(crate) fn resize(&self, size: [usize; 2]) {
        let mut pending = self.0.pending();
        if pending.size != size {
            *pending = Pending { size, ..Pending::default() };
        }
    }

    /// Overwrites a part of the texture from the next paint on.
    pub(crate) fn patch(&self, picture: Arc<Picture>, corner: [usize; 2]) {
        self.0.pending().patches.push((picture, corner));
    }

    /// Width and height in pixels; zero before the first picture.
    pub(crate) fn size(&self) -> [usize; 2] {
        self.0.pending().size
    }

    /// Time from asking for the newest uploaded picture to its `write_texture`, if it was uploaded since the
    /// last call.
    pub(crate) fn take_latency(&self) -> Option<Duration> {
        self.0.latency.take()
    }

    pub(super) fn id(&self) -> u64 {
        self.0.id
    }

    pub(super) fn downgrade(&self) -> Weak<Shared> {
        Arc::downgrade(&self.0)
    }

    /// Takes what was put since the last call.
    pub(super) fn take_update(&self) -> Update {
        let mut pending = self.0.pending();
        Update {
            size: pending.size,
            patches: std::mem::take(&mut pending.patches),
            asked: pending.asked.take(),
        }
    }

    pub(super) fn uploaded(&self, asked: Option<Instant>) {
        if let Some(asked) = asked {
            self.0.latency.put(asked.elapsed());
        }
    }
}

impl Shared {
    fn pending(&self) -> std::sync::MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
