//! Figures: tables of pictures with labels, fit to print.

mod layout;
mod scale;
mod text;

pub use layout::{Band, Canvas, Figure};
pub use text::captions;
