use std::path::PathBuf;

use crate::explore::{CodeMatrix, CodeSource, Codes};

use super::arrays::{Part, write_arrays};
use super::drawing::{Band, PictureTable};
use super::export::{FigureTarget, Provenance, TargetKind, numbers};
use super::words::Words;
use super::workbench::picture;
use super::{Cells, DrawOptions, FigureError, Workbench};

/// Every code with every nuisance (Figure 8 of the paper): column m shows code c(m), row n nuisance s(n).
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixRequest {
    /// How many codes c, 1 to 1000.
    pub columns: u16,
    /// How many nuisance codes s, 1 to 1000.
    pub rows: u16,
    /// Where c comes from.
    pub codes: MatrixCodes,
    /// The random draw of the nuisance codes s.
    pub s_seed: u64,
    /// How large the pictures are.
    pub cells: Cells,
}

/// Where the codes of a matrix come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MatrixCodes {
    /// Drawn at random.
    Drawn {
        /// The random draw.
        seed: u64,
        /// From what.
        from: CodeSource,
    },
    /// The first rows of a file of codes; of s too, where it holds any.
    File(PathBuf),
}

impl MatrixRequest {
    pub(super) fn say(&self, words: &mut Words) {
        words.option("codes-c", self.columns);
        words.option("codes-s", self.rows);
        if let MatrixCodes::Drawn { seed, from } = self.codes {
            words.option("seed", seed);
            words.option("from", from);
        }
        words.option("s-seed", self.s_seed);
        self.cells.say(words);
        if let MatrixCodes::File(path) = &self.codes {
            words.path("codes", path);
        }
    }

    pub(super) fn draw(
        &self,
        bench: &mut Workbench,
        target: &FigureTarget,
        options: &mut DrawOptions<'_>,
    ) -> Result<(), FigureError> {
        let matrix = self.codes(bench)?;
        let provenance = self.provenance(&matrix, bench, options);
        match target.kind {
            TargetKind::Npz => write_matrix(bench, &matrix, target, &provenance, options),
            _ => self.write_figure(bench, &matrix, target, &provenance, options),
        }
    }

    fn provenance(&self, matrix: &CodeMatrix, bench: &Workbench, options: &DrawOptions<'_>) -> Provenance {
        let values = |codes: &Codes, of_noise: bool| {
            let blocks = codes.blocks().filter(|(name, _)| (*name == matrix.varied) == of_noise);
            blocks
                .map(|(name, values)| (name.to_owned(), numbers(values.data())))
                .collect::<serde_json::Map<_, _>>()
        };
        let seed = match self.codes {
            MatrixCodes::Drawn { seed, .. } => seed,
            MatrixCodes::File(_) => 0,
        };
        let provenance = bench.provenance(options.command.clone());
        provenance
            .with("columns", values(&matrix.columns, false))
            .with("rows", values(&matrix.rows, true))
            .with("seed", seed)
            .with("s_seed", self.s_seed)
    }

    /// The codes of the columns and those of the rows.
    fn codes(&self, bench: &Workbench) -> Result<CodeMatrix, FigureError> {
        let (m, n) = (usize::from(self.columns), usize::from(self.rows));
        let description = bench.description();
        let varied = CodeMatrix::varied(description)?;
        let path = match &self.codes {
            MatrixCodes::File(path) => path,
            MatrixCodes::Drawn { seed, from } => {
                let posterior = bench.posterior_for(*from)?;
                return Ok(CodeMatrix::draw(description, &varied, [m, n], [*seed, self.s_seed], posterior));
            }
        };
        let (read, random_blocks) = bench.read_codes(path, self.s_seed)?;
        let from_file = !random_blocks.contains(&varied.block.name);
        let needed = if from_file { m.max(n) } else { m };
        if read.rows() < needed {
            let (rows, path) = (read.rows(), path.display());
            return Err(FigureError::Lacking(format!(
                "these codes have {rows} rows, but {needed} are needed: {path}"
            )));
        }
        let first = |count: usize| read.select(&(0..count).collect::<Vec<_>>());
        let mut matrix = CodeMatrix::of(description, &varied, first(m), n, self.s_seed);
        if from_file {
            matrix.rows = first(n);
        }
        Ok(matrix)
    }

    fn write_figure(
        &self,
        bench: &mut Workbench,
        matrix: &CodeMatrix,
        target: &FigureTarget,
        provenance: &Provenance,
        options: &mut DrawOptions<'_>,
    ) -> Result<(), FigureError> {
        let cell = self.cells.size(bench, &bench.chain_name(matrix.chain))?;
        let table = self.cells.print.lettered(table(matrix, cell, bench))?;
        self.cells.check(table.size()?)?;
        let mut canvas = table.canvas()?;
        let (parts, columns) = (parts(bench, matrix)?, matrix.columns.rows());
        // each chain above takes one row
        let chains = parts.iter().map(|(chain, codes, _)| (chain.as_str(), codes));
        bench.render(chains, options, |above, index, values, shape| {
            canvas.place(above + index / columns, index % columns, &picture(values, shape)?);
            Ok(())
        })?;
        self.cells.print.write(&canvas, target, provenance)
    }
}

/// The labelled table: above the rows those of the chains that know no nuisance, with a tag each.
fn table(matrix: &CodeMatrix, cell: [usize; 2], bench: &Workbench) -> PictureTable {
    let (varied, columns) = (&matrix.varied, matrix.columns.rows());
    let tags = (1..=matrix.rows.rows()).map(|n| format!("{varied}({n})")).collect();
    let mut bands = vec![Band { tags, ..Band::default() }];
    if !matrix.above.is_empty() {
        let tags = matrix.above.iter().map(|&chain| bench.tag(&bench.chain_name(chain))).collect();
        bands.insert(0, Band { tags, ..Band::default() });
    }
    let code = bench.description().encoded().unwrap_or("c");
    bands[0].captions = (1..=columns).map(|m| format!("{code}({m})")).collect();
    PictureTable { cell, columns, bands, line: None }
}

/// Every part of the matrix by the name of its chain.
fn parts(bench: &Workbench, matrix: &CodeMatrix) -> Result<Vec<(String, Codes, Vec<usize>)>, FigureError> {
    let parts = matrix.parts()?.into_iter();
    Ok(parts.map(|(id, codes, axes)| (bench.chain_name(id), codes, axes)).collect())
}

fn write_matrix(
    bench: &mut Workbench,
    matrix: &CodeMatrix,
    target: &FigureTarget,
    provenance: &Provenance,
    options: &mut DrawOptions<'_>,
) -> Result<(), FigureError> {
    let CodeMatrix { columns, rows, varied, .. } = matrix;
    let parts = parts(bench, matrix)?;
    let parts: Vec<_> = parts.iter().map(|(chain, codes, axes)| Part { chain, codes, axes }).collect();
    write_arrays(bench, &parts, target, provenance, options, |npz| {
        let of_rows = rows.blocks().filter(|(name, _)| name == varied);
        let mut blocks = columns.blocks().filter(|(name, _)| name != varied).chain(of_rows);
        blocks.try_for_each(|(name, values)| npz.floats(name, values.shape(), values.data()))
    })
}
