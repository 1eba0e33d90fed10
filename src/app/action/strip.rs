use crate::app::document::strip::StripKind;

/// Something done to the film strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StripAction {
    /// Shows these pictures in it.
    Show(StripKind),
    /// Takes what the thumbnail with this index stands for.
    Adopt(usize),
    /// Forgets the bookmark with this index.
    Remove(usize),
}
