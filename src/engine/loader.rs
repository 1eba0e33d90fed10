use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};

use super::encoder::EncoderInbox;
use super::inbox::Inbox;
use super::latest::lock;
use super::outbox::Outbox;
use super::sensing::SensingInbox;
use super::{Event, Library, Loaded, ModelSource, OpenError, Opened, Part, Pools, Rebuild};
use crate::base::panic_text;
use crate::model::{ChainId, VAE};

/// How often one chain of one model is built again before the engine gives up.
const REBUILDS: u32 = 3;

#[derive(Default)]
struct Orders {
    open: Option<(u64, ModelSource)>,
    rebuild: Vec<(u64, ChainId)>,
    closing: bool,
}

/// Where the loader's orders arrive. Clones share it.
#[derive(Clone, Default)]
pub(super) struct LoaderInbox(Arc<(Mutex<Orders>, Condvar)>);

impl LoaderInbox {
    /// Asks for a model; an older request not yet begun is dropped.
    pub(super) fn open(&self, model_id: u64, source: ModelSource) {
        self.order(|orders| orders.open = Some((model_id, source)));
    }

    /// Asks for a renderer that broke to be built again.
    pub(super) fn rebuild(&self, chain: ChainId, model_id: u64) {
        self.order(|orders| {
            if !orders.rebuild.contains(&(model_id, chain)) {
                orders.rebuild.push((model_id, chain));
            }
        });
    }

    pub(super) fn close(&self) {
        self.order(|orders| orders.closing = true);
    }

    fn order(&self, change: impl FnOnce(&mut Orders)) {
        change(&mut lock(&self.0.0));
        self.0.1.notify_one();
    }

    fn next(&self) -> LoaderJob {
        let mut orders = lock(&self.0.0);
        loop {
            if orders.closing {
                return LoaderJob::Close;
            }
            if let Some((model_id, source)) = orders.open.take() {
                return LoaderJob::Open(model_id, Box::new(source));
            }
            if let Some((model_id, chain)) = orders.rebuild.pop() {
                return LoaderJob::Rebuild(model_id, chain);
            }
            orders = self.0.1.wait(orders).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }
}

enum LoaderJob {
    Close,
    Open(u64, Box<ModelSource>),
    Rebuild(u64, ChainId),
}

/// The thread that opens models, so that nobody waits for a disk.
pub(super) struct Loader {
    pub(super) inbox: LoaderInbox,
    pub(super) library: Arc<dyn Library>,
    pub(super) pools: Pools,
    pub(super) renderers: Inbox,
    pub(super) encoder: EncoderInbox,
    pub(super) sensing: SensingInbox,
    pub(super) outbox: Outbox,
}

/// What it takes to repair the current model.
struct Current {
    rebuild: Rebuild,
    /// How often each chain was built again.
    rebuilds: BTreeMap<ChainId, u32>,
    opened: Arc<Opened>,
}

impl Loader {
    /// Works until the inbox is closed.
    pub(super) fn run(self) {
        let mut current: Option<Current> = None;
        loop {
            match self.inbox.next() {
                LoaderJob::Close => return,
                LoaderJob::Open(model_id, source) => match self.open(model_id, &source) {
                    Ok(opened) => current = Some(opened),
                    // Whoever waits for the model must hear of its end, whatever that was.
                    Err(error) => self.outbox.event(Event::OpenFailed { model_id, error }),
                },
                LoaderJob::Rebuild(model_id, chain) => {
                    if let Some(current) =
                        current.as_mut().filter(|current| current.opened.model_id == model_id)
                    {
                        self.repair(current, chain);
                    }
                }
            }
        }
    }

    fn open(&self, model_id: u64, source: &ModelSource) -> Result<Current, OpenError> {
        let open = || Ok(self.hand_over(model_id, source.clone(), self.library.open(source, &self.pools)?));
        catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|panic| {
            let (reason, path) = (panic_text(&*panic), source.path().display());
            let message =
                format!("opening stopped by a fault of the program ({reason}); choose another file: {path}");
            Err(message.into())
        })
    }

    fn hand_over(&self, model_id: u64, source: ModelSource, loaded: Loaded) -> Current {
        let opened = Opened {
            model_id,
            source,
            shapes: loaded.chains.iter().map(|chain| (chain.id, chain.renderer.picture_shape())).collect(),
            read: loaded.encoders.keys().cloned().collect(),
            emitter: loaded.emitter.map(Arc::new),
            description: loaded.description,
            stats: loaded.stats.map(Arc::new),
            hash: loaded.hash,
            unsaid: loaded.unsaid,
            device: loaded.device,
        };
        self.renderers.install(model_id, loaded.chains, |chain| opened.title(chain));
        self.encoder.install(model_id, loaded.encoders);
        let opened = Arc::new(opened);
        self.outbox.event(Event::Opened(Arc::clone(&opened)));
        for message in loaded.warnings {
            self.outbox.event(Event::Warning { part: Part::Model, message });
        }
        match catch_unwind(AssertUnwindSafe(|| opened.profile())) {
            Ok(Ok(Some(profile))) => self.outbox.event(Event::Profiled(Arc::new(profile))),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => {
                self.outbox.event(Event::Warning { part: Part::Model, message: error.to_string() });
            }
            Err(panic) => {
                let message = format!("The model's statistics cannot be shown: {}", panic_text(&*panic));
                self.outbox.event(Event::Error { part: Part::Model, message });
            }
        }
        // A reader that learns beside a generator may miss on the data what the generator uses.
        let is_known = opened.stats.is_some() && opened.description.chain_id(VAE).is_some();
        let spare = loaded.spare.filter(|_| !is_known);
        if spare.is_none() {
            self.outbox.event(Event::Described { model_id });
        }
        self.sensing.measure(Arc::clone(&opened), spare);
        Current { opened, rebuild: loaded.rebuild, rebuilds: BTreeMap::new() }
    }

    fn repair(&self, current: &mut Current, chain: ChainId) {
        let count = current.rebuilds.entry(chain).or_default();
        *count += 1;
        let title = current.opened.title(chain);
        let fail = |message| self.outbox.event(Event::Error { part: Part::Chain(chain), message });
        if *count > REBUILDS {
            fail(format!("{title} failed {REBUILDS} times; it stays off until a model is opened again"));
            return;
        }
        let rebuilt = catch_unwind(AssertUnwindSafe(|| (current.rebuild)(chain)));
        match rebuilt.unwrap_or_else(|panic| Err(panic_text(&*panic))) {
            Ok(renderer) => {
                self.renderers.repair(current.opened.model_id, chain, renderer);
                self.outbox.event(Event::Restarted(chain));
            }
            Err(reason) => fail(format!("{title} could not be started again: {reason}")),
        }
    }
}
