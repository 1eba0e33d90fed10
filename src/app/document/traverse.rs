//! A figure as it is set up.

use crate::app::document::matrix::MatrixSettings;
use crate::app::document::ranges::Ranges;
use crate::app::document::table::Grid;
use crate::explore::{Mode, RangeSpec};

/// What the Traverse panel makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Figure {
    /// One row a factor, one column a value.
    #[default]
    Traversal,
    /// One row a nuisance code, one column a code.
    Matrix,
    /// One factor, or a path through bookmarks, in motion.
    Animation,
}

/// Where a traversal's values come from, as a person chooses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RangeKind {
    #[default]
    Fixed,
    Prior,
    Posterior,
    Data,
}

/// A traversal as a person sets it up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TraversalSettings {
    pub(crate) kind: RangeKind,
    /// Ends of the fixed range.
    pub(crate) ends: [f32; 2],
    /// Quantile of the prior's and posterior's ranges.
    pub(crate) quantile: f64,
    pub(crate) steps: usize,
    pub(crate) mode: Mode,
    pub(crate) with_collapsed: bool,
}

/// The figures as they are set up, and their pictures.
#[derive(Default)]
pub(crate) struct TraverseState {
    pub(crate) figure: Figure,
    pub(crate) traversal: TraversalSettings,
    pub(crate) matrix: MatrixSettings,
    /// Name of the chain that draws, where somebody chose one.
    pub(crate) chain: Option<String>,
    /// Width of a cell on the screen in points; `None` for as large as the table fits.
    pub(crate) cell: Option<f32>,
    pub(crate) ranges: Ranges,
    pub(crate) grid: Option<Grid>,
}

impl Default for TraversalSettings {
    fn default() -> Self {
        Self {
            kind: RangeKind::Fixed,
            ends: [-3.0, 3.0],
            quantile: 0.99,
            steps: 7,
            mode: Mode::Replace,
            with_collapsed: false,
        }
    }
}

impl TraversalSettings {
    pub(crate) fn range(&self) -> RangeSpec {
        match self.kind {
            RangeKind::Fixed => RangeSpec::Fixed(self.ends[0], self.ends[1]),
            RangeKind::Prior => RangeSpec::Prior(self.quantile),
            RangeKind::Posterior => RangeSpec::Posterior(self.quantile),
            RangeKind::Data => RangeSpec::Data,
        }
    }

    /// Sets up what [`TraversalSettings::range`] then gives.
    pub(crate) fn set_range(&mut self, range: RangeSpec) {
        match range {
            RangeSpec::Fixed(from, to) => (self.kind, self.ends) = (RangeKind::Fixed, [from, to]),
            RangeSpec::Prior(quantile) => (self.kind, self.quantile) = (RangeKind::Prior, quantile),
            RangeSpec::Posterior(quantile) => (self.kind, self.quantile) = (RangeKind::Posterior, quantile),
            RangeSpec::Data => self.kind = RangeKind::Data,
        }
    }
}

impl TraverseState {
    /// Whether pictures are on their way.
    pub(crate) fn is_waiting(&self) -> bool {
        self.ranges.is_waiting() || self.grid.as_ref().is_some_and(Grid::is_waiting)
    }
}
