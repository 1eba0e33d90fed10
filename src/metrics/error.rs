use crate::base::FileError;
use crate::checkpoint::CheckpointError;
use crate::data::DataError;
use crate::inference::RenderError;

/// A measurement that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MetricError {
    /// A question that makes no sense for this model and these pictures: what, why, what to do.
    #[error("{0}")]
    Request(String),
    /// A picture of the data that cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A network that cannot run.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A weights file that cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A results file that cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Stopped by its [`crate::base::Cancel`].
    #[error("stopped before the measurement was done")]
    Cancelled,
}

impl From<candle_core::Error> for MetricError {
    fn from(error: candle_core::Error) -> Self {
        Self::Render(error.into())
    }
}

impl MetricError {
    /// A question that makes no sense, in words.
    pub(super) fn request(sentence: impl Into<String>) -> Self {
        Self::Request(sentence.into())
    }
}
