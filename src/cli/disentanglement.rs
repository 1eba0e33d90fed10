//! `idgan disentanglement`: what each dimension of a code has to do with each factor.

use std::path::PathBuf;

use anyhow::Context;

use crate::base::{Cancel, Pool, check_writable};
use crate::data;
use crate::figures::export::{FigureTarget, Provenance};
use crate::metrics::{
    CODED_PICTURES, Disentanglement, DisentanglementOptions, EncodedData, EncodedPictures, FvmOptions, Watch,
    codes_hash, read_codes,
};

use super::eval::{Bars, cancelled_by_signals, in_words, parse_fvm};
use super::figure::PrintArgs;
use super::workbench::{open_workbench, typed_command};
use super::{DeviceArgs, ModelArgs, OpeningArgs, threads, usage, warn};

/// Arguments of `idgan disentanglement`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Heat maps of factors and dimensions with their numbers: mutual information and |correlation| of 10,000 pictures,\n\
    the votes of the FactorVAE metric, and how much boosted trees that tell a factor need a dimension (DCI); below them\n\
    each dimension's KL from the prior. They are the tables behind mig, correlation, fvm, dci_d, dci_c and kl of idgan\n\
    eval with the same seed. OUT is a .png, .svg or .pdf, or the tables themselves as .json.\n\n\
    Examples:\n  \
    idgan disentanglement sprites-64 --data dsprites --out tables.pdf --width 170mm --font-size 8\n  \
    idgan disentanglement --codes codes.npz --out tables.svg\n  \
    idgan disentanglement runs/vae --seed 1 --out tables.json"
)]
pub struct Args {
    /// The pictures that are looked at, with known factors; those that the model was trained on when left out.
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,

    /// The codes of any model instead of a model's own: an .npz with mu and factors, and logvar where it is known.
    #[arg(long, value_name = "FILE.npz", conflicts_with = "data")]
    codes: Option<PathBuf>,

    /// Pictures, instead of 10,000.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(4..=10_000_000))]
    samples: Option<u32>,

    /// Every random choice; equal seeds give equal tables.
    #[arg(long, value_name = "K", default_value_t = 0)]
    seed: u64,

    /// How votes are cast: as in the paper, or as by disentanglement_lib (see idgan eval).
    #[arg(long, value_name = "NAME", default_value = "paper", value_parser = parse_fvm)]
    fvm: FvmOptions,

    /// Bins of a dimension in which mutual information is counted.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..))]
    mig_bins: u16,

    /// Where to; its ending says what is written (see below).
    #[arg(long, value_name = "OUT")]
    out: PathBuf,

    #[command(flatten)]
    print: PrintArgs,

    #[command(flatten)]
    opening: OpeningArgs,

    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    device: DeviceArgs,
}

/// Draws the tables.
///
/// # Errors
/// When the model or the codes cannot be read, their factors are not known, or the output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let target = match args.out.extension() {
        Some(ending) if ending.eq_ignore_ascii_case("json") => None,
        _ => Some(target(args)?),
    };
    check_writable(&args.out)?;
    let cancel = cancelled_by_signals()?;
    let tables = match &args.codes {
        Some(path) if !args.model.is_given() => of_file(args, path, &cancel)?,
        Some(_) => return Err(usage("these codes are drawn by themselves; leave the model or --codes out")),
        None => of_model(args, &cancel)?,
    };
    match target {
        Some(target) => Ok(tables.draw(args.print.print(), &target)?),
        None => Ok(tables.write(&args.out)?),
    }
}

fn target(args: &Args) -> anyhow::Result<FigureTarget> {
    FigureTarget::parse(&args.out, &Disentanglement::KINDS).map_err(|_| {
        let path = args.out.display();
        usage(format!("--out takes a .png, a .svg, a .pdf, or a .json for the tables themselves; got {path}"))
    })
}

/// The tables of codes that somebody saved.
fn of_file(args: &Args, path: &std::path::Path, cancel: &Cancel) -> anyhow::Result<Disentanglement> {
    let mut codes = read_codes(path)?;
    let tables = measure(args, &mut codes, (&path.display().to_string(), "c"), cancel)?;
    let checkpoint = codes_hash(path)?;
    let provenance = Provenance { command: typed_command(), checkpoint, ..Provenance::default() };
    Ok(Disentanglement { provenance, ..tables })
}

/// The tables of a model's codes of pictures.
fn of_model(args: &Args, cancel: &Cancel) -> anyhow::Result<Disentanglement> {
    args.model.require()?;
    let mut bench = open_workbench(&args.model, &args.device)?;
    let provenance = bench.provenance(typed_command());
    let spec = args.data.clone().or_else(|| bench.description().data.clone()).ok_or_else(|| {
        usage("this model does not say what it was trained on; name pictures with --data SPEC")
    })?;
    bench.description().other_drawing(&spec).iter().for_each(warn);
    let options = args.opening.options_for(cancel, &spec, bench.description());
    let code = bench.description().encoded().unwrap_or("c").to_owned();
    let encoder = bench.encoder()?;
    let [_, size, _] = encoder.picture_shape();
    let data = data::open(&spec, Some(size), &options)?;
    let pool = Pool::new("read", threads()).context("cannot start threads")?;
    let mut encoded_data = EncodedPictures::new(data.as_ref(), encoder, &pool).map_err(in_words)?;
    let tables = measure(args, &mut encoded_data, (&spec, &code), cancel)?;
    Ok(Disentanglement { provenance, ..tables })
}

fn measure(
    args: &Args,
    encoded_data: &mut dyn EncodedData,
    names: (&str, &str),
    cancel: &Cancel,
) -> anyhow::Result<Disentanglement> {
    let options = DisentanglementOptions {
        samples: args.samples.map_or(CODED_PICTURES, |samples| samples as usize),
        seed: args.seed,
        fvm: args.fvm,
        bins: args.mig_bins.into(),
    };
    let pool = Pool::new("tables", threads()).context("cannot start threads")?;
    let mut bars = Bars::default();
    let mut follow = |step| bars.step(step);
    let mut watch = Watch::new(cancel, &mut follow);
    Disentanglement::measure(encoded_data, names, &options, &pool, &mut watch).map_err(in_words)
}
