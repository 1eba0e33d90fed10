//! `idgan grid`: every code c with every nuisance s (Figure 8 of the paper).

use std::path::PathBuf;

use crate::base::{FileError, write_atomic};
use crate::explore::export::{
    Colour, NpzWriter, Provenance, Target, TargetKind, check_size, numbers, write_png,
};
use crate::explore::{CodeMatrix, Codes, Source, render_rows};

use super::workbench::{Workbench, picture};
use super::{DeviceArgs, ModelArgs, Progress, usage};

/// Arguments of `idgan grid`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Column m shows code c(m), row n nuisance s(n); what a column shares comes from c, what a row \
    shares from s. The first row is the VAE's decoder, which knows no s. An .npz gets `gan` (N, M, channels, H, W) \
    and `vae` (M, channels, 64, 64) in [0, 1], and the codes.\n\n\
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

    /// Side of a cell in pixels; the GAN's own resolution when left out.
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u16).range(1..=8192))]
    cell: Option<u16>,

    /// Draw pictures of more than 100 megapixels.
    #[arg(long)]
    force: bool,

    /// Where to: a .png or .npz file.
    #[arg(long, value_name = "OUT")]
    out: PathBuf,

    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    device: DeviceArgs,
}

/// Draws the matrix.
///
/// # Errors
/// When the model has no generator or no nuisance, or the output cannot be written; nothing is left behind then.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let target = Target::parse(&args.out, &[TargetKind::Png, TargetKind::Npz]).map_err(usage)?;
    args.model.sources()?;
    target.check()?;
    let mut bench = Workbench::open(&args.model, &args.device)?;
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

fn write_figure(
    args: &Args,
    bench: &mut Workbench,
    matrix: &CodeMatrix,
    target: &Target,
    provenance: &Provenance,
) -> anyhow::Result<()> {
    let [_, height, width] = bench.picture_shape(&bench.chain_name(matrix.chain))?;
    let cell = args.cell.map_or([width, height], |side| [usize::from(side); 2]);
    let code = bench.description().encoded().unwrap_or("c");
    let above = matrix.above.iter().map(|&chain| bench.tag(&bench.chain_name(chain))).collect();
    let figure = matrix.figure(cell, code, above);
    if !args.force {
        check_size(figure.size()?)?;
    }
    let mut canvas = figure.canvas()?;
    let (parts, columns) = (matrix.parts()?, matrix.columns.rows());
    let progress = Progress::new("pictures", parts.iter().map(|(_, codes, _)| codes.rows()).sum());
    let mut first = 0;
    for (chain, codes, _) in parts {
        let chain = bench.chain_name(chain);
        let (input, shape) = (bench.input(&chain, &codes)?, bench.picture_shape(&chain)?);
        render_rows(bench.renderer(&chain)?, &input, |index, values| {
            progress.add(1);
            canvas.place(first + index / columns, index % columns, &picture(values, shape)?);
            Ok::<(), anyhow::Error>(())
        })?;
        first += codes.rows() / columns;
    }
    Ok(write_png(&target.path, canvas.picture(), Colour::Rgb, provenance)?)
}

fn write_arrays(
    bench: &mut Workbench,
    matrix: &CodeMatrix,
    target: &Target,
    provenance: &Provenance,
) -> anyhow::Result<()> {
    let CodeMatrix { columns, rows, varied, .. } = matrix;
    let parts = matrix.parts()?;
    let progress = Progress::new("pictures", parts.iter().map(|(_, codes, _)| codes.rows()).sum());
    write_atomic(&target.path, |writer| {
        let fail = |error| anyhow::Error::from(FileError::new(error, &target.path));
        let mut npz = NpzWriter::new(writer);
        for (chain, codes, leading) in &parts {
            let chain = bench.chain_name(*chain);
            let picture = bench.picture_shape(&chain)?;
            npz.start(&chain, &[&leading[..], &picture].concat()).map_err(fail)?;
            let input = bench.input(&chain, codes)?;
            render_rows(bench.renderer(&chain)?, &input, |_, values| {
                progress.add(1);
                npz.push(values).map_err(fail)
            })?;
        }
        let of_rows = rows.blocks().filter(|(name, _)| name == varied);
        for (name, values) in columns.blocks().filter(|(name, _)| name != varied).chain(of_rows) {
            npz.floats(name, values.shape(), values.data()).map_err(fail)?;
        }
        npz.text("provenance", &provenance.document().to_string()).map_err(fail)?;
        npz.finish().map_err(fail)?;
        Ok::<(), anyhow::Error>(())
    })
}
