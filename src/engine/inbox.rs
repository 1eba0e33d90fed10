use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::base::Cancel;
use crate::inference::Renderer;
use crate::model::ChainId;

use super::latest::lock;
use super::pacing::should_cancel;
use super::{Batch, Cell, FrameRequest, Load, LoadedChain, Motion};

/// What the workers are told, all of it replaceable: one slot for the newest request of each chain, and batches behind it.
#[derive(Default)]
struct Orders {
    model_id: u64,
    chains: Vec<ChainOrders>,
    closing: bool,
}

struct ChainOrders {
    id: ChainId,
    load: Load,
    /// What people call the chain, at the start of a sentence.
    title: Arc<str>,
    /// Absent while a worker has it, and after it has broken.
    renderer: Option<Box<dyn Renderer>>,
    request: Option<FrameRequest>,
    batches: Vec<Batch>,
    in_flight: Option<InFlight>,
    last_start: Option<Instant>,
    last_picture: Option<Instant>,
    expected: Duration,
    /// The code that the renderer broke with.
    broken_by: Option<Arc<[f32]>>,
}

struct InFlight {
    cancel: Cancel,
    started: Instant,
    background: bool,
}

/// A renderer and what to do with it; it goes back by [`Inbox::landed`], unless it broke.
pub(super) struct RenderJob {
    pub(super) model_id: u64,
    pub(super) chain: ChainId,
    pub(super) title: Arc<str>,
    pub(super) renderer: Box<dyn Renderer>,
    pub(super) cancel: Cancel,
    pub(super) work: Work,
}

pub(super) enum Work {
    Frame(FrameRequest),
    Cell(CellJob),
}

/// One cell of a batch.
pub(super) struct CellJob {
    lane: &'static str,
    index: usize,
    codes: Arc<[Arc<[f32]>]>,
    pub(super) longest_side: usize,
    cells: crossbeam::channel::Sender<Cell>,
}

impl CellJob {
    pub(super) fn code(&self) -> Option<&Arc<[f32]>> {
        self.codes.get(self.index)
    }

    /// Whether somebody still waits for the batch.
    pub(super) fn answer(&self, picture: crate::base::Picture, render: Duration) -> bool {
        self.cells.try_send(Cell { index: self.index, picture, render }).is_ok()
    }
}

/// Where the orders of all workers arrive. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Inbox(Arc<(Mutex<Orders>, Condvar)>);

impl Inbox {
    /// Puts a model in place of the one before, and drops what was asked of that. `title` names a chain for people.
    pub(super) fn install(&self, model_id: u64, chains: Vec<LoadedChain>, title: impl Fn(ChainId) -> String) {
        let chains = chains.into_iter().map(|LoadedChain { id, load, renderer }| ChainOrders {
            id,
            load,
            title: title(id).into(),
            renderer: Some(renderer),
            request: None,
            batches: Vec::new(),
            in_flight: None,
            last_start: None,
            last_picture: None,
            expected: Duration::ZERO,
            broken_by: None,
        });
        let chains = chains.collect();
        let replaced = self.order(|orders| {
            orders.cancel();
            orders.model_id = model_id;
            std::mem::replace(&mut orders.chains, chains)
        });
        drop(replaced); // Large networks are freed outside the lock.
    }

    /// Puts a renderer in place of one that has broken.
    pub(super) fn repair(&self, model_id: u64, id: ChainId, renderer: Box<dyn Renderer>) {
        self.of(model_id, id, |chain| chain.renderer = Some(renderer));
    }

    /// Asks for a frame; returns whether an unread request was replaced.
    pub(super) fn request(&self, request: FrameRequest) -> bool {
        self.order(|orders| {
            let Some(at) = orders.find(request.model_id, request.chain) else { return false };
            let chain = &mut orders.chains[at];
            if let Some(flight) = &chain.in_flight {
                let since_picture = chain.last_picture.map_or(Duration::MAX, |at| at.elapsed());
                if should_cancel(request.motion, flight.started.elapsed(), chain.expected, since_picture) {
                    flight.cancel.cancel();
                }
            }
            let load = chain.load;
            let is_replaced = chain.request.replace(request).is_some();
            // Frames go before batches, those of other chains too.
            let beside = orders.chains.iter().filter(|chain| chain.load == load);
            let flights = beside.filter_map(|chain| chain.in_flight.as_ref());
            flights.filter(|flight| flight.background).for_each(|flight| flight.cancel.cancel());
            is_replaced
        })
    }

    /// Tells that no further request of `id` follows: a render in flight of older codes makes way.
    pub(super) fn settle(&self, id: ChainId) {
        self.order(|orders| {
            let Some(chain) = orders.chains.iter_mut().find(|chain| chain.id == id) else { return };
            if let (Some(flight), Some(request)) = (&chain.in_flight, &mut chain.request) {
                request.motion = Motion::Settled;
                flight.cancel.cancel();
            }
        });
    }

    /// Puts a batch behind the frames, in place of an older one of its lane.
    pub(super) fn batch(&self, id: ChainId, batch: Batch) {
        let dropped = self.order(|orders| {
            let Some(at) = orders.find(batch.model_id, id) else { return Some(batch) };
            let batches = &mut orders.chains[at].batches;
            let older = batches.iter().position(|other| other.lane == batch.lane);
            let older = older.map(|at| batches.remove(at));
            batches.push(batch);
            older
        });
        drop(dropped);
    }

    /// Drops the batch of `lane`.
    pub(super) fn clear(&self, id: ChainId, lane: &str) {
        self.order(|orders| {
            let chains = orders.chains.iter_mut().filter(|chain| chain.id == id);
            chains.for_each(|chain| chain.batches.retain(|batch| batch.lane != lane));
        });
    }

    /// Whether nothing is asked of `id` and nothing in flight.
    pub(super) fn is_idle(&self, id: ChainId) -> bool {
        let orders = lock(&self.0.0);
        let mut chains = orders.chains.iter().filter(|chain| chain.id == id);
        chains.all(|chain| chain.request.is_none() && chain.batches.is_empty() && chain.in_flight.is_none())
    }

    /// Ends the threads after the layer that they are in.
    pub(super) fn close(&self) {
        self.order(|orders| {
            orders.closing = true;
            orders.cancel();
        });
    }

    fn order<R>(&self, change: impl FnOnce(&mut Orders) -> R) -> R {
        let result = change(&mut lock(&self.0.0));
        self.0.1.notify_all();
        result
    }

    fn of(&self, model_id: u64, id: ChainId, change: impl FnOnce(&mut ChainOrders)) {
        self.order(|orders| {
            if let Some(at) = orders.find(model_id, id) {
                change(&mut orders.chains[at]);
            }
        });
    }

    /// Waits for something to do for the worker of `load`; `None` at the end.
    pub(super) fn next(&self, load: Load) -> Option<RenderJob> {
        let mut orders = lock(&self.0.0);
        while !orders.closing {
            if let Some(job) = orders.next(load) {
                return Some(job);
            }
            orders = self.0.1.wait(orders).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    /// Notes that nothing of the chain is in flight any more, and takes the renderer back; a complete frame teaches how
    /// long one takes.
    pub(super) fn landed(
        &self,
        model_id: u64,
        id: ChainId,
        renderer: Box<dyn Renderer>,
        finished: Option<Duration>,
    ) {
        let left = self.order(|orders| {
            let Some(at) = orders.find(model_id, id) else { return Some(renderer) };
            let chain = &mut orders.chains[at];
            chain.in_flight = None;
            if let Some(render) = finished {
                let known = chain.expected;
                chain.expected = if known.is_zero() { render } else { (known + render) / 2 };
                chain.last_picture = Some(Instant::now());
            }
            chain.renderer.replace(renderer)
        });
        drop(left); // One of a model that is gone is freed outside the lock.
    }

    /// Notes that the renderer broke, with `code` where that was a frame's, and that its batches end.
    pub(super) fn broke(&self, model_id: u64, id: ChainId, code: Option<Arc<[f32]>>) {
        self.of(model_id, id, |chain| {
            chain.in_flight = None;
            chain.batches.clear();
            chain.broken_by = code.or(chain.broken_by.take());
        });
    }

    /// Moves the batch a cell came from to its next cell, or drops it when `ended`.
    pub(super) fn advance(&self, model_id: u64, id: ChainId, cell: &CellJob, ended: bool) {
        self.of(model_id, id, |chain| {
            let same = |batch: &Batch| batch.lane == cell.lane && Arc::ptr_eq(&batch.codes, &cell.codes);
            if let Some(at) = chain.batches.iter().position(same) {
                let batch = &mut chain.batches[at];
                batch.next = cell.index + 1;
                if ended || batch.next >= batch.codes.len() {
                    drop(chain.batches.remove(at));
                }
            }
        });
    }
}

impl Orders {
    fn find(&self, model_id: u64, id: ChainId) -> Option<usize> {
        self.chains.iter().position(|chain| chain.id == id).filter(|_| self.model_id == model_id)
    }

    fn cancel(&self) {
        self.chains
            .iter()
            .filter_map(|chain| chain.in_flight.as_ref())
            .for_each(|flight| flight.cancel.cancel());
    }

    /// Takes the next job of `load` out: a frame of the chain that has waited longest for its turn, else a cell.
    fn next(&mut self, load: Load) -> Option<RenderJob> {
        let model_id = self.model_id;
        let ready = || {
            let chains = self.chains.iter().enumerate();
            chains.filter(move |(_, chain)| chain.load == load && chain.renderer.is_some())
        };
        let asked = ready().filter(|(_, chain)| chain.request.is_some());
        let asked = asked.min_by_key(|(_, chain)| chain.last_start).map(|(at, _)| at);
        let at = asked.or_else(|| ready().find(|(_, chain)| !chain.batches.is_empty()).map(|(at, _)| at))?;
        let chain = &mut self.chains[at];
        let work = match chain.request.take() {
            // The code that broke the renderer is not tried again.
            Some(request) if chain.broken_by.as_ref() == Some(&request.code) => return self.next(load),
            Some(request) => Work::Frame(request),
            None => Work::Cell(CellJob::of(chain.batches.first()?)),
        };
        let renderer = chain.renderer.take()?;
        let (cancel, started) = (Cancel::new(), Instant::now());
        let background = matches!(work, Work::Cell(_));
        chain.in_flight = Some(InFlight { cancel: cancel.clone(), started, background });
        chain.last_start = Some(started);
        Some(RenderJob { model_id, chain: chain.id, title: Arc::clone(&chain.title), renderer, cancel, work })
    }
}

impl CellJob {
    fn of(batch: &Batch) -> Self {
        Self {
            lane: batch.lane,
            index: batch.next,
            codes: Arc::clone(&batch.codes),
            longest_side: batch.longest_side,
            cells: batch.cells.clone(),
        }
    }
}
