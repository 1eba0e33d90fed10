use std::path::PathBuf;

use crate::app::train::Form;
use crate::training::{Family, Method};

/// Something done about training.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TrainAction {
    /// Fills in the form.
    Form(Form),
    /// Takes the values of a preset into the form.
    Preset(Family, &'static str),
    /// Changes what is trained, and the preset with it.
    Family(Family),
    /// Changes the method within what is trained.
    Method(Method),
    /// Sets a value by its key to what was typed.
    Value(String, String),
    /// Puts the command on the clipboard that starts the same run.
    Copy,
    /// Starts the run that the form describes.
    Start,
    /// Goes on with the run in a folder.
    Resume(PathBuf),
    /// Has the run wait after its step, or go on.
    Pause(bool),
    /// Finishes the step, saves and ends.
    Stop,
    /// Writes a checkpoint after this step.
    Save,
    /// Draws a sample grid after this step.
    Preview,
    /// Sets the steps between two sample grids; 0 for none.
    PreviewEvery(u64),
    /// Opens the run in the explorer.
    Explore,
}
