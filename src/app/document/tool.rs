//! Which tool the right side of the window shows.

/// A tab on the right, which may have several tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tab {
    #[default]
    Inspect,
    Traverse,
    Train,
    Evaluate,
    Log,
}

impl Tab {
    /// All, from left to right.
    pub(crate) const ALL: [Self; 5] = [Self::Inspect, Self::Traverse, Self::Train, Self::Evaluate, Self::Log];
}
