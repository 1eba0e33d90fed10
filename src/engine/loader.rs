use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};

use super::encoder::EncoderInbox;
use super::handle::Outbox;
use super::latest::lock;
use super::sensing::SensingInbox;
use super::worker::WorkerInbox;
use super::{Event, Library, Loaded, Opened, Part, Pools, Rebuild, Role, Source};
use crate::base::panic_text;

/// How often one role of one model is built again before the engine gives up.
const REBUILDS: u32 = 3;

#[derive(Default)]
struct Orders {
    open: Option<(u64, Source)>,
    rebuild: Vec<(u64, Role)>,
    closing: bool,
}

/// Where the loader's orders arrive. Clones share it.
#[derive(Clone, Default)]
pub(super) struct LoaderInbox(Arc<(Mutex<Orders>, Condvar)>);

impl LoaderInbox {
    /// Asks for a model; an older request not yet begun is dropped.
    pub(super) fn open(&self, epoch: u64, source: Source) {
        self.order(|orders| orders.open = Some((epoch, source)));
    }

    /// Asks for a renderer that broke to be built again.
    pub(super) fn rebuild(&self, role: Role, epoch: u64) {
        self.order(|orders| {
            if !orders.rebuild.contains(&(epoch, role)) {
                orders.rebuild.push((epoch, role));
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

    fn next(&self) -> Job {
        let mut orders = lock(&self.0.0);
        loop {
            if orders.closing {
                return Job::Close;
            }
            if let Some((epoch, source)) = orders.open.take() {
                return Job::Open(epoch, source);
            }
            if let Some((epoch, role)) = orders.rebuild.pop() {
                return Job::Rebuild(epoch, role);
            }
            orders = self.0.1.wait(orders).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }
}

enum Job {
    Close,
    Open(u64, Source),
    Rebuild(u64, Role),
}

/// The thread that opens models, so that nobody waits for a disk.
pub(super) struct Loader {
    pub(super) inbox: LoaderInbox,
    pub(super) library: Arc<dyn Library>,
    pub(super) pools: Pools,
    pub(super) generator: WorkerInbox,
    pub(super) decoder: WorkerInbox,
    pub(super) encoder: EncoderInbox,
    pub(super) sensing: SensingInbox,
    pub(super) outbox: Outbox,
}

/// What it takes to repair the current model.
struct Current {
    epoch: u64,
    rebuild: Rebuild,
    rebuilds: [u32; 2],
}

impl Loader {
    /// Works until the inbox is closed.
    pub(super) fn run(self) {
        let mut current: Option<Current> = None;
        loop {
            match self.inbox.next() {
                Job::Close => return,
                Job::Open(epoch, source) => match self.open(epoch, &source) {
                    Ok(opened) => current = Some(opened),
                    // Whoever waits for the model must hear of its end, whatever that was.
                    Err(message) => self.outbox.event(Event::OpenFailed { epoch, message }),
                },
                Job::Rebuild(epoch, role) => {
                    if let Some(current) = current.as_mut().filter(|current| current.epoch == epoch) {
                        self.repair(current, role);
                    }
                }
            }
        }
    }

    fn open(&self, epoch: u64, source: &Source) -> Result<Current, String> {
        let open = || Ok(self.hand_over(epoch, source.clone(), self.library.open(source, &self.pools)?));
        catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|panic| {
            let (reason, path) = (panic_text(&*panic), source.path().display());
            Err(format!("opening stopped by a fault of the program ({reason}); choose another file: {path}"))
        })
    }

    fn hand_over(&self, epoch: u64, source: Source, loaded: Loaded) -> Current {
        let opened = Opened {
            epoch,
            source,
            generator_shape: loaded.generator.as_ref().map(|network| network.picture_shape()),
            decoder_shape: loaded.decoder.as_ref().map(|network| network.picture_shape()),
            encoder_dim: loaded.encoder.as_ref().map(|network| network.code_dim()),
            description: loaded.description,
            stats: loaded.stats.map(Arc::new),
            hash: loaded.hash,
            device: loaded.device,
        };
        self.generator.install(epoch, loaded.generator);
        self.decoder.install(epoch, loaded.decoder);
        self.encoder.install(epoch, loaded.encoder);
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
        let decoder = loaded.spare_decoder.filter(|_| opened.stats.is_none());
        if decoder.is_none() {
            self.outbox.event(Event::Described { epoch });
        }
        self.sensing.measure(opened, decoder);
        Current { epoch, rebuild: loaded.rebuild, rebuilds: [0; 2] }
    }

    fn repair(&self, current: &mut Current, role: Role) {
        let count = &mut current.rebuilds[role as usize];
        *count += 1;
        let title = role.title();
        if *count > REBUILDS {
            let message =
                format!("{title} failed {REBUILDS} times; it stays off until a model is opened again");
            self.outbox.event(Event::Error { part: Part::Network(role), message });
            return;
        }
        let rebuilt = catch_unwind(AssertUnwindSafe(|| (current.rebuild)(role)));
        match rebuilt.unwrap_or_else(|panic| Err(panic_text(&*panic))) {
            Ok(renderer) => {
                let worker = match role {
                    Role::Generator => &self.generator,
                    Role::Decoder => &self.decoder,
                };
                worker.install(current.epoch, renderer);
                self.outbox.event(Event::Restarted(role));
            }
            Err(reason) => {
                let message = format!("{title} could not be started again: {reason}");
                self.outbox.event(Event::Error { part: Part::Network(role), message });
            }
        }
    }
}
