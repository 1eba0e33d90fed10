//! What is known about how the codes act on the pictures.

use std::collections::BTreeMap;

use crate::app::document::selection::Dimension;
use crate::app::paint::Surface;
use crate::app::tasks::Task;
use crate::base::Picture;
use crate::explore::Codes;
use crate::model::ChainId;

/// What is known about how the codes act on the pictures.
#[derive(Default)]
pub(crate) struct Analysis {
    pub(crate) heat_key: Option<HeatKey>,
    pub(crate) heat: BTreeMap<ChainId, HeatMap>,
    pub(crate) leakage: Measured<Leakage>,
    pub(crate) shares: Measured<Shares>,
    /// Whether the model was read again since with other weights.
    pub(crate) is_outdated: bool,
}

#[derive(Clone, PartialEq)]
pub(crate) struct HeatKey {
    pub(crate) model_id: u64,
    pub(crate) selected: Dimension,
    pub(crate) codes: Codes,
}

/// Where one chain's picture changes while the selected factor runs through its range.
pub(crate) struct HeatMap {
    pub(crate) surface: Surface,
    /// The largest mean difference, in [0, 1], which is shown white; absent until it is measured.
    pub(crate) largest: Option<f32>,
    /// Answers with nothing when the pictures were not rendered to the end.
    pub(crate) task: Option<Task<Option<(Picture, f32)>>>,
}

impl Default for HeatMap {
    fn default() -> Self {
        Self { surface: Surface::new(), largest: None, task: None }
    }
}

/// Something that takes a while to measure.
pub(crate) struct Measured<T> {
    pub(crate) value: Option<T>,
    /// Answers with nothing when it was given up.
    pub(crate) task: Option<Task<Option<T>>>,
}

impl<T> Default for Measured<T> {
    fn default() -> Self {
        Self { value: None, task: None }
    }
}

impl Analysis {
    /// Whether something is being rendered for it.
    pub(crate) fn is_waiting(&self) -> bool {
        self.heat.values().any(|map| map.task.is_some()) || self.is_measuring()
    }

    /// Whether somebody waits for a measurement.
    pub(crate) fn is_measuring(&self) -> bool {
        self.leakage.task.is_some() || self.shares.task.is_some()
    }
}

impl<T> Measured<T> {
    /// Takes in the answer, if it is there; whether there is a value, or else why there is none.
    pub(crate) fn receive(&mut self) -> Option<Result<(), String>> {
        let answer = self.task.as_ref()?.take()?;
        self.task = None;
        Some(match answer {
            Ok(Some(value)) => {
                self.value = Some(value);
                Ok(())
            }
            // What was measured before is better than nothing.
            Ok(None) => Err("the model changed or a network failed".to_owned()),
            Err(panic) => Err(format!("a fault of the program: {panic}")),
        })
    }
}

/// How far the encoder sees dimension j move when dimension i is moved, per unit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Leakage {
    pub(crate) dims: usize,
    /// `(dims, dims)`, row i moved, column j observed.
    pub(crate) moved: Vec<f32>,
}

/// Shares of the pictures' variance, summing to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shares {
    /// Explained by the factors alone.
    pub(crate) factors: f32,
    /// Explained by the nuisance alone.
    pub(crate) nuisance: f32,
    /// By both together only.
    pub(crate) interaction: f32,
}
