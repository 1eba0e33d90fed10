//! Training from the window: a run on the engine's thread, and what of it is shown.

mod curves;
mod form;
mod run;
pub(crate) use curves::Curves;
pub(crate) use form::Form;
pub(crate) use run::{News, Run};
