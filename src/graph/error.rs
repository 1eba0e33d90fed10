/// What is wrong with a graph, or with the weights that it is given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// An operation that cannot be.
    #[error("operation {number} of the network ({operation}) {what}")]
    Operation {
        /// Its place, counted from 0.
        number: usize,
        /// What it is, with the name of its parameters.
        operation: String,
        /// What does not fit, from a verb on.
        what: String,
    },
    /// A result that no operation gives.
    #[error("the network gives the result of operation {number}, but has only {operations}")]
    Output {
        /// The place of the operation.
        number: usize,
        /// How many there are.
        operations: usize,
    },
    /// Nothing to compute.
    #[error("the network gives no result")]
    NoOutput,
    /// Two layers whose parameters have the same name and other sizes.
    #[error("two layers of the network call a parameter {0}, with different sizes")]
    SameName(String),
    /// Weights that do not fit.
    #[error("{0}")]
    Weights(String),
}
