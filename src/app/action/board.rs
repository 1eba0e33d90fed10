use std::path::PathBuf;

use crate::app::document::board::BoardSettings;

/// Something done about the training board.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum BoardAction {
    /// Looks at it in another way.
    SetUp(BoardSettings),
    /// Draws a run over the others, or no longer does.
    Overlay(PathBuf, bool),
}
