use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::FileError;
use crate::formats::from_toml;
use crate::metrics::Metric;
use crate::training::{Family, Method};

use super::{Cell, Measurement, SweepError};

/// A sweep file: methods times data sets times seeds.
///
/// ```toml
/// out = "runs/table2"                 # where the run folders go
/// seeds = [0, 1]
/// metrics = ["fvm", "mig", "fid"]     # what is measured
///
/// [[data]]
/// name = "dsprites"                   # folder; also the data set where no `spec` is given
/// vae = "dsprites-small"              # presets of the two stages
/// gan = "dsprites-small"
///
/// [[method]]
/// name = "beta-vae"                   # folder; also the method where no `method` is given
/// steps = 12000
/// set = ["vae.beta=4"]
///
/// [[method]]
/// name = "two-step"
/// method = "idgan"
/// vae = "beta-vae"                    # the entry whose run of the same data and seed is distilled
/// vary = { "gan.w_info" = [0.001, 0.01] }   # one run a value
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// The folder of the run folders, `OUT/DATA/METHOD/seed-K`.
    pub out: PathBuf,
    /// One run of everything for each.
    pub seeds: Vec<u64>,
    /// Values for every run, as `idgan train --set` takes them.
    #[serde(default)]
    pub set: Vec<String>,
    /// What is measured of every run, by the names of `idgan eval`; left out: all that its model and data allow.
    #[serde(default)]
    pub metrics: Vec<String>,
    /// More arguments of every `idgan eval`.
    #[serde(default)]
    pub evaluate: Vec<String>,
    /// The data sets.
    pub data: Vec<DataEntry>,
    /// The methods.
    pub method: Vec<MethodEntry>,
}

/// A data set of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataEntry {
    /// Name of its folder.
    pub name: String,
    /// What `--data` takes; the name where it is left out.
    #[serde(default)]
    pub spec: Option<String>,
    /// What runs are measured on, where it is not what they are trained on: the test part of the data.
    #[serde(default)]
    pub measured_on: Option<String>,
    /// Preset of methods of stage 1; those of families that no method of the sweep is of may be left out.
    #[serde(default)]
    pub vae: String,
    /// Preset of methods of stage 2.
    #[serde(default)]
    pub gan: String,
    /// Preset of IB-GAN and its baselines.
    #[serde(default)]
    pub ibgan: String,
    /// Preset of OOGAN and its baseline.
    #[serde(default)]
    pub oogan: String,
    /// Preset of implicit autoencoders.
    #[serde(default)]
    pub iae: String,
    /// Values for every run on this data.
    #[serde(default)]
    pub set: Vec<String>,
    /// More arguments of `idgan train` and `idgan eval`, for instance `["--picture", "scream.jpg"]`.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// More arguments of `idgan eval` on this data, for instance `["--inception", "FILE"]`.
    #[serde(default)]
    pub evaluate: Vec<String>,
}

/// A method of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodEntry {
    /// Name of its folder.
    pub name: String,
    /// The method; the one that `name` names where it is left out.
    #[serde(default)]
    pub method: Option<Method>,
    /// Name of the entry whose VAE is distilled.
    #[serde(default)]
    pub vae: Option<String>,
    /// Steps to train; the preset's where left out. May be raised later.
    #[serde(default)]
    pub steps: Option<u64>,
    /// Values for every run of this method.
    #[serde(default)]
    pub set: Vec<String>,
    /// One run for each value of a key, on top of everything else.
    #[serde(default)]
    pub vary: BTreeMap<String, Vec<toml::Value>>,
    /// What is measured of this method, instead of what the sweep says.
    #[serde(default)]
    pub metrics: Option<Vec<String>>,
    /// Whether it is measured, or only there for others to distil.
    #[serde(default = "yes")]
    pub measured: bool,
}

fn yes() -> bool {
    true
}

impl DataEntry {
    /// The preset of methods of this family; empty where none is named.
    fn preset(&self, family: Family) -> &String {
        match family {
            Family::Vae => &self.vae,
            Family::Gan => &self.gan,
            Family::Ibgan => &self.ibgan,
            Family::Oogan => &self.oogan,
            Family::Iae => &self.iae,
        }
    }
}

impl Sweep {
    /// Reads a sweep file.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, or contradicts itself.
    pub fn read(path: &Path) -> Result<Self, SweepError> {
        let text = std::fs::read_to_string(path).map_err(|error| FileError::new(error, path))?;
        let wrong = |what: String| SweepError::File { what, path: path.to_owned() };
        let sweep: Self = from_toml(&text).map_err(wrong)?;
        sweep.validate().map_err(wrong)?;
        Ok(sweep)
    }

    fn validate(&self) -> Result<(), String> {
        let listed = [("seeds", self.seeds.len()), ("data", self.data.len()), ("method", self.method.len())];
        if let Some((what, _)) = listed.iter().find(|(_, len)| *len == 0) {
            return Err(format!("the list `{what}` is empty, so there is nothing to do"));
        }
        distinct("seed", self.seeds.iter().map(u64::to_string))?;
        distinct("data set", self.data.iter().map(|entry| entry.name.clone()))?;
        distinct("method", self.method.iter().flat_map(|entry| entry.variants().map(|v| v.name)))?;
        for entry in &self.method {
            if let Some((key, _)) = entry.vary.iter().find(|(_, values)| values.is_empty()) {
                return Err(format!("{}: {key} varies over no value; name one, or leave it out", entry.name));
            }
        }
        let data = self.data.iter().map(|entry| entry.name.clone());
        let methods = self.method.iter().flat_map(|entry| entry.variants().map(|variant| variant.name));
        for name in data.chain(methods) {
            if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\']) {
                return Err(format!("{name:?} cannot be the name of a folder"));
            }
        }
        let metrics = self.method.iter().filter_map(|entry| entry.metrics.as_ref()).flatten();
        for name in self.metrics.iter().chain(metrics) {
            name.parse::<Metric>()?;
        }
        for entry in &self.method {
            let (name, method) = (&entry.name, entry.method()?);
            let family = method.family();
            if let Some(data) = self.data.iter().find(|data| data.preset(family).is_empty()) {
                let (data, family) = (&data.name, family.name());
                return Err(format!(
                    "{data}: {name} needs a preset of `idgan train {family}`; name one with {family}"
                ));
            }
            match (&entry.vae, method.takes_a_vae()) {
                (None, true) => {
                    return Err(format!("{name}: {} takes a VAE; name its entry with vae", method.name()));
                }
                (Some(_), false) => {
                    return Err(format!("{name}: {} takes no trained VAE; leave out vae", method.name()));
                }
                (Some(vae), true) => {
                    let other = self.method.iter().find(|other| other.name == *vae);
                    let method = other.map(MethodEntry::method).transpose()?;
                    if !method.is_some_and(Method::is_stage_1) || other.is_some_and(|o| !o.vary.is_empty()) {
                        return Err(format!(
                            "{name}: {vae:?} is no entry of this file that trains one VAE a seed"
                        ));
                    }
                }
                (None, false) => {}
            }
        }
        Ok(())
    }

    /// Every run, those first that others distil.
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for first in [true, false] {
            for data in &self.data {
                for entry in self.method.iter().filter(|entry| entry.vae.is_none() == first) {
                    for variant in entry.variants() {
                        cells.extend(self.seeds.iter().filter_map(|&seed| self.cell(data, &variant, seed)));
                    }
                }
            }
        }
        cells
    }

    fn cell(&self, data: &DataEntry, variant: &Variant<'_>, seed: u64) -> Option<Cell> {
        let entry = variant.entry;
        let method = entry.method().ok()?;
        let needs = match &entry.vae {
            Some(name) => {
                let vae = self.method.iter().find(|other| other.name == *name)?;
                Some(Box::new(self.cell(data, &vae.variants().next()?, seed)?))
            }
            None => None,
        };
        let mut set: Vec<String> =
            [&self.set, &data.set, &entry.set].into_iter().flatten().cloned().collect();
        set.extend(variant.set.clone());
        let spec = data.spec.clone().unwrap_or_else(|| data.name.clone());
        let arguments = [&data.arguments, &self.evaluate, &data.evaluate].into_iter().flatten().cloned();
        let measurement = Measurement {
            data: data.measured_on.clone().unwrap_or_else(|| spec.clone()),
            metrics: entry.metrics.as_ref().unwrap_or(&self.metrics).clone(),
            arguments: arguments.collect(),
        };
        Some(Cell {
            folder: self.out.join(&data.name).join(&variant.name).join(format!("seed-{seed}")),
            method,
            data: spec,
            preset: data.preset(method.family()).clone(),
            seed,
            steps: entry.steps,
            set,
            arguments: data.arguments.clone(),
            measurement: entry.measured.then_some(measurement),
            needs,
        })
    }
}

/// An entry with one value for each key that varies.
struct Variant<'a> {
    entry: &'a MethodEntry,
    name: String,
    set: Vec<String>,
}

impl MethodEntry {
    /// The method.
    ///
    /// # Errors
    /// When the entry's name is no method and none is given.
    pub fn method(&self) -> Result<Method, String> {
        self.method.or_else(|| Method::from_name(&self.name)).ok_or_else(|| {
            let names: Vec<_> = Method::all().iter().map(|method| method.name()).collect();
            format!("{:?} is no method; name one with method, of: {}", self.name, names.join(", "))
        })
    }

    /// Every combination of the values that vary, named after them: `idgan-w_info-0.01`.
    fn variants(&self) -> impl Iterator<Item = Variant<'_>> {
        let mut all = vec![Variant { entry: self, name: self.name.clone(), set: Vec::new() }];
        for (key, values) in &self.vary {
            let last = key.rsplit('.').next().unwrap_or(key);
            let with = |variant: &Variant<'_>, value: &toml::Value| Variant {
                entry: self,
                name: format!("{}-{last}-{value}", variant.name),
                set: variant.set.iter().cloned().chain([format!("{key}={value}")]).collect(),
            };
            all = all
                .iter()
                .flat_map(|variant| values.iter().map(|v| with(variant, v)).collect::<Vec<_>>())
                .collect();
        }
        all.into_iter()
    }
}

fn distinct(what: &str, names: impl Iterator<Item = String>) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name.clone()) {
            return Err(format!("the {what} {name:?} is there twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        out = "runs"
        seeds = [0, 5]
        set = ["batch=8"]
        metrics = ["fid", "mig"]
        evaluate = ["--samples", "100"]
        [[data]]
        name = "dsprites"
        vae = "dsprites-small"
        gan = "dsprites-small"
        [[data]]
        name = "rooms"
        spec = "scenes"
        vae = "scenes-small"
        gan = "scenes-small"
        set = ["size=64"]
        [[method]]
        name = "two-step"
        method = "idgan"
        vae = "beta-vae"
        vary = { "gan.w_info" = [0.001, 1] }
        [[method]]
        name = "beta-vae"
        steps = 7
    "#;

    fn read(text: &str) -> Result<Sweep, String> {
        let sweep: Sweep = toml::from_str(text).map_err(|error| error.to_string())?;
        sweep.validate().map(|()| sweep)
    }

    #[test]
    fn cells_are_all_combinations_with_the_vaes_first() {
        let cells = read(TEXT).expect("valid").cells();
        let folders: Vec<_> = cells.iter().map(|cell| cell.folder.display().to_string()).collect();
        assert_eq!(folders.len(), 4 + 8);
        assert_eq!(folders[0], "runs/dsprites/beta-vae/seed-0");
        assert_eq!(folders[3], "runs/rooms/beta-vae/seed-5");
        assert_eq!(folders[4], "runs/dsprites/two-step-w_info-0.001/seed-0");
        assert_eq!(folders[11], "runs/rooms/two-step-w_info-1/seed-5");
        let last = &cells[11];
        assert_eq!(last.set, ["batch=8", "size=64", "gan.w_info=1"]);
        assert_eq!(last.needs.as_ref().map(|vae| &vae.folder), Some(&cells[3].folder));
        assert_eq!(cells[3].steps, Some(7));
        let measuring = last.measuring().expect("is measured").join(" ");
        assert!(measuring.ends_with("--data scenes --seed 5 --metrics fid,mig --samples 100"), "{measuring}");
    }

    #[test]
    fn runs_are_measured_on_other_data_where_it_is_named() {
        let text = TEXT.replace("spec = \"scenes\"", "spec = \"scenes\"\nmeasured_on = \"scenes:100\"");
        let cells = read(&text).expect("valid").cells();
        let words =
            |cell: &Cell| (cell.training(false).join(" "), cell.measuring().expect("is measured").join(" "));
        let (training, measuring) = words(&cells[11]);
        assert!(
            training.contains("--data scenes --") && measuring.contains("--data scenes:100 "),
            "{measuring}"
        );
        assert!(words(&cells[0]).1.contains("--data dsprites "));
    }

    #[test]
    fn contradictions_are_named() {
        let refused = |from: &str, to: &str| {
            assert!(TEXT.contains(from));
            read(&TEXT.replace(from, to)).expect_err("refused")
        };
        assert!(refused("[0, 5]", "[]").contains("`seeds` is empty"));
        assert!(refused("[0, 5]", "[5, 5]").contains("twice"));
        assert!(refused("vae = \"beta-vae\"", "").contains("name its entry"));
        assert!(refused("vae = \"beta-vae\"", "vae = \"none\"").contains("no entry"));
        assert!(refused("\"beta-vae\"\n        steps", "\"mine\"\n        steps").contains("no entry"));
        assert!(refused("\"idgan\"", "\"infogan\"").contains("leave out vae"));
        let iae = refused("method = \"idgan\"\n        vae = \"beta-vae\"", "method = \"iae\"");
        assert!(
            iae.contains("dsprites: two-step needs a preset of `idgan train iae`; name one with iae"),
            "{iae}"
        );
        assert!(refused("\"rooms\"", "\"a/b\"").contains("folder"));
        assert!(refused("\"rooms\"", "\"dsprites\"").contains("twice"));
        assert!(refused("\"mig\"", "\"mick\"").contains("no metric"));
        assert!(refused("steps = 7", "stepps = 7").contains("stepps"));
        assert!(refused("[0.001, 1]", "[]").contains("varies over no value"));
        assert!(refused("[0.001, 1]", "[\"a/../b\"]").contains("folder"));
    }
}
