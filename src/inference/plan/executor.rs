use std::ops::Range;
use std::sync::Mutex;
use std::time::Instant;

use super::steps::{Plan, Slot, Step, Targets};
use crate::base::Cancel;
use crate::inference::Outcome;
use crate::ops::cpu::blocked::{BLOCK, Buffer, Epilogue, MapShape, PixelSink, Residual, Team, leaky_relu};
use crate::ops::cpu::element::Element;

/// The memory that one picture, or one group of pictures, is computed in.
pub(super) struct Workspace {
    /// Rows, or the bits of maps.
    buffers: Vec<Buffer<f32>>,
    /// Pictures that each of them holds.
    pictures: Vec<usize>,
    shared: Buffer<f32>,
    scratch: Buffer<f32>,
}

/// What comes in and goes out while a plan runs.
pub(super) struct Ports<'a, 'p> {
    /// The code, copied to buffer 0, or a picture.
    pub(super) input: &'a [f32],
    /// Where [`Step::Pixels`] puts its rows.
    pub(super) sink: Option<&'a mut PixelSink<'p>>,
    /// Where the moment after each step is noted.
    pub(super) clock: Option<&'a Mutex<Vec<Instant>>>,
}

impl Workspace {
    /// Memory for `plan`, for teams of up to `workers`.
    pub(super) fn new<E: Element>(plan: &Plan<E>, workers: usize) -> Self {
        let most = |need: fn(&Step<E>) -> usize| plan.steps.iter().map(need).max().unwrap_or(0);
        let shared = most(|step| match step {
            Step::Winograd { conv, .. } => conv.shared_scratch(),
            _ => 0,
        });
        let scratch = most(|step| match step {
            Step::FirstConv { conv, .. } => conv.scratch(),
            Step::Winograd { conv, .. } => conv.worker_scratch(),
            Step::Pixels { conv, .. } => conv.worker_scratch(),
            _ => 0,
        });
        let pictures = plan.pictures();
        let buffers = plan.slots.iter().zip(&pictures).map(|(&len, &count)| Buffer::zeros(len * count));
        Self {
            buffers: buffers.collect(),
            pictures,
            shared: Buffer::zeros(shared),
            scratch: Buffer::zeros(scratch * workers),
        }
    }

    /// The values of a row's buffer.
    pub(super) fn row(&self, slot: Slot) -> &[f32] {
        self.buffers[slot].values()
    }

    /// Runs all steps for the picture of one code. Borders of maps are zero before and after, and every step overwrites all
    /// that it makes, so nothing is left of an earlier picture, finished or not.
    pub(super) fn run<E: Element>(
        &mut self,
        plan: &Plan<E>,
        ports: &mut Ports<'_, '_>,
        cancel: &Cancel,
        team: &Team<'_>,
    ) -> Outcome {
        self.buffers[0].values_mut()[..ports.input.len()].copy_from_slice(ports.input);
        for step in &plan.steps {
            if cancel.is_cancelled() {
                return Outcome::Cancelled;
            }
            self.step(plan, step, 0..1, ports, team);
            if let Some(Ok(mut clock)) = ports.clock.map(Mutex::lock) {
                clock.push(Instant::now());
            }
        }
        Outcome::Done
    }

    /// Runs all steps but the head's for up to [`super::steps::GROUP`] pictures of `picture_len` values each, on the calling
    /// thread. `done` is told the number of each step.
    pub(super) fn run_group<E: Element>(
        &mut self,
        plan: &Plan<E>,
        pictures: &[f32],
        picture_len: usize,
        done: &mut dyn FnMut(usize),
    ) {
        let team = &Team::solo();
        for (i, picture) in pictures.chunks_exact(picture_len).enumerate() {
            let mut ports = Ports { input: picture, sink: None, clock: None };
            for (number, step) in plan.steps[..plan.single].iter().enumerate() {
                self.step(plan, step, i..i + 1, &mut ports, team);
                done(number);
            }
        }
        let mut ports = Ports { input: &[], sink: None, clock: None };
        for (number, step) in plan.steps.iter().enumerate().skip(plan.single).take(plan.grouped) {
            self.step(plan, step, 0..pictures.len() / picture_len, &mut ports, team);
            done(number);
        }
    }

    /// The part of a buffer that holds `pictures`: all of it where it holds one.
    fn part<E: Element>(&self, plan: &Plan<E>, slot: Slot, pictures: &Range<usize>) -> Range<usize> {
        if self.pictures[slot] == 1 { 0..plan.slots[slot] } else { plan.part(slot, pictures) }
    }

    fn step<E: Element>(
        &mut self,
        plan: &Plan<E>,
        step: &Step<E>,
        pictures: Range<usize>,
        ports: &mut Ports<'_, '_>,
        team: &Team<'_>,
    ) {
        let count = pictures.len();
        match step {
            Step::FirstConv { conv, targets } => {
                let mut scratch = std::mem::take(&mut self.scratch);
                self.with_targets(plan, targets, &pictures, |_, epilogue| {
                    conv.run(ports.input, scratch.values_mut(), epilogue);
                });
                self.scratch = scratch;
            }
            Step::Linear { layer, input, output } => {
                self.with_output(plan, *output, &pictures, |reading, out| {
                    layer.run(count, reading.row(*input), plan.slots[*input], out, team);
                });
            }
            Step::Spread { layer, input, output } => {
                self.with_output(plan, *output, &pictures, |reading, out| {
                    let out: &mut [E] = bytemuck::cast_slice_mut(out);
                    layer.run(count, reading.row(*input), plan.slots[*input], out, team);
                });
            }
            Step::Flatten { shape, input, output } => {
                self.with_output(plan, *output, &pictures, |reading, out| {
                    let rows = out.chunks_exact_mut(out.len() / count);
                    for (row, map) in rows.zip(reading.map(*input).chunks_exact(shape.len())) {
                        flatten(*shape, map, row);
                    }
                });
            }
            Step::LeakyRelu { slope, input, output } => {
                self.with_output(plan, *output, &pictures, |reading, out| {
                    leaky_relu(plan.isa, reading.map(*input), *slope, bytemuck::cast_slice_mut(out));
                });
            }
            Step::Direct { conv, input, targets } => {
                for picture in pictures {
                    let picture = picture..picture + 1;
                    self.with_targets(plan, targets, &picture, |reading, epilogue| {
                        conv.run(reading.map(*input), epilogue, team);
                    });
                }
            }
            Step::Winograd { conv, input, targets } => {
                let mut shared = std::mem::take(&mut self.shared);
                let mut scratch = std::mem::take(&mut self.scratch);
                self.with_targets(plan, targets, &pictures, |reading, epilogue| {
                    let (shared, scratch) = (shared.values_mut(), scratch.values_mut());
                    conv.run(count, reading.map(*input), epilogue, shared, scratch, team);
                });
                (self.shared, self.scratch) = (shared, scratch);
            }
            Step::Pixels { conv, input } => {
                let part = self.part(plan, *input, &pictures);
                if let Some(sink) = &mut ports.sink {
                    let map = bytemuck::cast_slice(&self.buffers[*input].values()[part]);
                    conv.run(map, sink, self.scratch.values_mut(), team);
                }
            }
        }
    }

    /// Runs `job` with the part of the buffer `output` to write, and what finds those of all others to read.
    fn with_output<E: Element>(
        &mut self,
        plan: &Plan<E>,
        output: Slot,
        pictures: &Range<usize>,
        job: impl FnOnce(Reading<'_, E>, &mut [f32]),
    ) {
        let mut buffer = std::mem::take(&mut self.buffers[output]);
        let part = self.part(plan, output, pictures);
        job(Reading { work: self, plan, pictures }, &mut buffer.values_mut()[part]);
        self.buffers[output] = buffer;
    }

    /// Runs `job` with what finds the parts of all other buffers to read, and the targets' to write.
    fn with_targets<E: Element>(
        &mut self,
        plan: &Plan<E>,
        targets: &Targets,
        pictures: &Range<usize>,
        job: impl FnOnce(Reading<'_, E>, &mut Epilogue<'_, E>),
    ) {
        let part = |slot: Slot| self.part(plan, slot, pictures);
        let parts = (targets.raw.map(part), targets.active.map(|(slot, _)| part(slot)));
        let mut raw = targets.raw.map(|slot| std::mem::take(&mut self.buffers[slot]));
        let mut active = targets.active.map(|(slot, _)| std::mem::take(&mut self.buffers[slot]));
        let reading = Reading { work: self, plan, pictures };
        let mut epilogue = Epilogue {
            residual: targets.residual.map(|(slot, shape, upsampled)| Residual {
                map: reading.map(slot),
                shape,
                upsampled,
            }),
            raw: within(raw.as_mut(), parts.0),
            active: within(active.as_mut(), parts.1),
            slope: targets.active.map_or(1.0, |(_, slope)| slope),
        };
        job(reading, &mut epilogue);
        if let (Some(slot), Some(buffer)) = (targets.raw, raw) {
            self.buffers[slot] = buffer;
        }
        if let (Some((slot, _)), Some(buffer)) = (targets.active, active) {
            self.buffers[slot] = buffer;
        }
    }
}

/// The buffers that a step may read, as far as they hold its pictures.
struct Reading<'a, E> {
    work: &'a Workspace,
    plan: &'a Plan<E>,
    pictures: &'a Range<usize>,
}

impl<'a, E: Element> Reading<'a, E> {
    fn row(&self, slot: Slot) -> &'a [f32] {
        &self.work.buffers[slot].values()[self.work.part(self.plan, slot, self.pictures)]
    }

    fn map(&self, slot: Slot) -> &'a [E] {
        bytemuck::cast_slice(self.row(slot))
    }
}

/// Part of a map's buffer, to write.
fn within<E: Element>(buffer: Option<&mut Buffer<f32>>, part: Option<Range<usize>>) -> Option<&mut [E]> {
    Some(bytemuck::cast_slice_mut(&mut buffer?.values_mut()[part?]))
}

/// The values of a map without its border: blocks of channels one behind the other, sixteen channels of each pixel side by
/// side.
fn flatten<E: Element>(shape: MapShape, map: &[E], row: &mut [f32]) {
    for (i, line) in row.chunks_exact_mut(shape.width() * BLOCK).enumerate() {
        let at = shape.at(i / shape.height(), i % shape.height(), 0);
        let values = map[at..at + line.len()].iter();
        line.iter_mut().zip(values).for_each(|(to, value)| *to = value.value());
    }
}
