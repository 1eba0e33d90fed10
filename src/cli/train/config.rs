//! The values of a run as the command line gives them.

use super::options::Options;
use crate::cli::{usage, warn};
use crate::training::{Family, Layers, LayersError, TrainConfig};

/// Preset, then file, then `--set`, then flags.
pub(super) fn effective(family: Family, options: &Options) -> anyhow::Result<TrainConfig> {
    let resolved = layers(family, options)?.resolve(family).map_err(worded)?;
    resolved.warnings.iter().for_each(warn);
    Ok(resolved.config)
}

/// Refuses flags that would change a saved run; repeating its own values is fine.
pub(super) fn check_resume(options: &Options, saved: &TrainConfig) -> anyhow::Result<()> {
    let family = saved.method.family();
    if options.preset.as_ref().is_some_and(|name| *name != saved.preset) {
        return Err(usage(format!("--preset conflicts with the saved run, which uses {:?}", saved.preset)));
    }
    if layers(family, options)?.would_change(saved).map_err(worded)? {
        return Err(usage(
            "--resume goes on with the saved configuration; leave out the flags that differ from it (only --steps may), \
             or start a new run in another --out; where files have moved, say so in the run's config.toml",
        ));
    }
    Ok(())
}

/// What the flags say, in their order of weight.
fn layers(family: Family, options: &Options) -> anyhow::Result<Layers> {
    let mut layers = Layers {
        preset: options.preset.clone(),
        file: options.config.clone(),
        set: options.set.clone(),
        ..Layers::default()
    };
    layers.text("data", options.data.clone());
    layers.text("method", options.method.clone());
    layers.text("cycle.data2", options.data2.clone());
    for (key, value) in [
        ("size", options.size.map(|size| size as u64)),
        ("steps", options.steps),
        ("batch", options.batch.map(|batch| batch as u64)),
        ("seed", options.seed),
        ("checkpoint_every", options.checkpoint_every),
        ("sample_every", options.sample_every),
    ] {
        layers.number(key, value).map_err(worded)?;
    }
    if options.vae.is_some() && family == Family::Vae {
        return Err(usage("--vae names the encoder that stage 2 distils; it goes with `idgan train gan`"));
    }
    layers.text("gan.vae", options.vae.as_ref().map(|path| path.display().to_string()));
    if options.vae.is_some() && family != Family::Gan {
        return Err(usage(format!("`idgan train {}` takes no trained VAE; leave out --vae", family.name())));
    }
    if options.start.is_some() && family.start().is_none() {
        let family = family.name();
        return Err(usage(format!("`idgan train {family}` starts from random weights; leave out --start")));
    }
    let start = family.start().map_or("", |(key, _)| key);
    layers.text(start, options.start.as_ref().map(|path| path.display().to_string()));
    layers.text("picture", options.opening.picture().map(|path| path.display().to_string()));
    layers.text("background", options.opening.background().given().map(|background| background.to_string()));
    Ok(layers)
}

/// An error as the command line tells it.
fn worded(error: LayersError) -> anyhow::Error {
    match error {
        LayersError::Request(sentence) => usage(sentence),
        LayersError::File(error) => error.into(),
    }
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
            data2: None,
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
        let set = vec!["vae.beta=4".into(), "steps=7".into()];
        let asked = Options { set, steps: Some(9), start: Some("/a".into()), ..options() };
        let config = effective(Family::Vae, &asked).expect("valid");
        assert_eq!((config.steps, config.preset.as_str(), config.start()), (9, "dsprites-small", Some("/a")));
        assert_eq!(config.vae.map(|vae| vae.beta.at(0)), Some(4.0));
        let both = Options { preset: Some("celeba".into()), set: vec!["preset=cars".into()], ..options() };
        assert_eq!(effective(Family::Vae, &both).expect("valid").preset, "celeba");
        let asked = Options { vae: Some("/v".into()), start: Some("/a".into()), ..options() };
        let config = effective(Family::Gan, &asked).expect("valid");
        assert_eq!(
            (config.start(), config.gan.as_ref().map(|gan| gan.vae.as_str())),
            (Some("/a"), Some("/v"))
        );
    }

    #[test]
    fn a_picture_is_part_of_the_configuration() {
        let opening = OpeningArgs::of_picture("scream.jpg".into());
        let data = Some("scream-dsprites".to_owned());
        let config = effective(Family::Vae, &Options { data, opening, ..options() }).expect("valid");
        let path = PathBuf::from(&config.picture);
        assert!(path.is_absolute() && path.ends_with("scream.jpg"), "{}", config.picture);
        assert_eq!(config.validate(), Ok(()));
        let elsewhere = TrainConfig { data: "dsprites".into(), ..config };
        assert!(elsewhere.validate().is_err_and(|error| error.0.contains("scream-dsprites")));
    }

    #[test]
    fn nonsense_is_wrong_usage() {
        let refused = |asked: Options| effective(Family::Vae, &asked).expect_err("refused");
        let preset = refused(Options { preset: Some("x".into()), ..options() });
        assert!(
            preset.is::<crate::cli::Usage>() && preset.to_string().contains("dsprites-small"),
            "{preset}"
        );
        assert!(refused(Options { vae: Some("x".into()), ..options() }).to_string().contains("train gan"));
    }

    #[test]
    fn a_resumed_run_keeps_its_values_except_the_steps() {
        let saved = effective(Family::Vae, &options()).expect("valid");
        assert!(check_resume(&Options { steps: Some(99), ..options() }, &saved).is_ok());
        assert!(check_resume(&Options { seed: Some(saved.seed), ..options() }, &saved).is_ok());
        assert!(check_resume(&Options { seed: Some(99), ..options() }, &saved).is_err());
        assert!(check_resume(&Options { preset: Some("dsprites".into()), ..options() }, &saved).is_err());
    }
}
