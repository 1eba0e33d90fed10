//! How figures look: tables of pictures with labels, and charts, fit to print.

mod axis;
mod chart;
mod colours;
mod curves;
mod heat_maps;
mod layout;
mod page;
mod scale;
mod scatter;
mod text;

pub use axis::Axis;
pub use chart::{Chart, Series};
pub use colours::{ColourScale, ink_on};
pub use curves::{CurvePlot, CurvePlots};
pub use heat_maps::{Bars, HeatMap, HeatMaps};
pub use layout::{Band, Canvas, PictureTable};
pub use page::{Page, Shape};
pub use scale::fit;
pub use scatter::{Colouring, Scatter};
pub(in crate::figures) use text::Typeface;
pub use text::{Align, Text, captions};
