use std::path::PathBuf;

use crate::checkpoint::{BundledModel, Reading};
use crate::engine::ModelSource;

/// Something done about which model is open, and how it is read.
#[derive(Clone, Debug)]
pub(crate) enum ModelAction {
    /// Opens a model.
    Open(ModelSource),
    /// Opens the model at a path, or starts from the picture there where the open model takes pictures.
    OpenPath(PathBuf),
    /// Opens a model that the program brings along.
    OpenBundled(&'static BundledModel),
    /// Opens a model that the program brings along beside the open one.
    OpenBundledBeside(&'static BundledModel),
    /// Opens the model again on another device.
    Device(&'static str),
    /// Opens the model with an answer to what its file does not say: the one that waits for it, else the open one again.
    Answer(Reading),
}
