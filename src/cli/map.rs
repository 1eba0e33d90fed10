//! `idgan map`: the codes of pictures on a plane, coloured by a factor.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::base::{Cancel, Pool, check_writable};
use crate::data;
use crate::figures::export::{FigureTarget, Provenance};
use crate::metrics::{
    CodeMap, EncodedData, EncodedPictures, MAPPED_PICTURES, Plane, Watch, codes_hash, read_codes,
};

use super::eval::{Bars, cancelled_by_signals, in_words};
use super::figure::PrintArgs;
use super::workbench::{open_workbench, typed_command};
use super::{DeviceArgs, ModelArgs, OpeningArgs, threads, usage, warn};

/// Arguments of `idgan map`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "A dot for each picture where its code lies: the mean of q(c|x), in two dimensions or along the first two principal\n\
    components of the codes on the map. Factors of up to eight values have a colour for each, others a scale; labels have\n\
    colours and rings. OUT is a .png, .svg or .pdf, or the codes with their pictures' numbers and factors as .json.\n\n\
    Examples:\n  \
    idgan map sprites-64 --data dsprites --colour scale --out map.pdf --width 85mm --font-size 8\n  \
    idgan map runs/vae --dims 0,3 --colour 'position x' --out map.svg\n  \
    idgan map --codes codes.npz --samples 5000 --out map.json"
)]
pub struct Args {
    /// The pictures that are encoded; those that the model was trained on when left out.
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,

    /// The codes of any model instead of a model's own: an .npz with mu, and factors where they are known.
    #[arg(long, value_name = "FILE.npz", conflicts_with = "data")]
    codes: Option<PathBuf>,

    /// The two dimensions across and up, instead of principal components.
    #[arg(long, value_name = "A,B", value_parser = parse_dims)]
    dims: Option<[usize; 2]>,

    /// The first two principal components: what is drawn without --dims.
    #[arg(long, conflicts_with = "dims")]
    pca: bool,

    /// The factor that colours the dots; the first that varies when left out.
    #[arg(long, value_name = "FACTOR", visible_alias = "color")]
    colour: Option<String>,

    /// Pictures, instead of 2,000.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    samples: Option<u32>,

    /// Which pictures; equal seeds give equal maps.
    #[arg(long, value_name = "K", default_value_t = 0)]
    seed: u64,

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

/// Reads `0,3`.
fn parse_dims(text: &str) -> Result<[usize; 2], String> {
    let pair = text.split_once(',').and_then(|(a, b)| Some([a.trim().parse().ok()?, b.trim().parse().ok()?]));
    pair.ok_or_else(|| "expected two numbers of dimensions, for instance 0,3".to_owned())
}

/// Draws the map.
///
/// # Errors
/// When the model or the codes cannot be read, there is no such dimension or factor, or the output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let target = match args.out.extension() {
        Some(ending) if ending.eq_ignore_ascii_case("json") => None,
        _ => Some(target(args)?),
    };
    check_writable(&args.out)?;
    let cancel = cancelled_by_signals()?;
    let map = match &args.codes {
        Some(path) if !args.model.is_given() => of_file(args, path, &cancel)?,
        Some(_) => return Err(usage("these codes are drawn by themselves; leave the model or --codes out")),
        None => of_model(args, &cancel)?,
    };
    let factor = match &args.colour {
        Some(name) => Some(map.factor(name).map_err(in_words)?),
        None => map.factors.first(),
    };
    let Some(target) = target else { return Ok(map.write(&args.out)?) };
    let plane = args.dims.map_or(Plane::Components, Plane::Dims);
    let scatter = map.scatter(plane, factor).map_err(in_words)?;
    Ok(map.draw(&scatter, args.print.print(), &target)?)
}

fn target(args: &Args) -> anyhow::Result<FigureTarget> {
    FigureTarget::parse(&args.out, &CodeMap::KINDS).map_err(|_| {
        let path = args.out.display();
        usage(format!("--out takes a .png, a .svg, a .pdf, or a .json for the codes themselves; got {path}"))
    })
}

/// The map of codes that somebody saved.
fn of_file(args: &Args, path: &Path, cancel: &Cancel) -> anyhow::Result<CodeMap> {
    let mut codes = read_codes(path)?;
    let map = measure(args, &mut codes, (&path.display().to_string(), "c"), cancel)?;
    let checkpoint = codes_hash(path)?;
    let provenance = Provenance { command: typed_command(), checkpoint, ..Provenance::default() };
    Ok(CodeMap { provenance, ..map })
}

/// The map of a model's codes of pictures.
fn of_model(args: &Args, cancel: &Cancel) -> anyhow::Result<CodeMap> {
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
    let map = measure(args, &mut encoded_data, (&spec, &code), cancel)?;
    Ok(CodeMap { provenance, ..map })
}

fn measure(
    args: &Args,
    encoded_data: &mut dyn EncodedData,
    names: (&str, &str),
    cancel: &Cancel,
) -> anyhow::Result<CodeMap> {
    let count = args.samples.map_or(MAPPED_PICTURES, |samples| samples as usize);
    let mut bars = Bars::default();
    let mut follow = |step| bars.step(step);
    let mut watch = Watch::new(cancel, &mut follow);
    CodeMap::measure(encoded_data, names, count, args.seed, &mut watch).map_err(in_words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_dimensions_are_two_numbers() {
        assert_eq!(parse_dims("0,3"), Ok([0, 3]));
        for text in ["1", "1,2,3", "a,b", ",", "-1,2"] {
            assert!(parse_dims(text).is_err(), "{text}");
        }
    }
}
