//! How figures look: tables of pictures with labels, and charts, fit to print.

mod chart;
mod layout;
mod scale;
mod text;

pub use chart::{Axis, Chart, Series};
pub use layout::{Band, Canvas, PictureTable};
pub use scale::fit;
pub use text::captions;
