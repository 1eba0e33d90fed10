use crate::app::document::evaluate::EvaluateSettings;
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
    /// Makes the tables of factors and dimensions.
    MakeTables,
    /// Ends the making of a page.
    CancelPage,
    /// Shows a page.
    Show(Page),
    /// Measures how far factors move each other, and what the nuisance adds.
    Independence,
}
