use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::base::{path_word, shell_quoted, typed_path};
use crate::inference::Place;
use crate::training::{
    Family, Field, Layers, LayersError, Method, RunFolder, TrainConfig, TrainError, preset, preset_names,
};

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
    /// Other values by their keys, as they were typed, where they are not the preset's.
    pub(crate) values: BTreeMap<String, String>,
    /// Lines `key=value`, which come last.
    pub(crate) lines: String,
    /// Where to compute and in what, as [`Place`] says it.
    pub(crate) place: String,
    /// Threads; 0 for those of the window.
    pub(crate) threads: usize,
}

/// Something that keeps a run from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The key of the value that is wrong; [`LINES`], [`FOLDER`], or nothing where it is the whole.
    pub(crate) key: String,
    pub(crate) text: String,
    /// Whether the folder holds a run, which could be gone on with.
    pub(crate) is_occupied: bool,
}

/// Where problems of the lines and of the folder are said.
pub(crate) const LINES: &str = "lines";
pub(crate) const FOLDER: &str = "folder";

impl Problem {
    fn new(key: &str, text: impl Into<String>) -> Self {
        Self { key: key.to_owned(), text: text.into(), is_occupied: false }
    }
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
            values: BTreeMap::new(),
            lines: String::new(),
            place: String::new(),
            threads: 0,
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
        self.values.clear();
        self.lines.clear();
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

    /// Changes the method, and with it the values that it takes.
    pub(crate) fn choose_method(&mut self, method: Method) {
        if method != self.method {
            self.method = method;
            self.values.clear();
        }
    }

    /// Sets a value to what was typed; to what it is in the preset it is no longer another one.
    pub(crate) fn set(&mut self, key: &str, text: &str) {
        let own = self.fields().into_iter().find(|field| field.key == key);
        match own.is_some_and(|field| field.value == text.trim()) {
            true => drop(self.values.remove(key)),
            false => drop(self.values.insert(key.to_owned(), text.to_owned())),
        }
    }

    /// The preset as the method has it, before anything is changed.
    fn base(&self) -> Option<TrainConfig> {
        Some(preset(self.family, &self.preset)?.with_method(self.method))
    }

    /// The values that have no control of their own, as the preset has them, those of the method first.
    pub(crate) fn fields(&self) -> Vec<Field> {
        let own = ["method", "data", "steps", "batch", "seed", "gan.vae"];
        let start = self.family.start().map(|(key, _)| key);
        let is_here = |field: &Field| !own.contains(&&*field.key) && Some(&*field.key) != start;
        let fields = self.base().and_then(|base| base.fields().ok()).unwrap_or_default();
        let mut fields: Vec<Field> = fields.into_iter().filter(is_here).collect();
        // What the method takes matters more than what every run has.
        fields.sort_by_key(|field| !field.key.contains('.'));
        fields
    }

    /// What keeps the run from starting, each where it can be mended.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let alone = |pair: String| {
            let layers = Layers { set: vec![pair], ..self.bare_layers() };
            layers.resolve(self.family).err().map(|error| error.to_string())
        };
        for (key, text) in &self.values {
            problems.extend(alone(format!("{key}={text}")).map(|text| Problem::new(key, text)));
        }
        for line in self.pairs() {
            problems.extend(alone(line).map(|text| Problem::new(LINES, text)));
        }
        if problems.is_empty() {
            problems.extend(self.whole_problem());
        }
        match self.folder() {
            Err(text) => problems.push(Problem::new(FOLDER, text)),
            Ok(folder) => problems.extend(RunFolder::check_free(&folder).err().map(|error| Problem {
                is_occupied: matches!(error, TrainError::Occupied { .. }),
                ..Problem::new(FOLDER, error.to_string())
            })),
        }
        problems
    }

    /// What is wrong with the values together.
    fn whole_problem(&self) -> Option<Problem> {
        let config = match self.layers().and_then(|layers| layers.resolve(self.family)) {
            Ok(resolved) => resolved.config,
            Err(error) => return Some(Problem::new("", error.to_string())),
        };
        if self.lacks_vae() {
            return Some(Problem::new("gan.vae", NO_VAE));
        }
        if let Some(missing) = config.missing_start() {
            let key = self.start().map_or("", |(key, _)| key);
            return Some(Problem::new(key, format!("{missing}; name its run folder under Start")));
        }
        let text = config.validate().err()?.to_string();
        // Sentences name the value that they are about.
        let words: Vec<&str> = text.split([' ', ',', ';']).collect();
        let says = |key: &&str| {
            words.contains(key) || key.split_once('.').is_some_and(|(_, name)| words.contains(&name))
        };
        let fields = self.fields();
        let own = ["steps", "batch", "seed", "data"].into_iter();
        let key = own.chain(fields.iter().map(|field| field.key.as_str())).find(says).unwrap_or_default();
        Some(Problem::new(key, text))
    }

    fn lacks_vae(&self) -> bool {
        self.method.takes_a_vae() && self.vae.trim().is_empty()
    }

    /// The command that starts the same run.
    pub(crate) fn command(&self) -> Result<String, String> {
        if self.lacks_vae() {
            return Err(NO_VAE.to_owned());
        }
        let layers = self.layers().map_err(|error| error.to_string())?;
        let mut words = vec!["idgan".to_owned(), "train".to_owned(), self.family.name().to_owned()];
        words.extend(layers.arguments(self.family));
        for (option, value) in self.place()?.options() {
            words.extend([format!("--{option}"), value]);
        }
        if self.threads > 0 {
            words.extend(["--threads".to_owned(), self.threads.to_string()]);
        }
        words.push("--out".to_owned());
        words.push(path_word(&self.folder()?).to_string_lossy().into_owned());
        Ok(shell_quoted(words))
    }

    /// Where to compute.
    pub(crate) fn place(&self) -> Result<Place, String> {
        self.place.parse().map_err(|error: crate::inference::DeviceError| error.to_string())
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
        if self.lacks_vae() {
            return Err(NO_VAE.to_owned());
        }
        if let Some(missing) = config.missing_start() {
            return Err(format!("{missing}; name its run folder under Start"));
        }
        config.validate().map_err(|error| error.to_string())?;
        Ok(config)
    }

    /// Preset and method, which decide what the other values are.
    fn bare_layers(&self) -> Layers {
        let mut layers = Layers { preset: Some(self.preset.clone()), ..Layers::default() };
        let is_presets = preset(self.family, &self.preset).is_some_and(|config| config.method == self.method);
        layers.text("method", (!is_presets).then(|| self.method.name()));
        layers
    }

    /// The lines that say something.
    fn pairs(&self) -> impl Iterator<Item = String> {
        let lines = self.lines.lines().map(str::trim);
        lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(without_spaces)
    }

    /// The values asked for that are not the preset's.
    fn layers(&self) -> Result<Layers, LayersError> {
        let mut layers = self.bare_layers();
        let pairs = self.values.iter().map(|(key, text)| format!("{key}={}", text.trim()));
        layers.set = pairs.chain(self.pairs()).collect();
        let base = self.base();
        let is_other = |is: fn(&TrainConfig, &Self) -> bool| base.as_ref().is_none_or(|base| !is(base, self));
        layers.text("data", is_other(|base, form| base.data == form.data.trim()).then(|| self.data.trim()));
        layers.number("steps", is_other(|base, form| base.steps == form.steps).then_some(self.steps))?;
        layers
            .number("batch", is_other(|base, form| base.batch == form.batch).then_some(self.batch as u64))?;
        layers.number("seed", is_other(|base, form| base.seed == form.seed).then_some(self.seed))?;
        if let Some((key, _)) = self.start() {
            layers.text(key, (!self.start.trim().is_empty()).then(|| typed(self.start.trim())));
        }
        if self.method.takes_a_vae() {
            layers.text("gan.vae", (!self.vae.trim().is_empty()).then(|| typed(self.vae.trim())));
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

/// What is said where a method distils a VAE and none is named.
const NO_VAE: &str = "this method takes the code of a VAE; name a VAE file or its run folder";

/// `key = value` as `key=value`.
fn without_spaces(line: &str) -> String {
    match line.split_once('=') {
        Some((key, value)) => format!("{}={}", key.trim(), value.trim()),
        None => line.to_owned(),
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

    #[test]
    fn problems_are_said_where_they_can_be_mended() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut form = Form { out: folder.path().join("new").display().to_string(), ..Form::default() };
        assert_eq!(form.problems(), []);
        let keys =
            |form: &Form| -> Vec<String> { form.problems().into_iter().map(|problem| problem.key).collect() };
        form.set("vae.c_dim", "many");
        form.set("vae.learning_rate", "2e-4");
        assert_eq!(keys(&form), ["vae.c_dim"], "a word is no number");
        form.set("vae.c_dim", "0");
        assert_eq!(keys(&form), ["vae.c_dim"], "and 0 dimensions are none: {:?}", form.problems());
        let own = form.fields().into_iter().find(|field| field.key == "vae.c_dim").expect("c_dim");
        form.set("vae.c_dim", &own.value);
        assert_eq!(form.values.keys().collect::<Vec<_>>(), ["vae.learning_rate"]);
        form.lines = "# a remark\nlog_every = 5\nvae.nonsense = 1\n".to_owned();
        assert_eq!(keys(&form), [LINES]);
        form.lines = "log_every = 5".to_owned();
        assert_eq!(form.config().expect("valid").log_every, 5);
        std::fs::create_dir(folder.path().join("new")).expect("makes");
        std::fs::write(folder.path().join("new/config.toml"), "").expect("writes");
        let problems = form.problems();
        assert!(problems.len() == 1 && problems[0].key == FOLDER && problems[0].is_occupied, "{problems:?}");
        form.choose_family(Family::Gan);
        assert!(keys(&form).contains(&"gan.vae".to_owned()));
        form.choose_method(Method::Gan);
        assert!(!keys(&form).contains(&"gan.vae".to_owned()), "a GAN without c takes no VAE");
    }

    #[test]
    fn the_command_says_what_is_not_the_presets() {
        let mut form = Form { out: "/tmp/a b".to_owned(), ..Form::default() };
        let command = |form: &Form| form.command().expect("a command");
        assert_eq!(command(&form), "idgan train vae --preset dsprites-small --out '/tmp/a b'");
        form.set("vae.beta", "{ from = 30, to = 4, over = 10 }");
        form.lines = "keep_last = 3".to_owned();
        (form.steps, form.place, form.threads) = (7, "cpu".to_owned(), 2);
        form.choose_method(Method::BetaVae);
        assert_eq!(
            command(&form),
            "idgan train vae --preset dsprites-small --set 'vae.beta={ from = 30, to = 4, over = 10 }' --set keep_last=3 \
             --steps 7 --device cpu --threads 2 --out '/tmp/a b'"
        );
        form.choose_method(Method::FactorVae);
        assert!(command(&form).contains("--method factor-vae") && !command(&form).contains("vae.beta"));
    }
}
