//! `idgan train vae|gan`: both stages, from flags, presets and TOML files to a run folder.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args as ClapArgs, Subcommand};

use crate::base::{Cancel, Pool};
use crate::data::{DataError, OpenOptions};
use crate::engine::{Training, TrainingFailed};
use crate::training::{
    End, Machine, Method, RunFolder, Session, Stage, StepReport, TrainConfig, TrainError, TrainEvent, preset,
    preset_names,
};

use super::{DeviceArgs, OpeningArgs, print, threads, usage, warn};

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
    stage: StageArgs,
}

#[derive(Debug, Subcommand)]
enum StageArgs {
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
    /// The small network whose features FID on sprites and scenes is measured with.
    Features(super::train_features::Args),
}

#[derive(Debug, ClapArgs)]
struct Options {
    /// The run folder: config, log, samples, checkpoints.
    #[arg(long, value_name = "DIR", required_unless_present = "dry_run")]
    out: Option<PathBuf>,
    /// What to train on, for instance dsprites, scenes or images:DIR; see `idgan data --help`.
    #[arg(long, value_name = "SPEC")]
    data: Option<String>,
    /// A named set of values to start from; a wrong name lists them. Left out: the small preset that fits --data.
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// A TOML file with values that replace the preset's.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Replaces one value, for instance vae.beta=4 or gan.s_dim=16; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Stage 1: vae, beta-vae, factor-vae or annealed-vae; stage 2: idgan, or one that it is compared with: gan,
    /// infogan, cgan, idgan-no-distill, idgan-end-to-end, vae-gan.
    #[arg(long, value_name = "NAME")]
    method: Option<String>,
    /// The VAE whose code idgan, idgan-no-distill and cgan take: a run folder, a bundle or a published PyTorch file.
    #[arg(long, value_name = "FILE|RUN", value_parser = super::args::model_parser())]
    vae: Option<PathBuf>,
    /// The model that the networks start from instead of random weights. Stage 1: a VAE of the same sizes. Stage 2: a GAN
    /// of the same sizes, or one of half the picture size and half the gan.nfilter_max, which grows by a level; it should
    /// have learnt from the same VAE, or from one that --start made of it.
    #[arg(long, value_name = "FILE|RUN", value_parser = super::args::model_parser())]
    start: Option<PathBuf>,
    /// Picture height and width in pixels: 64 for the VAE, 64 to 1024 for the GAN.
    #[arg(long, value_name = "N")]
    size: Option<usize>,
    /// Steps to train in all; may be raised when resuming.
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Pictures a step.
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    /// Seed of every random stream.
    #[arg(long, value_name = "K")]
    seed: Option<u64>,
    /// Steps between checkpoints.
    #[arg(long, value_name = "N")]
    checkpoint_every: Option<u64>,
    /// Steps between sample grids; 0 for none.
    #[arg(long, value_name = "N")]
    sample_every: Option<u64>,
    /// Go on with the run in --out; its saved configuration holds.
    #[arg(long)]
    resume: bool,
    /// Print the effective configuration and end.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    opening: OpeningArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

/// Trains.
///
/// # Errors
/// When the values make no sense (exit code 2), or the run cannot start or go on.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let (stage, options) = match &args.stage {
        StageArgs::Vae(options) => (Stage::Vae, options),
        StageArgs::Gan(options) => (Stage::Gan, options),
        StageArgs::Features(args) => return super::train_features::run(args),
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
        None => effective(stage, options)?,
    };
    if config.method.is_stage_1() != (stage == Stage::Vae) {
        let (asked, other) = if stage == Stage::Vae { ("vae", "gan") } else { ("gan", "vae") };
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
    warn_free(&format!(
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
        device: options.device.device.open()?,
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
    stop_on_interrupt(&training, cancel_preparation)?;
    follow(&training);
    let end = match training.join() {
        Err(TrainingFailed::Run(TrainError::Data(DataError::Cancelled))) => {
            return print(
                "stopped before the first step, while pictures were prepared; the same command begins again",
            );
        }
        end => end?,
    };
    let shown = out.display();
    match end {
        End::Finished => print(format!("finished; explore it with: idgan {shown}")),
        End::Stopped => print(format!(
            "stopped and saved; go on with: idgan train {} --out {shown} --resume",
            if stage == Stage::Vae { "vae" } else { "gan" }
        )),
    }
}

/// What `idgan train ... --dry-run` would print for these arguments (`vae` or `gan` first), checked.
///
/// # Errors
/// As [`run`] for a wrong configuration.
pub(super) fn configuration_of(arguments: &[String]) -> anyhow::Result<TrainConfig> {
    let args: Args = super::args::parsed("idgan train", arguments)?;
    let (stage, options) = match &args.stage {
        StageArgs::Vae(options) => (Stage::Vae, options),
        StageArgs::Gan(options) => (Stage::Gan, options),
        StageArgs::Features(_) => return Err(usage("a sweep trains models: vae or gan, not features")),
    };
    let config = effective(stage, options)?;
    config.validate().map_err(|error| usage(error.to_string()))?;
    Ok(config)
}

/// Preset, then file, then `--set`, then flags.
fn effective(stage: Stage, options: &Options) -> anyhow::Result<TrainConfig> {
    let file = match &options.config {
        Some(path) => {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            let table: toml::Table = toml::from_str(&text)
                .map_err(|error| usage(format!("{}: {}", error.message(), path.display())))?;
            Some(table)
        }
        None => None,
    };
    // These three decide what the others start from, however they are given.
    let given = |flag: &Option<String>, key: &str| {
        let from_set = || {
            let value = options.set.iter().rev().find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
            parse_value(value?).as_str().map(str::to_owned)
        };
        let from_file = || file.as_ref()?.get(key)?.as_str().map(str::to_owned);
        flag.clone().or_else(from_set).or_else(from_file)
    };
    let data = given(&options.data, "data");
    let name =
        given(&options.preset, "preset").unwrap_or_else(|| fitting_preset(stage, data.as_deref()).to_owned());
    let base = preset(stage, &name).ok_or_else(|| {
        usage(format!(
            "there is no preset {name:?} for this stage; known are: {}",
            preset_names(stage).join(", ")
        ))
    })?;
    let method = match given(&options.method, "method") {
        Some(name) => method_of(stage, &name)?,
        None => base.method,
    };
    let base = toml::Table::try_from(base.with_method(method))?;
    let mut table = base.clone();
    if let Some(file) = file {
        merge(&mut table, file);
        // A file that was written for another method may have values that this one passes over.
        for key in method.unused() {
            if let Some(value) = value_of(&base, key)
                && value_of(&table, key) != Some(value)
            {
                let method = method.name();
                warn(format!("{key} in the file has no effect on {method} and is left out"));
                set(&mut table, key, value.clone())?;
            }
        }
    }
    apply_flags(&mut table, stage, options)?;
    let changed = |key: &&&str| value_of(&table, key) != value_of(&base, key);
    if let Some(key) = method.unused().iter().find(changed) {
        let method = method.name();
        return Err(usage(format!(
            "{key} has no effect on {method}; leave it out or choose another --method"
        )));
    }
    table.insert("preset".into(), toml::Value::String(name));
    let config: TrainConfig = toml::Value::Table(table).try_into().map_err(|error: toml::de::Error| {
        // what is wrong, and on a second line where
        usage(error.to_string().trim().replace('\n', ", "))
    })?;
    Ok(config.with_absolute_paths()?)
}

/// The value of a key like `vae.beta`.
fn value_of<'a>(table: &'a toml::Table, key: &str) -> Option<&'a toml::Value> {
    match key.split_once('.') {
        Some((section, name)) => table.get(section)?.as_table()?.get(name),
        None => table.get(key),
    }
}

/// The method called `name`, if it is one of this stage.
fn method_of(stage: Stage, name: &str) -> anyhow::Result<Method> {
    let of = |stage: Stage| {
        let names = Method::all().iter().filter(move |m| m.is_stage_1() == (stage == Stage::Vae));
        names.map(|method| method.name()).collect::<Vec<_>>().join(", ")
    };
    match Method::from_name(name) {
        Some(method) if method.is_stage_1() == (stage == Stage::Vae) => Ok(method),
        Some(_) if stage == Stage::Vae => Err(usage(format!("{name} is a method of `idgan train gan`"))),
        Some(_) => Err(usage(format!("{name} is a method of `idgan train vae`"))),
        None => Err(usage(format!("there is no method {name:?} here; known are: {}", of(stage)))),
    }
}

/// The preset for people who only name their data.
fn fitting_preset(stage: Stage, data: Option<&str>) -> &'static str {
    match (stage, data.map(|spec| spec.split(':').next().unwrap_or(spec))) {
        (_, None | Some("dsprites")) => "dsprites-small",
        (_, Some("scenes")) => "scenes-small",
        (_, Some("images")) => "photos-small",
        (_, Some("color-dsprites")) => "color-dsprites",
        (_, Some("noisy-dsprites")) => "noisy-dsprites",
        (_, Some("scream-dsprites")) => "scream-dsprites",
        (Stage::Vae, _) => "celeba",
        (Stage::Gan, _) => "celeba-64",
    }
}

fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(own)), toml::Value::Table(other)) if key == "vae" || key == "gan" => {
                merge(own, other);
            }
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

fn apply_flags(table: &mut toml::Table, stage: Stage, options: &Options) -> anyhow::Result<()> {
    for pair in &options.set {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| usage(format!("--set takes KEY=VALUE, for instance vae.beta=4, not {pair:?}")))?;
        set(table, key, parse_value(value))?;
    }
    let integer = |value: u64| {
        i64::try_from(value).map(toml::Value::Integer).map_err(|_| usage("a number is too large"))
    };
    let text = |value: &str| toml::Value::String(value.to_owned());
    let mut flags = Vec::new();
    flags.extend(options.data.as_deref().map(|v| ("data", text(v))));
    flags.extend(options.method.as_deref().map(|v| ("method", text(v))));
    for (key, value) in [
        ("size", options.size.map(|v| v as u64)),
        ("steps", options.steps),
        ("batch", options.batch.map(|v| v as u64)),
        ("seed", options.seed),
        ("checkpoint_every", options.checkpoint_every),
        ("sample_every", options.sample_every),
    ] {
        if let Some(value) = value {
            flags.push((key, integer(value)?));
        }
    }
    if let Some(vae) = &options.vae {
        if stage == Stage::Vae {
            return Err(usage(
                "--vae names the encoder that stage 2 distils; it goes with `idgan train gan`",
            ));
        }
        flags.push(("gan.vae", text(&vae.display().to_string())));
    }
    if let Some(start) = &options.start {
        let key = if stage == Stage::Vae { "vae.start" } else { "gan.start" };
        flags.push((key, text(&start.display().to_string())));
    }
    if let Some(picture) = options.opening.picture() {
        flags.push(("picture", text(&picture.display().to_string())));
    }
    if let Some(background) = options.opening.background().given() {
        flags.push(("background", text(&background.to_string())));
    }
    for (key, value) in flags {
        set(table, key, value)?;
    }
    Ok(())
}

/// A TOML value, or the text itself where it is none (`method=beta-vae`).
fn parse_value(text: &str) -> toml::Value {
    toml::from_str::<toml::Table>(&format!("value = {text}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(text.to_owned()))
}

fn set(table: &mut toml::Table, key: &str, value: toml::Value) -> anyhow::Result<()> {
    let (own, name) = match key.split_once('.') {
        Some((section, name)) => match table.get_mut(section) {
            Some(toml::Value::Table(own)) => (own, name),
            _ => {
                return Err(usage(format!(
                    "there is no section {section:?} here; see --dry-run for the names"
                )));
            }
        },
        None => (table, key),
    };
    // a whole number where a fraction is expected
    let value = match (own.get(name), value) {
        (Some(toml::Value::Float(_)), toml::Value::Integer(value)) => toml::Value::Float(value as f64),
        (_, value) => value,
    };
    own.insert(name.to_owned(), value);
    Ok(())
}

/// Refuses flags that would change a saved run; repeating its own values is fine.
fn check_resume(options: &Options, saved: &TrainConfig) -> anyhow::Result<()> {
    let stage = if saved.method.is_stage_1() { Stage::Vae } else { Stage::Gan };
    if options.preset.as_ref().is_some_and(|name| *name != saved.preset) {
        return Err(usage(format!("--preset conflicts with the saved run, which uses {:?}", saved.preset)));
    }
    let mut table = toml::Table::try_from(saved)?;
    if let Some(path) = &options.config {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        merge(
            &mut table,
            toml::from_str(&text)
                .map_err(|error| usage(format!("{}: {}", error.message(), path.display())))?,
        );
    }
    apply_flags(&mut table, stage, options)?;
    let asked: TrainConfig = toml::Value::Table(table)
        .try_into()
        .map_err(|error: toml::de::Error| usage(error.message().to_owned()))?;
    let asked = TrainConfig { steps: saved.steps, ..asked }.with_absolute_paths()?;
    if asked != saved.clone().with_absolute_paths()? {
        return Err(usage(
            "--resume goes on with the saved configuration; leave out the flags that differ from it (only --steps may), \
             or start a new run in another --out; where files have moved, say so in the run's config.toml",
        ));
    }
    Ok(())
}

/// The first Ctrl+C ends the run after its step, the second at once.
fn stop_on_interrupt(training: &Training, preparation: Cancel) -> anyhow::Result<()> {
    /// What comes sooner after the first is the same wish, told twice: a sweep passes on what its terminal said too.
    const SAME: Duration = Duration::from_secs(1);
    let control = std::sync::Arc::clone(training.control());
    let mut asked: Option<Instant> = None;
    ctrlc::set_handler(move || {
        if asked.get_or_insert_with(Instant::now).elapsed() > SAME {
            std::process::exit(130);
        }
        preparation.cancel();
        control.stop();
    })
    .context("cannot listen for Ctrl+C")
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
                    warn_free(&format!("step {step}: {line}"));
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

/// Progress for logs, where there is no terminal to draw on.
fn warn_free(line: &str) {
    use std::io::Write;
    // nothing to do when nobody reads
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn losses(report: &StepReport) -> String {
    report.values().iter().map(|(name, value)| format!("{name} {value:.4}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options {
            out: None,
            data: None,
            preset: None,
            config: None,
            set: Vec::new(),
            method: None,
            vae: None,
            start: None,
            size: None,
            steps: None,
            batch: None,
            seed: None,
            checkpoint_every: None,
            sample_every: None,
            resume: false,
            dry_run: false,
            opening: OpeningArgs::default(),
            device: DeviceArgs::default(),
        }
    }

    #[test]
    fn flags_win_over_set_over_the_preset() {
        let asked = Options {
            set: vec!["vae.beta=4".into(), "steps=7".into(), "vae.likelihood=gaussian".into()],
            steps: Some(9),
            ..options()
        };
        let config = effective(Stage::Vae, &asked).expect("valid");
        assert_eq!(config.steps, 9);
        assert_eq!(config.preset, "dsprites-small");
        assert_eq!(config.vae.map(|vae| vae.beta.at(0)), Some(4.0));
        let ramp = Options { set: vec!["vae.beta={from=9.0, to=1.0, over=5}".into()], ..options() };
        let config = effective(Stage::Vae, &ramp).expect("valid");
        assert_eq!(config.vae.map(|vae| vae.beta.at(0)), Some(9.0));
    }

    #[test]
    fn preset_and_method_decide_what_the_rest_starts_from_also_by_set() {
        let by_set = |pairs: &[&str]| {
            let set = pairs.iter().map(|pair| (*pair).to_owned()).collect();
            effective(Stage::Vae, &Options { set, ..options() }).expect("valid")
        };
        let config = by_set(&["preset=celeba"]);
        assert_eq!((config.preset.as_str(), config.steps), ("celeba", 1_000_000));
        assert_eq!(by_set(&["data=scenes"]).preset, "scenes-small");
        let own = by_set(&["data=images:pictures"]);
        assert_eq!((own.preset.as_str(), own.steps), ("photos-small", 12_000));
        assert!(own.data.ends_with("pictures") && own.data.starts_with("images:"), "{}", own.data);
        assert_eq!(by_set(&["data=celeba:faces"]).preset, "celeba");
        assert_eq!(fitting_preset(Stage::Gan, Some("images:pictures")), "photos-small");
        let config = by_set(&["method=\"vae\""]);
        assert_eq!((config.method, config.vae.map(|vae| vae.beta.at(0))), (Method::Vae, Some(1.0)));
        assert_eq!(by_set(&["method='vae'"]).method, Method::Vae);
        let both = Options { preset: Some("celeba".into()), set: vec!["preset=cars".into()], ..options() };
        let config = effective(Stage::Vae, &both).expect("valid");
        assert_eq!((config.preset.as_str(), config.data.contains("celeba")), ("celeba", true), "flags win");
    }

    #[test]
    fn what_a_method_passes_over_is_not_taken() {
        let by = |method: &str, pair: &str| {
            let set = vec![pair.to_owned()];
            effective(Stage::Vae, &Options { method: Some(method.into()), set, ..options() })
        };
        for (method, pair) in
            [("vae", "vae.beta=4"), ("factor-vae", "vae.beta=4"), ("beta-vae", "vae.gamma=9")]
        {
            let error = by(method, pair).expect_err("refused").to_string();
            assert!(error.contains("no effect on") && error.contains(method), "{error}");
        }
        assert!(by("factor-vae", "vae.gamma=9").is_ok() && by("vae", "vae.beta=1").is_ok());
    }

    #[test]
    fn a_file_for_one_method_serves_another() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("beta.toml");
        let saved = effective(Stage::Vae, &options()).expect("valid");
        std::fs::write(&path, toml::to_string(&saved).expect("is TOML")).expect("writes");
        let same = effective(Stage::Vae, &Options { config: Some(path.clone()), ..options() });
        assert_eq!(same.expect("valid"), saved);
        let method = Some("factor-vae".to_owned());
        let other = effective(Stage::Vae, &Options { config: Some(path), method, ..options() });
        let other = other.expect("its beta is passed over");
        assert_eq!(other.vae.map(|vae| vae.beta.at(0)), Some(1.0));
    }

    #[test]
    fn a_picture_is_part_of_the_configuration() {
        let opening = OpeningArgs::of_picture("scream.jpg".into());
        let data = Some("scream-dsprites".to_owned());
        let config = effective(Stage::Vae, &Options { data, opening, ..options() }).expect("valid");
        let path = PathBuf::from(&config.picture);
        assert!(path.is_absolute() && path.ends_with("scream.jpg"), "{}", config.picture);
        assert_eq!(config.validate(), Ok(()));
        let elsewhere = TrainConfig { data: "dsprites".into(), ..config };
        assert!(elsewhere.validate().is_err_and(|error| error.0.contains("scream-dsprites")));
    }

    #[test]
    fn nonsense_is_named() {
        let refused = |asked: Options| effective(Stage::Vae, &asked).expect_err("refused").to_string();
        assert!(refused(Options { preset: Some("x".into()), ..options() }).contains("dsprites-small"));
        assert!(refused(Options { set: vec!["vae.betta=1".into()], ..options() }).contains("betta"));
        assert!(refused(Options { set: vec!["beta".into()], ..options() }).contains("KEY=VALUE"));
        assert!(refused(Options { set: vec!["gan.s_dim=1".into()], ..options() }).contains("gan"));
        assert!(refused(Options { vae: Some("x".into()), ..options() }).contains("train gan"));
    }

    #[test]
    fn a_resumed_run_keeps_its_values_except_the_steps() {
        let saved = effective(Stage::Vae, &options()).expect("valid");
        assert!(check_resume(&Options { steps: Some(99), ..options() }, &saved).is_ok());
        assert!(check_resume(&Options { seed: Some(saved.seed), ..options() }, &saved).is_ok());
        assert!(check_resume(&Options { seed: Some(99), ..options() }, &saved).is_err());
        assert!(check_resume(&Options { preset: Some("dsprites".into()), ..options() }, &saved).is_err());
    }
}
