use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::{Arrays, StreamState};
use crate::checkpoint::{Precision, Sources, TensorFile, open, write_bundle_with};
use crate::data::{BatchesState, Dataset, DrawingVersion};
use crate::model::{Model, ModelDescription};
use crate::objectives::AdaptiveBottleneck;

use super::TrainError;

/// Where a run stands, besides its arrays: everything that decides what the next step does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RunProgress {
    /// Steps trained.
    pub(super) step: u64,
    /// Position in the data.
    pub(super) batches: BatchesState,
    /// The data set's [`crate::data::Dataset::listing`] when it was last opened; empty where nobody noted it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) listing: String,
    /// How its pictures are drawn.
    #[serde(default, skip_serializing_if = "DrawingVersion::is_first")]
    pub(super) drawing: DrawingVersion,
    /// Position of the second sequence of batches, where a step takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) second_batches: Option<BatchesState>,
    /// Position of the noise.
    pub(super) noise: StreamState,
    /// The variational bottleneck's weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bottleneck: Option<AdaptiveBottleneck>,
    /// Steps that were dropped because something was not finite.
    pub(super) dropped: u64,
    /// Those at the end of the run so far, without a good one between.
    pub(super) dropped_in_a_row: u32,
    /// Sum and number of the losses that judge the state that is being trained towards.
    pub(super) score: ScoreSum,
    /// The mean of the losses up to here since the state before; lower is better. `None` when unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) final_score: Option<f64>,
    /// The gradient penalty as it was last computed: not every step does (`gan.r1_every`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) r1: Option<f64>,
    /// Seconds of training so far.
    pub(super) seconds: f64,
}

impl RunProgress {
    /// Refuses to go on where the program draws other pictures of `data` by now than the run in `folder` began with.
    pub(super) fn check_drawing(&self, data: &str, folder: &Path) -> Result<(), TrainError> {
        if self.drawing == DrawingVersion::of(data) {
            return Ok(());
        }
        Err(TrainError::OtherDrawing { data: data.to_owned(), path: folder.to_owned() })
    }

    /// Goes on with the next epoch where `data` is no longer the set that this one began with, and says so: to go on at
    /// the same place would show some of its pictures twice and others never.
    pub(super) fn meet(&mut self, data: &dyn Dataset) {
        let listing = data.listing();
        let is_same = match self.listing.as_str() {
            "" => self.batches.position <= data.len() as u64,
            known => known == listing,
        };
        if !is_same {
            log::warn!(
                "pictures of {} were added, removed or renamed since the run was saved; it goes on with a new epoch of the {} \
                 that are there now",
                data.spec(),
                data.len()
            );
            self.batches = self.batches.next_epoch();
            self.second_batches = self.second_batches.map(BatchesState::next_epoch);
        }
        self.listing = listing;
    }
}

/// A running mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ScoreSum {
    pub(super) sum: f64,
    pub(super) count: u64,
}

impl ScoreSum {
    pub(super) fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    pub(super) fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// The key of [`RunProgress`] among the description's training notes.
const PROGRESS: &str = "state";
/// The group of arrays that only training needs.
const GROUP: &str = "training.";

/// Writes a training state: a bundle that also holds `arrays` and `progress`.
///
/// # Errors
/// When it cannot be written; nothing is left behind then.
pub(super) fn write_state(
    path: &Path,
    model: &Model,
    arrays: Arrays,
    progress: &RunProgress,
) -> Result<(), TrainError> {
    let mut model = model.clone();
    let value = serde_json::to_value(progress).map_err(|error| bad(path, error))?;
    model.description.training.insert(PROGRESS.into(), value);
    let arrays = arrays.into_iter().map(|(name, array)| (format!("{GROUP}{name}"), array)).collect();
    Ok(write_bundle_with(path, &model, Precision::F32, &arrays)?)
}

/// A training state as read back.
pub(super) struct State {
    pub(super) progress: RunProgress,
    pub(super) model: Model,
    /// What only training needs.
    pub(super) arrays: Arrays,
}

/// Reads a training state whole.
///
/// # Errors
/// When the file cannot be read, is damaged, or is no training state.
pub(super) fn read_state(path: &Path) -> Result<State, TrainError> {
    let progress = read_progress(path)?;
    let arrays = TensorFile::open(path)?.group(GROUP)?;
    let sources = Sources { checkpoint: Some(path.to_owned()), ..Sources::default() };
    let mut model = open(&sources)?.model;
    model.description.training.remove(PROGRESS);
    Ok(State { progress, model, arrays })
}

/// Reads only where a run stands.
///
/// # Errors
/// As [`read_state`].
pub(super) fn read_progress(path: &Path) -> Result<RunProgress, TrainError> {
    let file = TensorFile::open(path)?;
    let text = file.metadata().get("idgan").ok_or_else(|| bad(path, "it has no description"))?;
    let description = ModelDescription::parse(text).map_err(|error| bad(path, error))?;
    let value = description
        .training
        .get(PROGRESS)
        .ok_or_else(|| bad(path, "it is a model without training state"))?;
    RunProgress::deserialize(value).map_err(|error| bad(path, error))
}

fn bad(path: &Path, reason: impl std::fmt::Display) -> TrainError {
    TrainError::BadState { reason: format!("{reason}"), path: path.to_owned() }
}
