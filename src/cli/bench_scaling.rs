//! `idgan bench scaling`: how rendering scales with threads, batch and size, beside the machine's own limit.

use std::time::Instant;

use anyhow::Context;
use serde::Serialize;

use crate::base::Pool;
use crate::inference::DeviceChoice;
use crate::ops::cpu::blocked::peak;

use super::bench_render::{self, measure};
use super::{DeviceArgs, ModelArgs, print, print_json, threads};

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Every row is measured with one thread and with all. `of the limit` is the share of the \
    multiply-adds that the cores can make with everything in registers, by what the plan really multiplies.\n\n\
    Examples:\n  \
    idgan bench scaling\n  \
    idgan bench scaling --rows encoder --repeat 100\n  \
    idgan bench scaling --threads 8 --json"
)]
pub struct Args {
    /// Only rows whose name contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub rows: String,
    /// Timed runs of each row, after a few that are not counted
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub repeat: u32,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Architecture and batches of each row: sizes first, then batches, then the VAE's halves.
const ROWS: &[(&str, &[u32])] = &[
    ("resnet:64:64:512", &[1, 4, 16, 64]),
    ("resnet:128:64:512", &[1]),
    ("resnet:256:64:512", &[1, 4]),
    ("resnet:512:32:512", &[1]),
    ("resnet:1024:16:512", &[1, 2]),
    ("vae-decoder", &[1, 64]),
    ("vae-encoder", &[1, 16, 64]),
];

/// Rounds of the register kernel in one measurement of the limit.
const ROUNDS: usize = 4_000_000;

/// One row of the table.
#[derive(Debug, Serialize)]
struct Row {
    arch: &'static str,
    batch: u32,
    /// One for each number of threads.
    times: Vec<Time>,
}

/// One cell of it.
#[derive(Debug, Serialize)]
struct Time {
    threads: usize,
    median_ms: f64,
    pictures_per_second: f64,
    /// Share of the limit of so many cores.
    of_the_limit: f64,
}

/// Measures and prints the table.
///
/// # Errors
/// When threads cannot be started or nothing is measured.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut teams = vec![1, threads()];
    teams.dedup();
    let limits = teams.iter().map(|&threads| limit(threads)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut rows = Vec::new();
    for &(arch, batches) in ROWS.iter().filter(|(arch, _)| arch.contains(&args.rows)) {
        for &batch in batches {
            let times = teams.iter().zip(&limits);
            let times = times.map(|(&threads, limit)| cell(arch, batch, args.repeat, threads, *limit));
            rows.push(Row { arch, batch, times: times.collect::<anyhow::Result<_>>()? });
        }
    }
    if rows.is_empty() {
        let names = ROWS.iter().map(|(arch, _)| *arch).collect::<Vec<_>>().join(", ");
        return Err(super::usage(format!("no row's name contains {:?}; there are {names}", args.rows)));
    }
    if args.json {
        return print_json(&serde_json::json!({ "limit_gflops": limits, "rows": rows }));
    }
    print(table(&teams, &limits, &rows))
}

fn cell(arch: &str, batch: u32, repeat: u32, threads: usize, limit: f64) -> anyhow::Result<Time> {
    let args = bench_render::Args {
        model: ModelArgs::default(),
        arch: Some(arch.to_owned()),
        batch,
        repeat,
        profile: false,
        json: true,
        device: DeviceArgs { device: DeviceChoice::Cpu, precision: None },
    };
    let measured = measure(&args, threads)?;
    let seconds = measured.report.median_ms / 1e3;
    Ok(Time {
        threads,
        median_ms: measured.report.median_ms,
        pictures_per_second: f64::from(batch) / seconds,
        of_the_limit: 2.0 * measured.planned_gmacs / seconds / limit,
    })
}

/// What `threads` cores can do with everything in registers, in GFLOP/s: the best of a few measurements.
fn limit(threads: usize) -> anyhow::Result<f64> {
    let pool = Pool::new("limit", threads).context("cannot start the threads")?;
    let one = || {
        let start = Instant::now();
        pool.run(|| rayon::broadcast(|_| std::hint::black_box(peak(std::hint::black_box(ROUNDS)))));
        start.elapsed().as_secs_f64()
    };
    let seconds = (0..8).map(|_| one()).fold(f64::INFINITY, f64::min);
    Ok(2e-9 * (threads * ROUNDS * peak(1)) as f64 / seconds)
}

/// A Markdown table.
fn table(teams: &[usize], limits: &[f64], rows: &[Row]) -> String {
    let named = |threads: &usize| format!("{threads} thread{}", if *threads == 1 { "" } else { "s" });
    let heads: Vec<String> = teams.iter().map(|t| format!("{} ms | of the limit", named(t))).collect();
    let mut lines = vec![
        teams.iter().zip(limits).map(|(t, l)| format!("limit with {}: {l:.0} GFLOP/s\n", named(t))).collect(),
        format!("| work | batch | {} | pictures/s | speed-up |", heads.join(" | ")),
        format!("|---|---|{}---|---|", "---|---|".repeat(teams.len())),
    ];
    for row in rows {
        let cell = |time: &Time| format!("{:.2} | {:.0} %", time.median_ms, 100.0 * time.of_the_limit);
        let cells: Vec<String> = row.times.iter().map(cell).collect();
        let (Some(first), Some(last)) = (row.times.first(), row.times.last()) else { continue };
        lines.push(format!(
            "| {} | {} | {} | {:.0} | {:.2} |",
            row.arch,
            row.batch,
            cells.join(" | "),
            last.pictures_per_second,
            first.median_ms / last.median_ms
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_cell_for_each_number_of_threads() {
        let time = |threads, median_ms| Time {
            threads,
            median_ms,
            pictures_per_second: 4e3 / median_ms,
            of_the_limit: 0.5,
        };
        let rows = [Row { arch: "vae-decoder", batch: 4, times: vec![time(1, 8.0), time(2, 5.0)] }];
        let text = table(&[1, 2], &[100.0, 200.0], &rows);
        assert!(text.contains("limit with 2 threads: 200 GFLOP/s"), "{text}");
        assert!(text.ends_with("| vae-decoder | 4 | 8.00 | 50 % | 5.00 | 50 % | 800 | 1.60 |"), "{text}");
        let columns = |line: &str| line.matches('|').count();
        let counts: Vec<usize> = text.lines().filter(|line| line.starts_with('|')).map(columns).collect();
        assert_eq!(counts, [9, 9, 9]);
    }

    #[test]
    fn cells_are_shares_of_a_real_limit() {
        let limit = limit(1).expect("measures");
        assert!(limit > 0.1, "{limit}");
        let time = cell("vae-encoder", 2, 3, 1, limit).expect("measures");
        assert!(time.of_the_limit > 0.0 && time.pictures_per_second > 0.0);
        assert!(cell("resnet:7", 1, 1, 1, limit).is_err());
    }
}
