//! `idgan encode`: codes of pictures.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Context;

use crate::base::{Array, Cancel, FileError, Pool, write_atomic};
use crate::checkpoint::npz::NpzWriter;
use crate::data::{self, Dataset, OpenOptions};
use crate::figures::Workbench;
use crate::figures::export::{FigureTarget, TargetKind};
use crate::inference::Encoder;
use crate::metrics::{self, CodeSample, EncodedPictures, Watch};

use super::pictures_in::PicturesIn;
use super::workbench::{open_workbench, typed_command};
use super::{DeviceArgs, ModelArgs, OpeningArgs, TerminalProgress, print_json, threads, usage, warn};

/// Arguments of `idgan encode`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "What the output holds (N pictures, K factors):\n  \
    mu, logvar    (N, c_dim) f32: mean and log variance of q(c|x), in the units of the prior N(0, 1)\n  \
    c             (N, c_dim) f32: mu once more, so that the file feeds `idgan sample --codes`\n  \
    files         (N,) text: the names of --images DIR\n  \
    index         (N,) i64: the number of each picture in --data, from 0\n  \
    factors       (N, K) f64: the values of its true factors, each in its own unit (an orientation in radians), where \
    --data knows them\n  \
    classes       (N, K) i64: the same as numbers of their values, from 0\n  \
    factor_names  (K,) text\n  \
    class_names   text: what the labels are called, in the order of their classes, where the factor is a label\n\n\
    Pictures of --images may have any size and mode: the middle square (or the middle --crop pixels) is brought to the \
    encoder's 64x64. A 64x64 picture passes unchanged, whole multiples of 64 are averaged, anything else is scaled by \
    a Lanczos filter. Hidden files and what is no picture are passed over and counted, and up to one broken picture in a \
    hundred is left out and named.\n\n\
    Examples:\n  \
    idgan encode celeba.safetensors --images img_align_celeba --crop 160 --out codes.npz\n  \
    idgan encode --vae last --images face.jpg --out code.npz\n  \
    idgan encode sprites-64 --data dsprites --count 10000 --out codes.npz       for metrics of your own\n  \
    idgan sample celeba.safetensors --codes code.npz --out pictures             draw them again")]
pub struct Args {
    /// Pictures: a folder (searched in depth, in name order), a zip or tar archive, one file, or an .npz with `x` (N,
    /// channels, H, W) in [0, 1].
    #[arg(long, value_name = "DIR|FILE|x.npz")]
    images: Option<PathBuf>,

    /// The pictures of a data set, instead of --images: dsprites, scenes, celeba:PATH and so on (`idgan data --help`).
    #[arg(long, value_name = "SPEC", conflicts_with_all = ["images", "crop"])]
    data: Option<String>,

    /// So many different pictures of --data, in random order; all of them, in their own order, when left out.
    #[arg(long, value_name = "N", conflicts_with = "images", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,

    /// Which pictures are chosen with --count, and the nuisance in them.
    #[arg(long, value_name = "K", default_value_t = 0, conflicts_with = "images")]
    seed: u64,

    /// Use only the middle square of this many pixels (aligned CelebA 160, 3D chairs 450).
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(1..))]
    crop: Option<u32>,

    /// Where to: a .npz file.
    #[arg(long, value_name = "OUT.npz")]
    out: PathBuf,

    /// Print the number of pictures and the mean of each dimension as JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    opening: OpeningArgs,

    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    device: DeviceArgs,
}

/// Codes, and what is known of their pictures.
struct Encoded {
    /// Means and log variances `(N, c_dim)`.
    mu: Array,
    logvar: Array,
    known: Known,
    /// What files were seen on, where they are transparent.
    background: Option<String>,
}

enum Known {
    /// The files' names; none of pictures in an array.
    Files(Vec<OsString>),
    /// Numbers in a data set.
    Numbers(Vec<i64>, Option<Truth>),
}

/// True factors of pictures, row after row.
struct Truth {
    names: Vec<OsString>,
    /// What the classes of a label are called.
    class_names: Vec<OsString>,
    values: Vec<f64>,
    classes: Vec<i64>,
}

/// Encodes pictures.
///
/// # Errors
/// When the model has no encoder, a picture cannot be read, or the output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let target = FigureTarget::parse(&args.out, &[TargetKind::Npz]).map_err(usage)?;
    args.model.require()?;
    target.check()?;
    let (bench, encoded) = match (&args.data, &args.images) {
        (Some(spec), _) => {
            let mut bench = open_workbench(&args.model, &args.device)?;
            // Ctrl+C ends the program; nothing has been written yet.
            let options = args.opening.options_for(&Cancel::new(), spec, bench.description());
            bench.description().other_drawing(spec).iter().for_each(warn);
            let encoded = encode_data(spec, args, &options, bench.encoder()?)?;
            (bench, encoded)
        }
        (None, Some(images)) => {
            let pictures = PicturesIn::open(images)?;
            let mut bench = open_workbench(&args.model, &args.device)?;
            let encoded = encode_images(&pictures, args, &mut bench)?;
            (bench, encoded)
        }
        (None, None) => {
            return Err(usage("name pictures with --images DIR, or a data set with --data SPEC"));
        }
    };
    let block = bench.description().encoded().unwrap_or("c").to_owned();
    let mut provenance = bench.provenance(typed_command());
    if let Some(background) = &encoded.background {
        provenance = provenance.with("background", background.as_str());
    }
    let provenance = provenance.document().to_string();
    write_atomic(&target.path, |writer| {
        let mut npz = NpzWriter::new(writer);
        let written = encoded.write(&mut npz, &block, &provenance).and_then(|()| npz.finish());
        written.map(drop).map_err(|error| anyhow::Error::from(FileError::new(error, &target.path)))
    })?;
    if args.json {
        let rows = encoded.mu.shape()[0];
        let mean = |dim: usize| {
            let sum: f64 = (0..rows).map(|row| f64::from(encoded.mu.row(row)[dim])).sum();
            sum / rows as f64
        };
        let means: Vec<f64> = (0..encoded.mu.row_len()).map(mean).collect();
        print_json(&serde_json::json!({
            "out": target.path.display().to_string(),
            "pictures": rows,
            "mean_mu": means,
        }))?;
    }
    Ok(())
}

impl Encoded {
    fn write<W: std::io::Write + std::io::Seek>(
        &self,
        npz: &mut NpzWriter<W>,
        block: &str,
        provenance: &str,
    ) -> std::io::Result<()> {
        for (name, values) in [("mu", &self.mu), ("logvar", &self.logvar), (block, &self.mu)] {
            npz.floats(name, values.shape(), values.data())?;
        }
        match &self.known {
            Known::Files(names) if names.is_empty() => {}
            Known::Files(names) => npz.names("files", names)?,
            Known::Numbers(indices, truth) => {
                npz.integers("index", &[indices.len()], indices)?;
                if let Some(truth) = truth {
                    let shape = [indices.len(), truth.names.len()];
                    npz.doubles("factors", &shape, &truth.values)?;
                    npz.integers("classes", &shape, &truth.classes)?;
                    npz.names("factor_names", &truth.names)?;
                    if !truth.class_names.is_empty() {
                        npz.names("class_names", &truth.class_names)?;
                    }
                }
            }
        }
        npz.text("provenance", provenance)
    }
}

fn encode_images(pictures: &PicturesIn, args: &Args, bench: &mut Workbench) -> anyhow::Result<Encoded> {
    let all: Vec<usize> = (0..pictures.len()).collect();
    let form = bench.form(args.crop, args.opening.background().given())?;
    let encoded = pictures.encode(bench.encoder()?, &all, &form)?;
    encoded.left_out.iter().for_each(warn);
    let known = Known::Files(pictures.names(&encoded.rows));
    let background = Some(form.background.to_string());
    Ok(Encoded { mu: encoded.mu, logvar: encoded.logvar, known, background })
}

fn encode_data(
    spec: &str,
    args: &Args,
    options: &OpenOptions,
    encoder: &mut dyn Encoder,
) -> anyhow::Result<Encoded> {
    let [_, size, _] = encoder.picture_shape();
    let data = data::open(spec, Some(size), options)?;
    let pool = Pool::new("encode", threads()).context("cannot start threads")?;
    let mut encoded_data = EncodedPictures::new(data.as_ref(), encoder, &pool)?;
    let count = args.count.map_or(data.len(), |count| (count as usize).min(data.len()));
    let bar = TerminalProgress::new("pictures", count);
    let mut done = 0;
    let mut follow = |step: metrics::MetricProgress| {
        bar.add(step.done - done);
        done = step.done;
    };
    let mut watch = Watch::new(&options.cancel, &mut follow);
    let sample = match args.count {
        Some(_) => CodeSample::draw_shuffled(&mut encoded_data, count, args.seed, &mut watch)?,
        None => CodeSample::draw(&mut encoded_data, count, args.seed, &mut watch)?,
    };
    let numbers = sample.indices.iter().map(|&index| index as i64).collect();
    let known = Known::Numbers(numbers, truth(data.as_ref(), &sample.indices));
    Ok(Encoded { mu: sample.mu, logvar: sample.logvar, known, background: None })
}

/// The factors of these pictures, where they are known.
fn truth(data: &dyn Dataset, indices: &[usize]) -> Option<Truth> {
    let factors = data.factors();
    if factors.is_empty() {
        return None;
    }
    let names = factors.iter().map(|factor| OsString::from(&factor.name)).collect();
    let class_names = data.labels().into_iter().flat_map(|labels| &labels.factor().names).map(OsString::from);
    let class_names = class_names.collect();
    let (mut values, mut classes) = (Vec::new(), Vec::new());
    for &index in indices {
        for (factor, class) in factors.iter().zip(data.classes(index)) {
            values.push(factor.values[class]);
            classes.push(class as i64);
        }
    }
    Some(Truth { names, class_names, values, classes })
}
