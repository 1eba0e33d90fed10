//! Training as the window shows it.

use crate::app::train::{Form, Problem, Run};
use crate::training::Field;

/// The Train panel's part of the state.
pub(crate) struct TrainState {
    pub(crate) form: Form,
    /// What keeps the run that the form describes from starting.
    pub(crate) problems: Vec<Problem>,
    /// The values that have no control of their own, as the preset has them.
    pub(crate) fields: Vec<Field>,
    /// The command that starts the same run, where it is one.
    pub(crate) command: Option<String>,
    /// The run going on, or the last one.
    pub(crate) run: Option<Run>,
    /// Whether no run went on when somebody looked last.
    pub(crate) was_over: bool,
    /// Open the run as soon as it has written a checkpoint.
    pub(crate) explore_when_saved: bool,
}

impl Default for TrainState {
    fn default() -> Self {
        let form = Form::default();
        let (fields, command) = (form.fields(), form.command().ok());
        Self {
            problems: form.problems(),
            fields,
            command,
            form,
            run: None,
            was_over: true,
            explore_when_saved: false,
        }
    }
}
