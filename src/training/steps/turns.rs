//! A training step as every trainer makes it: first what changes from step to step is set, then come the turns, which are
//! the same every time and can be recorded, and in the end the host follows what they have found.

use candle_core::{Device, Result, Tensor, TensorId};

use crate::ops::{self, Replay};
use crate::training::{Ledger, StepReport};

/// Ways to make a step that are kept recorded: with and without R1, for two sizes of batches.
const KEPT: usize = 4;

/// The data and noise of one step, or of a part of it.
pub(in crate::training) trait Batch {
    /// All of its tensors.
    fn tensors(&self) -> Vec<&Tensor>;
}

/// What the methods have in common.
pub(in crate::training) trait Turns {
    /// What a step takes.
    type Batch: Batch;

    /// Sets what is different in each step, which counts from 0: rates and weights of losses.
    fn prepare(&mut self, step: u64) -> Result<()>;

    /// Whether this step takes the gradient penalty: what it queues depends on nothing else than that.
    fn is_penalised(&self, step: u64) -> bool;

    /// Makes the step. It must not read anything from the device where there is a [`Ledger::gate`].
    fn take(&mut self, parts: &[Self::Batch], penalised: bool, ledger: &mut Ledger) -> Result<()>;

    /// Counts the turns that were taken, and adds to the report what the host alone knows. `step` is the one prepared.
    fn follow(&mut self, turns: usize, step: u64, report: &mut StepReport);
}

/// Makes one step of a trainer at once.
pub(in crate::training) fn step<T: Turns>(
    trainer: &mut T,
    parts: &[T::Batch],
    step: u64,
) -> Result<StepReport> {
    let tensor = parts.iter().flat_map(Batch::tensors).next();
    let mut ledger = Ledger::new(tensor.map_or(&Device::Cpu, |tensor| tensor.device()))?;
    trainer.prepare(step)?;
    let penalised = trainer.is_penalised(step);
    trainer.take(parts, penalised, &mut ledger)?;
    let (mut report, turns) = ledger.read()?;
    trainer.follow(turns, step, &mut report);
    Ok(report)
}

/// Makes the steps of a trainer, and records them where the device can replay them.
pub(in crate::training) struct Recorder {
    device: Device,
    kept: Vec<Kept>,
}

/// One way to make a step: on which tensors, with the penalty or without.
struct Kept {
    tensors: Vec<TensorId>,
    penalised: bool,
    replay: Replay,
    ledger: Ledger,
}

impl Recorder {
    /// For a trainer on `device`.
    pub(in crate::training) fn new(device: &Device) -> Self {
        Self { device: device.clone(), kept: Vec::new() }
    }

    /// Whether a step has been recorded.
    pub(in crate::training) fn has_recorded(&self) -> bool {
        self.kept.iter().any(|kept| kept.replay.is_recorded())
    }

    /// Makes a step, which counts from 0. It is recorded where `parts` are the same tensors as before, with other values.
    pub(in crate::training) fn step<T: Turns>(
        &mut self,
        trainer: &mut T,
        parts: &[T::Batch],
        step: u64,
    ) -> Result<StepReport> {
        if !ops::records(&self.device) {
            return self::step(trainer, parts, step);
        }
        trainer.prepare(step)?;
        let penalised = trainer.is_penalised(step);
        let device = self.device.clone();
        let Kept { replay, ledger, .. } = self.way(parts, penalised)?;
        replay.run(&device, &mut || {
            ledger.clear();
            trainer.take(parts, penalised, ledger)
        })?;
        let (mut report, turns) = ledger.read()?;
        trainer.follow(turns, step, &mut report);
        Ok(report)
    }

    /// How steps like this one are made.
    fn way<B: Batch>(&mut self, parts: &[B], penalised: bool) -> Result<&mut Kept> {
        let tensors: Vec<TensorId> =
            parts.iter().flat_map(Batch::tensors).map(|tensor| tensor.id()).collect();
        let found = self.kept.iter().position(|kept| kept.penalised == penalised && kept.tensors == tensors);
        let kept = match found {
            Some(index) => self.kept.remove(index),
            None => Kept {
                tensors,
                penalised,
                replay: Replay::new(&self.device),
                ledger: Ledger::new(&self.device)?,
            },
        };
        if self.kept.len() >= KEPT {
            self.kept.remove(0);
        }
        // the newest last
        let index = self.kept.len();
        self.kept.push(kept);
        Ok(&mut self.kept[index])
    }
}

/// Where the values of a step's inputs are put: always into the same tensors where steps are recorded.
pub(in crate::training) struct Feed {
    device: Device,
    /// Inputs put since the step began.
    position: usize,
    /// By position and shape.
    tensors: std::collections::HashMap<(usize, Vec<usize>), Tensor>,
}

impl Feed {
    /// Inputs on `device`.
    pub(in crate::training) fn new(device: &Device) -> Self {
        Self { device: device.clone(), position: 0, tensors: std::collections::HashMap::new() }
    }

    /// Begins a step.
    pub(in crate::training) fn begin(&mut self) {
        self.position = 0;
    }

    /// The step's next input.
    pub(in crate::training) fn put(&mut self, values: &[f32], shape: &[usize]) -> Result<Tensor> {
        if !ops::records(&self.device) {
            return ops::upload(values, shape, &self.device);
        }
        let key = (self.position, shape.to_vec());
        self.position += 1;
        if let Some(tensor) = self.tensors.get(&key) {
            ops::write(tensor, values)?;
            return Ok(tensor.clone());
        }
        let tensor = ops::upload(values, shape, &self.device)?;
        self.tensors.insert(key, tensor.clone());
        Ok(tensor)
    }
}
