//! `idgan data`: look at data sets, and prepare them before training.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::Context;
use clap::Subcommand;
use serde_json::json;

use crate::base::{Cancel, Picture, Stream, on_request_to_end, percentile};
use crate::data::{
    self, DataError, Dataset, Factor, KNOWN_SPECS, OpenOptions, PictureLabels, SHARED_NUISANCE,
};
use crate::figures::drawing::{Band, PictureTable, captions};
use crate::figures::export::{Colour, FigureTarget, Provenance, TargetKind, check_size, write_png};

use super::{OpeningArgs, TerminalProgress, print, print_json, usage};

/// Pictures in each row of a sheet when not said.
const COLUMNS: usize = 10;
/// Pictures of a set without factors when not said.
const PICTURES: usize = 40;
/// Labels that have a row on a sheet, at most.
const MOST_LABELS: usize = 40;
/// Pictures read to measure how long one takes.
const TIMED: usize = 33;

/// Arguments of `idgan data`.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("Data sets:\n{}\n\n\
    Examples:\n  \
    idgan data preview scenes --size 128 --out sheet.png\n  \
    idgan data preview scream-dsprites --picture painting.jpg --out sheet.png\n  \
    idgan data info dsprites --json\n  \
    idgan data prepare celeba:img_align_celeba.zip --size 128", indented(KNOWN_SPECS)))]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Draw a sheet of pictures: one row a factor where factors are known, one a label where those are, otherwise random
    /// pictures.
    Preview(PreviewArgs),
    /// Say how many pictures there are, their size and their factors.
    Info(InfoArgs),
    /// Decode or render every picture into the cache now, so that training starts at once later.
    Prepare(PrepareArgs),
}

#[derive(Debug, clap::Args)]
struct SetArgs {
    /// The data set, for instance dsprites, scenes or images:FOLDER (`idgan data --help` lists all).
    #[arg(value_name = "SPEC")]
    spec: String,

    /// Side of the pictures in pixels; the set's usual size when left out.
    #[arg(long, value_name = "PX")]
    size: Option<usize>,

    #[command(flatten)]
    opening: OpeningArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    idgan data preview scenes --size 256 --out scenes.png\n  \
    idgan data preview images:holiday --count 60 --seed 2 --out sheet.png")]
struct PreviewArgs {
    #[command(flatten)]
    set: SetArgs,

    /// Columns of the sheet where factors or labels are known (10), otherwise pictures in all (40).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    count: Option<u16>,

    /// Which pictures are drawn, and which noise and textures.
    #[arg(long, value_name = "K", default_value_t = 0)]
    seed: u64,

    /// Where to: a .png file.
    #[arg(long, value_name = "OUT")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  idgan data info scenes\n  idgan data info celeba:img_align_celeba --json"
)]
struct InfoArgs {
    #[command(flatten)]
    set: SetArgs,

    /// Print a JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    idgan data prepare images:holiday --size 128\n  \
    idgan data prepare scenes:50000 --size 128\n  \
    idgan data prepare dsprites:dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz")]
struct PrepareArgs {
    #[command(flatten)]
    set: SetArgs,
}

/// Runs `idgan data`.
///
/// # Errors
/// When the set cannot be opened or read, or the output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::Preview(args) => preview(args),
        Command::Info(args) => info(args),
        Command::Prepare(args) => prepare(&args.set),
    }
}

impl SetArgs {
    /// Opens the set, with a progress bar where that takes long; an interrupt leaves nothing half done.
    fn open(&self) -> anyhow::Result<Arc<dyn Dataset>> {
        let cancel = Cancel::new();
        let options = OpenOptions { progress: Some(progress_bar()), ..self.opening.options(&cancel) };
        on_request_to_end(move || cancel.cancel()).context("cannot listen for signals")?;
        data::open(&self.spec, self.size, &options).map_err(|error| match error {
            DataError::Spec(sentence) => usage(sentence),
            error => error.into(),
        })
    }
}

/// A bar that begins with the first report.
pub(super) fn progress_bar() -> data::ProgressFn {
    let bar = Mutex::new(None);
    Arc::new(move |step| {
        let Ok(mut bar) = bar.lock() else { return };
        let (bar, shown) =
            bar.get_or_insert_with(|| (TerminalProgress::new(step.what, step.total as usize), 0));
        bar.add(step.done.saturating_sub(*shown) as usize);
        *shown = step.done.max(*shown);
    })
}

fn read_picture(set: &dyn Dataset, index: usize, draw: u64) -> anyhow::Result<Picture> {
    let [channels, height, width] = set.picture_shape();
    let mut values = vec![0.0; channels * height * width];
    set.read(index, draw, &mut values)?;
    Picture::from_chw(&values, channels, height, width).context("a picture has 1 or 3 channels")
}

/// Whether another draw gives another picture.
fn has_nuisance(set: &dyn Dataset) -> anyhow::Result<bool> {
    Ok(read_picture(set, 0, 0)? != read_picture(set, 0, 1)?)
}

fn preview(args: &PreviewArgs) -> anyhow::Result<()> {
    let target = FigureTarget::parse(&args.out, &[TargetKind::Png]).map_err(usage)?;
    target.check()?;
    let set = args.set.open()?;
    let sheet = match set.labels() {
        Some(labels) => label_sheet(args, &*set, labels)?,
        None if set.factors().is_empty() => random_sheet(args, &*set)?,
        None => factor_sheet(args, &*set)?,
    };
    let colour = if set.picture_shape()[0] == 1 { Colour::Grey } else { Colour::Rgb };
    let provenance = Provenance {
        command: std::iter::once("idgan".to_owned()).chain(std::env::args().skip(1)).collect(),
        model: set.spec().to_owned(),
        ..Provenance::default()
    };
    let background = args.set.opening.background().given().unwrap_or_default();
    let provenance = provenance.with("seed", args.seed).with("background", background.to_string());
    write_png(&args.out, &sheet, colour, &provenance)?;
    Ok(())
}

/// One row a factor, sweeping it while all else stays; then the nuisance alone; then random pictures.
fn factor_sheet(args: &PreviewArgs, set: &dyn Dataset) -> anyhow::Result<Picture> {
    let factors = set.factors();
    let columns = args.count.map_or(COLUMNS, usize::from);
    let mut stream = Stream::new(args.seed, "preview");
    let base_index = stream.below(set.len());
    let base = set.classes(base_index);
    let kept = SHARED_NUISANCE | args.seed;
    let mut rows: Vec<(Band, Vec<(usize, u64)>)> = Vec::new();
    for (place, factor) in factors.iter().enumerate() {
        let classes = spread(factor.values.len(), columns);
        let mut captions = class_captions(factor, &classes);
        captions.resize(columns, String::new());
        let band =
            Band { title: factor.name.clone(), captions, tags: vec![String::new()], ..Band::default() };
        let at = |class: usize| {
            let mut classes = base.clone();
            classes[place] = class;
            // Not every set has all combinations.
            let index = set.with_classes(&classes).unwrap_or_else(|| set.sharing(place, class, &mut stream));
            (index, kept)
        };
        rows.push((band, classes.into_iter().map(at).collect()));
    }
    let row = |title: &str| Band { title: title.into(), tags: vec![String::new()], ..Band::default() };
    if has_nuisance(set)? {
        let draws =
            (0..columns as u64).map(|draw| (base_index, SHARED_NUISANCE | args.seed.wrapping_add(draw)));
        rows.push((row("nuisance"), draws.collect()));
    }
    let random = (0..columns as u64).map(|draw| (stream.below(set.len()), draw));
    rows.push((row("random"), random.collect()));

    let [_, height, width] = set.picture_shape();
    let bands = rows.iter().map(|(band, _)| band.clone()).collect();
    let figure = PictureTable { cell: [width, height], columns, bands, line: None };
    check_size(figure.size()?)?;
    let mut canvas = figure.canvas()?;
    for (row, (_, pictures)) in rows.iter().enumerate() {
        for (column, &(index, draw)) in pictures.iter().enumerate() {
            canvas.place(row, column, &read_picture(set, index, draw)?);
        }
    }
    Ok(canvas.into_picture())
}

/// What the classes are called: by name, or by value.
fn class_captions(factor: &Factor, classes: &[usize]) -> Vec<String> {
    let values: Vec<f32> = classes.iter().map(|&class| factor.values[class] as f32).collect();
    match factor.names.as_slice() {
        [] => captions(&values),
        names => classes.iter().map(|&class| names[class].clone()).collect(),
    }
}

/// Up to `count` classes of `classes`, evenly from the first to the last.
fn spread(classes: usize, count: usize) -> Vec<usize> {
    if count >= classes {
        return (0..classes).collect();
    }
    let last = (count - 1).max(1) as f64;
    (0..count).map(|i| (i as f64 * (classes - 1) as f64 / last).round() as usize).collect()
}

/// One row a label, of random pictures of it; of many labels some, evenly from the first to the last.
fn label_sheet(args: &PreviewArgs, set: &dyn Dataset, labels: &PictureLabels) -> anyhow::Result<Picture> {
    let columns = args.count.map_or(COLUMNS, usize::from);
    let mut stream = Stream::new(args.seed, "preview");
    let names = &labels.factor().names;
    let classes = spread(names.len(), MOST_LABELS);
    let band = |&class: &usize| {
        let title = format!("{} ({})", names[class], labels.pictures(class).len());
        Band { title, tags: vec![String::new()], ..Band::default() }
    };
    let [_, height, width] = set.picture_shape();
    let figure = PictureTable {
        cell: [width, height],
        columns,
        bands: classes.iter().map(band).collect(),
        line: None,
    };
    check_size(figure.size()?)?;
    let mut canvas = figure.canvas()?;
    for (row, &class) in classes.iter().enumerate() {
        let pictures = labels.pictures(class);
        let order = stream.permutation(pictures.len());
        for (column, &place) in order.iter().take(columns).enumerate() {
            canvas.place(row, column, &read_picture(set, pictures[place as usize] as usize, args.seed)?);
        }
    }
    Ok(canvas.into_picture())
}

/// Different random pictures in rows.
fn random_sheet(args: &PreviewArgs, set: &dyn Dataset) -> anyhow::Result<Picture> {
    let count = args.count.map_or(PICTURES, usize::from).min(set.len());
    let columns = ((count as f64 * 1.6).sqrt().ceil() as usize).clamp(1, count.max(1));
    let [_, height, width] = set.picture_shape();
    let tags = vec![String::new(); count.div_ceil(columns)];
    let title = format!("{count} of {}", set.len());
    let band = Band { title, tags, ..Band::default() };
    let figure = PictureTable { cell: [width, height], columns, bands: vec![band], line: None };
    check_size(figure.size()?)?;
    let mut canvas = figure.canvas()?;
    let order = Stream::new(args.seed, "preview").permutation(set.len());
    for (place, &index) in order[..count].iter().enumerate() {
        let picture = read_picture(set, index as usize, args.seed)?;
        canvas.place(place / columns, place % columns, &picture);
    }
    Ok(canvas.into_picture())
}

fn info(args: &InfoArgs) -> anyhow::Result<()> {
    let set = args.set.open()?;
    let [channels, height, width] = set.picture_shape();
    let nuisance = has_nuisance(&*set)?;
    let milliseconds = time_a_picture(&*set)?;
    if args.json {
        let factors: Vec<_> = set
            .factors()
            .iter()
            .map(|factor| match factor.names.as_slice() {
                [] => json!({ "name": factor.name, "values": factor.values }),
                names => json!({ "name": factor.name, "values": factor.values, "names": names }),
            })
            .collect();
        return print_json(&json!({
            "spec": set.spec(),
            "pictures": set.len(),
            "channels": channels,
            "height": height,
            "width": width,
            "may_flip": set.may_flip(),
            "nuisance": nuisance,
            "factors": factors,
            "milliseconds_per_picture": milliseconds,
        }));
    }
    print(set.spec())?;
    let kind = if channels == 1 { "grey" } else { "colour" };
    print(format!("  {} pictures, {kind}, {width}x{height}", set.len()))?;
    for factor in set.factors() {
        let ends = match factor.names.as_slice() {
            [first, .., last] => format!("{first} to {last}"),
            [only] => only.clone(),
            [] => {
                let ends = [factor.values.first(), factor.values.last()];
                captions(&ends.map(|value| value.map_or(0.0, |&v| v as f32))).join(" to ")
            }
        };
        print(format!("  factor {:<12} {:>3} values, {ends}", factor.name, factor.values.len()))?;
    }
    if set.factors().is_empty() {
        print("  factors unknown")?;
    }
    if nuisance {
        print("  nuisance (noise, texture or colour) drawn anew for each reading")?;
    }
    print(format!("  mirrored in stage 2: {}", if set.may_flip() { "yes" } else { "no" }))?;
    print(format!("  {milliseconds:.3} ms to read one on one thread"))
}

/// Median time of reading a picture, in milliseconds.
fn time_a_picture(set: &dyn Dataset) -> anyhow::Result<f64> {
    let mut stream = Stream::new(0, "timing");
    let mut values = vec![0.0; set.picture_shape().iter().product()];
    let mut times = Vec::with_capacity(TIMED);
    for draw in 0..TIMED {
        let index = stream.below(set.len());
        let start = Instant::now();
        set.read(index, draw as u64, &mut values)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(percentile(&times, 0.5))
}

fn prepare(args: &SetArgs) -> anyhow::Result<()> {
    let start = Instant::now();
    let set = args.open()?;
    let [_, height, width] = set.picture_shape();
    let seconds = start.elapsed().as_secs_f64();
    print(format!(
        "{}: {} pictures of {width}x{height} are ready after {seconds:.1} s",
        set.spec(),
        set.len()
    ))
}

/// Lines moved in by two spaces.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_holds_the_first_and_the_last_class() {
        assert_eq!(spread(3, 10), [0, 1, 2]);
        assert_eq!(spread(40, 4), [0, 13, 26, 39]);
        assert_eq!(spread(40, 1), [0]);
    }
}
