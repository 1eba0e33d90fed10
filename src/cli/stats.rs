//! `idgan stats`: what the encoder finds on the data, kept in the bundle.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::base::{Array, Cancel, Pool, Stream};
use crate::checkpoint::{BundledModel, Precision, write_bundle};
use crate::data::{self, OpenOptions};
use crate::explore::{Posterior, STATISTICS_PICTURES, statistics};
use crate::figures::Workbench;
use crate::figures::export::{FigureTarget, TargetKind};
use crate::inference::Encoder;
use crate::metrics::{self, CodeSample, EncodedPictures, Watch};
use crate::model::Model;

use super::normalisation::gather_anew;
use super::pictures_in::PicturesIn;
use super::workbench::{open_model, workbench_of};
use super::{DeviceArgs, ModelArgs, OpeningArgs, TerminalProgress, print, print_json, threads, usage, warn};

/// Pictures below which quantiles say little.
const FEW: usize = 500;

/// Arguments of `idgan stats`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Up to 4096 random pictures are encoded. With these statistics the explorer knows which \
    dimensions are active, orders them by KL, offers ranges where the data lies (--range posterior:0.99, data), and \
    draws from the aggregated posterior (--from posterior).\n\n\
    Examples:\n  \
    idgan stats celeba.safetensors --images img_align_celeba --crop 160\n  \
    idgan stats sprites.safetensors --data dsprites\n  \
    idgan stats --vae last --gan model.pt --images photos --out celeba.safetensors\n  \
    idgan stats 50000.pth --normalisation --out oogan.safetensors"
)]
pub struct Args {
    /// Pictures like those the model was trained on: a folder or an archive, or an .npz with `x` (N, channels, H, W) in
    /// [0, 1].
    #[arg(long, value_name = "DIR|x.npz")]
    images: Option<PathBuf>,

    /// The data set that the model was trained on, instead of --images: dsprites, scenes, celeba:PATH and so on
    /// (`idgan data --help`).
    #[arg(long, value_name = "SPEC", conflicts_with_all = ["images", "crop"])]
    data: Option<String>,

    /// Use only the middle square of this many pixels (aligned CelebA 160, 3D chairs 450).
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(1..))]
    crop: Option<u32>,

    /// Gather the statistics of the batch normalisation of what draws anew, on 6400 codes drawn from their distributions: for
    /// files whose weights are averages, as OOGAN's. Pictures are not needed for it.
    #[arg(long)]
    normalisation: bool,

    /// Which pictures are chosen, when there are more than 4096, and which codes are drawn.
    #[arg(long, value_name = "K", default_value_t = 0)]
    seed: u64,

    /// Write a bundle here instead of into the model's own; needed for PyTorch files.
    #[arg(long, value_name = "OUT.safetensors")]
    out: Option<PathBuf>,

    /// Print the table as JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    opening: OpeningArgs,

    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    device: DeviceArgs,
}

/// Measures statistics and writes them into a bundle.
///
/// # Errors
/// When the model has no encoder, more than one in a hundred pictures cannot be read, or the bundle cannot be
/// written; the old bundle is kept then.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let out = out_path(args)?;
    FigureTarget { path: out.clone(), kind: TargetKind::Npz }.check()?;
    let mut model = open_model(&args.model)?;
    if args.normalisation {
        let layers = gather_anew(&mut model, args.seed, &args.device)?;
        if args.data.is_none() && args.images.is_none() {
            write_bundle(&out, &model, precision(&model))?;
            return report_layers(args, &out, layers);
        }
    }
    let mut bench = workbench_of(model, &args.device)?;
    let (mu, logvar) = match (&args.data, &args.images) {
        (Some(spec), _) => {
            // Ctrl+C ends the program; nothing has been written yet.
            let cancel = Cancel::new();
            let options = args.opening.options_for(&cancel, spec, bench.description());
            bench.description().other_drawing(spec).iter().for_each(warn);
            encode_data(spec, args, &options, bench.encoder()?)?
        }
        (None, Some(images)) => encode_images(images, args, &mut bench)?,
        (None, None) => {
            return Err(usage(
                "name pictures with --images DIR, or a data set with --data SPEC; --normalisation alone does without",
            ));
        }
    };
    let rows = mu.shape().first().copied().unwrap_or(0);
    if rows < FEW {
        let before = bench.model.stats.as_ref().and_then(|stats| stats.mu.shape().first().copied());
        let before = before.map_or_else(String::new, |before| format!(", after {before} before"));
        warn(format!(
            "statistics of so few pictures ({rows}{before}) are rough: ranges reach less far than the data"
        ));
    }
    let stats = statistics(mu, logvar).context("there are no pictures to measure")?;
    let description = &bench.model.description;
    let code = description
        .encoded()
        .and_then(|code| description.block(code))
        .context("nothing reads codes from pictures")?;
    let posterior = Posterior::new(&stats, code).context("the encoder gives values that are not numbers")?;
    let mut model = bench.model;
    model.stats = Some(stats);
    write_bundle(&out, &model, precision(&model))?;
    report(args, &out, &posterior, model.description.inactive())
}

/// Posteriors of pictures of a data set.
fn encode_data(
    spec: &str,
    args: &Args,
    options: &OpenOptions,
    encoder: &mut dyn Encoder,
) -> anyhow::Result<(Array, Array)> {
    let [_, size, _] = encoder.picture_shape();
    let data = data::open(spec, Some(size), options)?;
    let pool = Pool::new("stats", threads()).context("cannot start threads")?;
    let mut encoded_data = EncodedPictures::new(data.as_ref(), encoder, &pool)?;
    let bar = TerminalProgress::new("pictures", data.len().min(STATISTICS_PICTURES));
    let mut done = 0;
    let mut follow = |step: metrics::MetricProgress| {
        bar.add(step.done - done);
        done = step.done;
    };
    let mut watch = Watch::new(&options.cancel, &mut follow);
    let sample = CodeSample::draw(&mut encoded_data, STATISTICS_PICTURES, args.seed, &mut watch)?;
    Ok((sample.mu, sample.logvar))
}

/// Posteriors of picture files or of an array.
fn encode_images(images: &Path, args: &Args, bench: &mut Workbench) -> anyhow::Result<(Array, Array)> {
    let form = bench.form(args.crop, args.opening.background().given())?;
    let pictures = PicturesIn::open(images)?;
    let indices = chosen(pictures.len(), args.seed);
    let encoded = pictures.encode(bench.encoder()?, &indices, &form)?;
    encoded.left_out.iter().for_each(warn);
    Ok((encoded.mu, encoded.logvar))
}

/// The bundle to write: `--out`, or the model itself where it is a bundle.
fn out_path(args: &Args) -> anyhow::Result<PathBuf> {
    args.model.require()?;
    if let Some(out) = &args.out {
        return Ok(out.clone());
    }
    let Some(bundle) = args.model.bundle() else {
        return Err(usage(
            "statistics are kept in a bundle, and PyTorch files are none; name one with --out",
        ));
    };
    if let Some(model) = BundledModel::at(bundle) {
        return Err(usage(format!(
            "{} comes with the program and stays as it is; name a bundle to write with --out FILE.safetensors",
            model.name
        )));
    }
    if bundle.is_dir() {
        return Err(usage(format!(
            "a run folder belongs to its training; name a bundle to write with --out: {}",
            bundle.display()
        )));
    }
    let is_bundle = bundle.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"));
    if bundle.exists() && !is_bundle {
        return Err(usage(format!(
            "statistics are kept in a bundle (.safetensors), and this is none; name one with --out: {}",
            bundle.display()
        )));
    }
    Ok(bundle.clone())
}

/// At most 4096 random indices, ascending.
fn chosen(pictures: usize, seed: u64) -> Vec<usize> {
    let order = Stream::new(seed, "statistics").permutation(pictures);
    let mut indices: Vec<usize> =
        order.into_iter().take(STATISTICS_PICTURES).map(|index| index as usize).collect();
    indices.sort_unstable();
    indices
}

/// Half precision where every weight fits it exactly, as in a bundle that was stored so; full precision otherwise.
fn precision(model: &Model) -> Precision {
    let fits = |&value: &f32| half::f16::from_f32(value).to_f32().to_bits() == value.to_bits();
    let mut arrays = model.weights.values().flat_map(|group| group.values());
    if arrays.all(|array| array.data().iter().all(fits)) { Precision::F16 } else { Precision::F32 }
}

/// Says how many layers have other statistics now.
fn report_layers(args: &Args, out: &Path, layers: usize) -> anyhow::Result<()> {
    let shown = out.display().to_string();
    match args.json {
        true => print_json(&serde_json::json!({ "out": shown, "normalised_layers": layers })),
        false => print(format!("statistics of {layers} normalised layers gathered, written into {shown}")),
    }
}

fn report(args: &Args, out: &Path, posterior: &Posterior, inactive: &str) -> anyhow::Result<()> {
    let order = posterior.order_by_kl();
    if args.json {
        let row = |&dim: &usize| {
            serde_json::json!({
                "dim": dim,
                "kl_nats": posterior.kl(dim),
                "variance_of_mu": posterior.mean_variance(dim),
                "active": posterior.is_active(dim),
                "data_range": posterior.data_range(dim),
                "quantiles_01_99": [posterior.quantile(dim, 0.01), posterior.quantile(dim, 0.99)],
            })
        };
        let rows: Vec<_> = order.iter().map(row).collect();
        return print_json(&serde_json::json!({
            "out": out.display().to_string(),
            "pictures": posterior.pictures(),
            "dimensions": rows,
        }));
    }
    print(format!("{} pictures, written into {}", posterior.pictures(), out.display()))?;
    print("dim   KL (nats)   1 % .. 99 % of the posterior")?;
    for dim in order {
        let [low, high] = [0.01, 0.99].map(|q| posterior.quantile(dim, q));
        let remark = if posterior.is_active(dim) { String::new() } else { format!("   {inactive}") };
        print(format!("{dim:>3}   {:>9.3}   {low:>7.2} .. {high:.2}{remark}", posterior.kl(dim)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_4096_pictures_are_chosen_once_each() {
        assert_eq!(chosen(10, 1), (0..10).collect::<Vec<_>>());
        let many = chosen(10_000, 1);
        assert_eq!(many.len(), STATISTICS_PICTURES);
        assert!(many.windows(2).all(|pair| pair[0] < pair[1]));
        assert_ne!(many, chosen(10_000, 2));
    }
}
