use egui::{Pos2, Vec2};

use crate::app::document::tool::Tab;

/// Something done to how the window shows things.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ViewAction {
    /// Moves the window on the pictures by fractions of them.
    Pan(Vec2),
    /// Zooms by `factor` (above 1: closer) so that the point at `anchor` (fractions of the picture) stays.
    Zoom { factor: f32, anchor: Pos2 },
    /// Puts the divider of the wipe there, in fractions of the picture.
    Wipe(f32),
    /// Brightens differences by this factor.
    Gain(f32),
    /// Compares the pictures of the chains of this name.
    ChainBeside(String),
    /// Shows a tab.
    Tab(Tab),
    /// Closes the message that lies over the pictures.
    CloseNotice,
}
