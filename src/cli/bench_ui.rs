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
    };
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
    let text = [
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
    super::print(text.concat())
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
