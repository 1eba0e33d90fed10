//! The ranges of a traversal's rows.

use crate::app::tasks::Task;
use crate::explore::RangeSpec;

/// The ends of a traversal's rows, worked out once for each model and setting, never for each frame. Quantiles of the
/// aggregated posterior take a tenth of a second and more, so they come from a thread of their own; until they are
/// there, the rows keep the ends that they had.
#[derive(Default)]
pub(crate) struct Ranges {
    /// What was worked out last.
    pub(crate) known: Option<(Key, Ends)>,
    /// What is being worked out.
    pub(crate) pending: Option<(Key, Task<Ends>)>,
    /// How often something was worked out.
    pub(crate) resolutions: u64,
}

/// The first and the last value of every dimension of a block, or why there are none.
pub(crate) type Ends = Result<Vec<[f32; 2]>, String>;

/// What the ends depend on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) model_id: u64,
    pub(crate) block: String,
    pub(crate) spec: RangeSpec,
    /// Whether the model's statistics are there, which come a moment after the model.
    pub(crate) has_profile: bool,
}

impl Ranges {
    /// Whether something is being worked out.
    pub(crate) fn is_waiting(&self) -> bool {
        self.pending.is_some()
    }

    /// How often something was worked out since the start.
    pub(crate) fn resolutions(&self) -> u64 {
        self.resolutions
    }

    pub(crate) fn receive(&mut self) {
        let Some(answer) = self.pending.as_ref().and_then(|(_, task)| task.take()) else { return };
        let fault = |panic| Err(format!("the ranges cannot be had, by a fault of the program: {panic}"));
        self.known = self.pending.take().map(|(key, _)| (key, answer.unwrap_or_else(fault)));
    }
}
