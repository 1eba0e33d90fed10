//! The table of codes by nuisance codes, as it is set up.

/// Where the columns of a matrix come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Columns {
    /// Codes of random pictures of the data, where those were measured; else the prior.
    #[default]
    Posterior,
    Prior,
    Bookmarks,
}

/// A matrix of codes and nuisance codes as a person sets it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MatrixSettings {
    pub(crate) from: Columns,
    /// How many codes c; bookmarks may be fewer.
    pub(crate) columns: usize,
    /// How many nuisance codes s.
    pub(crate) rows: usize,
    /// The random draw of the columns.
    pub(crate) seed: u64,
    /// The random draw of the rows.
    pub(crate) s_seed: u64,
}

/// The most rows and columns.
pub(crate) const MOST: usize = 24;

impl Default for MatrixSettings {
    fn default() -> Self {
        Self { from: Columns::default(), columns: 6, rows: 4, seed: 0, s_seed: 0 }
    }
}
