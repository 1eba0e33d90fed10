use crate::app::document::evaluate::EvaluateSettings;
use crate::app::document::map::MapSettings;
use crate::app::document::pages::Page;

/// Something done about the metrics.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum EvaluateAction {
    /// Sets up what is measured, and on what.
    SetUp(EvaluateSettings),
    /// Measures what is set up.
    Start,
    /// Ends the measurement; what is finished stays.
    Cancel,
    /// Makes a page.
    Make(Page),
    /// Ends the making of a page.
    CancelPage,
    /// Shows a page.
    Show(Page),
    /// Sets up how the map is looked at.
    Map(MapSettings),
    /// Moves the codes to where they lie at a place of the map; with `is_scrub` by a key, of which more will follow.
    MoveOnMap { place: [f64; 2], is_scrub: bool },
    /// Sets the codes to what the encoder finds in the picture of a dot.
    StartFromDot(usize),
    /// Measures how far factors move each other, and what the nuisance adds.
    Independence,
}
