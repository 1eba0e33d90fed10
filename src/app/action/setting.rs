/// Something done to what the window remembers, whatever the model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum SettingAction {
    /// Orders sliders by information, or by index.
    SortByInformation(bool),
    /// Shows the sliders of collapsed dimensions.
    ShowCollapsed(bool),
    /// Shows the sliders.
    ShowFactors(bool),
    /// Shows the tools.
    ShowTabs(bool),
    /// Shows the film strip.
    ShowStrip(bool),
    /// Makes the panels beside the pictures so wide, in points: factors, tools.
    Sides([f32; 2]),
    /// Makes the film strip so high, in points.
    StripHeight(f32),
    /// Does not show the hint of the first start again.
    HintSeen,
}
