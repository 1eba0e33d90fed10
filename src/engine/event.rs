use std::sync::Arc;

use super::{OpenError, Opened, Profile, Sensitivity};
use crate::model::ChainId;

/// Small news from the engine's threads, in the order in which they happened.
///
/// Those about the model's state are never lost: of each kind the newest waits until it is read.
#[derive(Clone, Debug)]
pub enum Event {
    /// A model is being read; the old one stays in use.
    Loading {
        /// The model's id-to-be.
        model_id: u64,
        /// Name of the file.
        name: String,
    },
    /// The model is ready; requests may now carry its id.
    Opened(Arc<Opened>),
    /// What the data says about the model's code has been worked out.
    Profiled(Arc<Profile>),
    /// Without statistics: how much each dimension moves the picture.
    Sensed(Arc<Sensitivity>),
    /// Nothing more will be told about what the data says: whatever is known of the model has been.
    Described {
        /// The model's id.
        model_id: u64,
    },
    /// The model could not be opened; the old one stays in use.
    OpenFailed {
        /// The id it would have had.
        model_id: u64,
        /// What was wrong and what to do.
        error: OpenError,
    },
    /// The networks of a render chain were rebuilt after an error; pictures should be asked for again.
    Restarted(ChainId),
    /// Something a person should know.
    Warning {
        /// What it is about.
        part: Part,
        /// What there is to know.
        message: String,
    },
    /// Something failed; the rest goes on.
    Error {
        /// What failed.
        part: Part,
        /// What was wrong and what to do.
        message: String,
    },
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The model as a whole.
    Model,
    /// A render chain.
    Chain(ChainId),
    /// What reads codes from pictures.
    Encoder,
}
