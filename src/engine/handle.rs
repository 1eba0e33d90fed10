use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use crossbeam::channel::Receiver;

use crate::base::{Picture, panic_text, step_back};
use crate::model::ChainId;

use super::encoder::{EncoderInbox, EncoderWorker};
use super::frame::Frames;
use super::inbox::Inbox;
use super::loader::{Loader, LoaderInbox};
use super::model::HEAVY as BACKGROUND;
use super::news::News;
use super::outbox::{Counters, Outbox, Tap, Wake};
use super::sensing::{Sensing, SensingInbox};
use super::worker::Worker;
use super::{
    Batch, Event, Frame, FrameRequest, Latest, Library, Load, ModelSource, Part, Pools, Posterior, ReadBack,
};

/// One model's worker threads. Nothing here waits for them, except dropping it.
pub struct Engine {
    loader: LoaderInbox,
    inbox: Inbox,
    encoder: EncoderInbox,
    sensing: SensingInbox,
    frames: Frames,
    read_backs: Latest<ReadBack>,
    outbox: Outbox,
    epochs: AtomicU64,
    threads: Vec<JoinHandle<()>>,
    /// How far its threads step back.
    steps_back: i32,
}

impl Engine {
    /// Starts the threads; heavy chains get `threads` of their own. `wake` is called whenever an event, a
    /// frame or a cell has arrived, `tap` with every frame.
    ///
    /// # Errors
    /// When the system refuses to start a thread.
    pub fn new(library: Arc<dyn Library>, threads: usize, wake: Wake, tap: Tap) -> io::Result<Self> {
        Self::start(library, Pools::new(threads)?, 0, wake, tap)
    }

    /// As [`Engine::new`], for a second model: every thread, that which reads the files too, lets those of other
    /// engines and the caller's go first.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn in_background(
        library: Arc<dyn Library>,
        threads: usize,
        wake: Wake,
        tap: Tap,
    ) -> io::Result<Self> {
        Self::start(library, Pools::in_background(threads)?, BACKGROUND, wake, tap)
    }

    fn start(
        library: Arc<dyn Library>,
        pools: Pools,
        steps_back: i32,
        wake: Wake,
        tap: Tap,
    ) -> io::Result<Self> {
        let outbox = Outbox { news: News::default(), counters: Arc::default(), wake, tap };
        let mut engine = Self {
            loader: LoaderInbox::default(),
            inbox: Inbox::default(),
            encoder: EncoderInbox::default(),
            sensing: SensingInbox::default(),
            frames: Frames::default(),
            read_backs: Latest::new(),
            outbox,
            epochs: AtomicU64::new(0),
            threads: Vec::new(),
            steps_back,
        };
        engine.start_worker("idgan-light", Load::Light, &pools)?;
        engine.start_worker("idgan-heavy", Load::Heavy, &pools)?;
        let encoder = EncoderWorker {
            inbox: engine.encoder.clone(),
            pool: pools.encoder.clone(),
            answers: engine.read_backs.clone(),
            outbox: engine.outbox.clone(),
        };
        engine.spawn("idgan-encoder", move || encoder.run())?;
        let sensing = Sensing { inbox: engine.sensing.clone(), outbox: engine.outbox.clone() };
        engine.spawn("idgan-sensing", move || sensing.run())?;
        let loader = Loader {
            inbox: engine.loader.clone(),
            library,
            pools,
            renderers: engine.inbox.clone(),
            encoder: engine.encoder.clone(),
            sensing: engine.sensing.clone(),
            outbox: engine.outbox.clone(),
        };
        engine.spawn("idgan-loader", move || loader.run())?;
        Ok(engine)
    }

    fn start_worker(&mut self, name: &'static str, load: Load, pools: &Pools) -> io::Result<()> {
        let worker = Worker {
            load,
            inbox: self.inbox.clone(),
            pool: pools.of(load).clone(),
            frames: self.frames.clone(),
            outbox: self.outbox.clone(),
            encoder: self.encoder.clone(),
            loader: self.loader.clone(),
        };
        self.spawn(name, move || worker.run())
    }

    fn spawn(&mut self, name: &'static str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let (steps, outbox) = (self.steps_back, self.outbox.clone());
        let body = move || {
            if steps > 0 {
                step_back(steps);
            }
            // What goes wrong within a piece of work is caught there; this is for what nobody foresaw.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(body)) {
                let reason = panic_text(&*panic);
                outbox.event(Event::Error {
                    part: Part::Model,
                    message: format!("{name} stopped by a fault of the program ({reason}); start it again"),
                });
            }
        };
        self.threads.push(std::thread::Builder::new().name(name.to_owned()).spawn(body)?);
        Ok(())
    }

    /// Opens a model in the background and returns its id; the old one serves until
    /// [`Event::Opened`] arrives.
    pub fn open(&self, source: ModelSource) -> u64 {
        let model_id = self.epochs.fetch_add(1, Ordering::Relaxed) + 1;
        self.outbox.event(Event::Loading { model_id, name: source.name() });
        self.loader.open(model_id, source);
        model_id
    }

    /// Asks for a frame, in place of any older request of its chain that is not begun.
    pub fn request(&self, request: FrameRequest) {
        if self.inbox.request(request) {
            self.outbox.counters.superseded.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Tells that the newest request of `chain` is final: a render in flight of an older one makes way.
    pub fn settle(&self, chain: ChainId) {
        self.inbox.settle(chain);
    }

    /// Renders a batch with `chain` whenever no frame is asked for.
    pub fn batch(&self, chain: ChainId, batch: Batch) {
        self.inbox.batch(chain, batch);
    }

    /// Drops `chain`'s batch of `lane`.
    pub fn clear_batch(&self, chain: ChainId, lane: &str) {
        self.inbox.clear(chain, lane);
    }

    /// Finds the code `block` of the model of `id` in `picture`. The receiver disconnects without an answer when
    /// that is impossible.
    pub fn encode(&self, model_id: u64, block: &str, picture: Arc<Picture>) -> Receiver<Posterior> {
        self.encoder.encode(model_id, block, picture)
    }

    /// A way to encode pictures from another thread.
    pub fn reader(&self) -> Reader {
        Reader(self.encoder.clone())
    }

    /// The newest frame of `chain` that nobody took yet.
    pub fn frame(&self, chain: ChainId) -> Option<Frame> {
        self.frames.take(chain)
    }

    /// The newest code read back that nobody took yet.
    pub fn read_back(&self) -> Option<ReadBack> {
        self.read_backs.take()
    }

    /// The next event, if there is one.
    pub fn event(&self) -> Option<Event> {
        self.outbox.news.take()
    }

    /// How often things happened.
    pub fn counters(&self) -> &Counters {
        &self.outbox.counters
    }

    /// Whether `chain` has nothing to do.
    pub fn is_idle(&self, chain: ChainId) -> bool {
        self.inbox.is_idle(chain)
    }
}

/// Encodes pictures for any thread, as long as the engine lives.
#[derive(Clone)]
pub struct Reader(EncoderInbox);

impl Reader {
    /// As [`Engine::encode`].
    pub fn encode(&self, model_id: u64, block: &str, picture: Arc<Picture>) -> Receiver<Posterior> {
        self.0.encode(model_id, block, picture)
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.loader.close();
        self.inbox.close();
        self.encoder.close();
        self.sensing.close();
        for thread in self.threads.drain(..) {
            let _ = thread.join(); // A thread that panicked has nothing left to save.
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({} threads)", self.threads.len())
    }
}
