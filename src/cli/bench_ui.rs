//! `idgan bench ui`: how the window feels, in numbers.

use super::{DeviceArgs, ModelArgs};

/// Arguments of `idgan bench ui`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Opens the real window (a display is needed; Xvfb will do), drags the first slider back and \
    forth, and prints what a person would feel. Without a MODEL a generator with random weights renders.\n\n\
    Examples:\n  \
    idgan bench ui --generator 1024 --json\n  \
    idgan bench ui --train --size 2560x1440\n  \
    idgan bench ui --board 3\n  \
    idgan bench ui sprites-64 --tool traverse --range posterior:0.99\n  \
    xvfb-run idgan bench ui sprites.safetensors --moves 500"
)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,

    /// Resolution of the generator with random weights.
    #[arg(long, value_name = "PX", default_value_t = 1024, value_parser = resolution)]
    generator: usize,

    /// Moves of the drag.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    moves: u32,

    /// Milliseconds from one move to the next.
    #[arg(long, value_name = "MS", default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=1000))]
    interval: u64,

    /// The tool on the right that the window shows meanwhile: inspect, traverse, matrix, animation, train, evaluate or
    /// log.
    #[arg(long, value_name = "TOOL", default_value = "inspect", hide_possible_values = true,
          value_parser = super::explore::TOOLS)]
    tool: String,

    /// The values of the traversal that the window shows, as idgan traverse takes them.
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    range: Option<crate::explore::RangeSpec>,

    /// Draw the curves of this many runs of 100,000 points each over each other, on the training board.
    #[arg(long, value_name = "RUNS", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=8))]
    board: u8,

    /// Train beside the window, as its Train panel does: the first stage on the rendered sprites.
    #[arg(long)]
    train: bool,

    /// Size of the window in points.
    #[arg(long, value_name = "WxH", default_value = "1600x1000", value_parser = super::explore::parse_size)]
    size: [u32; 2],

    /// Run this command of idgan (for instance a training) beside the window while it is measured.
    #[arg(long, value_name = "WORDS", value_delimiter = ' ')]
    beside: Vec<String>,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    device: DeviceArgs,
}

pub(super) fn resolution(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(size) if size.is_power_of_two() && (8..=2048).contains(&size) => Ok(size),
        _ => Err("expected a power of two from 8 to 2048".to_owned()),
    }
}

/// Measures the window.
///
/// # Errors
/// When this build has no window.
#[cfg(not(feature = "gui"))]
pub fn run(_args: &Args) -> anyhow::Result<()> {
    anyhow::bail!("this idgan was built without its window (feature `gui`), so there is nothing to measure")
}

/// Measures the window.
///
/// # Errors
/// When the window cannot be opened or the model cannot be shown.
#[cfg(feature = "gui")]
pub fn run(args: &Args) -> anyhow::Result<()> {
    use std::sync::Arc;
    use std::time::Duration;

    use crate::app::{Options, Tool, bench};
    use crate::engine::{FileLibrary, Library, ModelSource, RandomLibrary};

    use super::beside::{Beside, train_behind};

    let model = &args.model;
    let is_given = model.bundle().is_some() || model.vae.is_some() || model.gan.is_some();
    let library: Arc<dyn Library> = match is_given {
        true => Arc::new(FileLibrary),
        false => Arc::new(RandomLibrary::published(args.generator)),
    };
    let source = ModelSource {
        model: model.bundle().cloned(),
        vae: model.vae.clone(),
        gan: model.gan.clone(),
        c_dim: model.c_dim,
        reading: model.reading.reading(),
        device: args.device.place().to_string(),
    };
    let options = Options {
        source: Some(source),
        threads: super::threads(),
        size: Some(args.size),
        tool: Tool::named(&args.tool),
        library,
        ..Options::default()
    };
    let beside = Beside::start(&args.beside)?;
    let folder = tempfile::tempdir()?;
    let training = args.train.then(|| train_behind(folder.path())).transpose()?;
    let script = bench::Script {
        moves: args.moves as usize,
        interval: Duration::from_millis(args.interval),
        range: args.range,
        runs: (1..=args.board)
            .map(|number| write_run(&folder.path().join(format!("run {number}")), u64::from(number)))
            .collect::<anyhow::Result<_>>()?,
    };
    let has_board = !script.runs.is_empty();
    let report = bench::drag(&options, script);
    drop(beside);
    if let Some(training) = training {
        training.control().stop();
        training.join()?;
    }
    let report = report?;
    if args.json {
        return super::print_json(&serde_json::to_value(&report)?);
    }
    let line = |name: &str, value: bench::Percentiles| {
        format!("{name:<34} p50 {:7.2} ms   p95 {:7.2} ms   max {:7.2} ms\n", value.p50, value.p95, value.max)
    };
    let mut text = vec![
        format!("{} moves, one every {} ms, drawn by {}\n", report.moves, report.interval_ms, report.gpu),
        line("UI update, thread CPU time", report.update_ms),
        line("whole UI frame, thread CPU time", report.frame_ms),
        line("input to VAE picture uploaded", report.decoder_latency_ms),
        line("input to GAN picture uploaded", report.generator_latency_ms),
        format!(
            "pictures during the drag           VAE {}, GAN {} (longest pause {:.0} ms)\n",
            report.decoder_pictures, report.generator_pictures, report.longest_generator_gap_ms
        ),
        format!("exact picture after the last move  {:.0} ms\n", report.settled_after_ms),
        format!(
            "stale frames shown {}, final picture exact: {}, superseded {}, ranges worked out {} times",
            report.stale_frames_shown, report.final_is_exact, report.superseded, report.range_resolutions
        ),
    ];
    if has_board {
        text.push(format!("\npoints of curves that are drawn      {}", report.board_points));
    }
    super::print(text.concat())
}

/// Lines of a run's log for the training board.
#[cfg(feature = "gui")]
const LINES: u64 = 100_000;

/// Writes a run into `folder` that has logged what a VAE does, with noise of its own; the folder.
#[cfg(feature = "gui")]
fn write_run(folder: &std::path::Path, seed: u64) -> anyhow::Result<std::path::PathBuf> {
    use std::io::Write;

    let mut stream = crate::base::Stream::new(seed, "runs");
    let path = crate::training::RunFolder::log_of(folder);
    std::fs::create_dir_all(folder)?;
    let mut log = std::io::BufWriter::new(std::fs::File::create(path)?);
    for line in 1..=LINES {
        let noise: Vec<f64> = stream.normals(12).into_iter().map(f64::from).collect();
        let each: Vec<f64> = noise[2..].iter().map(|noise| 2.0 + 0.2 * noise).collect();
        let record = serde_json::json!({
            "step": line * 20,
            "loss": 1e4 / (line as f64 + 100.0) * (1.0 + 0.1 * noise[0]) + 20.0,
            "reconstruction": 1e4 / (line as f64 + 100.0) * (1.0 + 0.1 * noise[1]) + 1.0,
            "kl": each.iter().sum::<f64>(),
            "beta": 1.0 + 3.0 * (line as f64 / LINES as f64),
            "rate": 1e-3 * (1.0 - line as f64 / LINES as f64),
            "kl_per_dimension": each,
            "pictures_per_second": 500.0 + 10.0 * noise[0],
            "seconds": line as f64 * 2.56,
        });
        writeln!(log, "{record}")?;
    }
    log.flush()?;
    Ok(folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolutions_are_powers_of_two() {
        assert_eq!(resolution("1024"), Ok(1024));
        for text in ["", "0", "100", "4096", "-8"] {
            assert!(resolution(text).is_err(), "{text:?}");
        }
    }
}
