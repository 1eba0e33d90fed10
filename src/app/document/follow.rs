//! What follows once something was written.

use crate::engine::Source;

/// What is to be done with a model that a job has put into a file.
#[derive(Clone, Debug)]
pub(crate) enum Follow {
    /// Open it with everything as it is: it is the open model with more in it.
    Keep(Source),
    Open(Source),
    Beside(Source),
}
