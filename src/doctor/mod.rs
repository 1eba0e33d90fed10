//! Whether this machine computes rightly: operations, training steps and pictures of a device, or of each instruction set
//! of the processor, against computations that share no fast path with them. For machines that nobody has tried yet.

mod examination;
mod finding;
mod machine;
mod operations;
mod pictures;
mod steps;
mod subject;

pub use examination::{Examination, Health, examine};
pub use finding::Finding;
pub use machine::Fact;

/// What can stop an examination.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// The reference computation itself failed, so that there is nothing to compare with.
    #[error("the processor's own reference computation failed, so nothing can be compared: {0}")]
    Tensor(#[from] candle_core::Error),
    /// The made-up training step cannot be made.
    #[error("the training steps to compare cannot be made: {0}")]
    Training(#[from] crate::training::TrainError),
    /// The networks of the bundled model cannot be made ready.
    #[error("the bundled model cannot be made ready: {0}")]
    Render(#[from] crate::inference::RenderError),
    /// The bundled model cannot be read.
    #[error("the bundled model cannot be read: {0}")]
    Model(#[from] crate::checkpoint::CheckpointError),
    /// The bundled model cannot be put into a file.
    #[error(transparent)]
    File(#[from] crate::base::FileError),
}
