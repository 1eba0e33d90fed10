//! Which tool the right side of the window shows.

use crate::app::Tool;
use crate::app::document::Document;
use crate::app::document::tool::Tab;
use crate::app::document::traverse::Figure;

impl Document {
    /// The tool that is shown, or would be if the tools were.
    pub(crate) fn tool(&self) -> Tool {
        match (self.tab, self.traverse.figure) {
            (Tab::Inspect, _) => Tool::Inspect,
            (Tab::Traverse, Figure::Traversal) => Tool::Traverse,
            (Tab::Traverse, Figure::Matrix) => Tool::Matrix,
            (Tab::Traverse, Figure::Animation) => Tool::Animation,
            (Tab::Train, _) => Tool::Train,
            (Tab::Evaluate, _) => Tool::Evaluate,
            (Tab::Log, _) => Tool::Log,
        }
    }

    /// Takes `tool` for the one that is shown where the tools are.
    pub(crate) fn choose_tool(&mut self, tool: Tool) {
        let (tab, figure) = match tool {
            Tool::Inspect => (Tab::Inspect, None),
            Tool::Traverse => (Tab::Traverse, Some(Figure::Traversal)),
            Tool::Matrix => (Tab::Traverse, Some(Figure::Matrix)),
            Tool::Animation => (Tab::Traverse, Some(Figure::Animation)),
            Tool::Train => (Tab::Train, None),
            Tool::Evaluate => (Tab::Evaluate, None),
            Tool::Log => (Tab::Log, None),
        };
        self.tab = tab;
        self.traverse.figure = figure.unwrap_or(self.traverse.figure);
    }

    /// Shows `tool`.
    pub(crate) fn show_tool(&mut self, tool: Tool) {
        self.choose_tool(tool);
        self.settings.show_tabs = true;
    }
}
