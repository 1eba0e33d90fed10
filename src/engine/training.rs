use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam::channel::{Receiver, bounded, never};

use crate::base::{Pool, panic_text, step_back};
use crate::data::OpenOptions;
use crate::inference::{DeviceError, Place, Purpose};
use crate::training::{Control, End, Machine, Session, TrainError, TrainEvent};

/// Events that wait to be read; when they are not, progress is dropped and everything else waits its turn.
const WAITING: usize = 256;

/// How far a run steps back behind a window; the generator's pictures go before it.
const BEHIND: i32 = 15;

/// A run on a thread of its own. Dropping it stops the run after its step and waits until it has saved.
pub struct Training {
    control: Arc<Control>,
    events: Receiver<TrainEvent>,
    thread: Option<JoinHandle<Result<End, TrainingFailed>>>,
}

/// A run that ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum TrainingFailed {
    /// The run could not be started or went wrong.
    #[error(transparent)]
    Run(#[from] TrainError),
    /// The device cannot be had.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A bug: the run panicked. Everything up to the last checkpoint is intact.
    #[error(
        "training stopped by a fault of the program ({0}); the last checkpoint is intact, go on with --resume"
    )]
    Panicked(String),
    /// The system refused a thread.
    #[error("no thread could be started for training: {0}")]
    Thread(#[from] std::io::Error),
}

impl Training {
    /// Opens a session with `open` and trains it, both on a new thread called `training`.
    ///
    /// # Errors
    /// When the system refuses a thread; everything else is told by [`Training::join`].
    pub fn spawn(
        open: impl FnOnce() -> Result<Session, TrainError> + Send + 'static,
    ) -> Result<Self, TrainingFailed> {
        Self::start(|| Ok(open()?))
    }

    /// As [`Training::spawn`], behind a window: on `threads` threads that let everything else go first, the
    /// generator included.
    ///
    /// # Errors
    /// When the system refuses a thread; everything else is told by [`Training::join`].
    pub fn spawn_behind(
        threads: usize,
        place: Place,
        data: OpenOptions,
        open: impl FnOnce(Machine) -> Result<Session, TrainError> + Send + 'static,
    ) -> Result<Self, TrainingFailed> {
        Self::start(move || {
            // Threads started from here inherit it: the pool's, and those that make batches ahead.
            step_back(BEHIND);
            let computer = place.open(Purpose::Training)?;
            let pool = Pool::new("training", threads)?;
            Ok(open(Machine { computer, pool, data })?)
        })
    }

    fn start(
        open: impl FnOnce() -> Result<Session, TrainingFailed> + Send + 'static,
    ) -> Result<Self, TrainingFailed> {
        let control = Arc::new(Control::default());
        let (sender, events) = bounded(WAITING);
        let own = Arc::clone(&control);
        let run = move || {
            let mut on_event = |event: TrainEvent| match event {
                // of these only the newest matter
                TrainEvent::Step { .. } => drop(sender.try_send(event)),
                // a reader that has gone misses nothing
                _ => drop(sender.send(event)),
            };
            let result = catch_unwind(AssertUnwindSafe(|| Ok(open()?.run(&own, &mut on_event)?)));
            match result {
                Ok(result) => result,
                Err(panic) => Err(TrainingFailed::Panicked(panic_text(&*panic))),
            }
        };
        let thread = std::thread::Builder::new().name("training".into()).spawn(run)?;
        Ok(Self { control, events, thread: Some(thread) })
    }

    /// What can be asked of the run.
    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// What the run tells; the channel closes when it ends.
    pub fn events(&self) -> &Receiver<TrainEvent> {
        &self.events
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// Why the run ended before its time.
    pub fn join(mut self) -> Result<End, TrainingFailed> {
        self.wait().unwrap_or(Ok(End::Stopped))
    }

    /// Waits for the end, unless somebody has already.
    fn wait(&mut self) -> Option<Result<End, TrainingFailed>> {
        // a blocked sender must not wait for a reader that now waits for it
        self.events = never();
        let ended = self.thread.take()?.join();
        Some(ended.unwrap_or_else(|panic| Err(TrainingFailed::Panicked(panic_text(&*panic)))))
    }
}

impl Drop for Training {
    fn drop(&mut self) {
        self.control.set_paused(false);
        self.control.stop();
        self.wait();
    }
}
