//! What a person does to the window, as plain data. Panels read the [document](super::document) and push actions;
//! [`update`](super::update) carries them out, in the order in which they were pushed, once the panels are drawn.

mod board;
mod code;
mod evaluate;
mod figure;
mod model;
mod seen;
mod setting;
mod strip;
mod train;
mod view;

use crate::app::command::Command;

pub(crate) use board::BoardAction;
pub(crate) use code::{CodeAction, NuisanceAction};
pub(crate) use evaluate::EvaluateAction;
pub(crate) use figure::FigureAction;
pub(crate) use model::ModelAction;
pub(crate) use seen::Seen;
pub(crate) use setting::SettingAction;
pub(crate) use strip::StripAction;
pub(crate) use train::TrainAction;
pub(crate) use view::ViewAction;

/// One thing that a person did, or that a panel needs.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A command, by menu, key, palette or button.
    Run(Command),
    Model(ModelAction),
    Code(CodeAction),
    Nuisance(NuisanceAction),
    View(ViewAction),
    Figure(FigureAction),
    Strip(StripAction),
    Train(TrainAction),
    Board(BoardAction),
    Evaluate(EvaluateAction),
    Setting(SettingAction),
    /// Nobody did anything: a panel says what it shows.
    Seen(Seen),
}

/// What was done since the last time that somebody looked, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Actions(Vec<Action>);

impl Actions {
    /// Adds something that is to be done.
    pub(crate) fn push(&mut self, action: impl Into<Action>) {
        self.0.push(action.into());
    }

    /// Takes all of them away.
    pub(crate) fn take(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.0)
    }
}

/// An [`Action`] is made of each of these.
macro_rules! actions_of {
    ($($variant:ident: $part:ty),*) => {
        $(impl From<$part> for Action {
            fn from(part: $part) -> Self {
                Self::$variant(part)
            }
        })*
    };
}

actions_of! {
    Run: Command, Model: ModelAction, Code: CodeAction, Nuisance: NuisanceAction, View: ViewAction, Figure: FigureAction,
    Strip: StripAction, Train: TrainAction, Board: BoardAction, Evaluate: EvaluateAction, Setting: SettingAction, Seen: Seen
}
