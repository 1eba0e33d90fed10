//! `idgan sweep`: many runs from one file.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::Context;

use crate::base::{on_request_to_end, shell_quoted};
use crate::compare::{Cell, Processes, Sweep, advance, differences, progress};

use super::{eval, one_sentence, print, tell, threads, train, usage, warn};

/// Train and measure many models: methods times data sets times seeds.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each run is a folder, OUT/DATA/METHOD/seed-K, and a process of its own. What is done stays done and what was cut\n\
    off goes on, bit by bit, so the same command is right after any interruption.\n\n\
    Examples:\n  \
    idgan sweep docs/results/table2-small.toml --list       the runs, their numbers, how far they are\n  \
    idgan sweep docs/results/table2-small.toml --dry-run    the commands behind them, checked\n  \
    idgan sweep docs/results/table2-small.toml --jobs 2     all of it here, two at a time\n  \
    idgan sweep table1.toml --index $SLURM_ARRAY_TASK_ID    one run, as a Slurm array or GNU parallel calls it\n  \
    idgan table runs/table2                                 the results"
)]
pub struct Args {
    /// What to run: docs/results has the paper's tables.
    #[arg(value_name = "FILE.toml")]
    file: PathBuf,
    /// Only the run of this number, see --list.
    #[arg(long, value_name = "K", conflicts_with = "jobs")]
    index: Option<usize>,
    /// Runs at a time; they share the threads.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Print number, folder and progress of every run, and end.
    #[arg(long, conflicts_with_all = ["index", "jobs", "dry_run"])]
    list: bool,
    /// Check every run's configuration, print the commands, and end.
    #[arg(long)]
    dry_run: bool,
}

/// Runs a sweep.
///
/// # Errors
/// When the file or a configuration in it makes no sense (exit code 2), or a run fails; the others are run first.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let all = Sweep::read(&args.file).map_err(|error| usage(error.to_string()))?.cells();
    if args.list {
        for (index, cell) in all.iter().enumerate() {
            let how_far = match progress(cell) {
                Ok(progress) => progress.to_string(),
                Err(error) => {
                    warn(one_sentence(&error.into()));
                    "unreadable".to_owned()
                }
            };
            print(format!("{index:>4}  {how_far:<24}  {}", cell.folder.display()))?;
        }
        return Ok(());
    }
    let cells = match args.index {
        Some(index) => std::slice::from_ref(all.get(index).ok_or_else(|| {
            usage(format!("there are runs 0 to {}, not {index}; see --list", all.len() - 1))
        })?),
        None => &all[..],
    };
    // a mistake in the last run should not wait for the first to end
    for cell in cells {
        check(cell, args.dry_run)?;
    }
    if args.dry_run {
        for cell in cells {
            let words = [Some(cell.training(false)), cell.measuring()];
            for words in words.into_iter().flatten() {
                print(format!("idgan {}", shell_quoted(&words)))?;
            }
        }
        return Ok(());
    }
    static STOPPED: AtomicBool = AtomicBool::new(false);
    on_request_to_end(|| STOPPED.store(true, Ordering::Relaxed)).context("cannot listen for signals")?;
    let jobs = usize::from(args.jobs).min(cells.len());
    let processes = Processes {
        program: std::env::current_exe().context("cannot find this program's own file")?,
        threads: (threads() / jobs).max(1),
        quiet: jobs > 1,
        stopped: &STOPPED,
    };
    let failed = work(cells, jobs, &processes);
    anyhow::ensure!(!STOPPED.load(Ordering::Relaxed), "stopped; the same command goes on from here");
    anyhow::ensure!(failed == 0, "{failed} of {} runs did not get to their end", cells.len());
    Ok(())
}

/// Brings all `cells` on, `jobs` at a time; returns how many failed.
fn work(cells: &[Cell], jobs: usize, processes: &Processes<'_>) -> usize {
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for number in 0..jobs {
            let work = || {
                while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if processes.stopped.load(Ordering::Relaxed) {
                        return;
                    }
                    match advance(cell, processes) {
                        Ok(()) => tell(format!("done: {}", cell.folder.display())),
                        Err(error) => {
                            warn(one_sentence(&error.into()));
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            };
            let thread = std::thread::Builder::new().name(format!("sweep-{number}"));
            if let Err(error) = thread.spawn_scoped(scope, work) {
                warn(format!("a thread could not be started ({error}); fewer runs go on at a time"));
            }
        }
    });
    failed.into_inner()
}

/// Refuses a run whose configuration or measurement makes no sense, or whose folder holds a run of other values. Where
/// nothing is run (`dry`), files that the measurement needs may still be missing.
fn check(cell: &Cell, dry: bool) -> anyhow::Result<()> {
    let place = || format!("the run {}", cell.folder.display());
    let config = train::configuration_of(&cell.training(false)[1..]).with_context(place)?;
    if let Some(words) = cell.measuring() {
        eval::check_arguments(&words[1..], dry).with_context(place)?;
    }
    let found = differences(cell, &config).with_context(place)?;
    if !found.is_empty() && !dry {
        return Err(usage(format!(
            "a run of other values is there already ({}); name another folder with out, or move it away: {}",
            found.join("; "),
            cell.folder.display()
        )));
    }
    Ok(())
}
