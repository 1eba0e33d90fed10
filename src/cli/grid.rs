//! `idgan grid`: every code c with every nuisance s (Figure 8 of the paper).

use std::path::PathBuf;

use anyhow::Context;

use crate::base::{FileError, write_atomic};
use crate::checkpoint::CodeKind;
use crate::explore::export::{
    Colour, NpzWriter, Provenance, Target, TargetKind, check_size, numbers, write_png,
};
use crate::explore::figure::{Band, Figure};
use crate::explore::{Codes, Source, matrix, render_rows};

use super::workbench::{Painter, Workbench, picture};
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
    bench.networks.generator.as_ref().context("this model has no generator; use idgan traverse")?;
    let (columns, rows, noise) = codes(args, &bench)?;
    let cells = matrix(&columns, &rows, &noise)?;
    let values = |codes: &Codes, of_noise: bool| {
        let blocks = codes.blocks().filter(|(name, _)| (*name == noise) == of_noise);
        blocks
            .map(|(name, values)| (name.to_owned(), numbers(values.data())))
            .collect::<serde_json::Map<_, _>>()
    };
    let provenance = bench
        .provenance()
        .with("columns", values(&columns, false))
        .with("rows", values(&rows, true))
        .with("seed", args.seed)
        .with("s_seed", args.s_seed);
    match target.kind {
        TargetKind::Npz => write_arrays(&mut bench, [&columns, &rows, &cells], &noise, &target, &provenance),
        _ => write_figure(args, &mut bench, [&columns, &rows, &cells], &noise, &target, &provenance),
    }
}

/// The codes of the columns, those of the rows, and the block that varies over the rows.
fn codes(args: &Args, bench: &Workbench) -> anyhow::Result<(Codes, Codes, String)> {
    let (m, n) = (usize::from(args.codes_c), usize::from(args.codes_s));
    let description = bench.description();
    let inputs = description.generator.as_ref().map_or(&[][..], |part| &part.inputs);
    let noise =
        description.codes.iter().find(|block| block.kind == CodeKind::Noise && inputs.contains(&block.name));
    let noise =
        noise.context("this model has no nuisance code, so there is nothing to vary; use idgan traverse")?;
    anyhow::ensure!(
        inputs.len() > 1,
        "the generator takes {} alone; open it with its VAE (--vae), or say how many of its inputs are c (--c-dim)",
        noise.name
    );
    let mut rows = Codes::neutral(description, n);
    bench.draw(&mut rows, noise, args.s_seed, Source::Prior)?;
    let mut columns = Codes::neutral(description, m);
    match &args.codes {
        Some(path) => {
            let (read, drawn) = bench.read_codes(path, args.s_seed)?;
            let from_file = !drawn.contains(&noise.name);
            let needed = if from_file { m.max(n) } else { m };
            anyhow::ensure!(
                read.rows() >= needed,
                "these codes have {} rows, but {needed} are needed: {}",
                read.rows(),
                path.display()
            );
            columns = read.select(&(0..m).collect::<Vec<_>>());
            if from_file {
                rows = read.select(&(0..n).collect::<Vec<_>>());
            }
        }
        None => {
            for block in description.codes.iter().filter(|block| block.name != noise.name) {
                bench.draw(&mut columns, block, args.seed, args.from)?;
            }
        }
    }
    Ok((columns, rows, noise.name.clone()))
}

fn write_figure(
    args: &Args,
    bench: &mut Workbench,
    [columns, rows, cells]: [&Codes; 3],
    noise: &str,
    target: &Target,
    provenance: &Provenance,
) -> anyhow::Result<()> {
    let [_, height, width] = bench.picture_shape(Painter::Gan)?;
    let cell = args.cell.map_or([width, height], |side| [usize::from(side); 2]);
    let with_vae = bench.networks.decoder.is_some();
    let code = bench.description().vae.as_ref().map_or("c", |part| &part.code);
    let mut bands =
        vec![Band { tags: (1..=rows.rows()).map(|n| format!("{noise}({n})")).collect(), ..Band::default() }];
    if with_vae {
        bands.insert(0, Band { tags: vec![Painter::Vae.tag().to_owned()], ..Band::default() });
    }
    bands[0].captions = (1..=columns.rows()).map(|m| format!("{code}({m})")).collect();
    let figure = Figure { cell, columns: columns.rows(), bands };
    if !args.force {
        check_size(figure.size()?)?;
    }
    let mut canvas = figure.canvas()?;
    let progress = Progress::new("pictures", cells.rows() + columns.rows());
    for &painter in painters(with_vae) {
        let (codes, first) = match painter {
            Painter::Vae => (columns, 0),
            Painter::Gan => (cells, usize::from(with_vae)),
        };
        let (input, shape) = (bench.input(painter, codes)?, bench.picture_shape(painter)?);
        render_rows(bench.renderer(painter)?, &input, |index, values| {
            progress.add(1);
            canvas.place(first + index / columns.rows(), index % columns.rows(), &picture(values, shape)?);
            Ok::<(), anyhow::Error>(())
        })?;
    }
    Ok(write_png(&target.path, canvas.picture(), Colour::Rgb, provenance)?)
}

fn painters(with_vae: bool) -> &'static [Painter] {
    if with_vae { &[Painter::Vae, Painter::Gan] } else { &[Painter::Gan] }
}

fn write_arrays(
    bench: &mut Workbench,
    [columns, rows, cells]: [&Codes; 3],
    noise: &str,
    target: &Target,
    provenance: &Provenance,
) -> anyhow::Result<()> {
    let progress = Progress::new("pictures", cells.rows() + columns.rows());
    let with_vae = bench.networks.decoder.is_some();
    write_atomic(&target.path, |writer| {
        let fail = |error| anyhow::Error::from(FileError::new(error, &target.path));
        let mut npz = NpzWriter::new(writer);
        for &painter in painters(with_vae) {
            let picture = bench.picture_shape(painter)?;
            let (codes, leading) = match painter {
                Painter::Vae => (columns, vec![columns.rows()]),
                Painter::Gan => (cells, vec![rows.rows(), columns.rows()]),
            };
            npz.start(painter.key(), &[&leading[..], &picture].concat()).map_err(fail)?;
            let input = bench.input(painter, codes)?;
            render_rows(bench.renderer(painter)?, &input, |_, values| {
                progress.add(1);
                npz.push(values).map_err(fail)
            })?;
        }
        let varied = rows.blocks().filter(|(name, _)| *name == noise);
        for (name, values) in columns.blocks().filter(|(name, _)| *name != noise).chain(varied) {
            npz.floats(name, values.shape(), values.data()).map_err(fail)?;
        }
        npz.text("provenance", &provenance.document().to_string()).map_err(fail)?;
        npz.finish().map_err(fail)?;
        Ok::<(), anyhow::Error>(())
    })
}
