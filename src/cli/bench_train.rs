//! `idgan bench train`: how long one whole training step takes, on data that is made up in memory.

use anyhow::Context;

use crate::base::Pool;
use crate::inference::Purpose;
use crate::ops;
use crate::training::{BenchRun, Family, TrainConfig, preset, preset_names};

use super::bench_report::{MemoryWatch, Report, time};
use super::{DeviceArgs, threads, usage};

/// Steps that are not counted: the first ones allocate.
const WARM_UP: u32 = 3;
/// The same where steps are recorded as CUDA graphs: both ways to make one, with R1 and without, are before.
const WARM_UP_RECORDED: u32 = 10;

/// Which step to measure, and how often.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "The step is the whole one: noise, forward, losses, backward, optimisers, moving average. Networks \
    start from random weights and pictures are random numbers, so that neither data nor a trained VAE is needed. \
    Memory is counted from before the first step; on a GPU it is the most that tensors have taken.\n\n\
    Examples:\n  \
    idgan bench train --preset dsprites --stage vae\n  \
    idgan bench train --preset dsprites --stage gan --json\n  \
    idgan bench train --preset dsprites-small --stage oogan\n  \
    idgan bench train --preset celeba-64 --batch 8 --repeat 50 --threads 1\n  \
    idgan bench train --preset celeba-64 --device cuda --precision tf32"
)]
pub struct Args {
    /// The preset to measure; a wrong name lists them.
    #[arg(long, value_name = "NAME")]
    pub preset: String,
    /// What to train, as `idgan train` names it, where several have a preset of this name: vae, gan, ibgan or oogan.
    #[arg(long, value_name = "FAMILY")]
    pub stage: Option<StageName>,
    /// Pictures a step, instead of the preset's.
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// Picture height and width in pixels, instead of the preset's (stage 2).
    #[arg(long, value_name = "N")]
    pub size: Option<usize>,
    /// Timed steps, after a few that are not counted.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub repeat: u32,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// What is trained, as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum StageName {
    /// Stage 1.
    Vae,
    /// Stage 2.
    Gan,
    /// IB-GAN.
    Ibgan,
    /// OOGAN.
    Oogan,
    /// Implicit autoencoders.
    Iae,
}

impl StageName {
    fn family(self) -> Family {
        match self {
            Self::Vae => Family::Vae,
            Self::Gan => Family::Gan,
            Self::Ibgan => Family::Ibgan,
            Self::Oogan => Family::Oogan,
            Self::Iae => Family::Iae,
        }
    }
}

/// Runs the measurement and prints it.
///
/// # Errors
/// When there is no such preset, its values do not fit, or the networks do not fit into memory.
pub fn run(args: &Args) -> anyhow::Result<()> {
    measure(args, threads())?.print(args.json)
}

fn measure(args: &Args, threads: usize) -> anyhow::Result<Report> {
    let mut config = named(&args.preset, args.stage)?;
    config.batch = args.batch.unwrap_or(config.batch);
    config.size = args.size.unwrap_or(config.size);
    config.validate().map_err(|error| usage(error.to_string()))?;
    let pool = Pool::new("train", threads).context("cannot start the training threads")?;
    let device = args.device.open(Purpose::Training)?.device;
    pool.run(|| {
        let mut rehearsal = BenchRun::new(&config, &device)?;
        let memory = MemoryWatch::begin(&device);
        let mut step = || -> anyhow::Result<()> {
            let report = rehearsal.step()?;
            match report.not_finite {
                // Such a step ends early, and its time would flatter.
                Some(what) => anyhow::bail!("{what} was not a finite number; nothing was measured"),
                None => Ok(()),
            }
        };
        let warm_up = if ops::records(&device) { WARM_UP_RECORDED } else { WARM_UP.min(args.repeat) };
        time(warm_up, &mut step)?;
        let counted = ops::multiply_adds();
        let times = time(args.repeat, &mut step)?;
        let gmacs = (ops::multiply_adds() - counted) as f64 / f64::from(args.repeat) / 1e9;
        Ok(Report::new(&times, gmacs, memory.peak_mib(), pool.threads()))
    })
}

/// The preset called `name` of the family asked for, or of the only one that has it.
fn named(name: &str, stage: Option<StageName>) -> anyhow::Result<TrainConfig> {
    let asked = |family: &Family| stage.is_none_or(|stage| stage.family() == *family);
    let found: Vec<_> = Family::ALL
        .into_iter()
        .filter(asked)
        .filter_map(|family| preset(family, name).map(|config| (family, config)))
        .collect();
    let stages = |found: &[(Family, TrainConfig)]| -> Vec<String> {
        found.iter().map(|(family, _)| format!("--stage {}", family.name())).collect()
    };
    match <[_; 1]>::try_from(found) {
        Ok([(_, config)]) => Ok(config),
        Err(found) if found.is_empty() => {
            let known = |family: Family| format!("{} has {}", family.name(), preset_names(family).join(", "));
            let known = Family::ALL.map(known).join("; ");
            Err(usage(format!("there is no preset {name:?} here; {known}")))
        }
        Err(found) => {
            Err(usage(format!("several have a preset {name:?}; add {}", stages(&found).join(" or "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(preset: &str, stage: Option<StageName>) -> Args {
        Args {
            preset: preset.into(),
            stage,
            batch: Some(2),
            size: None,
            repeat: 2,
            json: true,
            device: DeviceArgs::default(),
        }
    }

    #[test]
    fn a_step_of_every_family_is_measured() {
        for stage in [StageName::Vae, StageName::Gan, StageName::Ibgan, StageName::Oogan] {
            let report = measure(&args("dsprites-small", Some(stage)), 1).expect("measures");
            assert!(report.median_ms > 0.0 && report.threads == 1);
            // 8.1 M multiply-adds in either half of the VAE; other tests may count at the same time.
            assert!(report.gmacs > 2.0 * 3.0 * 2.0 * 0.008 * 0.9, "{stage:?}: {}", report.gmacs);
        }
    }

    #[test]
    fn a_name_of_several_families_must_say_which() {
        let refused = |preset, stage| measure(&args(preset, stage), 1).expect_err("refused").to_string();
        assert!(
            refused("dsprites", None)
                .contains("--stage vae or --stage gan or --stage ibgan or --stage oogan")
        );
        assert!(refused("nonsense", None).contains("celeba-hq"));
        assert!(refused("celeba-64", Some(StageName::Vae)).contains("no preset"));
        assert!(named("celeba-64", None).is_ok_and(|config| config.gan.is_some()));
        assert!(named("dsprites", Some(StageName::Vae)).is_ok_and(|config| config.vae.is_some()));
        let size = Args { size: Some(128), ..args("dsprites", Some(StageName::Vae)) };
        assert!(measure(&size, 1).expect_err("64 only").is::<super::super::Usage>());
    }
}
