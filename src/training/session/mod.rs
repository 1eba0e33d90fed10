//! One run from start to end: data in, steps, logs, sample grids, checkpoints.

mod opening;
mod pictures;

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::{Cancel, FileError, Pool, Stream};
use crate::checkpoint::{Precision, write_bundle};
use crate::data::{self, Batches, BatchesState, Dataset, OpenOptions};
use crate::inference::{self, Computer};
use crate::metrics::measure_statistics;
use crate::model::Stats;
use crate::ops;

use self::opening::opening;
use self::pictures::{SecondBatches, tensor_parts};
use super::advice::{after_divergence, empty_code};
use super::methods::{Inputs, Normals, TrainMethod, model_of};
use super::record::note_computer;
use super::retention::{SavedState, superfluous};
use super::run_folder::RunFolder;
use super::samples::SampleSet;
use super::state::{RunProgress, ScoreSum, read_progress, write_state};
use super::steps::Feed;
use super::tensorboard::EventWriter;
use super::{Control, End, StepReport, TrainConfig, TrainError, TrainEvent};

/// Bad steps in a row that stop a run.
const BAD_STEPS: u32 = 3;
/// How long a paused run sleeps before it looks again.
const PAUSE: Duration = Duration::from_millis(50);

/// Where and with what a run computes.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The device of the networks, and its precision.
    pub computer: Computer,
    /// The threads of the CPU's share.
    pub pool: Pool,
    /// How data sets are opened.
    pub data: OpenOptions,
}

/// A run that is ready to go on.
pub struct Session {
    config: TrainConfig,
    folder: RunFolder,
    machine: Machine,
    data: Arc<dyn Dataset>,
    batches: Batches,
    second: Option<SecondBatches>,
    noise: Stream,
    feed: Feed,
    method: Box<dyn TrainMethod>,
    stats: Option<Stats>,
    progress: RunProgress,
    samples: SampleSet,
    log: File,
    events: EventWriter,
    /// The step of the newest state in the folder, `None` where there is none yet.
    saved_step: Option<u64>,
    /// When it was written, or when this session began.
    saved_at: Instant,
}

impl Session {
    /// The effective configuration.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// Steps trained.
    pub fn step(&self) -> u64 {
        self.progress.step
    }

    /// Trains until all steps are made or `control` says stop, on the machine's threads. The run is saved at the
    /// end, and also when pictures can no longer be read.
    ///
    /// # Errors
    /// When something cannot be read or written, the device fails, or the losses went to NaN. Everything up to the
    /// last checkpoint stays intact.
    pub fn run(
        &mut self,
        control: &Control,
        on_event: &mut (dyn FnMut(TrainEvent) + Send),
    ) -> Result<End, TrainError> {
        let pool = self.machine.pool.clone();
        pool.run(|| self.run_here(control, on_event))
    }

    fn run_here(
        &mut self,
        control: &Control,
        on_event: &mut (dyn FnMut(TrainEvent) + Send),
    ) -> Result<End, TrainError> {
        on_event(TrainEvent::Started { step: self.progress.step, steps: self.config.steps });
        let every = control.sample_every(self.config.sample_every);
        if self.progress.step == 0 && every > 0 {
            self.sample(on_event)?;
        }
        let mut rate = Rate::default();
        while self.progress.step < self.config.steps && !control.is_stopped() {
            if control.is_paused() {
                self.keep(control, false, on_event)?;
                std::thread::sleep(PAUSE);
                rate = Rate::default();
                continue;
            }
            let started = Instant::now();
            let before = self.batches.state();
            let report = match self.one_step() {
                Err(error @ TrainError::Data(_)) => {
                    // The pictures went away, the weights did not: the step is made when they are back.
                    if self.progress.dropped_in_a_row == 0 {
                        self.save_at(before, on_event)?;
                    }
                    return Err(error);
                }
                other => other?,
            };
            let seconds = started.elapsed().as_secs_f64();
            self.progress.seconds += seconds;
            rate.add(seconds);
            let told = self.note(&report, &rate, on_event).and_then(|()| self.keep(control, true, on_event));
            if let Err(error) = told {
                // What cannot be logged or drawn was learnt nevertheless. Where saving fails too, the first error counts.
                if self.progress.dropped_in_a_row == 0 && self.saved_step != Some(self.progress.step) {
                    let _ = self.save(on_event);
                }
                return Err(error);
            }
        }
        // Saved before anything else can go wrong.
        if self.saved_step != Some(self.progress.step) {
            self.save(on_event)?;
        }
        let finished = self.progress.step >= self.config.steps;
        let every = control.sample_every(self.config.sample_every);
        if finished && every > 0 && !self.folder.has_samples(self.progress.step) {
            self.sample(on_event)?;
        }
        if finished && self.stats.is_none() {
            // What fails here costs nothing that was learnt; going on with the run measures again.
            match self.measure(control) {
                Err(_) | Ok(None) if control.is_stopped() => return Ok(End::Stopped),
                stats => self.stats = stats?,
            }
            if self.stats.is_some() {
                self.save(on_event)?;
            }
        }
        Ok(if finished { End::Finished } else { End::Stopped })
    }

    /// Draws a grid and writes a checkpoint where they were asked for or, after a step, are due.
    fn keep(
        &mut self,
        control: &Control,
        after_a_step: bool,
        on_event: &mut (dyn FnMut(TrainEvent) + Send),
    ) -> Result<(), TrainError> {
        let step = self.progress.step;
        let every = control.sample_every(self.config.sample_every);
        let grid_is_due = after_a_step && every > 0 && step.is_multiple_of(every);
        let minutes = self.config.checkpoint_minutes;
        let is_late = minutes > 0.0 && self.saved_at.elapsed().as_secs_f64() >= minutes * 60.0;
        let is_due = after_a_step && (is_late || step.is_multiple_of(self.config.checkpoint_every));
        // After a bad step the weights may be the cause: the last good checkpoint stays.
        let may_save = self.progress.dropped_in_a_row == 0;
        if may_save && (control.take_save() || is_due) {
            self.save(on_event)?;
        }
        if control.take_sample() || grid_is_due {
            self.sample(on_event)?;
        }
        Ok(())
    }

    fn one_step(&mut self) -> Result<StepReport, TrainError> {
        let shape = self.data.picture_shape();
        let parts = self.config.accumulate;
        self.feed.begin();
        let (pictures, _) = tensor_parts(&mut self.batches, shape, parts, &mut self.feed)?;
        let (second, labels) = match &mut self.second {
            Some(second) => {
                let (pictures, labels) = second.next(parts, &mut self.feed)?;
                (Some(pictures), labels)
            }
            None => (None, None),
        };
        let inputs = Inputs { pictures, second, labels, all: self.data.len() };
        let mut normals = Normals { stream: &mut self.noise, feed: &mut self.feed };
        let mut report = self.method.step(inputs, self.progress.step, &mut normals)?;
        self.progress.step += 1;
        match (report.get("r1"), self.progress.r1) {
            (None, Some(last)) => report.add("r1", last),
            (computed, _) => self.progress.r1 = computed,
        }
        match &report.not_finite {
            None => {
                self.progress.dropped_in_a_row = 0;
                self.progress.score.add(self.method.score(&report));
            }
            Some(what) => {
                self.progress.dropped += 1;
                self.progress.dropped_in_a_row += 1;
                if self.progress.dropped_in_a_row >= BAD_STEPS {
                    return Err(TrainError::Diverged {
                        what: what.clone(),
                        step: self.progress.step,
                        in_a_row: self.progress.dropped_in_a_row,
                        advice: after_divergence(&self.config, self.saved_step),
                        path: self.folder.path().to_owned(),
                    });
                }
            }
        }
        Ok(report)
    }

    /// Tells about a step: event, warning, log line.
    fn note(
        &mut self,
        report: &StepReport,
        rate: &Rate,
        on_event: &mut (dyn FnMut(TrainEvent) + Send),
    ) -> Result<(), TrainError> {
        let step = self.progress.step;
        if let Some(what) = &report.not_finite {
            let all = self.progress.dropped;
            on_event(TrainEvent::Warning(format!(
                "{what} was not a finite number; step {step} was dropped ({all} so far)"
            )));
        }
        if let Some(advice) = empty_code(&self.config, step, report) {
            on_event(TrainEvent::Warning(advice));
        }
        if step.is_multiple_of(self.config.log_every) || step == self.config.steps {
            let mut line = serde_json::Map::new();
            line.insert("step".into(), step.into());
            let mut values = report.values().to_vec();
            values.extend(self.config.learning_rates(step.saturating_sub(1)));
            for (name, value) in &values {
                line.insert(name.clone(), (*value).into());
            }
            for (name, each) in report.per_dimension() {
                line.insert(name.clone(), each.clone().into());
                let tagged = each.iter().enumerate().map(|(dim, value)| (format!("{name}/{dim}"), *value));
                values.extend(tagged);
            }
            line.insert("pictures_per_second".into(), (rate.per_second() * self.config.batch as f64).into());
            line.insert("seconds".into(), self.progress.seconds.into());
            if self.progress.dropped > 0 {
                line.insert("dropped".into(), self.progress.dropped.into());
            }
            let mut text = serde_json::Value::Object(line).to_string();
            text.push('\n');
            let path = self.folder.path();
            self.log
                .write_all(text.as_bytes())
                .map_err(|error| FileError::new(error, RunFolder::log_of(path)))?;
            self.events.scalars(step, &values).map_err(|error| FileError::new(error, path))?;
        }
        on_event(TrainEvent::Step {
            step,
            report: report.clone(),
            pictures_per_second: rate.per_second() * self.config.batch as f64,
            seconds_left: (self.config.steps - step) as f64 / rate.per_second().max(1e-9),
        });
        Ok(())
    }

    /// Writes the state first, then the checkpoint, then deletes states that are no longer wanted: at any instant
    /// the folder holds a state to resume from.
    fn save(&mut self, on_event: &mut (dyn FnMut(TrainEvent) + Send)) -> Result<(), TrainError> {
        self.save_at(self.batches.state(), on_event)
    }

    /// The same, to go on with the batch at `batches`.
    fn save_at(
        &mut self,
        batches: BatchesState,
        on_event: &mut (dyn FnMut(TrainEvent) + Send),
    ) -> Result<(), TrainError> {
        let mut progress = self.progress.clone();
        progress.batches = batches;
        progress.second_batches = self.second.as_ref().map(SecondBatches::state);
        progress.noise = self.noise.state();
        progress.bottleneck = self.method.bottleneck();
        // Saved again after no step, a state keeps the score it had.
        progress.final_score = progress.score.mean().or(progress.final_score);
        progress.score = ScoreSum::default();
        let mut model = model_of(&*self.method, &self.config, &progress, self.stats.clone())?;
        note_computer(&mut model.description, &self.machine.computer);
        self.save_algorithms()?;
        write_state(&self.folder.state(progress.step), &model, self.method.state()?, &progress)?;
        write_bundle(&self.folder.checkpoint(), &model, Precision::F32)?;
        self.progress = progress;
        (self.saved_step, self.saved_at) = (Some(self.progress.step), Instant::now());
        self.prune()?;
        on_event(TrainEvent::Saved { step: self.progress.step, path: self.folder.checkpoint() });
        Ok(())
    }

    /// Keeps what this run computes with, so that it can go on bit for bit.
    fn save_algorithms(&self) -> Result<(), TrainError> {
        let Some(json) = ops::algorithms(&self.machine.computer.device) else { return Ok(()) };
        let path = self.folder.algorithms();
        crate::base::write_atomic(&path, |writer| {
            writer.write_all(json.as_bytes()).map_err(|error| TrainError::from(FileError::new(error, &path)))
        })
    }

    fn prune(&self) -> Result<(), TrainError> {
        let mut states = Vec::new();
        // States beyond this step were damaged, or this run would have gone on from them: they hold no place.
        for step in self.folder.states()?.into_iter().filter(|&step| step <= self.progress.step) {
            if let Ok(progress) = read_progress(&self.folder.state(step)) {
                states.push(SavedState { step, score: progress.final_score.unwrap_or(f64::NAN) });
            }
        }
        for step in superfluous(&states, self.config.keep_last, self.config.keep_every) {
            let path = self.folder.state(step);
            std::fs::remove_file(&path).map_err(|error| FileError::new(error, path))?;
        }
        Ok(())
    }

    fn sample(&mut self, on_event: &mut (dyn FnMut(TrainEvent) + Send)) -> Result<(), TrainError> {
        let step = self.progress.step;
        let model = model_of(&*self.method, &self.config, &self.progress, None)?;
        let mut networks = inference::open(&model, &self.machine.computer, &self.machine.pool)?;
        let picture = self.samples.draw(&mut networks, &model.description)?;
        let path = self.folder.new_samples(step)?;
        let png = super::samples::encode_png(&picture)?;
        crate::base::write_atomic(&path, |writer| {
            writer.write_all(&png).map_err(|error| TrainError::from(FileError::new(error, &path)))
        })?;
        self.events
            .picture(step, "samples", picture.width(), picture.height(), &png)
            .map_err(|error| FileError::new(error, self.folder.path()))?;
        on_event(TrainEvent::Sampled { step, path });
        Ok(())
    }

    /// What the encoder finds on the training data, at the encoder's size.
    fn measure(&self, control: &Control) -> Result<Option<Stats>, TrainError> {
        let model = model_of(&*self.method, &self.config, &self.progress, None)?;
        let computer = &self.machine.computer;
        let Some(chain) = model.description.encode.first() else { return Ok(None) };
        let mut encoder = inference::open_encoder(&model, chain, computer, &self.machine.pool)?;
        let [_, size, _] = encoder.picture_shape();
        let data = match self.data.picture_shape()[1] {
            own if own == size => Arc::clone(&self.data),
            _ => data::open(&self.config.data, Some(size), &opening(&self.config, &self.machine))?,
        };
        let cancel = Cancel::new();
        let mut draw = 0;
        measure_statistics(encoder.as_mut(), data.len(), self.config.seed, &cancel, |index, picture| {
            if control.is_stopped() {
                cancel.cancel();
            }
            draw += 1;
            Ok(data.read(index, draw, picture)?)
        })
    }
}

/// Steps a second over the last few.
#[derive(Default)]
struct Rate {
    recent: std::collections::VecDeque<f64>,
}

impl Rate {
    fn add(&mut self, seconds: f64) {
        self.recent.push_back(seconds);
        if self.recent.len() > 50 {
            self.recent.pop_front();
        }
    }

    fn per_second(&self) -> f64 {
        self.recent.len() as f64 / self.recent.iter().sum::<f64>().max(1e-9)
    }
}
