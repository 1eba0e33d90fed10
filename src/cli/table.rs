//! `idgan table`: results of runs in the layout of the paper's tables and figures.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::base::{FileError, write_atomic};
use crate::compare::{Elsewhere, PaperTable, Results, RunResult, Table, lambda_curve, trade_off};
use crate::figures::drawing::Chart;
use crate::figures::export::{Colour, FigureTarget, Provenance, TargetKind, write_pdf, write_png, write_svg};
use crate::metrics::Metric;

use super::output::Format;
use super::{print, usage, warn};

/// Put the results of runs into the paper's tables and figures.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Reads config.toml and eval.json of every run folder among RUNS and below: mean and standard deviation (of\n\
    n - 1) over seeds, the paper's numbers beside ours. Runs of a method that differ in more than their seeds have\n\
    rows of their own.\n\n\
    Examples:\n  \
    idgan table runs/table2\n  \
    idgan table runs/table2 --metrics fvm,mig,fid,r_id --format latex --out table2.tex\n  \
    idgan table runs/table1 runs/table2 --trade-off figure3.svg\n  \
    idgan table runs/lambda --lambda figure-a10.png"
)]
pub struct Args {
    /// Run folders, or folders that hold them.
    #[arg(value_name = "RUNS", required_unless_present = "published")]
    runs: Vec<PathBuf>,
    /// List what other papers report, with its sources; the values on data of the runs are rows of their tables, too.
    #[arg(long, conflicts_with = "runs")]
    published: bool,
    /// The table to follow: ID-GAN's 1 to 4, 5 for implicit autoencoders on MNIST, 6 for IB-GAN, 7 and 8 for OOGAN on dSprites
    /// and CelebA; those that methods and data belong to when left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=8))]
    table: Option<u8>,
    /// Metrics to show, instead of the table's.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    metrics: Vec<Metric>,
    /// text, csv or latex.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write the table to a file instead of printing it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Draw Figure 3, disentanglement against generation, as .png, .svg or .pdf.
    #[arg(long, value_name = "FILE")]
    trade_off: Option<PathBuf>,
    /// The vertical axis of Figure 3: fvm or mig.
    #[arg(long, value_name = "NAME", default_value = "fvm", value_parser = ["fvm", "mig"])]
    against: String,
    /// Draw Figure A.10, FID over lambda, as .png, .svg or .pdf.
    #[arg(long, value_name = "FILE")]
    lambda: Option<PathBuf>,
}

/// Makes the table, and the figures that are asked for.
///
/// # Errors
/// When no run among them was measured, a figure has nothing to show, or a file cannot be read or written.
pub fn run(args: &Args) -> anyhow::Result<()> {
    if args.published {
        return print(Elsewhere::listed());
    }
    for path in args.trade_off.iter().chain(&args.lambda) {
        kind(path)?;
    }
    let results = Results::read(&args.runs)?;
    results.warnings.iter().for_each(warn);
    anyhow::ensure!(
        !results.runs.is_empty(),
        "none of these folders holds a run that was measured; idgan eval RUN measures one"
    );
    let metrics: Vec<String> = args.metrics.iter().map(|metric| metric.name().to_owned()).collect();
    let mut text = String::new();
    for (layout, runs) in by_table(results.runs.clone(), args.table) {
        let table = Table::new(&runs, layout, &metrics);
        table.warnings.iter().for_each(warn);
        let own = match args.format {
            Format::Text => table.text(),
            Format::Csv => table.csv(),
            Format::Latex => table.latex(),
        };
        match args.format {
            _ if text.is_empty() => text = own,
            // one file for programs has one line of headings
            Format::Csv => text.extend(own.split_inclusive('\n').skip(1)),
            Format::Text | Format::Latex => text = format!("{text}\n{own}"),
        }
    }
    match &args.out {
        Some(path) => write(path, &text)?,
        None => print(text.trim_end())?,
    }
    if let Some(path) = &args.trade_off {
        draw(path, &trade_off(&results.runs, &args.against))?;
    }
    if let Some(path) = &args.lambda {
        draw(path, &lambda_curve(&results.runs))?;
    }
    Ok(())
}

/// The runs of each of the paper's tables in order, those of none last; all in table `number` where one is named.
fn by_table(
    runs: Vec<RunResult>,
    number: Option<u8>,
) -> impl Iterator<Item = (Option<&'static PaperTable>, Vec<RunResult>)> {
    let mut tables: BTreeMap<u8, Vec<RunResult>> = BTreeMap::new();
    for run in runs {
        let own = || PaperTable::about(run.row, &run.data, run.size).map_or(u8::MAX, |table| table.number);
        tables.entry(number.unwrap_or_else(own)).or_default().push(run);
    }
    tables.into_iter().map(|(number, runs)| (PaperTable::numbered(number), runs))
}

/// What a figure becomes.
fn kind(path: &Path) -> anyhow::Result<TargetKind> {
    let kinds = [TargetKind::Png, TargetKind::Svg, TargetKind::Pdf];
    match FigureTarget::parse(path, &kinds) {
        Ok(target) => Ok(target.kind),
        Err(_) => Err(usage(format!("a figure is a .png, a .svg or a .pdf, not {}", path.display()))),
    }
}

fn draw(path: &Path, chart: &Chart) -> anyhow::Result<()> {
    anyhow::ensure!(
        chart.series.iter().any(|series| !series.points.is_empty()),
        "these runs have not measured what the figure shows; nothing was drawn: {}",
        path.display()
    );
    let provenance = Provenance { command: std::env::args().collect(), ..Provenance::default() };
    let page = chart.page();
    Ok(match kind(path)? {
        TargetKind::Svg => write_svg(path, &page, None, &provenance),
        TargetKind::Pdf => write_pdf(path, &page, None, &provenance),
        _ => {
            let picture = page.picture().context("the built-in typeface cannot be read")?;
            write_png(path, &picture, Colour::Rgb, &provenance)
        }
    }?)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    write_atomic(path, |writer| {
        writer.write_all(text.as_bytes()).map_err(|error| FileError::new(error, path).into())
    })
}
