//! Training from the window: a run on the engine's thread, and what of it is shown.

mod form;
mod run;
pub(crate) use form::{FOLDER, Form, LINES, Problem};
pub(crate) use run::{News, Run};
