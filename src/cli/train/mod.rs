//! `idgan train vae|gan|ibgan|oogan|iae`: every method, from flags, presets and TOML files to a run folder.

mod config;
mod options;

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args as ClapArgs, Subcommand};

use self::config::{check_resume, effective};
use self::options::Options;
use super::{DeviceArgs, print, tell, threads, usage, warn};
use crate::base::{Cancel, Pool, on_request_to_end, path_word, shell_quoted};
use crate::checkpoint::{self, Sources};
use crate::data::{DataError, OpenOptions};
use crate::engine::{Training, TrainingFailed};
use crate::inference::{Computer, DeviceError, Purpose};
use crate::training::{
    End, Family, Machine, RunFolder, Session, StepReport, TrainConfig, TrainError, TrainEvent,
    noted_precision,
};

/// Arguments of `idgan train`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:\n  \
    idgan train vae --preset dsprites-small --out runs/vae\n  \
    idgan train gan --preset dsprites-small --vae runs/vae --out runs/gan\n  \
    idgan train gan --preset scenes-small-128 --vae runs/vae --start runs/gan-64 --out runs/gan-128\n  \
    idgan train gan --out runs/gan --resume                          go on after a stop or a crash\n  \
    idgan train vae --data images:photos --out runs/photos --background white\n  \
    idgan train gan --preset celeba-256 --vae last --dry-run         print the effective configuration\n\n\
    Ctrl+C finishes the step, saves and ends; --resume goes on from there, bit by bit as if it had not stopped.")]
pub struct Args {
    #[command(subcommand)]
    family: FamilyArgs,
}

#[derive(Debug, Subcommand)]
enum FamilyArgs {
    /// Stage 1: a VAE that finds the disentangled code c.
    #[command(after_help = "Examples:\n  \
        idgan train vae --preset dsprites-small --out runs/vae\n  \
        idgan train vae --method factor-vae --preset dsprites --out runs/factor --seed 3\n  \
        idgan train vae --data images:photos --out runs/photos")]
    Vae(Options),
    /// Stage 2: a GAN that distils the VAE's encoder and paints what it says, or a GAN to compare it with.
    #[command(after_help = "Examples:\n  \
        idgan train gan --preset dsprites-small --vae runs/vae --out runs/gan\n  \
        idgan train gan --preset celeba-128 --data images:photos --vae runs/photos --out runs/faces\n  \
        idgan train gan --method infogan --preset dsprites-small --out runs/infogan\n  \
        idgan train gan --out runs/gan --resume --steps 20000")]
    Gan(Options),
    /// IB-GAN: a GAN whose code r passes an information bottleneck, or the InfoGAN and GAN that it is compared with.
    #[command(after_help = "Examples:\n  \
        idgan train ibgan --preset dsprites-small --out runs/ibgan\n  \
        idgan train ibgan --method ib-gan-infogan --preset dsprites-small --out runs/ibgan-infogan")]
    Ibgan(Options),
    /// OOGAN: a GAN of controls c from 0 to 1 that orthogonal kernels read back, or the InfoGAN that it is compared with.
    #[command(after_help = "Examples:\n  \
        idgan train oogan --preset dsprites-small --out runs/oogan\n  \
        idgan train oogan --preset dsprites-small --set oogan.one_hot=false --out runs/oogan-uniform\n  \
        idgan train oogan --preset dsprites-small --set oogan.orthogonal=false --out runs/oogan-free\n  \
        idgan train oogan --preset chairs --set oogan.input=info-gan --out runs/oogan-competing\n  \
        idgan train oogan --method oogan-infogan --preset dsprites-small --out runs/oogan-infogan")]
    Oogan(Options),
    /// Implicit autoencoders: discriminators in place of a likelihood and of a divergence.
    #[command(after_help = "Examples:\n  \
        idgan train iae --preset sprites-small --out runs/iae\n  \
        idgan train iae --preset sprites-clusters-small --out runs/clusters\n  \
        idgan train iae --method fiae --preset sprites-small --out runs/fiae\n  \
        idgan train iae --preset sprites-cycle-small --out runs/cycle\n  \
        idgan train iae --preset shoes-cycle --data images:shoes --data2 images:edges --out runs/shoes")]
    Iae(Options),
    /// The small network whose features FID on sprites and scenes is measured with.
    Features(super::train_features::Args),
}

/// What a subcommand trains.
enum Chosen<'a> {
    Model(Family, &'a Options),
    Features(&'a super::train_features::Args),
}

impl FamilyArgs {
    fn chosen(&self) -> Chosen<'_> {
        match self {
            Self::Vae(options) => Chosen::Model(Family::Vae, options),
            Self::Gan(options) => Chosen::Model(Family::Gan, options),
            Self::Ibgan(options) => Chosen::Model(Family::Ibgan, options),
            Self::Oogan(options) => Chosen::Model(Family::Oogan, options),
            Self::Iae(options) => Chosen::Model(Family::Iae, options),
            Self::Features(args) => Chosen::Features(args),
        }
    }
}

/// Trains.
///
/// # Errors
/// When the values make no sense (exit code 2), or the run cannot start or go on.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let (family, options) = match args.family.chosen() {
        Chosen::Model(family, options) => (family, options),
        Chosen::Features(args) => return super::train_features::run(args),
    };
    let resumed = match (&options.out, options.resume) {
        (Some(out), true) => Some(RunFolder::open(out)?.1),
        _ => None,
    };
    let config = match &resumed {
        Some(saved) => {
            check_resume(options, saved)?;
            let steps = options.steps.unwrap_or(saved.steps);
            TrainConfig { steps, ..saved.clone() }.with_absolute_paths()?
        }
        None => effective(family, options)?,
    };
    if config.method.family() != family {
        let (asked, other) = (family.name(), config.method.family().name());
        return Err(usage(format!("this is a run of `idgan train {other}`, not of `idgan train {asked}`")));
    }
    config.validate().map_err(|error| usage(error.to_string()))?;
    if options.dry_run {
        return print(toml::to_string(&config)?.trim_end());
    }
    let Some(out) = options.out.clone() else {
        return Err(usage("name a run folder with --out DIR"));
    };
    let names_no_vae = config.gan.as_ref().is_some_and(|gan| gan.vae.is_empty());
    if config.method.takes_a_vae() && resumed.is_none() && names_no_vae {
        let method = config.method.name();
        return Err(usage(format!("{method} takes the code of a VAE; name it with --vae FILE or --vae RUN")));
    }
    if let Some(missing) = config.missing_start().filter(|_| resumed.is_none()) {
        return Err(usage(format!("{missing}; name its run with --start RUN")));
    }
    let computer = computer_for(&options.device, resumed.as_ref().map(|_| out.as_path()))?;
    tell(format!(
        "{} {} on {}, {} px, {} steps of {} pictures (preset {}), into {}",
        if resumed.is_some() { "going on with" } else { "training" },
        config.method.name(),
        config.data,
        config.size,
        config.steps,
        config.batch,
        config.preset,
        out.display()
    ));
    let cancel_preparation = Cancel::new();
    let machine = Machine {
        computer,
        pool: Pool::new("train", threads()).context("cannot start the training threads")?,
        data: OpenOptions {
            progress: Some(super::data::progress_bar()),
            ..options.opening.options(&cancel_preparation)
        },
    };
    let is_new = resumed.is_none();
    let folder = out.clone();
    let training = Training::spawn(move || match is_new {
        true => Session::start(&folder, config, machine),
        false => Session::resume(&folder, Some(config.steps), machine),
    })?;
    let control = Arc::clone(training.control());
    on_request_to_end(move || {
        cancel_preparation.cancel();
        control.stop();
    })
    .context("cannot listen for signals")?;
    follow(&training);
    let end = match training.join() {
        Err(TrainingFailed::Run(TrainError::Data(DataError::Cancelled))) => {
            return print(
                "stopped before the first step, while pictures were prepared; the same command begins again",
            );
        }
        end => end?,
    };
    let run = path_word(&out);
    let command = |words: &[&str]| shell_quoted(words.iter().map(OsStr::new).chain([run.as_os_str()]));
    match end {
        End::Finished => print(format!("finished; explore it with: {}", command(&["idgan", "explore"]))),
        End::Stopped => {
            let again = command(&["idgan", "train", family.name(), "--resume", "--out"]);
            print(format!("stopped and saved; go on with: {again}"))
        }
    }
}

/// Opens the device. A run that goes on, `run`, keeps its precision, unless another is asked for or the device lacks it.
fn computer_for(args: &DeviceArgs, run: Option<&Path>) -> anyhow::Result<Computer> {
    let saved = run.filter(|_| args.precision.is_none()).and_then(|run| {
        let sources = Sources { checkpoint: Some(run.to_owned()), ..Sources::default() };
        noted_precision(&checkpoint::describe(&sources).ok()?)
    });
    let Some(saved) = saved else { return Ok(args.open(Purpose::Training)?) };
    match args.device.open(Purpose::Training, Some(saved)) {
        Err(error @ (DeviceError::NotThatPrecision { .. } | DeviceError::NoPrecision { .. })) => {
            warn(format!("the run was computed in {saved} until now and goes on in f32: {error}"));
            Ok(args.device.open(Purpose::Training, None)?)
        }
        computer => Ok(computer?),
    }
}

/// What `idgan train ... --dry-run` would print for these arguments (`vae` or `gan` first), checked.
///
/// # Errors
/// As [`run`] for a wrong configuration.
pub(super) fn configuration_of(arguments: &[String]) -> anyhow::Result<TrainConfig> {
    let args: Args = super::args::parsed("idgan train", arguments)?;
    let Chosen::Model(family, options) = args.family.chosen() else {
        return Err(usage("a sweep trains models, not features"));
    };
    let config = effective(family, options)?;
    config.validate().map_err(|error| usage(error.to_string()))?;
    Ok(config)
}

/// Shows what the run tells until it ends.
fn follow(training: &Training) {
    let bar = indicatif::ProgressBar::new(0);
    if let Ok(style) = indicatif::ProgressStyle::with_template("{pos}/{len} {bar:24} {msg}") {
        bar.set_style(style);
    }
    let mut spoken = Instant::now();
    for event in training.events() {
        match event {
            TrainEvent::Started { step, steps } => {
                bar.set_length(steps);
                bar.set_position(step);
            }
            TrainEvent::Step { step, report, pictures_per_second, seconds_left } => {
                bar.set_position(step);
                let left = indicatif::HumanDuration(Duration::from_secs_f64(seconds_left.clamp(0.0, 1e9)));
                let line = format!("{}, {pictures_per_second:.0} pictures/s, {left} left", losses(&report));
                if bar.is_hidden() && spoken.elapsed() > Duration::from_secs(30) {
                    tell(format!("step {step}: {line}"));
                    spoken = Instant::now();
                }
                bar.set_message(line);
            }
            TrainEvent::Warning(text) => bar.suspend(|| warn(text)),
            TrainEvent::Saved { .. } | TrainEvent::Sampled { .. } => {}
        }
    }
    bar.finish_and_clear();
}

fn losses(report: &StepReport) -> String {
    report.values().iter().map(|(name, value)| format!("{name} {value:.4}")).collect::<Vec<_>>().join(" ")
}
