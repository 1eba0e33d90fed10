//! How a preset, a file, pairs of `--set` and single values become a configuration, for the command line and the window.

use std::path::{Path, PathBuf};

use super::super::{preset, preset_names};
use super::{Family, Method, TrainConfig};
use crate::base::FileError;
use crate::formats::from_toml;

/// The values of a run from several places: the preset's, those of the file in their place, then the pairs, then the single
/// values.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The preset. Where none is named, here or in what follows, it is the small one that fits the data.
    pub preset: Option<String>,
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// Pairs `KEY=VALUE`, for instance `vae.beta=4`.
    pub set: Vec<String>,
    /// Single values by their keys, for instance `gan.vae`.
    pub values: Vec<(&'static str, toml::Value)>,
}

/// A configuration, and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The configuration, with absolute paths; not validated.
    pub config: TrainConfig,
    /// What of the file was left out, in sentences.
    pub warnings: Vec<String>,
}

/// Values that make no configuration.
#[derive(Debug, thiserror::Error)]
pub enum LayersError {
    /// A file that cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// What is asked for makes no sense.
    #[error("{0}")]
    Request(String),
}

fn refused(sentence: impl Into<String>) -> LayersError {
    LayersError::Request(sentence.into())
}

impl Layers {
    /// Adds the single value `key`, for instance `gan.vae`, where there is one.
    pub fn text(&mut self, key: &'static str, value: Option<impl Into<String>>) {
        self.values.extend(value.map(|value| (key, toml::Value::String(value.into()))));
    }

    /// The same for a whole number.
    ///
    /// # Errors
    /// When it is larger than a TOML file can say.
    pub fn number(&mut self, key: &'static str, value: Option<u64>) -> Result<(), LayersError> {
        let Some(value) = value else { return Ok(()) };
        let value = i64::try_from(value).map_err(|_| refused(format!("{key} is too large a number")))?;
        self.values.push((key, toml::Value::Integer(value)));
        Ok(())
    }

    /// The configuration of a run of `stage`.
    ///
    /// # Errors
    /// When the file cannot be read, or a name or value is none that there is.
    pub fn resolve(&self, family: Family) -> Result<Resolved, LayersError> {
        let file = self.file.as_deref().map(read).transpose()?;
        // These three decide what the others start from, however they are given.
        let given = |key: &str| {
            let alone = self.values.iter().rev().find(|(name, _)| *name == key);
            let alone = alone.and_then(|(_, value)| value.as_str()).map(str::to_owned);
            let from_set = || {
                let value = self.set.iter().rev().find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
                parse_value(value?).as_str().map(str::to_owned)
            };
            let from_file = || file.as_ref()?.get(key)?.as_str().map(str::to_owned);
            alone.or_else(from_set).or_else(from_file)
        };
        let fitting = || fitting_preset(family, given("data").as_deref()).to_owned();
        let name = self.preset.clone().or_else(|| given("preset")).unwrap_or_else(fitting);
        let base = preset(family, &name).ok_or_else(|| {
            let known = preset_names(family).join(", ");
            refused(format!("there is no preset {name:?} here; known are: {known}"))
        })?;
        let method = match given("method") {
            Some(name) => method_of(family, &name)?,
            None => base.method,
        };
        let base = table_of(&base.with_method(method))?;
        let (mut table, mut warnings) = (base.clone(), Vec::new());
        if let Some(file) = file {
            merge(&mut table, file);
            // A file that was written for another method may have values that this one passes over.
            for key in method.unused() {
                if let Some(value) = value_of(&base, key)
                    && value_of(&table, key) != Some(value)
                {
                    let method = method.name();
                    warnings.push(format!("{key} in the file has no effect on {method} and is left out"));
                    set(&mut table, key, value.clone())?;
                }
            }
        }
        self.apply(&mut table)?;
        let changed = |key: &&&str| value_of(&table, key) != value_of(&base, key);
        if let Some(key) = method.unused().iter().find(changed) {
            let method = method.name();
            return Err(refused(format!(
                "{key} has no effect on {method}; leave it out or choose another --method"
            )));
        }
        table.insert("preset".into(), toml::Value::String(name));
        Ok(Resolved { config: config_of(table)?.with_absolute_paths()?, warnings })
    }

    /// Whether they would make another configuration of that of a run than it has, but for its steps.
    ///
    /// # Errors
    /// When the file cannot be read, or a value is none that there is.
    pub fn would_change(&self, saved: &TrainConfig) -> Result<bool, LayersError> {
        if self.preset.as_ref().is_some_and(|name| *name != saved.preset) {
            return Ok(true);
        }
        let mut table = table_of(saved)?;
        if let Some(path) = &self.file {
            merge(&mut table, read(path)?);
        }
        self.apply(&mut table)?;
        let asked = TrainConfig { steps: saved.steps, ..config_of(table)? }.with_absolute_paths()?;
        Ok(asked != saved.clone().with_absolute_paths()?)
    }

    /// Lays the pairs and the single values over `table`.
    fn apply(&self, table: &mut toml::Table) -> Result<(), LayersError> {
        for pair in &self.set {
            let pair = pair.split_once('=').ok_or_else(|| {
                refused(format!("--set takes KEY=VALUE, for instance vae.beta=4, not {pair:?}"))
            })?;
            set(table, pair.0, parse_value(pair.1))?;
        }
        self.values.iter().try_for_each(|(key, value)| set(table, key, value.clone()))
    }
}

/// The values of a file.
fn read(path: &Path) -> Result<toml::Table, LayersError> {
    let text = std::fs::read_to_string(path).map_err(|error| FileError::new(error, path))?;
    from_toml(&text).map_err(|what| refused(format!("{what}: {}", path.display())))
}

fn table_of(config: &TrainConfig) -> Result<toml::Table, LayersError> {
    toml::Table::try_from(config).map_err(|error| refused(error.to_string()))
}

fn config_of(table: toml::Table) -> Result<TrainConfig, LayersError> {
    toml::Value::Table(table).try_into().map_err(|error: toml::de::Error| {
        // what is wrong, and on a second line where
        refused(error.to_string().trim().replace('\n', ", "))
    })
}

/// The value of a key like `vae.beta`.
fn value_of<'a>(table: &'a toml::Table, key: &str) -> Option<&'a toml::Value> {
    match key.split_once('.') {
        Some((section, name)) => table.get(section)?.as_table()?.get(name),
        None => table.get(key),
    }
}

/// The method called `name`, if it is one of this family.
fn method_of(family: Family, name: &str) -> Result<Method, LayersError> {
    match Method::from_name(name) {
        Some(method) if method.family() == family => Ok(method),
        Some(method) => {
            Err(refused(format!("{name} is a method of `idgan train {}`", method.family().name())))
        }
        None => {
            let known: Vec<_> = family.methods().map(Method::name).collect();
            Err(refused(format!("there is no method {name:?} here; known are: {}", known.join(", "))))
        }
    }
}

/// The preset for people who only name their data.
fn fitting_preset(family: Family, data: Option<&str>) -> &'static str {
    match (family, data.map(|spec| spec.split(':').next().unwrap_or(spec))) {
        (Family::Iae, None | Some("dsprites")) => "sprites-small",
        (Family::Iae, Some("mnist" | "mnist-test")) => "mnist-small",
        (Family::Iae, Some("svhn")) => "svhn",
        (_, None | Some("dsprites" | "mnist" | "mnist-test")) => "dsprites-small",
        (Family::Vae | Family::Gan, Some("scenes")) => "scenes-small",
        (Family::Vae | Family::Gan, Some("images" | "labels" | "svhn")) => "photos-small",
        (Family::Vae | Family::Gan | Family::Ibgan, Some("color-dsprites")) => "color-dsprites",
        (Family::Vae | Family::Gan, Some("noisy-dsprites")) => "noisy-dsprites",
        (Family::Vae | Family::Gan, Some("scream-dsprites")) => "scream-dsprites",
        (Family::Vae, _) => "celeba",
        (Family::Gan, _) => "celeba-64",
        (Family::Ibgan | Family::Oogan | Family::Iae, _) => "celeba",
    }
}

fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(own)), toml::Value::Table(other))
                if Method::all().iter().any(|method| method.section() == key) =>
            {
                merge(own, other);
            }
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

/// A TOML value, or the text itself where it is none (`method=beta-vae`).
fn parse_value(text: &str) -> toml::Value {
    from_toml::<toml::Table>(&format!("value = {text}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(text.to_owned()))
}

fn set(table: &mut toml::Table, key: &str, value: toml::Value) -> Result<(), LayersError> {
    let (own, name) = match key.split_once('.') {
        Some((section, name)) => match table.get_mut(section) {
            Some(toml::Value::Table(own)) => (own, name),
            _ => {
                return Err(refused(format!(
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

#[cfg(test)]
mod tests {
    use super::*;

    fn vae(layers: &Layers) -> TrainConfig {
        layers.resolve(Family::Vae).expect("valid").config
    }

    fn pairs(pairs: &[&str]) -> Layers {
        Layers { set: pairs.iter().map(|pair| (*pair).to_owned()).collect(), ..Layers::default() }
    }

    fn method(name: &str) -> Layers {
        let mut layers = Layers::default();
        layers.text("method", Some(name));
        layers
    }

    #[test]
    fn single_values_win_over_pairs_over_the_preset() {
        let mut asked = pairs(&["vae.beta=4", "steps=7", "vae.likelihood=gaussian"]);
        asked.number("steps", Some(9)).expect("fits");
        asked.number("seed", None).expect("nothing");
        let config = vae(&asked);
        assert_eq!((config.steps, config.preset.as_str()), (9, "dsprites-small"));
        assert_eq!(config.vae.map(|vae| vae.beta.at(0)), Some(4.0));
        let ramp = vae(&pairs(&["vae.beta={from=9.0, to=1.0, over=5}"]));
        assert_eq!(ramp.vae.map(|vae| vae.beta.at(0)), Some(9.0));
        assert!(asked.number("seed", Some(u64::MAX)).is_err_and(|error| error.to_string().contains("seed")));
    }

    #[test]
    fn preset_and_method_decide_what_the_rest_starts_from_also_in_pairs() {
        let config = vae(&pairs(&["preset=celeba"]));
        assert_eq!((config.preset.as_str(), config.steps), ("celeba", 1_000_000));
        assert_eq!(vae(&pairs(&["data=scenes"])).preset, "scenes-small");
        let own = vae(&pairs(&["data=images:pictures"]));
        assert_eq!((own.preset.as_str(), own.steps), ("photos-small", 12_000));
        assert!(own.data.ends_with("pictures") && own.data.starts_with("images:"), "{}", own.data);
        assert_eq!(vae(&pairs(&["data=celeba:faces"])).preset, "celeba");
        assert_eq!(fitting_preset(Family::Gan, Some("images:pictures")), "photos-small");
        let config = vae(&pairs(&["method=\"vae\""]));
        assert_eq!((config.method, config.vae.map(|vae| vae.beta.at(0))), (Method::Vae, Some(1.0)));
        assert_eq!(vae(&pairs(&["method='vae'"])).method, Method::Vae);
        let config = vae(&Layers { preset: Some("celeba".into()), ..pairs(&["preset=cars"]) });
        assert_eq!((config.preset.as_str(), config.data.contains("celeba")), ("celeba", true));
        let mut scenes = Layers::default();
        scenes.text("data", Some("scenes"));
        assert_eq!(vae(&scenes).preset, "scenes-small");
    }

    #[test]
    fn what_a_method_passes_over_is_not_taken() {
        let by = |name: &str, pair: &str| {
            Layers { set: vec![pair.to_owned()], ..method(name) }.resolve(Family::Vae)
        };
        for (name, pair) in [("vae", "vae.beta=4"), ("factor-vae", "vae.beta=4"), ("beta-vae", "vae.gamma=9")]
        {
            let error = by(name, pair).expect_err("refused").to_string();
            assert!(error.contains("no effect on") && error.contains(name), "{error}");
        }
        assert!(by("factor-vae", "vae.gamma=9").is_ok() && by("vae", "vae.beta=1").is_ok());
    }

    #[test]
    fn a_file_for_one_method_serves_another() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("beta.toml");
        let saved = vae(&Layers::default());
        std::fs::write(&path, toml::to_string(&saved).expect("is TOML")).expect("writes");
        let same = Layers { file: Some(path.clone()), ..Layers::default() }.resolve(Family::Vae);
        assert_eq!(same.expect("valid"), Resolved { config: saved, warnings: Vec::new() });
        let other = Layers { file: Some(path), ..method("factor-vae") }.resolve(Family::Vae);
        let other = other.expect("its beta is passed over");
        assert_eq!(other.config.vae.as_ref().map(|vae| vae.beta.at(0)), Some(1.0));
        assert!(
            other.warnings.len() == 1 && other.warnings[0].starts_with("vae.beta in the file"),
            "{other:?}"
        );
    }

    #[test]
    fn nonsense_is_named() {
        let refused = |layers: &Layers| layers.resolve(Family::Vae).expect_err("refused").to_string();
        let preset = Layers { preset: Some("x".into()), ..Layers::default() };
        assert!(refused(&preset).contains("dsprites-small"));
        assert!(refused(&pairs(&["vae.betta=1"])).contains("betta"));
        assert!(refused(&pairs(&["beta"])).contains("KEY=VALUE"));
        assert!(refused(&pairs(&["gan.s_dim=1"])).contains("gan"));
        assert!(refused(&method("idgan")).contains("train gan"));
        let missing = Layers { file: Some("/nonexistent.toml".into()), ..Layers::default() };
        assert!(matches!(missing.resolve(Family::Vae), Err(LayersError::File(_))));
    }

    #[test]
    fn a_saved_run_is_changed_by_other_values_but_not_by_its_own_or_by_steps() {
        let saved = vae(&Layers::default());
        let would = |layers: &Layers| layers.would_change(&saved).expect("makes sense");
        let by_seed = |seed| {
            let mut layers = Layers::default();
            layers.number("seed", Some(seed)).expect("fits");
            would(&layers)
        };
        assert!(!would(&pairs(&["steps=99"])) && !by_seed(saved.seed));
        assert!(by_seed(99) && would(&pairs(&["vae.beta=77"])));
        assert!(would(&Layers { preset: Some("dsprites".into()), ..Layers::default() }));
    }
}
