use std::path::PathBuf;

use crate::base::FileError;
use crate::training::TrainError;

/// A sweep that makes no sense, or a cell that did not get to its end.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// Words of the file that contradict each other.
    #[error("{what}: {}", path.display())]
    File {
        /// What is wrong and what would be right.
        what: String,
        /// The sweep file.
        path: PathBuf,
    },
    /// A command that failed; it has said why.
    #[error("`{command}` ended with {status}{}: {}", log.as_ref().map_or("", |_| "; its words are in the log"),
            log.as_ref().unwrap_or(folder).display())]
    Command {
        /// The command.
        command: String,
        /// How it ended.
        status: String,
        /// The run folder.
        folder: PathBuf,
        /// Where its words are, unless they went to the terminal.
        log: Option<PathBuf>,
    },
    /// Somebody asked to stop.
    #[error("stopped; the same command goes on from here: {}", folder.display())]
    Stopped {
        /// The run folder.
        folder: PathBuf,
    },
    /// A file that cannot be read or written.
    #[error(transparent)]
    Files(#[from] FileError),
    /// A run folder that cannot be read.
    #[error(transparent)]
    Run(#[from] TrainError),
    /// A model that cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] crate::checkpoint::CheckpointError),
}
