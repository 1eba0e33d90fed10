use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::StepReport;

/// What another thread may ask of a run while it goes on. Shared behind an `Arc`.
#[derive(Debug, Default)]
pub struct Control {
    stop: AtomicBool,
    pause: AtomicBool,
    save: AtomicBool,
    sample: AtomicBool,
    /// Steps between sample grids plus one; 0 while nobody has changed the configured number.
    sample_every: AtomicU64,
}

impl Control {
    /// Finishes the step, saves and ends.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether the run was asked to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits after the step, or goes on.
    pub fn set_paused(&self, paused: bool) {
        self.pause.store(paused, Ordering::Relaxed);
    }

    /// Whether the run waits.
    pub fn is_paused(&self) -> bool {
        self.pause.load(Ordering::Relaxed)
    }

    /// Writes a checkpoint after the step.
    pub fn save(&self) {
        self.save.store(true, Ordering::Relaxed);
    }

    /// Draws a sample grid after the step.
    pub fn sample(&self) {
        self.sample.store(true, Ordering::Relaxed);
    }

    /// Changes the steps between sample grids; 0 for none.
    pub fn set_sample_every(&self, steps: u64) {
        self.sample_every.store(steps.saturating_add(1), Ordering::Relaxed);
    }

    pub(super) fn take_save(&self) -> bool {
        self.save.swap(false, Ordering::Relaxed)
    }

    pub(super) fn take_sample(&self) -> bool {
        self.sample.swap(false, Ordering::Relaxed)
    }

    pub(super) fn sample_every(&self, configured: u64) -> u64 {
        match self.sample_every.load(Ordering::Relaxed) {
            0 => configured,
            steps => steps - 1,
        }
    }
}

/// What a run tells while it goes on.
#[derive(Clone, Debug)]
pub enum TrainEvent {
    /// Training starts, or goes on, after `step` of `steps`.
    Started {
        /// Steps trained before.
        step: u64,
        /// Steps in all.
        steps: u64,
    },
    /// A step was made.
    Step {
        /// Steps trained, this one included.
        step: u64,
        /// Its losses.
        report: StepReport,
        /// Pictures a second, averaged over the last steps.
        pictures_per_second: f64,
        /// Seconds until the last step at this rate.
        seconds_left: f64,
    },
    /// A state and a checkpoint were written.
    Saved {
        /// Steps trained.
        step: u64,
        /// The checkpoint.
        path: PathBuf,
    },
    /// A sample grid was drawn.
    Sampled {
        /// Steps trained.
        step: u64,
        /// The picture.
        path: PathBuf,
    },
    /// Something a person should know.
    Warning(String),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All steps are trained.
    Finished,
    /// It was asked to stop.
    Stopped,
}
