//! Work that is done again and again, recorded once where a device can replay it.

use std::cell::Cell;

use candle_core::{Device, Result};

use super::cuda::{self, Recorded};

/// Times that work is done before it is recorded: algorithms are chosen, kernels loaded and buffers made meanwhile.
const REHEARSALS: u32 = 3;

/// The environment variable that switches recording off with `0`.
pub const GRAPHS_VARIABLE: &str = "IDGAN_CUDA_GRAPHS";

thread_local! {
    /// Whether this thread records nothing at present.
    static EAGER: Cell<bool> = const { Cell::new(false) };
}

/// Does `work` without recording anything of it on this thread, as if graphs were switched off.
pub fn eagerly<R>(work: impl FnOnce() -> R) -> R {
    let before = EAGER.replace(true);
    let result = work();
    EAGER.set(before);
    result
}

/// Whether the program runs ahead of `device`, so that numbers it needs are best left there.
pub fn runs_ahead(device: &Device) -> bool {
    cuda::drives(device)
}

/// Whether work on `device` can be recorded, and nobody has switched it off: on CUDA, as a CUDA graph.
pub fn records(device: &Device) -> bool {
    cuda::drives(device) && !EAGER.get() && std::env::var_os(GRAPHS_VARIABLE).is_none_or(|value| value != "0")
}

/// Work on tensors that stay where they are from one time to the next.
///
/// What changes from time to time must lie in such tensors and be put there by [`write`](super::write) before; what the work
/// finds must be read from such tensors afterwards.
#[derive(Default)]
pub struct Replay {
    state: State,
}

#[derive(Default)]
enum State {
    /// It cannot be recorded.
    #[default]
    Eager,
    /// It has been done so often.
    Rehearsing(u32),
    /// It was recorded.
    Recorded(Box<dyn Recorded>),
}

impl Replay {
    /// Work on `device` that has not been done yet.
    pub fn new(device: &Device) -> Self {
        Self { state: if records(device) { State::Rehearsing(0) } else { State::Eager } }
    }

    /// Does the work, which always queues the same: by calling `work`, or by a recording of an earlier call. Where it cannot
    /// be recorded it is always called, after one warning.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn run(&mut self, device: &Device, work: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        match &mut self.state {
            State::Eager => return work(),
            State::Rehearsing(times) if *times < REHEARSALS => {
                *times += 1;
                return cuda::rehearse(device, work);
            }
            State::Rehearsing(_) => match cuda::record(device, work) {
                Ok(recorded) => self.state = State::Recorded(recorded),
                Err(error) => return self.give_up(&error, work),
            },
            State::Recorded(_) => {}
        }
        let State::Recorded(recorded) = &self.state else { return Ok(()) };
        match recorded.replay(work) {
            Ok(()) => Ok(()),
            Err(error) => self.give_up(&error, work),
        }
    }

    /// Whether the work has been recorded.
    pub fn is_recorded(&self) -> bool {
        matches!(self.state, State::Recorded(_))
    }

    /// Goes on without a recording.
    fn give_up(&mut self, error: &candle_core::Error, work: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        let reason = error.to_string();
        let reason = reason.lines().next().unwrap_or_default();
        log::warn!("goes on without CUDA graphs, which costs time and nothing else ({reason})");
        self.state = State::Eager;
        work()
    }
}
