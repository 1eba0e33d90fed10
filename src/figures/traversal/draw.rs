//! How a traversal is drawn: a figure, an animation, arrays, cells.

use crate::explore::Mode;

use super::super::arrays::{Part, write_arrays};
use super::super::drawing::{Band, PictureTable, captions};
use super::super::export::{
    Animation, Colour, FigureTarget, Provenance, TargetKind, numbers, write_animation, write_png,
};
use super::super::workbench::picture;
use super::super::{DrawOptions, FigureError, Workbench};
use super::TraversalRequest;
use super::decide::Decided;

impl TraversalRequest {
    pub(in crate::figures) fn draw(
        &self,
        bench: &mut Workbench,
        target: &FigureTarget,
        options: &mut DrawOptions<'_>,
    ) -> Result<(), FigureError> {
        let decided = Decided::new(self, bench, options)?;
        let provenance = decided.provenance(bench, options);
        match target.kind {
            TargetKind::Png | TargetKind::Svg | TargetKind::Pdf => {
                decided.write_figure(bench, target, &provenance, options)
            }
            TargetKind::Gif | TargetKind::Apng | TargetKind::Mp4 => {
                decided.write_animation(bench, target, &provenance, options)
            }
            TargetKind::Npz => decided.write_arrays(bench, target, &provenance, options),
            TargetKind::Folder => decided.write_cells(bench, target, &provenance, options),
        }
    }
}

impl Decided<'_> {
    /// Side of a cell: what was asked for, else the main chain's resolution.
    fn cell(&self, bench: &mut Workbench) -> Result<[usize; 2], FigureError> {
        self.request.cells.size(bench, &self.chains[self.chains.len() - 1])
    }

    /// Draws all cells; `each` gets the number of the chain, row and step, values and their shape.
    fn draw(
        &self,
        bench: &mut Workbench,
        options: &mut DrawOptions<'_>,
        mut each: impl FnMut(usize, [usize; 2], &[f32], [usize; 3]) -> Result<(), FigureError>,
    ) -> Result<(), FigureError> {
        let parts = self.chains.iter().map(|chain| (chain.as_str(), &self.codes));
        bench.render(parts, options, |at, index, values, shape| {
            each(at, [index / self.steps(), index % self.steps()], values, shape)
        })
    }

    pub(super) fn write_figure(
        &self,
        bench: &mut Workbench,
        target: &FigureTarget,
        provenance: &Provenance,
        options: &mut DrawOptions<'_>,
    ) -> Result<(), FigureError> {
        let table = self.request.cells.print.lettered(self.table(self.cell(bench)?, bench))?;
        self.request.cells.check(table.size()?)?;
        let mut canvas = table.canvas()?;
        self.draw(bench, options, |at, [row, step], values, shape| {
            canvas.place(row * self.chains.len() + at, step, &picture(values, shape)?);
            Ok(())
        })?;
        self.request.cells.print.write(&canvas, target, provenance)
    }

    /// One band a dimension; the values above the first one, or above each where they differ.
    fn table(&self, cell: [usize; 2], bench: &Workbench) -> PictureTable {
        let same = self.traversal.ranges.windows(2).all(|pair| pair[0] == pair[1]);
        let posterior = bench.posterior().filter(|(code, _)| *code == self.traversal.block);
        let band = |row: usize| {
            let dim = self.traversal.dims[row];
            let mut notes = Vec::new();
            if !self.names[row].is_empty() {
                notes.push(format!("{}{dim}", self.traversal.block));
            }
            if let Some((_, posterior)) = posterior {
                notes.push(format!("KL {:.2} nats", posterior.kl(dim)));
                if !posterior.is_active(dim) {
                    notes.push(bench.description().inactive().to_owned());
                }
            }
            Band {
                title: self.title(row),
                notes,
                captions: if row == 0 || !same { self.captions(row) } else { Vec::new() },
                tags: self.tags(bench),
            }
        };
        PictureTable { cell, columns: self.steps(), bands: (0..self.rows()).map(band).collect(), line: None }
    }

    /// The values of a row, one a column; offsets carry their sign.
    fn captions(&self, row: usize) -> Vec<String> {
        let values = self.traversal.values(row);
        let sign = |(caption, &value): (String, &f32)| match self.traversal.mode {
            Mode::Offset if value > 0.0 => format!("+{caption}"),
            _ => caption,
        };
        captions(&values).into_iter().zip(&values).map(sign).collect()
    }

    /// The chains' names where there is more than one.
    fn tags(&self, bench: &Workbench) -> Vec<String> {
        match self.chains.as_slice() {
            [_] => vec![String::new()],
            chains => chains.iter().map(|chain| bench.tag(chain)).collect(),
        }
    }

    pub(super) fn write_animation(
        &self,
        bench: &mut Workbench,
        target: &FigureTarget,
        provenance: &Provenance,
        options: &mut DrawOptions<'_>,
    ) -> Result<(), FigureError> {
        // One column a dimension, in as many bands as make the frame about square.
        let columns = ((self.rows() * self.chains.len()) as f64).sqrt().ceil() as usize;
        let columns = columns.clamp(1, self.rows().max(1));
        let (cell, tags) = (self.cell(bench)?, self.tags(bench));
        let bands = (0..self.rows()).step_by(columns).map(|first| Band {
            captions: (first..(first + columns).min(self.rows())).map(|row| self.title(row)).collect(),
            tags: tags.clone(),
            ..Band::default()
        });
        let table = PictureTable { cell, columns, bands: bands.collect(), line: None };
        let [width, height] = table.size()?;
        self.request.cells.check([width, height * self.steps()])?;
        let mut frames = (0..self.steps()).map(|_| table.canvas()).collect::<Result<Vec<_>, _>>()?;
        self.draw(bench, options, |at, [row, step], values, shape| {
            let (band, column) = (row / columns, row % columns);
            frames[step].place(band * self.chains.len() + at, column, &picture(values, shape)?);
            Ok(())
        })?;
        let frames: Vec<_> = frames.into_iter().map(|canvas| canvas.into_picture()).collect();
        let animation = Animation { frame_ms: self.request.frame_ms, back_and_forth: true };
        Ok(write_animation(target, &frames, animation, provenance, options.cancel)?)
    }

    pub(super) fn write_arrays(
        &self,
        bench: &mut Workbench,
        target: &FigureTarget,
        provenance: &Provenance,
        options: &mut DrawOptions<'_>,
    ) -> Result<(), FigureError> {
        let leading = [self.rows(), self.steps()];
        let parts: Vec<_> =
            self.chains.iter().map(|chain| Part { chain, codes: &self.codes, axes: &leading }).collect();
        write_arrays(bench, &parts, target, provenance, options, |npz| {
            for (name, values) in self.codes.blocks() {
                npz.floats(name, &[&leading[..], &[values.row_len()]].concat(), values.data())?;
            }
            let dims: Vec<i64> = self.traversal.dims.iter().map(|&dim| dim as i64).collect();
            npz.integers("dims", &[dims.len()], &dims)?;
            let values: Vec<f32> = (0..self.rows()).flat_map(|row| self.traversal.values(row)).collect();
            npz.floats("values", &leading, &values)
        })
    }

    pub(super) fn write_cells(
        &self,
        bench: &mut Workbench,
        target: &FigureTarget,
        provenance: &Provenance,
        options: &mut DrawOptions<'_>,
    ) -> Result<(), FigureError> {
        let block = &self.traversal.block;
        target.write_folder(|folder| {
            self.draw(bench, options, |at, [row, step], values, shape| {
                let (chain, dim) = (&self.chains[at], self.traversal.dims[row]);
                let name = format!("{row:02}_{block}{dim:02}_{step:03}_{chain}.png");
                let colour = if shape[0] == 1 { Colour::Grey } else { Colour::Rgb };
                let cell = provenance
                    .clone()
                    .with("network", chain.as_str())
                    .with("dim", dim)
                    .with("value", numbers(&self.traversal.values(row)[step..=step])[0].clone())
                    .with(block, numbers(self.codes.row(block, row * self.steps() + step)?));
                write_png(&folder.join(name), &picture(values, shape)?, colour, &cell)?;
                Ok(())
            })
        })
    }
}
