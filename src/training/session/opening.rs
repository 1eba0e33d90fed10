//! How a run begins, or goes on from what it has saved.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::pictures::{SecondBatches, SecondData};
use super::{Machine, Session};
use crate::base::{FileError, FileErrorKind, Stream};
use crate::data::{
    self, BatchOptions, Batches, DataError, Dataset, DrawingVersion, OpenOptions, Range, whole_spec,
};
use crate::ops;
use crate::training::config::Section;
use crate::training::methods::{TrainMethod, new_method, restored_method};
use crate::training::run_folder::RunFolder;
use crate::training::samples::SampleSet;
use crate::training::state::{RunProgress, ScoreSum, State, read_state};
use crate::training::steps::Feed;
use crate::training::tensorboard::EventWriter;
use crate::training::{ConfigError, TrainConfig, TrainError};

impl Session {
    /// Starts a new run in `folder`.
    ///
    /// # Errors
    /// When the configuration makes no sense, the folder already holds a run, or data or VAE cannot be opened.
    pub fn start(folder: &Path, config: TrainConfig, machine: Machine) -> Result<Self, TrainError> {
        let config = config.with_absolute_paths()?;
        config.validate()?;
        // What fails at once comes before pictures are prepared, which may take minutes.
        RunFolder::check_free(folder)?;
        let method = new_method(&config, whole_spec(&config.data), &machine.computer.device)?;
        let data = open_data(&config, &machine)?;
        let second = open_second(&config, &machine, &*method, &data)?;
        let folder = RunFolder::create(folder, &config)?;
        let starts_from_another = config.start().is_some();
        let mut session = Self::assemble(folder, config, machine, (data, second), method, None)?;
        if starts_from_another {
            // that run may train on before this one has its first checkpoint
            session.save(&mut |_| ())?;
        }
        Ok(session)
    }

    /// Goes on with the run in `folder` from its newest valid state, or from step 0 when it has none. `steps`
    /// replaces the configured number of steps.
    ///
    /// # Errors
    /// When the folder holds no run or is in use, or data cannot be opened.
    pub fn resume(folder: &Path, steps: Option<u64>, machine: Machine) -> Result<Self, TrainError> {
        let (folder, saved) = RunFolder::open(folder)?;
        let config =
            TrainConfig { steps: steps.unwrap_or(saved.steps), ..saved.clone() }.with_absolute_paths()?;
        config.validate()?;
        folder.sweep();
        let state = newest_state(&folder)?;
        if let Some(made) =
            state.as_ref().map(|state| state.progress.step).filter(|&made| made > config.steps)
        {
            let steps = config.steps;
            return Err(
                ConfigError(format!("the run has made {made} steps already, more than {steps}")).into()
            );
        }
        take_algorithms(&folder, &machine);
        let whole = whole_spec(&config.data);
        let method = match &state {
            Some(state) => {
                restored_method(&config, whole, state, &machine.computer.device).map_err(|error| {
                    TrainError::BadState {
                        reason: error.to_string(),
                        path: folder.state(state.progress.step),
                    }
                })?
            }
            None => new_method(&config, whole, &machine.computer.device)?,
        };
        if let Some(state) = &state {
            state.progress.check_drawing(&config.data, folder.path())?;
        }
        let data = open_data(&config, &machine).map_err(|error| moved(error, &folder))?;
        let second =
            open_second(&config, &machine, &*method, &data).map_err(|error| moved(error, &folder))?;
        // A run that cannot go on stays as it is.
        if config != saved {
            folder.write_config(&config)?;
        }
        Self::assemble(folder, config, machine, (data, second), method, state)
    }

    fn assemble(
        folder: RunFolder,
        config: TrainConfig,
        machine: Machine,
        (data, second): (Arc<dyn Dataset>, Option<SecondData>),
        mut method: Box<dyn TrainMethod>,
        state: Option<State>,
    ) -> Result<Self, TrainError> {
        let options = BatchOptions {
            size: config.batch,
            seed: config.seed,
            range: config.section().map_or(Range::Signed, Section::range),
            flip: config.section().is_some_and(Section::flips),
            dequantise: config.section().is_some_and(Section::dequantises),
        };
        let (stats, progress) = match state {
            // An encoder that trains on will find other codes than those that were measured.
            Some(state) if state.progress.step < config.steps && !config.method.takes_a_vae() => {
                (None, Some(state.progress))
            }
            Some(state) => (state.model.stats, Some(state.progress)),
            None => (method.initial_stats(), None),
        };
        let progress = progress.map(|mut progress| {
            progress.meet(&*data);
            progress
        });
        let saved_step = progress.as_ref().map(|progress| progress.step);
        let batches = match &progress {
            Some(progress) => Batches::resume(Arc::clone(&data), options, progress.batches)?,
            None => Batches::new(Arc::clone(&data), options)?,
        };
        let second_state = progress.as_ref().and_then(|progress| progress.second_batches);
        let second = match second {
            Some(second) => Some(SecondBatches::open(&mut *method, second, options, second_state)?),
            None => None,
        };
        let progress = progress.unwrap_or_else(|| RunProgress {
            step: 0,
            batches: batches.state(),
            listing: data.listing(),
            drawing: DrawingVersion::of(&config.data),
            second_batches: None,
            noise: Stream::new(config.seed, "noise").state(),
            bottleneck: None,
            dropped: 0,
            dropped_in_a_row: 0,
            score: ScoreSum::default(),
            final_score: None,
            r1: None,
            seconds: 0.0,
        });
        let samples = SampleSet::new(&*data, config.seed, method.encoder_side())?;
        let log = folder.log_from(progress.step)?;
        let events = EventWriter::create(folder.path(), progress.step)
            .map_err(|error| FileError::new(error, folder.path()))?;
        let noise = Stream::resume(progress.noise);
        let feed = Feed::new(&machine.computer.device);
        Ok(Self {
            config,
            folder,
            machine,
            data,
            batches,
            second,
            noise,
            feed,
            method,
            stats,
            progress,
            samples,
            log,
            events,
            saved_step,
            saved_at: Instant::now(),
        })
    }
}

/// How the run's data set is opened: as the configuration says where it decides, as the machine does elsewhere.
pub(super) fn opening(config: &TrainConfig, machine: &Machine) -> OpenOptions {
    let picture = (!config.picture.is_empty()).then(|| config.picture.clone().into());
    OpenOptions { picture, background: config.background, ..machine.data.clone() }
}

/// Has the machine compute with the algorithms that the run has had so far.
fn take_algorithms(folder: &RunFolder, machine: &Machine) {
    // Only runs on CUDA have the file, and a run goes on without it.
    let Ok(json) = std::fs::read_to_string(folder.algorithms()) else { return };
    if let Err(error) = ops::take_algorithms(&machine.computer.device, &json) {
        log::warn!("{error}");
    }
}

/// The error of data that a saved run cannot find: nobody has typed its path.
fn moved(error: TrainError, folder: &RunFolder) -> TrainError {
    match error {
        TrainError::Data(DataError::File(FileError { kind: FileErrorKind::Missing, path })) => {
            TrainError::Mismatch(format!(
                "the run's data are not where they were; put them back, or write where they are now into {}: {}",
                folder.path().join("config.toml").display(),
                path.display()
            ))
        }
        error => error,
    }
}

fn open_data(config: &TrainConfig, machine: &Machine) -> Result<Arc<dyn Dataset>, TrainError> {
    let key = format!("{}.channels", config.method.section());
    open_pictures(config, machine, &config.data, config.section().map(Section::channels), &key)
}

/// Opens the pictures of `spec` at the run's size; refuses those of other channels than `key` says.
fn open_pictures(
    config: &TrainConfig,
    machine: &Machine,
    spec: &str,
    channels: Option<usize>,
    key: &str,
) -> Result<Arc<dyn Dataset>, TrainError> {
    let data = data::open(spec, Some(config.size), &opening(config, machine))?;
    let found = data.picture_shape()[0];
    match channels {
        Some(channels) if channels != found => Err(TrainError::Mismatch(format!(
            "the pictures of {} have {found} channel(s), the networks take {channels}; set {key}",
            data.spec(),
        ))),
        _ => Ok(data),
    }
}

/// What the method takes besides `data`.
fn open_second(
    config: &TrainConfig,
    machine: &Machine,
    method: &dyn TrainMethod,
    data: &Arc<dyn Dataset>,
) -> Result<Option<SecondData>, TrainError> {
    SecondData::of(method, data, config.seed, &|spec, channels| {
        open_pictures(config, machine, spec, Some(channels), "cycle.channels2")
    })
}

/// The newest state that can be read; older ones stand in for one that cannot. `None` where none was saved yet.
///
/// # Errors
/// When there are states and none can be read, or a checkpoint alone: to begin anew would overwrite what is left of the run.
fn newest_state(folder: &RunFolder) -> Result<Option<State>, TrainError> {
    let mut last = None;
    for step in folder.states()? {
        let path = folder.state(step);
        match read_state(&path) {
            Ok(state) => return Ok(Some(state)),
            Err(error) => {
                log::warn!("this state is passed over, an older one is tried: {error}");
                last = Some(error);
            }
        }
    }
    match last {
        None if folder.checkpoint().exists() => {
            let reason = "there is a checkpoint without the state that it was saved with".to_owned();
            Err(TrainError::NoState { reason, path: folder.path().to_owned() })
        }
        None => Ok(None),
        Some(error) => Err(TrainError::NoState { reason: error.to_string(), path: folder.path().to_owned() }),
    }
}
