//! Training as the window shows it.

use crate::app::train::{Form, Run};

/// The Train panel's part of the state.
#[derive(Default)]
pub(crate) struct TrainState {
    pub(crate) form: Form,
    /// The run going on, or the last one.
    pub(crate) run: Option<Run>,
    /// Open the run as soon as it has written a checkpoint.
    pub(crate) explore_when_saved: bool,
}
