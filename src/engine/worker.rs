use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::base::{Cancel, Picture, Pool, panic_text};
use crate::inference::{Outcome, RenderError, Renderer};

use super::batch::shrink;
use super::encoder::EncoderInbox;
use super::handle::Outbox;
use super::latest::lock;
use super::loader::LoaderInbox;
use super::pacing::should_cancel;
use super::{Batch, Cell, Event, Frame, FrameRequest, Latest, Motion, Part, Role};

/// A renderer to work with from now on, or none.
struct Install {
    epoch: u64,
    renderer: Option<Box<dyn Renderer>>,
}

/// What a worker is told, all of it replaceable.
#[derive(Default)]
struct Orders {
    install: Option<Install>,
    request: Option<FrameRequest>,
    batches: Vec<Batch>,
    in_flight: Option<InFlight>,
    last_picture: Option<Instant>,
    expected: Duration,
    closing: bool,
}

struct InFlight {
    cancel: Cancel,
    started: Instant,
    background: bool,
}

/// Where a worker's orders arrive. Clones share it.
#[derive(Clone, Default)]
pub(super) struct WorkerInbox(Arc<(Mutex<Orders>, Condvar)>);

impl WorkerInbox {
    /// Replaces the renderer; what was asked of older models is dropped.
    pub(super) fn install(&self, epoch: u64, renderer: Option<Box<dyn Renderer>>) {
        let replaced = self.order(|orders| {
            if let Some(flight) = &orders.in_flight {
                flight.cancel.cancel();
            }
            orders.batches.retain(|batch| batch.epoch == epoch);
            orders.request.take_if(|request| request.epoch != epoch);
            orders.expected = Duration::ZERO;
            orders.last_picture = None;
            orders.install.replace(Install { epoch, renderer })
        });
        drop(replaced); // A large network is freed outside the lock.
    }

    /// Asks for a frame; returns whether an unread request was replaced.
    pub(super) fn request(&self, request: FrameRequest) -> bool {
        self.order(|orders| {
            if let Some(flight) = &orders.in_flight {
                let since_picture = orders.last_picture.map_or(Duration::MAX, |at| at.elapsed());
                let running = flight.started.elapsed();
                if flight.background || should_cancel(request.motion, running, orders.expected, since_picture)
                {
                    flight.cancel.cancel();
                }
            }
            orders.request.replace(request).is_some()
        })
    }

    /// Tells that no further request follows: a render in flight of older codes makes way.
    pub(super) fn settle(&self) {
        self.order(|orders| {
            if let (Some(flight), Some(request)) = (&orders.in_flight, &mut orders.request) {
                request.motion = Motion::Settled;
                flight.cancel.cancel();
            }
        });
    }

    /// Puts a batch behind the frames, in place of an older one of its lane.
    pub(super) fn batch(&self, batch: Batch) {
        let replaced = self.order(|orders| {
            let older = orders.batches.iter().position(|other| other.lane == batch.lane);
            let older = older.map(|at| orders.batches.remove(at));
            orders.batches.push(batch);
            older
        });
        drop(replaced);
    }

    /// Drops the batch of `lane`.
    pub(super) fn clear(&self, lane: &str) {
        self.order(|orders| orders.batches.retain(|batch| batch.lane != lane));
    }

    /// Whether nothing is asked for and nothing in flight.
    pub(super) fn is_idle(&self) -> bool {
        let orders = lock(&self.0.0);
        orders.request.is_none()
            && orders.batches.is_empty()
            && orders.in_flight.is_none()
            && orders.install.is_none()
    }

    /// Ends the thread after the layer it is in.
    pub(super) fn close(&self) {
        self.order(|orders| {
            orders.closing = true;
            if let Some(flight) = &orders.in_flight {
                flight.cancel.cancel();
            }
        });
    }

    fn order<R>(&self, change: impl FnOnce(&mut Orders) -> R) -> R {
        let result = change(&mut lock(&self.0.0));
        self.0.1.notify_one();
        result
    }

    /// Waits for something to do.
    fn next(&self) -> Job {
        let mut orders = lock(&self.0.0);
        loop {
            if orders.closing {
                return Job::Close;
            }
            if let Some(install) = orders.install.take() {
                return Job::Install(install);
            }
            let cancel = Cancel::new();
            let started = Instant::now();
            if let Some(request) = orders.request.take() {
                orders.in_flight = Some(InFlight { cancel: cancel.clone(), started, background: false });
                return Job::Frame(request, cancel);
            }
            if let Some(batch) = orders.batches.first() {
                let cell = CellJob {
                    lane: batch.lane,
                    epoch: batch.epoch,
                    index: batch.next,
                    code: batch.codes.get(batch.next).cloned(),
                    codes: Arc::clone(&batch.codes),
                    longest_side: batch.longest_side,
                    cells: batch.cells.clone(),
                };
                orders.in_flight = Some(InFlight { cancel: cancel.clone(), started, background: true });
                return Job::Cell(cell, cancel);
            }
            orders = self.0.1.wait(orders).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    /// Notes that nothing is in flight any more; a complete frame teaches how long one takes.
    fn landed(&self, finished_frame: Option<Duration>) {
        let mut orders = lock(&self.0.0);
        orders.in_flight = None;
        if let Some(render) = finished_frame {
            orders.expected = if orders.expected.is_zero() { render } else { (orders.expected + render) / 2 };
            orders.last_picture = Some(Instant::now());
        }
    }

    /// Moves the batch a cell came from to its next cell, or drops it when `ended`.
    fn advance(&self, cell: &CellJob, ended: bool) {
        let mut orders = lock(&self.0.0);
        let same = |batch: &Batch| batch.lane == cell.lane && Arc::ptr_eq(&batch.codes, &cell.codes);
        if let Some(at) = orders.batches.iter().position(same) {
            let batch = &mut orders.batches[at];
            batch.next = cell.index + 1;
            if ended || batch.next >= batch.codes.len() {
                drop(orders.batches.remove(at));
            }
        }
    }
}

enum Job {
    Close,
    Install(Install),
    Frame(FrameRequest, Cancel),
    Cell(CellJob, Cancel),
}

struct CellJob {
    lane: &'static str,
    epoch: u64,
    index: usize,
    code: Option<Arc<[f32]>>,
    codes: Arc<[Arc<[f32]>]>,
    longest_side: usize,
    cells: crossbeam::channel::Sender<Cell>,
}

/// A thread that renders with one network.
pub(super) struct Worker {
    pub(super) role: Role,
    pub(super) inbox: WorkerInbox,
    pub(super) pool: Pool,
    pub(super) frames: Latest<Frame>,
    pub(super) outbox: Outbox,
    /// Where finished generator frames go to be read back.
    pub(super) encoder: Option<EncoderInbox>,
    pub(super) loader: LoaderInbox,
}

impl Worker {
    /// Works until the inbox is closed.
    pub(super) fn run(self) {
        let mut epoch = 0;
        let mut renderer: Option<Box<dyn Renderer>> = None;
        // The code that the network panicked at: asked for again, it would use up the restarts.
        let mut broken_by: Option<Arc<[f32]>> = None;
        loop {
            match self.inbox.next() {
                Job::Close => return,
                Job::Install(install) => {
                    if install.epoch != epoch {
                        broken_by = None;
                    }
                    epoch = install.epoch;
                    renderer = None; // The old network goes before the new one's buffers grow.
                    renderer = install.renderer.or(renderer);
                }
                Job::Frame(request, cancel) => {
                    let mut finished = None;
                    if request.epoch == epoch
                        && broken_by.as_ref() != Some(&request.code)
                        && let Some(network) = &mut renderer
                    {
                        match self.guarded(|| self.frame(network.as_mut(), &request, &cancel)) {
                            Attempt::Done(render) => finished = Some(render),
                            Attempt::Cancelled => {
                                self.outbox.counters.cancelled.fetch_add(1, Ordering::Relaxed);
                            }
                            Attempt::Failed => {}
                            Attempt::Broken => {
                                renderer = None;
                                broken_by = Some(Arc::clone(&request.code));
                                self.loader.rebuild(self.role, epoch);
                            }
                        }
                    }
                    self.inbox.landed(finished);
                }
                Job::Cell(cell, cancel) => {
                    let network = renderer.as_mut().filter(|_| cell.epoch == epoch);
                    let attempt = network.map_or(Attempt::Failed, |network| {
                        self.guarded(|| self.cell(network.as_mut(), &cell, &cancel))
                    });
                    match attempt {
                        Attempt::Done(_) => self.inbox.advance(&cell, false),
                        Attempt::Cancelled => {}
                        Attempt::Failed => self.inbox.advance(&cell, true),
                        Attempt::Broken => {
                            self.inbox.advance(&cell, true);
                            renderer = None;
                            self.loader.rebuild(self.role, epoch);
                        }
                    }
                    self.inbox.landed(None);
                    drop(cell); // Disconnects the channel of a finished batch before the person is told.
                    (self.outbox.wake)();
                }
            }
        }
    }

    fn frame(&self, network: &mut dyn Renderer, request: &FrameRequest, cancel: &Cancel) -> Attempt {
        let started = Instant::now();
        let mut picture = Picture::default();
        let attempt = self.attempt(started, || network.render_picture(&request.code, &mut picture, cancel));
        let Attempt::Done(render) = attempt else { return attempt };
        let picture = Arc::new(picture);
        if let (Some(encoder), Some(target)) = (&self.encoder, &request.target) {
            encoder.read_back(request.number, request.epoch, Arc::clone(target), Arc::clone(&picture));
        }
        let frame = Frame {
            number: request.number,
            epoch: request.epoch,
            code: Arc::clone(&request.code),
            picture,
            asked: request.asked,
            render,
        };
        (self.outbox.tap)(self.role, &frame);
        self.frames.put(frame);
        self.outbox.counters.frames.fetch_add(1, Ordering::Relaxed);
        (self.outbox.wake)();
        attempt
    }

    fn cell(&self, network: &mut dyn Renderer, cell: &CellJob, cancel: &Cancel) -> Attempt {
        let Some(code) = &cell.code else { return Attempt::Failed };
        let started = Instant::now();
        let mut picture = Picture::default();
        let attempt = self.attempt(started, || network.render_picture(code, &mut picture, cancel));
        let Attempt::Done(render) = attempt else { return attempt };
        let picture = shrink(picture, cell.longest_side);
        match cell.cells.try_send(Cell { index: cell.index, picture, render }) {
            Ok(()) => attempt,
            Err(_) => Attempt::Failed, // Nobody waits for this batch any more.
        }
    }

    /// Runs `render` on the pool; an error becomes an event.
    fn attempt(
        &self,
        started: Instant,
        render: impl FnOnce() -> Result<Outcome, RenderError> + Send,
    ) -> Attempt {
        match self.pool.run(render) {
            Ok(Outcome::Done) => Attempt::Done(started.elapsed()),
            Ok(Outcome::Cancelled) => Attempt::Cancelled,
            Err(error) => {
                self.tell(format!("{} failed: {error}", self.role.title()));
                Attempt::Failed
            }
        }
    }

    /// Does `work`, whose panic becomes an event.
    fn guarded(&self, work: impl FnOnce() -> Attempt) -> Attempt {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            let (title, reason) = (self.role.title(), panic_text(&*panic));
            self.tell(format!(
                "{title} stopped unexpectedly ({reason}); it is started again with the same model"
            ));
            Attempt::Broken
        })
    }

    fn tell(&self, message: String) {
        self.outbox.event(Event::Error { part: Part::Network(self.role), message });
    }
}

enum Attempt {
    Done(Duration),
    Cancelled,
    /// This job cannot be done; the network is fine.
    Failed,
    /// The network panicked and must not be used again.
    Broken,
}
