use crate::app::document::table::Table;

/// What a panel shows, for which the document has to have pictures ready.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    /// The film strip.
    Strip,
    /// The heat maps of the selected factor.
    HeatMaps,
    /// A table of pictures, with cells of `side` physical pixels.
    Table { table: Table, side: usize },
    /// The map of codes.
    Map,
    /// A dot of it, whose picture is looked at.
    Dot(usize),
    /// The curves of the training board, in plots of so many physical pixels across.
    Curves { pixels: usize },
    /// The pictures, the first of which is `side` pixels wide, on a square of `screen` physical pixels.
    Pictures { side: usize, screen: f32 },
}
