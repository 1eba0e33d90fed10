use crate::app::document::Document;
use crate::app::document::table::{Grid, Key, Table, TableRequest};
use crate::app::paint::Surface;
use crate::engine::Batch;

/// Sides of cells in the texture, in pixels; what is between is scaled on the GPU.
const SIDES: [usize; 4] = [32, 64, 128, 256];

/// The largest texture side in use.
const TEXTURE: usize = 8192;

impl Document {
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
        let key = Key { model_id: model.opened.model_id, chain, table, side };
        let is_moving = self.is_dragging || self.player.is_playing();
        if self.traverse.grid.as_ref().is_some_and(|grid| grid.key == key) || is_moving {
            return;
        }
        let Some(TableRequest { rows, columns, codes, parts }) = key.table.plan(chain) else { return };
        let mut pending = Vec::new();
        for (chain, cells) in parts {
            let first = cells.start;
            let part = codes.select(&cells.collect::<Vec<_>>());
            let inputs = part.input(model.description(), model.name_of(chain));
            let Ok(inputs) = inputs else { return };
            let inputs = (0..part.rows()).map(|row| inputs.row(row).into()).collect();
            let (batch, cells) = Batch::new("traverse", key.model_id, inputs, side);
            self.engine.batch(chain, batch);
            pending.push((first, cells));
        }
        // Cells stay until their successors arrive, as long as the table has the same shape.
        let old = self.traverse.grid.take().filter(|grid| {
            let Key { model_id, chain, table, side } = &grid.key;
            (*model_id, *chain, *side) == (key.model_id, key.chain, key.side)
                && [grid.rows, grid.columns] == [rows, columns]
                && table.is_alike(&key.table)
        });
        let surface = old.map_or_else(Surface::new, |grid| grid.surface);
        surface.resize([side * columns, side * rows]);
        self.traverse.grid = Some(Grid { key, rows, columns, codes, surface, side, done: 0, parts: pending });
        self.ctx().request_repaint();
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
