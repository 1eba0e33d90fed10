//! The values of a run: a preset, then a file, then `--set`, then flags.

use std::path::Path;

use super::Options;
use crate::base::FileError;
use crate::cli::{usage, warn};
use crate::formats::from_toml;
use crate::training::{Method, Stage, TrainConfig, preset, preset_names};

/// Preset, then file, then `--set`, then flags.
pub(super) fn effective(stage: Stage, options: &Options) -> anyhow::Result<TrainConfig> {
    let file = options.config.as_deref().map(read_toml).transpose()?;
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

/// The values of a `--config` file.
fn read_toml(path: &Path) -> anyhow::Result<toml::Table> {
    let text = std::fs::read_to_string(path).map_err(|error| FileError::new(error, path))?;
    from_toml(&text).map_err(|what| usage(format!("{what}: {}", path.display())))
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
    from_toml::<toml::Table>(&format!("value = {text}"))
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
pub(super) fn check_resume(options: &Options, saved: &TrainConfig) -> anyhow::Result<()> {
    let stage = if saved.method.is_stage_1() { Stage::Vae } else { Stage::Gan };
    if options.preset.as_ref().is_some_and(|name| *name != saved.preset) {
        return Err(usage(format!("--preset conflicts with the saved run, which uses {:?}", saved.preset)));
    }
    let mut table = toml::Table::try_from(saved)?;
    if let Some(path) = &options.config {
        merge(&mut table, read_toml(path)?);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{DeviceArgs, OpeningArgs};
    use std::path::PathBuf;

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
