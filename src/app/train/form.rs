use std::path::{Path, PathBuf};

use crate::base::typed_path;
use crate::training::{Family, Layers, LayersError, Method, TrainConfig, preset, preset_names};

/// What a person has asked for before a run starts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Form {
    pub(crate) family: Family,
    pub(crate) preset: String,
    /// One of the family's.
    pub(crate) method: Method,
    /// Data set specification.
    pub(crate) data: String,
    /// For stage 2: the VAE whose encoder is distilled, a file or a run folder.
    pub(crate) vae: String,
    /// The model to start from, a file or a run folder; empty for random weights.
    pub(crate) start: String,
    /// The run folder.
    pub(crate) out: String,
    pub(crate) steps: u64,
    pub(crate) batch: usize,
    pub(crate) seed: u64,
}

/// The preset that needs no download and an hour at most.
const FIRST: &str = "dsprites-small";

impl Default for Form {
    fn default() -> Self {
        let mut form = Self {
            family: Family::Vae,
            preset: String::new(),
            method: Method::Vae,
            data: String::new(),
            vae: String::new(),
            start: String::new(),
            out: String::new(),
            steps: 1,
            batch: 1,
            seed: 0,
        };
        form.choose(Family::Vae, FIRST);
        form
    }
}

impl Form {
    /// Takes the values of a preset, and proposes a folder that does not exist yet.
    pub(crate) fn choose(&mut self, family: Family, name: &str) {
        let Some(config) = preset(family, name) else { return };
        self.family = family;
        name.clone_into(&mut self.preset);
        self.method = config.method;
        self.data = config.data;
        self.steps = config.steps;
        self.batch = config.batch;
        self.seed = config.seed;
        self.propose_folder();
    }

    /// The key of the model that its networks may start from, and what that is.
    pub(crate) fn start(&self) -> Option<(&'static str, &'static str)> {
        self.family.start().filter(|_| self.method.may_start_from_another())
    }

    /// Changes the stage, and the preset with it.
    pub(crate) fn choose_family(&mut self, family: Family) {
        if family != self.family {
            self.start.clear();
            let names = preset_names(family);
            let same = names.iter().find(|name| **name == self.preset);
            let small = || names.iter().find(|name| name.ends_with("-small"));
            if let Some(name) = same.or_else(small) {
                self.choose(family, name);
            }
        }
    }

    /// Proposes the VAE in `path` for the second stage, unless the person has named one.
    pub(crate) fn propose_vae(&mut self, path: &Path) {
        if self.vae.is_empty() {
            self.vae = path.display().to_string();
        }
    }

    /// Proposes a folder of its own for the run.
    pub(crate) fn propose_folder(&mut self) {
        let base = format!("{}-{}", self.preset, self.family.name());
        let names = std::iter::once(base.clone()).chain((2..).map(|number| format!("{base}-{number}")));
        let mut paths = names.map(|name| Path::new("runs").join(name));
        if let Some(path) = paths.find(|path| !path.exists()) {
            self.out = path.display().to_string();
        }
    }

    /// The configuration asked for.
    pub(crate) fn config(&self) -> Result<TrainConfig, String> {
        let layers = self.layers().map_err(|error| error.to_string())?;
        let config = layers.resolve(self.family).map_err(|error| error.to_string())?.config;
        if self.method.takes_a_vae() && self.vae.trim().is_empty() {
            return Err("the second stage distils a VAE; name a VAE file or its run folder".to_owned());
        }
        if let Some(missing) = config.missing_start() {
            return Err(format!("{missing}; name its run folder under Start"));
        }
        config.validate().map_err(|error| error.to_string())?;
        Ok(config)
    }

    /// The values asked for.
    fn layers(&self) -> Result<Layers, LayersError> {
        let mut layers = Layers { preset: Some(self.preset.clone()), ..Layers::default() };
        layers.text("method", Some(self.method.name()));
        layers.text("data", Some(self.data.trim()));
        layers.number("steps", Some(self.steps))?;
        layers.number("batch", Some(self.batch as u64))?;
        layers.number("seed", Some(self.seed))?;
        if let Some((key, _)) = self.start() {
            layers.text(key, Some(typed(&self.start)));
        }
        if self.method.takes_a_vae() {
            layers.text("gan.vae", Some(typed(self.vae.trim())));
        }
        Ok(layers)
    }

    /// The run folder asked for.
    pub(crate) fn folder(&self) -> Result<PathBuf, String> {
        match self.out.trim() {
            "" => Err("name a folder for the run".to_owned()),
            out => Ok(absolute(&typed(out))),
        }
    }
}

/// A path as somebody has typed it, spelt out.
fn typed(path: &str) -> String {
    typed_path(path).display().to_string()
}

fn absolute(path: &str) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_starts_with_something_that_runs() {
        let form = Form::default();
        let config = form.config().expect("valid");
        assert_eq!((config.preset.as_str(), config.data.as_str()), (FIRST, "dsprites"));
        assert!(form.folder().expect("proposed").ends_with("runs/dsprites-small-vae"));
    }

    #[test]
    fn every_method_of_a_family_is_trained_from_the_form_by_its_own_values() {
        let mut form = Form::default();
        for family in Family::ALL {
            form.choose_family(family);
            form.propose_vae(Path::new("runs/vae"));
            form.start = "runs/first".to_owned();
            for method in family.methods() {
                form.method = method;
                let config = form.config().unwrap_or_else(|error| panic!("{}: {error}", method.name()));
                assert_eq!(config.method, method);
                assert_eq!(config.start().is_some(), form.start().is_some(), "{}", method.name());
            }
        }
    }

    #[test]
    fn the_second_stage_asks_for_a_vae() {
        let mut form = Form::default();
        form.choose_family(Family::Gan);
        assert!(form.config().expect_err("no VAE yet").contains("VAE"));
        form.propose_vae(Path::new("runs/vae"));
        form.propose_vae(Path::new("runs/other"));
        let config = form.config().expect("valid");
        assert!(config.gan.is_some_and(|gan| gan.vae.ends_with("runs/vae")));
        form.choose(Family::Gan, "scenes-small-128");
        assert!(
            form.config()
                .expect_err("nothing to start from")
                .ends_with("scenes-small; name its run folder under Start")
        );
        form.start = "runs/small".to_owned();
        assert!(form.config().expect("valid").gan.is_some_and(|gan| gan.start.ends_with("runs/small")));
        let home = directories::BaseDirs::new().expect("tests have a home").home_dir().to_owned();
        (form.vae, form.out, form.data) = ("~/vae".into(), "~/runs/new".into(), "images:~/faces".into());
        let config = form.config().expect("valid");
        assert_eq!(form.folder(), Ok(home.join("runs/new")));
        assert_eq!(config.data, format!("images:{}", home.join("faces").display()));
        assert_eq!(config.gan.map(|gan| gan.vae), Some(home.join("vae").display().to_string()));
        form.steps = 0;
        assert!(form.config().is_err(), "no steps, no run");
    }
}
