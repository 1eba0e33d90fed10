//! Comparisons: many runs from one file, and the paper's tables and figures of their results.
//!
//! A [`Sweep`] is read from a TOML file and falls into [`Cell`]s, each of which is one run folder and a short list of
//! `idgan` commands that anybody could type. [`advance`] brings a cell on as far as it goes, in processes of its own.

mod cell;
mod elsewhere;
mod error;
mod figures;
mod paper;
mod progress;
mod results;
mod run;
mod sweep;
mod table;
mod variant;

pub use cell::{Cell, Measurement};
pub use elsewhere::{ELSEWHERE, Elsewhere, ElsewhereValue};
pub use error::SweepError;
pub use figures::{lambda_curve, trade_off};
pub use paper::{PaperTable, Row, TABLES};
pub use progress::{CellProgress, differences, progress};
pub use results::{Results, RunResult};
pub use run::{Processes, advance};
pub use sweep::{DataEntry, MethodEntry, Sweep};
pub use table::{Summary, Table, TableCell};
