//! `idgan grid`: every code c with every nuisance s (Figure 8 of the paper).

use std::path::PathBuf;

use crate::base::{FileError, write_atomic};
use crate::explore::export::{Colour, NpzWriter, Provenance, Target, TargetKind, numbers, write_png};
use crate::explore::{CodeMatrix, Codes, Source};

use super::FigureArgs;
use super::workbench::{Workbench, picture};

/// Arguments of `idgan grid`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Column m shows code c(m), row n nuisance s(n); what a column shares comes from c, what a row \
    shares from s. The first row is the VAE's decoder, which knows no s. OUT is a figure (.png) or arrays (.npz): `gan` \
    (N, M, channels, H, W) and `vae` (M, channels, 64, 64) in [0, 1], and the codes.\n\n\
    Examples:\n  \
    idgan grid celeba.safetensors --codes-c 7 --codes-s 5 --out figure8.png\n  \
    idgan grid celeba.safetensors --codes-c 5 --codes-s 4 --seed 3 --s-seed 1 --from posterior --out figure8.png\n  \
    idgan grid --vae last --gan model.pt --codes codes.npz --codes-c 6 --codes-s 3 --out grid.npz"
)]
pub struct Args {
    /// Columns: how many codes c.
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u16).range(1..=1000))]
    codes_c: u16,

    /// Rows: how many nuisance codes s.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    codes_s: u16,

    /// The random draw of the codes c.
    #[arg(long, value_name = "K", default_value_t = 0)]
    seed: u64,

    /// The random draw of the nuisance codes s.
    #[arg(long, value_name = "K", default_value_t = 0)]
    s_seed: u64,

    /// Draw c from its prior, or from the aggregated posterior of the data (needs idgan stats).
    #[arg(long, value_name = "prior|posterior", default_value_t)]
    from: Source,

    /// Take c from the first M rows of an .npz (for instance from idgan encode), and s from its first N rows where it
    /// holds any.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "from"])]
    codes: Option<PathBuf>,

    #[command(flatten)]
    figure: FigureArgs,
}

/// Draws the matrix.
///
/// # Errors
/// When the model has no generator or no nuisance, or the output cannot be written; nothing is left behind then.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let target = args.figure.target(&[TargetKind::Png, TargetKind::Npz])?;
    let mut bench = args.figure.open()?;
    let matrix = codes(args, &bench)?;
    let values = |codes: &Codes, of_noise: bool| {
        let blocks = codes.blocks().filter(|(name, _)| (*name == matrix.varied) == of_noise);
        blocks
            .map(|(name, values)| (name.to_owned(), numbers(values.data())))
            .collect::<serde_json::Map<_, _>>()
    };
    let provenance = bench
        .provenance()
        .with("columns", values(&matrix.columns, false))
        .with("rows", values(&matrix.rows, true))
        .with("seed", args.seed)
        .with("s_seed", args.s_seed);
    match target.kind {
        TargetKind::Npz => write_arrays(&mut bench, &matrix, &target, &provenance),
        _ => write_figure(args, &mut bench, &matrix, &target, &provenance),
    }
}

/// The codes of the columns and those of the rows.
fn codes(args: &Args, bench: &Workbench) -> anyhow::Result<CodeMatrix> {
    let (m, n) = (usize::from(args.codes_c), usize::from(args.codes_s));
    let description = bench.description();
    let varied = CodeMatrix::varied(description)?;
    let Some(path) = &args.codes else {
        let posterior = bench.posterior_for(args.from)?;
        return Ok(CodeMatrix::draw(description, &varied, [m, n], [args.seed, args.s_seed], posterior));
    };
    let (read, drawn) = bench.read_codes(path, args.s_seed)?;
    let from_file = !drawn.contains(&varied.block.name);
    let needed = if from_file { m.max(n) } else { m };
    anyhow::ensure!(
        read.rows() >= needed,
        "these codes have {} rows, but {needed} are needed: {}",
        read.rows(),
        path.display()
    );
    let first = |count: usize| read.select(&(0..count).collect::<Vec<_>>());
    let mut matrix = CodeMatrix::of(description, &varied, first(m), n, args.s_seed);
    if from_file {
        matrix.rows = first(n);
    }
    Ok(matrix)
}

/// What one chain draws.
struct Part {
    chain: String,
    codes: Codes,
    /// Rows and columns, or columns alone.
    axes: Vec<usize>,
}

impl Part {
    fn of(&self) -> (&str, &Codes) {
        (&self.chain, &self.codes)
    }
}

fn parts(bench: &Workbench, matrix: &CodeMatrix) -> anyhow::Result<Vec<Part>> {
    let parts = matrix.parts()?.into_iter();
    Ok(parts.map(|(id, codes, axes)| Part { chain: bench.chain_name(id), codes, axes }).collect())
}

fn write_figure(
    args: &Args,
    bench: &mut Workbench,
    matrix: &CodeMatrix,
    target: &Target,
    provenance: &Provenance,
) -> anyhow::Result<()> {
    let main = bench.chain_name(matrix.chain);
    let cell = args.figure.cell(bench, &main)?;
    let code = bench.description().encoded().unwrap_or("c");
    let above = matrix.above.iter().map(|&chain| bench.tag(&bench.chain_name(chain))).collect();
    let figure = matrix.figure(cell, code, above);
    args.figure.check_size(figure.size()?)?;
    let mut canvas = figure.canvas()?;
    let (parts, columns) = (parts(bench, matrix)?, matrix.columns.rows());
    // each chain above takes one row
    bench.render(parts.iter().map(Part::of), |above, index, values, shape| {
        canvas.place(above + index / columns, index % columns, &picture(values, shape)?);
        Ok(())
    })?;
    Ok(write_png(&target.path, canvas.picture(), Colour::Rgb, provenance)?)
}

fn write_arrays(
    bench: &mut Workbench,
    matrix: &CodeMatrix,
    target: &Target,
    provenance: &Provenance,
) -> anyhow::Result<()> {
    let CodeMatrix { columns, rows, varied, .. } = matrix;
    let parts = parts(bench, matrix)?;
    write_atomic(&target.path, |writer| {
        let fail = |error| anyhow::Error::from(FileError::new(error, &target.path));
        let mut npz = NpzWriter::new(writer);
        bench.render(parts.iter().map(Part::of), |at, index, values, shape| {
            let Part { chain, axes, .. } = &parts[at];
            if index == 0 {
                npz.start(chain, &[&axes[..], &shape].concat()).map_err(fail)?;
            }
            npz.push(values).map_err(fail)
        })?;
        let of_rows = rows.blocks().filter(|(name, _)| name == varied);
        for (name, values) in columns.blocks().filter(|(name, _)| name != varied).chain(of_rows) {
            npz.floats(name, values.shape(), values.data()).map_err(fail)?;
        }
        npz.text("provenance", &provenance.document().to_string()).map_err(fail)?;
        npz.finish().map_err(fail)?;
        Ok::<(), anyhow::Error>(())
    })
}
