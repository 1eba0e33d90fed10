//! `idgan curves`: what runs have logged, as plots or as a table.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::base::{Cancel, FileError, check_writable, write_atomic};
use crate::figures::Print;
use crate::figures::drawing::{CurvePlot, CurvePlots};
use crate::figures::export::{FigureTarget, Provenance, TargetKind};
use crate::training::{Logged, RunLog};

use super::figure::PrintArgs;
use super::usage;
use super::workbench::typed_command;

/// Width of the figure in pixels where neither its paper nor its type has a size.
const WIDTH: f32 = 760.0;

/// Arguments of `idgan curves`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A plot for each number that the runs have logged, a curve in it for each run. OUT is a .png, .svg or .pdf, or a\n\
    .csv with a line for each run and step and a column for each number.\n\n\
    Examples:\n  \
    idgan curves runs/vae --out curves.pdf\n  \
    idgan curves runs/beta-1 runs/beta-4 --only reconstruction,kl --log-y --out curves.svg --width 170mm\n  \
    idgan curves runs/gan --out curves.csv"
)]
pub struct Args {
    /// Run folders.
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,

    /// Only these numbers, as the log calls them.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    only: Vec<String>,

    /// Make the vertical axes logarithmic; what is not above 0 is left out.
    #[arg(long)]
    log_y: bool,

    /// Where to; its ending says what is written (see below).
    #[arg(long, value_name = "OUT")]
    out: PathBuf,

    #[command(flatten)]
    print: PrintArgs,
}

/// What one run has logged.
struct Run {
    name: String,
    logged: Logged,
}

/// Draws the curves.
///
/// # Errors
/// When a folder holds no log, nothing is called as asked for, or the output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let target = match args.out.extension() {
        Some(ending) if ending.eq_ignore_ascii_case("csv") => None,
        _ => Some(target(args)?),
    };
    check_writable(&args.out)?;
    let runs = args.runs.iter().map(|path| read(path)).collect::<anyhow::Result<Vec<Run>>>()?;
    let names = chosen(&runs, &args.only)?;
    let Some(target) = target else { return write_csv(&args.out, &runs, &names) };
    let plots = plots(&runs, &names, args.log_y);
    let (width, paper) = args.print.print().page_width(WIDTH, CurvePlots::LINE)?;
    let steps: Vec<f64> =
        runs.iter().map(|run| run.logged.steps.last().copied().unwrap_or_default()).collect();
    let provenance = Provenance { command: typed_command(), ..Provenance::default() }.with("steps", steps);
    Ok(Print::write_page(&plots.page(width)?, paper, &target, &provenance)?)
}

fn target(args: &Args) -> anyhow::Result<FigureTarget> {
    let kinds = [TargetKind::Png, TargetKind::Svg, TargetKind::Pdf];
    FigureTarget::parse(&args.out, &kinds).map_err(|_| {
        let path = args.out.display();
        usage(format!("--out takes a .png, a .svg, a .pdf, or a .csv for the numbers themselves; got {path}"))
    })
}

/// Reads the log of the run in `folder`.
fn read(folder: &Path) -> anyhow::Result<Run> {
    let mut log = RunLog::new(folder);
    log.read_on(&Cancel::new())?;
    let logged = log.logged().clone();
    if logged.steps.is_empty() {
        let path = folder.display();
        anyhow::bail!(
            "there is no log of a run here; name the folder that --out of idgan train has named: {path}"
        );
    }
    let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
    Ok(Run { name, logged })
}

/// The names of the numbers that are drawn, in the order in which the runs log them.
fn chosen(runs: &[Run], only: &[String]) -> anyhow::Result<Vec<String>> {
    let mut known: Vec<&String> = Vec::new();
    for (name, _) in runs.iter().flat_map(|run| &run.logged.numbers) {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    if let Some(unknown) = only.iter().find(|name| !known.contains(name)) {
        let known: Vec<&str> = known.iter().map(|name| name.as_str()).collect();
        return Err(usage(format!(
            "nothing that was logged is called {unknown:?}; there are {}",
            known.join(", ")
        )));
    }
    let is_chosen = |name: &&&String| only.is_empty() || only.contains(name);
    Ok(known.iter().filter(is_chosen).map(|name| (*name).clone()).collect())
}

/// The values of a run that are called `name`, one a step; none where it has none.
fn column<'a>(run: &'a Run, name: &str) -> &'a [f32] {
    let found = run.logged.numbers.iter().find(|(own, _)| own == name);
    found.map_or(&[], |(_, values)| values)
}

fn plots(runs: &[Run], names: &[String], log_y: bool) -> CurvePlots {
    let plot = |name: &String| {
        let points = |run: &Run| {
            let pairs = run.logged.steps.iter().zip(column(run, name));
            pairs
                .map(|(&step, &value)| [step, f64::from(value)])
                .filter(|[_, value]| value.is_finite())
                .collect::<Vec<_>>()
        };
        let all = runs.iter().enumerate().map(|(at, run)| (at, points(run)));
        let curves = all.filter(|(_, points)| !points.is_empty()).collect();
        CurvePlot { title: name.replace('_', " "), curves }
    };
    CurvePlots {
        x: "Steps".to_owned(),
        log_y,
        names: runs.iter().map(|run| run.name.clone()).collect(),
        plots: names.iter().map(plot).filter(|plot| !plot.curves.is_empty()).collect(),
    }
}

/// Writes a line for each run and step: what was not logged there is left empty.
fn write_csv(path: &Path, runs: &[Run], names: &[String]) -> anyhow::Result<()> {
    let quoted = |text: &str| match text.contains([',', '"', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    };
    let mut table = "run,step,seconds".to_owned();
    names.iter().for_each(|name| table += &format!(",{}", quoted(name)));
    table.push('\n');
    let number = |value: f64| if value.is_finite() { value.to_string() } else { String::new() };
    for run in runs {
        let columns: Vec<&[f32]> = names.iter().map(|name| column(run, name)).collect();
        for (row, step) in run.logged.steps.iter().enumerate() {
            let seconds = run.logged.seconds.get(row).copied().unwrap_or(f64::NAN);
            // Writing into a String does not fail.
            let _ = write!(table, "{},{step},{}", quoted(&run.name), number(seconds));
            for column in &columns {
                let value = column.get(row).filter(|value| value.is_finite());
                let _ = write!(table, ",{}", value.map(ToString::to_string).unwrap_or_default());
            }
            table.push('\n');
        }
    }
    write_atomic(path, |writer| {
        let written = writer.write_all(table.as_bytes());
        written.map_err(|error| anyhow::Error::from(FileError::new(error, path)))
    })
}
