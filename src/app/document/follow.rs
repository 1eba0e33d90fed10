//! What follows once something was written.

use crate::engine::ModelSource;

/// What is to be done with a model that a job has put into a file.
#[derive(Clone, Debug)]
pub(crate) enum Follow {
    /// Open it with everything as it is: it is the open model with more in it.
    Keep(ModelSource),
    Open(ModelSource),
    Beside(ModelSource),
}
