use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::base::{Cancel, Picture, Pool, panic_text};
use crate::inference::{Outcome, RenderError, Renderer};
use crate::model::ChainId;

use super::batch::shrink;
use super::encoder::EncoderInbox;
use super::frame::Frames;
use super::inbox::{CellJob, Inbox, RenderJob, Work};
use super::loader::LoaderInbox;
use super::outbox::Outbox;
use super::{Event, Frame, FrameRequest, Load, Part};

/// The thread that renders pictures of the chains of one load, one after the other.
pub(super) struct Worker {
    pub(super) load: Load,
    pub(super) inbox: Inbox,
    pub(super) pool: Pool,
    pub(super) frames: Frames,
    pub(super) outbox: Outbox,
    /// Reads codes back from finished frames where that was asked for.
    pub(super) encoder: EncoderInbox,
    pub(super) loader: LoaderInbox,
}

impl Worker {
    /// Works until the inbox is closed.
    pub(super) fn run(self) {
        while let Some(job) = self.inbox.next(self.load) {
            let RenderJob { model_id, chain, title, mut renderer, cancel, work } = job;
            let part = Of { chain, title: &title };
            match work {
                Work::Frame(request) => {
                    match self.guarded(part, || self.frame(part, renderer.as_mut(), &request, &cancel)) {
                        Attempt::Done(time) => self.inbox.landed(model_id, chain, renderer, Some(time)),
                        Attempt::Cancelled => {
                            self.outbox.counters.cancelled.fetch_add(1, Ordering::Relaxed);
                            self.inbox.landed(model_id, chain, renderer, None);
                        }
                        Attempt::Failed => self.inbox.landed(model_id, chain, renderer, None),
                        Attempt::Broken => self.broke(model_id, chain, Some(request.code)),
                    }
                }
                Work::Cell(cell) => {
                    let attempt = self.guarded(part, || self.cell(part, renderer.as_mut(), &cell, &cancel));
                    match attempt {
                        Attempt::Done(_) => self.inbox.advance(model_id, chain, &cell, false),
                        Attempt::Cancelled => {}
                        Attempt::Failed | Attempt::Broken => self.inbox.advance(model_id, chain, &cell, true),
                    }
                    match attempt {
                        Attempt::Broken => self.broke(model_id, chain, None),
                        _ => self.inbox.landed(model_id, chain, renderer, None),
                    }
                    drop(cell); // Disconnects the channel of a finished batch before the person is told.
                    (self.outbox.wake)();
                }
            }
        }
    }

    /// Gives up the renderer, and has it built again.
    fn broke(&self, model_id: u64, chain: ChainId, code: Option<Arc<[f32]>>) {
        self.inbox.broke(model_id, chain, code);
        self.loader.rebuild(chain, model_id);
    }

    fn frame(
        &self,
        of: Of<'_>,
        network: &mut dyn Renderer,
        request: &FrameRequest,
        cancel: &Cancel,
    ) -> Attempt {
        let started = Instant::now();
        let mut picture = Picture::default();
        let attempt =
            self.attempt(of, started, || network.render_picture(&request.code, &mut picture, cancel));
        let Attempt::Done(render) = attempt else { return attempt };
        let picture = Arc::new(picture);
        if let Some(target) = &request.target {
            self.encoder.read_back(request.number, request.model_id, target.clone(), Arc::clone(&picture));
        }
        let frame = Frame {
            number: request.number,
            model_id: request.model_id,
            chain: request.chain,
            code: Arc::clone(&request.code),
            picture,
            asked: request.asked,
            render,
        };
        (self.outbox.tap)(&frame);
        self.frames.put(frame);
        self.outbox.counters.frames.fetch_add(1, Ordering::Relaxed);
        (self.outbox.wake)();
        attempt
    }

    fn cell(&self, of: Of<'_>, network: &mut dyn Renderer, cell: &CellJob, cancel: &Cancel) -> Attempt {
        let Some(code) = cell.code() else { return Attempt::Failed };
        let started = Instant::now();
        let mut picture = Picture::default();
        let attempt = self.attempt(of, started, || network.render_picture(code, &mut picture, cancel));
        let Attempt::Done(render) = attempt else { return attempt };
        let picture = shrink(picture, cell.longest_side);
        if cell.answer(picture, render) { attempt } else { Attempt::Failed }
    }

    /// Runs `render` on the pool; an error becomes an event.
    fn attempt(
        &self,
        of: Of<'_>,
        started: Instant,
        render: impl FnOnce() -> Result<Outcome, RenderError> + Send,
    ) -> Attempt {
        match self.pool.run(render) {
            Ok(Outcome::Done) => Attempt::Done(started.elapsed()),
            Ok(Outcome::Cancelled) => Attempt::Cancelled,
            Err(error) => {
                self.tell(of, format!("{} failed: {error}", of.title));
                Attempt::Failed
            }
        }
    }

    /// Does `work`, whose panic becomes an event.
    fn guarded(&self, of: Of<'_>, work: impl FnOnce() -> Attempt) -> Attempt {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            let (title, reason) = (of.title, panic_text(&*panic));
            self.tell(
                of,
                format!("{title} stopped unexpectedly ({reason}); it is started again with the same model"),
            );
            Attempt::Broken
        })
    }

    fn tell(&self, of: Of<'_>, message: String) {
        self.outbox.event(Event::Error { part: Part::Chain(of.chain), message });
    }
}

/// The chain that a job is of.
#[derive(Clone, Copy)]
struct Of<'a> {
    chain: ChainId,
    title: &'a str,
}

enum Attempt {
    Done(Duration),
    Cancelled,
    /// This job cannot be done; the network is fine.
    Failed,
    /// The network panicked and must not be used again.
    Broken,
}
