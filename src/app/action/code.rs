use crate::app::document::selection::Dimension;

/// Something done to the codes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CodeAction {
    /// Makes a dimension the one that keys, wheel and pictures move.
    Select(Dimension),
    /// Selects the next dimension in the order of the sliders, or the one before.
    SelectNext { backwards: bool },
    /// Sets one value. A wheel or key does it in several steps (`is_scrub`), which are undone as one.
    Set { dimension: Dimension, value: f32, is_scrub: bool },
    /// Moves the selected dimension by a fraction of its range; `is_scrub` as above.
    Nudge { fraction: f32, is_scrub: bool },
    /// Gives a dimension a name; an empty one takes it away.
    Rename(Dimension, String),
    /// Keeps the value of a dimension whatever is drawn or taken from elsewhere, or no longer does.
    Lock(Dimension, bool),
    /// Takes what was pasted: codes, or the path of a model.
    Paste(String),
}

/// Something done to the nuisance code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum NuisanceAction {
    /// Keeps it whatever is drawn or taken from elsewhere, or no longer does.
    Lock(bool),
    /// Draws it from a seed.
    Seed(u64),
    /// Sets it between those of two seeds: `at` 0 is the first, 1 the second.
    Blend { from: u64, to: u64, at: f32 },
}
