//! `idgan sample`: pictures of given or random codes.

use std::path::PathBuf;

use crate::base::{FileError, write_atomic};
use crate::explore::export::{Colour, NpzWriter, Provenance, Target, TargetKind, numbers, write_png};
use crate::explore::{Codes, Source, render_rows};

use super::workbench::{ChainChoice, Workbench, picture};
use super::{DeviceArgs, ModelArgs, Progress, usage};

/// Arguments of `idgan sample`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "An .npz gets `gan` (N, channels, H, W) and `vae` (N, channels, 64, 64), 32-bit floats in \
    [0, 1], and the codes `c` (N, c_dim) and `s` (N, s_dim); a folder gets one PNG a picture and network. Row i of \
    seed K is the same whatever the count.\n\n\
    Examples:\n  \
    idgan sample celeba.safetensors --count 16 --seed 1 --out pictures\n  \
    idgan sample celeba.safetensors --count 50000 --from posterior --decoder gan --out fakes.npz\n  \
    idgan sample --vae last --gan model.pt --codes codes.npz --out pictures.npz"
)]
pub struct Args {
    /// Codes to draw: an .npz with `c` (N, c_dim) and, if you like, `s` (N, s_dim); a missing `s` is drawn from
    /// --seed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["count", "from"])]
    codes: Option<PathBuf>,

    /// Draw this many random codes.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: Option<u32>,

    /// The random draw.
    #[arg(long, value_name = "K", default_value_t = 0)]
    seed: u64,

    /// Draw c from its prior, or from the aggregated posterior of the data (needs idgan stats).
    #[arg(long, value_name = "prior|posterior", default_value_t)]
    from: Source,

    /// Which networks draw; all there are when left out.
    #[arg(long, value_name = "gan|vae|both")]
    decoder: Option<ChainChoice>,

    /// Where to: a .npz file, or a new folder for PNGs.
    #[arg(long, value_name = "OUT")]
    out: PathBuf,

    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    device: DeviceArgs,
}

/// Draws pictures of given or random codes.
///
/// # Errors
/// When the model or the codes cannot be read or the output cannot be written; nothing is left behind then.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let target = Target::parse(&args.out, &[TargetKind::Npz, TargetKind::Folder]).map_err(usage)?;
    if args.codes.is_none() && args.count.is_none() {
        return Err(usage("nothing to draw; give --codes FILE, or --count N"));
    }
    args.model.require()?;
    target.check()?;
    let mut bench = Workbench::open(&args.model, &args.device)?;
    let chains = bench.chains(args.decoder.as_ref())?;
    let codes = codes(args, &bench)?;
    let mut provenance = bench.provenance().with("seed", args.seed);
    if args.codes.is_none() {
        provenance = provenance.with("from", args.from.to_string());
    }
    match target.kind {
        TargetKind::Npz => write_npz(&mut bench, &chains, &codes, &provenance, &target),
        _ => write_folder(&mut bench, &chains, &codes, &provenance, &target),
    }
}

fn codes(args: &Args, bench: &Workbench) -> anyhow::Result<Codes> {
    if let Some(path) = &args.codes {
        return Ok(bench.read_codes(path, args.seed)?.0);
    }
    let mut codes = Codes::neutral(bench.description(), args.count.unwrap_or(1) as usize);
    for block in &bench.description().codes {
        bench.draw(&mut codes, block, args.seed, args.from)?;
    }
    Ok(codes)
}

fn write_npz(
    bench: &mut Workbench,
    chains: &[String],
    codes: &Codes,
    provenance: &Provenance,
    target: &Target,
) -> anyhow::Result<()> {
    let progress = Progress::new("pictures", codes.rows() * chains.len());
    write_atomic(&target.path, |writer| {
        let fail = |error| anyhow::Error::from(FileError::new(error, &target.path));
        let mut npz = NpzWriter::new(writer);
        for chain in chains {
            let [channels, height, width] = bench.picture_shape(chain)?;
            npz.start(chain, &[codes.rows(), channels, height, width]).map_err(fail)?;
            let input = bench.input(chain, codes)?;
            render_rows(bench.renderer(chain)?, &input, |_, values| {
                progress.add(1);
                npz.push(values).map_err(fail)
            })?;
        }
        for (name, values) in codes.blocks() {
            npz.floats(name, values.shape(), values.data()).map_err(fail)?;
        }
        npz.text("provenance", &provenance.document().to_string()).map_err(fail)?;
        npz.finish().map_err(fail)?;
        Ok(())
    })
}

fn write_folder(
    bench: &mut Workbench,
    chains: &[String],
    codes: &Codes,
    provenance: &Provenance,
    target: &Target,
) -> anyhow::Result<()> {
    let progress = Progress::new("pictures", codes.rows() * chains.len());
    let digits = codes.rows().saturating_sub(1).to_string().len().max(5);
    target.write_folder(|folder| {
        for chain in chains {
            let shape = bench.picture_shape(chain)?;
            let input = bench.input(chain, codes)?;
            render_rows(bench.renderer(chain)?, &input, |row, values| {
                let mut provenance = provenance.clone().with("row", row).with("network", chain.as_str());
                for (name, _) in codes.blocks() {
                    provenance = provenance.with(name, numbers(codes.row(name, row)?));
                }
                let path = folder.join(format!("{row:0digits$}_{chain}.png"));
                let colour = if shape[0] == 1 { Colour::Grey } else { Colour::Rgb };
                write_png(&path, &picture(values, shape)?, colour, &provenance)?;
                progress.add(1);
                Ok::<(), anyhow::Error>(())
            })?;
        }
        Ok(())
    })
}
