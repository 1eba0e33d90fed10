use std::sync::Mutex;
use std::time::Instant;

use crate::base::Cancel;
use crate::inference::Outcome;
use crate::ops::cpu::blocked::{
    Buffer, DirectConv, Epilogue, FewConv, Linear, MapShape, PixelSink, Residual, Team, WinogradConv, rectify,
};

/// Which buffer of the workspace.
pub(super) type Slot = usize;

/// A compiled network: what to compute, in order, on numbered buffers. It never changes, so that several
/// workspaces can run it at the same time.
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// Values in each buffer.
    pub(super) slots: Vec<usize>,
}

/// Where a convolution's result goes.
#[derive(Clone, Copy, Default)]
pub(super) struct Targets {
    /// The map to add before storing, its shape, and whether it is upsampled on the way.
    pub(super) residual: Option<(Slot, MapShape, bool)>,
    /// The result as it is.
    pub(super) raw: Option<Slot>,
    /// The result after the leaky rectifier of this slope.
    pub(super) active: Option<(Slot, f32)>,
}

/// One step of a plan.
pub(super) enum Step {
    /// One row of values to a row or a map.
    Linear { layer: Linear, input: Slot, output: Slot },
    /// Leaky rectifier of a whole buffer.
    Rectify { slope: f32, input: Slot, output: Slot },
    /// Direct convolution.
    Direct { conv: DirectConv, input: Slot, targets: Targets },
    /// Winograd's convolution.
    Winograd { conv: WinogradConv, input: Slot, targets: Targets },
    /// The last layer, which ends in pixels.
    Pixels { conv: FewConv, input: Slot },
}

impl Step {
    /// What it is and on which sizes it works, for people.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Linear { layer, .. } => layer.describe(),
            Self::Direct { conv, .. } => conv.describe(),
            Self::Winograd { conv, .. } => conv.describe(),
            Self::Pixels { conv, .. } => conv.describe(),
            Self::Rectify { .. } => "rectify".into(),
        }
    }

    /// Multiply-adds for one picture.
    pub(super) fn multiply_adds(&self) -> usize {
        match self {
            Self::Linear { layer, .. } => layer.multiply_adds(),
            Self::Direct { conv, .. } => conv.multiply_adds(),
            Self::Winograd { conv, .. } => conv.multiply_adds(),
            Self::Pixels { conv, .. } => conv.multiply_adds(),
            Self::Rectify { .. } => 0,
        }
    }
}

/// The memory that one picture at a time is computed in.
pub(super) struct Workspace {
    buffers: Vec<Buffer>,
    shared: Buffer,
    scratch: Buffer,
}

/// What comes in and goes out while a plan runs.
pub(super) struct Ports<'a, 'p> {
    /// The code, copied to buffer 0.
    pub(super) input: &'a [f32],
    /// Where [`Step::Pixels`] puts its rows.
    pub(super) sink: &'a mut PixelSink<'p>,
    /// Where the moment after each step is noted.
    pub(super) clock: Option<&'a Mutex<Vec<Instant>>>,
}

impl Workspace {
    /// Memory for `plan`, for teams of up to `workers`.
    pub(super) fn new(plan: &Plan, workers: usize) -> Self {
        let most = |need: fn(&Step) -> usize| plan.steps.iter().map(need).max().unwrap_or(0);
        let shared = most(|step| match step {
            Step::Winograd { conv, .. } => conv.shared_scratch(),
            _ => 0,
        });
        let scratch = most(|step| match step {
            Step::Winograd { conv, .. } => conv.worker_scratch(),
            Step::Pixels { conv, .. } => conv.worker_scratch(),
            _ => 0,
        });
        Self {
            buffers: plan.slots.iter().map(|&len| Buffer::zeros(len)).collect(),
            shared: Buffer::zeros(shared),
            scratch: Buffer::zeros(scratch * workers),
        }
    }

    /// The values of a buffer.
    pub(super) fn values(&self, slot: Slot) -> &[f32] {
        self.buffers[slot].values()
    }

    /// Runs all steps for one picture. Borders of maps are zero before and after, and every step overwrites all
    /// that it makes, so nothing is left of an earlier picture, finished or not.
    pub(super) fn run(
        &mut self,
        plan: &Plan,
        ports: &mut Ports<'_, '_>,
        cancel: &Cancel,
        team: &Team<'_>,
    ) -> Outcome {
        self.buffers[0].values_mut()[..ports.input.len()].copy_from_slice(ports.input);
        for step in &plan.steps {
            if cancel.is_cancelled() {
                return Outcome::Cancelled;
            }
            self.step(step, ports, team);
            if let Some(Ok(mut clock)) = ports.clock.map(Mutex::lock) {
                clock.push(Instant::now());
            }
        }
        Outcome::Done
    }

    fn step(&mut self, step: &Step, ports: &mut Ports<'_, '_>, team: &Team<'_>) {
        match step {
            Step::Linear { layer, input, output } => self.with_output(*output, |work, out| {
                layer.run(1, work.values(*input), 0, out, team);
            }),
            Step::Rectify { slope, input, output } => self.with_output(*output, |work, out| {
                rectify(work.values(*input), *slope, out);
            }),
            Step::Direct { conv, input, targets } => self.with_targets(targets, |work, epilogue| {
                conv.run(work.buffers[*input].values(), epilogue, team);
            }),
            Step::Winograd { conv, input, targets } => {
                let mut shared = std::mem::take(&mut self.shared);
                let mut scratch = std::mem::take(&mut self.scratch);
                self.with_targets(targets, |work, epilogue| {
                    let input = work.buffers[*input].values();
                    conv.run(input, epilogue, shared.values_mut(), scratch.values_mut(), team);
                });
                (self.shared, self.scratch) = (shared, scratch);
            }
            Step::Pixels { conv, input } => {
                conv.run(self.buffers[*input].values(), ports.sink, self.scratch.values_mut(), team);
            }
        }
    }

    /// Runs `job` with the buffer `output` to write and all others to read.
    fn with_output(&mut self, output: Slot, job: impl FnOnce(&Self, &mut [f32])) {
        let mut buffer = std::mem::take(&mut self.buffers[output]);
        job(self, buffer.values_mut());
        self.buffers[output] = buffer;
    }

    /// Runs `job` with the targets' buffers to write and all others to read.
    fn with_targets(&mut self, targets: &Targets, job: impl FnOnce(&Self, &mut Epilogue<'_>)) {
        let mut raw = targets.raw.map(|slot| std::mem::take(&mut self.buffers[slot]));
        let mut active = targets.active.map(|(slot, _)| std::mem::take(&mut self.buffers[slot]));
        let residual = targets.residual.map(|(slot, shape, upsampled)| Residual {
            map: self.buffers[slot].values(),
            shape,
            upsampled,
        });
        job(
            self,
            &mut Epilogue {
                residual,
                raw: raw.as_mut().map(Buffer::values_mut),
                active: active.as_mut().map(Buffer::values_mut),
                slope: targets.active.map_or(1.0, |(_, slope)| slope),
            },
        );
        if let (Some(slot), Some(buffer)) = (targets.raw, raw) {
            self.buffers[slot] = buffer;
        }
        if let (Some((slot, _)), Some(buffer)) = (targets.active, active) {
            self.buffers[slot] = buffer;
        }
    }
}
