use std::ops::Range;
use std::sync::Arc;

use crossbeam::channel::{Receiver, TryRecvError};

use super::paint::Surface;
use super::state::State;
use crate::engine::{Batch, Cell};
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
    key: Key,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// The codes of all cells, row by row.
    pub(crate) codes: Codes,
    /// All cells in one texture, row by row.
    pub(crate) surface: Surface,
    /// Side of a cell in the texture.
    side: usize,
    pub(crate) done: usize,
    /// Index of the first cell of each batch, and where its pictures arrive.
    parts: Vec<(usize, Receiver<Cell>)>,
}

/// What a grid depends on.
#[derive(Clone, PartialEq)]
struct Key {
    epoch: u64,
    chain: ChainId,
    table: Table,
    side: usize,
}

/// What is to be rendered for a table.
struct Plan {
    rows: usize,
    columns: usize,
    codes: Codes,
    parts: Vec<(ChainId, Range<usize>)>,
}

/// Sides of cells in the texture, in pixels; what is between is scaled on the GPU.
const SIDES: [usize; 4] = [32, 64, 128, 256];

/// The largest texture side in use.
const TEXTURE: usize = 8192;

impl Table {
    /// Rows and columns of pictures.
    pub(crate) fn size(&self) -> [usize; 2] {
        match self {
            Self::Traversal(traversal) => [traversal.dims.len(), traversal.steps],
            Self::Matrix(matrix) => [matrix.rows.rows() + matrix.above.len(), matrix.columns.rows()],
        }
    }

    fn plan(&self, chain: ChainId) -> Option<Plan> {
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
        Some(Plan { rows, columns, codes, parts })
    }

    /// Whether cells of the one may stand in for the other's until those arrive.
    fn is_alike(&self, other: &Self) -> bool {
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

    fn receive(&mut self) {
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

impl State {
    /// Keeps the grid up to date with what is set up. Called while it is visible; `wanted` is the side of a cell in
    /// physical pixels.
    pub(crate) fn update_grid(&mut self, table: Table, wanted: usize) {
        let Some(model) = &self.model else { return };
        // The chains of a matrix draw it, whichever is chosen for traversals.
        let chain = match &table {
            Table::Matrix(matrix) => Some(matrix.chain),
            Table::Traversal(_) => self.figure_chain(),
        };
        let shape = chain.and_then(|chain| Some((chain, model.opened.shape(chain)?)));
        let Some((chain, [_, height, _])) = shape else { return };
        let longest = table.size().into_iter().max().unwrap_or(1).max(1);
        let fits = |side: usize| side * longest <= TEXTURE;
        let side = SIDES.into_iter().find(|&side| side >= wanted).unwrap_or(SIDES[3]).min(height);
        let side =
            std::iter::successors(Some(side), |side| Some(side / 2)).find(|&side| fits(side)).unwrap_or(1);
        let key = Key { epoch: model.opened.epoch, chain, table, side };
        let is_moving = self.is_dragging || self.player.is_playing();
        if self.traverse.grid.as_ref().is_some_and(|grid| grid.key == key) || is_moving {
            return;
        }
        let Some(Plan { rows, columns, codes, parts }) = key.table.plan(chain) else { return };
        let mut pending = Vec::new();
        for (chain, cells) in parts {
            let first = cells.start;
            let part = codes.select(&cells.collect::<Vec<_>>());
            let inputs = part.input(model.description(), model.name_of(chain));
            let Ok(inputs) = inputs else { return };
            let inputs = (0..part.rows()).map(|row| inputs.row(row).into()).collect();
            let (batch, cells) = Batch::new("traverse", key.epoch, inputs, side);
            self.engine.batch(chain, batch);
            pending.push((first, cells));
        }
        // Cells stay until their successors arrive, as long as the table has the same shape.
        let old = self.traverse.grid.take().filter(|grid| {
            let Key { epoch, chain, table, side } = &grid.key;
            (*epoch, *chain, *side) == (key.epoch, key.chain, key.side)
                && [grid.rows, grid.columns] == [rows, columns]
                && table.is_alike(&key.table)
        });
        let surface = old.map_or_else(Surface::new, |grid| grid.surface);
        surface.resize([side * columns, side * rows]);
        self.traverse.grid = Some(Grid { key, rows, columns, codes, surface, side, done: 0, parts: pending });
    }

    /// Takes in cells that have arrived.
    pub(crate) fn receive_grid(&mut self) {
        if let Some(grid) = &mut self.traverse.grid {
            grid.receive();
        }
    }

    /// Takes the code of cell `index` of the grid; the rows above a matrix leave the nuisance as it is.
    pub(crate) fn adopt_cell(&mut self, index: usize) {
        let Some(grid) = &self.traverse.grid else { return };
        let keeps_nuisance = index < grid.above().len() * grid.columns;
        let codes = grid.codes.select(&[index]);
        self.adopt_with(&codes, 0, keeps_nuisance);
    }
}
