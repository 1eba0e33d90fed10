//! `idgan train features`: the network that FID on data with known factors is measured with.

use std::path::PathBuf;

use anyhow::Context;

use crate::base::{Cancel, Pool};
use crate::data;
use crate::figures::export::{FigureTarget, TargetKind};
use crate::inference::Purpose;
use crate::metrics::{FactorTraining, MetricError, train_factor_network};

use super::{DeviceArgs, OpeningArgs, TerminalProgress, print, threads, usage};

/// Arguments of `idgan train features`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Example:\n  idgan train features --data dsprites --out assets/features-dsprites.safetensors"
)]
pub(super) struct Args {
    /// Data with known factors: dsprites, its variants, or scenes.
    #[arg(long, value_name = "SPEC")]
    data: String,

    /// Where to: a .safetensors file of less than 1 MB.
    #[arg(long, value_name = "FILE.safetensors")]
    out: PathBuf,

    /// Steps.
    #[arg(long, value_name = "N", default_value_t = FactorTraining::default().steps)]
    steps: usize,

    /// Pictures a step.
    #[arg(long, value_name = "N", default_value_t = FactorTraining::default().batch)]
    batch: usize,

    /// Adam's step size at the start; it falls linearly to nothing.
    #[arg(long, value_name = "RATE", default_value_t = FactorTraining::default().learning_rate)]
    learning_rate: f64,

    /// Seed of the weights and of the choice of pictures.
    #[arg(long, value_name = "K", default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    opening: OpeningArgs,

    #[command(flatten)]
    device: DeviceArgs,
}

/// Trains the network and writes it.
///
/// # Errors
/// When the values make no sense (exit code 2), the data cannot be read, or the file cannot be written.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    if args.steps == 0 || args.batch == 0 || !(args.learning_rate > 0.0 && args.learning_rate.is_finite()) {
        return Err(usage("steps, batch and learning rate must be above 0"));
    }
    FigureTarget { path: args.out.clone(), kind: TargetKind::Npz }.check()?;
    // Ctrl+C ends the program; nothing has been written yet.
    let data = data::open(&args.data, Some(64), &args.opening.options(&Cancel::new()))?;
    let pool = Pool::new("features", threads()).context("cannot start threads")?;
    let training = FactorTraining {
        steps: args.steps,
        batch: args.batch,
        learning_rate: args.learning_rate,
        seed: args.seed,
    };
    let progress = TerminalProgress::new("steps", args.steps);
    let follow = |_: usize, loss: f64| {
        progress.add(1);
        progress.remark(format!("loss {loss:.3}"));
        Ok(())
    };
    let trained = train_factor_network(
        data.as_ref(),
        &training,
        &args.device.open(Purpose::Training)?.device,
        &pool,
        follow,
    );
    drop(progress);
    let network = trained.map_err(|error| match error {
        MetricError::Request(sentence) => usage(sentence),
        error => error.into(),
    })?;
    network.write(&args.out)?;
    print(format!("written to {}; of 10,000 random pictures it tells", args.out.display()))?;
    for factor in &network.task.factors {
        print(format!(
            "  {:<12} {:>6.2} % of {} classes",
            factor.name,
            100.0 * factor.accuracy,
            factor.classes
        ))?;
    }
    Ok(())
}
