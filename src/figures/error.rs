use crate::base::FileError;
use crate::checkpoint::CheckpointError;
use crate::explore::{CodesError, NothingToVary, PictureError, PosteriorError, RangeError};
use crate::inference::{DeviceError, RenderError};
use crate::model::ChainError;

use super::export::ExportError;

/// A figure that cannot be drawn: what is wrong, why, what to do, path last.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// What is asked for makes no sense; other words would.
    #[error("{0}")]
    Request(String),
    /// The model, or a file of codes, lacks what the figure needs.
    #[error("{0}")]
    Lacking(String),
    /// Somebody stopped it; nothing was written.
    #[error("it was stopped")]
    Stopped,
    /// The system refuses threads.
    #[error("cannot start threads; close other programs: {0}")]
    Threads(std::io::Error),
    /// The model, or a file of codes, cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The device cannot be had.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A network cannot be run.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The figure cannot be written.
    #[error(transparent)]
    Export(ExportError),
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Codes do not fit the model.
    #[error(transparent)]
    Codes(#[from] CodesError),
    /// The model has no chain of this name.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The model cannot give the range.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// The statistics of the data are none.
    #[error(transparent)]
    Posterior(#[from] PosteriorError),
    /// The picture cannot be read.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// Labels cannot be written.
    #[error("the program's font is damaged; install the program again: {0}")]
    Font(#[from] ab_glyph::InvalidFont),
    /// The model has no matrix of codes.
    #[error(transparent)]
    NothingToVary(#[from] NothingToVary),
}

impl From<ExportError> for FigureError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Stopped => Self::Stopped,
            error => Self::Export(error),
        }
    }
}
