//! What the host does for a CUDA graph.
//!
//! While work is recorded, what it queues is noted and not done, as on a card: memory stays NaN, weights stay what they
//! are. Candle's own operations compute at once here, so to replay a recording is to do the work again and to see that
//! the very same is queued, with the same numbers: a number that the host computes anew for each step and hands to a kernel
//! by value is found that way, and so is work that depends on what the host has read.

use candle_core::{Result, bail};

use super::super::driver::{Argument, Recorded, Work};
use super::{Handed, Host};

/// Something queued: what, of which sizes, with which numbers; addresses of new memory differ and are not compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step(String);

impl Step {
    pub(super) fn new(what: &str, sizes: &[usize], arguments: &[Argument]) -> Self {
        let numbers = arguments.iter().map(|argument| match argument {
            Argument::Address(_) => "address".to_owned(),
            other => format!("{other:?}"),
        });
        Self(format!("{what} of {sizes:?} with {}", numbers.collect::<Vec<_>>().join(", ")))
    }
}

/// What is queued while work is recorded, or while it is compared with what was.
#[derive(Default)]
pub(super) struct Recording {
    steps: Vec<Step>,
    /// What must come, where it is a replay.
    expected: Option<Vec<Step>>,
}

impl Recording {
    pub(super) fn add(&mut self, step: Step) {
        if let Some(expected) = &self.expected {
            let (index, recorded) = (self.steps.len(), expected.get(self.steps.len()));
            assert_eq!(recorded, Some(&step), "what was recorded as number {index}, and what is queued");
        }
        self.steps.push(step);
    }

    /// Whether what is queued is done.
    pub(super) fn is_replay(&self) -> bool {
        self.expected.is_some()
    }
}

/// Records `work`.
pub(super) fn record(host: &Host, work: &mut Work<'_>) -> Result<Box<dyn Recorded>> {
    if host.cannot_record.get() {
        bail!("this driver records nothing");
    }
    let steps = watched(host, Recording::default(), work)?;
    let (made, replayed) = host.recorded.get();
    host.recorded.set((made + 1, replayed));
    Ok(Box::new(Steps { steps, _handed: host.out.hand() }))
}

/// What `work` queues.
fn watched(host: &Host, recording: Recording, work: &mut Work<'_>) -> Result<Vec<Step>> {
    host.copies.clear();
    host.recording.replace(Some(recording));
    let done = work();
    host.copies.clear();
    let recording = host.recording.take();
    done?;
    Ok(recording.map(|recording| recording.steps).unwrap_or_default())
}

/// What was recorded.
struct Steps {
    steps: Vec<Step>,
    _handed: Handed,
}

impl Recorded for Steps {
    fn replay(&self, work: &mut Work<'_>) -> Result<()> {
        let Some(host) = super::active() else { bail!("the host driver is off") };
        let (made, replayed) = host.recorded.get();
        host.recorded.set((made, replayed + 1));
        let recording = Recording { expected: Some(self.steps.clone()), ..Recording::default() };
        let steps = watched(&host, recording, work)?;
        assert_eq!(self.steps.len(), steps.len(), "how much was recorded, and how much is queued");
        Ok(())
    }
}
