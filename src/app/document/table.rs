//! A table of pictures and the cells that have arrived.

use std::ops::Range;
use std::sync::Arc;

use crossbeam::channel::{Receiver, TryRecvError};

use crate::app::paint::Surface;
use crate::engine::Cell;
use crate::explore::{CodeMatrix, Codes, Traversal};
use crate::figures::drawing::fit;
use crate::model::ChainId;

/// A table of pictures that somebody has set up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Table {
    /// One row a factor, one column a value.
    Traversal(Traversal),
    /// One row a nuisance code, one column a code; above them the pictures of chains that take no nuisance.
    Matrix(CodeMatrix),
}

/// The pictures of one table, arriving one by one.
pub(crate) struct Grid {
    pub(crate) key: Key,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// The codes of all cells, row by row.
    pub(crate) codes: Codes,
    /// All cells in one texture, row by row.
    pub(crate) surface: Surface,
    /// Side of a cell in the texture.
    pub(crate) side: usize,
    pub(crate) done: usize,
    /// Index of the first cell of each batch, and where its pictures arrive.
    pub(crate) parts: Vec<(usize, Receiver<Cell>)>,
}

/// What a grid depends on.
#[derive(Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) model_id: u64,
    pub(crate) chain: ChainId,
    pub(crate) table: Table,
    pub(crate) side: usize,
}

/// What is to be rendered for a table.
pub(crate) struct TableRequest {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) codes: Codes,
    pub(crate) parts: Vec<(ChainId, Range<usize>)>,
}

impl Table {
    /// Rows and columns of pictures.
    pub(crate) fn size(&self) -> [usize; 2] {
        match self {
            Self::Traversal(traversal) => [traversal.dims.len(), traversal.steps],
            Self::Matrix(matrix) => [matrix.rows.rows() + matrix.above.len(), matrix.columns.rows()],
        }
    }

    pub(crate) fn plan(&self, chain: ChainId) -> Option<TableRequest> {
        let [rows, columns] = self.size();
        let (codes, parts) = match self {
            Self::Traversal(traversal) => (traversal.codes().ok()?, vec![(chain, 0..rows * columns)]),
            Self::Matrix(matrix) => {
                let cells = matrix.cells().ok()?;
                // The rows above repeat the codes of the first nuisance, of which they take the factors alone.
                let above = matrix.above.iter().flat_map(|_| 0..columns);
                let order: Vec<usize> = above.chain(0..cells.rows()).collect();
                let rows_above = matrix.above.iter().enumerate();
                let mut parts: Vec<_> =
                    rows_above.map(|(row, &chain)| (chain, row * columns..(row + 1) * columns)).collect();
                parts.push((chain, matrix.above.len() * columns..rows * columns));
                (cells.select(&order), parts)
            }
        };
        Some(TableRequest { rows, columns, codes, parts })
    }

    /// Whether cells of the one may stand in for the other's until those arrive.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Traversal(a), Self::Traversal(b)) => a.dims == b.dims,
            (Self::Matrix(_), Self::Matrix(_)) => true,
            _ => false,
        }
    }
}

impl Grid {
    /// What the grid shows.
    pub(crate) fn table(&self) -> &Table {
        &self.key.table
    }

    /// Whether pictures are on their way.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.parts.is_empty()
    }

    /// What draws the first rows, which know no nuisance.
    pub(crate) fn above(&self) -> &[ChainId] {
        match &self.key.table {
            Table::Matrix(matrix) => &matrix.above,
            Table::Traversal(_) => &[],
        }
    }

    pub(crate) fn receive(&mut self) {
        let (surface, side, columns) = (&self.surface, self.side, self.columns);
        let done = &mut self.done;
        self.parts.retain(|(first, cells)| {
            loop {
                match cells.try_recv() {
                    Ok(cell) => {
                        let index = first + cell.index;
                        let corner = [index % columns * side, index / columns * side];
                        let picture = fit(&cell.picture, [side, side]).into_owned();
                        surface.patch(Arc::new(picture), corner);
                        *done += 1;
                    }
                    Err(TryRecvError::Empty) => return true,
                    Err(TryRecvError::Disconnected) => return false,
                }
            }
        });
    }
}
