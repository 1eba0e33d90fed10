pub(super) mod check;
mod fields;
mod gan;
pub(super) mod method;
pub(super) mod ramp;
mod resolve;
pub(super) mod section;
mod vae;

use serde::{Deserialize, Serialize};

use crate::base::Background;
use crate::training::methods::cycle::config::CycleTraining;
use crate::training::methods::iae::config::IaeTraining;
use crate::training::methods::ibgan::config::IbGanTraining;
use crate::training::methods::oogan::config::OoganTraining;

pub use check::ConfigError;
pub(super) use check::{is_rate, is_schedule, is_weight, require};
pub use fields::Field;
pub(in crate::training) use gan::warmth;
pub use gan::{Downsample, GanNets, GanTraining};
pub use method::{Family, Method};
pub use ramp::Ramp;
pub use resolve::{Layers, LayersError, Resolved};
pub(super) use section::{Section, Whole};
pub use vae::{Initialisation, VaeTraining};
pub(super) use vae::{lambda_d_factor, lambda_od};

/// Everything that decides a training run; what `config.toml` in a run folder holds.
///
/// The same values can be given as command line flags, as `--set key=value` or in a TOML file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// What is trained and how.
    pub method: Method,
    /// The preset these values started from, for people to read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub preset: String,
    /// Data set specification, for instance `dsprites` or `images:DIR`.
    pub data: String,
    /// The picture behind `scream-dsprites`; empty for the one the program paints.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub picture: String,
    /// What shows through the transparent parts of pictures: `black`, `white` or `#rrggbb`.
    #[serde(default, skip_serializing_if = "Background::is_black")]
    pub background: Background,
    /// Picture height and width in pixels: 64 for stage 1, 64 to 1024 for stage 2, 32 to 256 for OOGAN.
    pub size: usize,
    /// Seed of every random stream of the run.
    pub seed: u64,
    /// Steps to train in all.
    pub steps: u64,
    /// Pictures a step.
    pub batch: usize,
    /// Parts a batch is computed in, one after another, where it does not fit into memory; divides `batch`.
    pub accumulate: usize,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Minutes after which a checkpoint is written although `checkpoint_every` is not reached; 0 for never.
    #[serde(default = "checkpoint_minutes")]
    pub checkpoint_minutes: f64,
    /// Steps between sample grids; 0 for none.
    pub sample_every: u64,
    /// Steps between log lines.
    pub log_every: u64,
    /// Training states kept besides the best: the newest so many.
    pub keep_last: usize,
    /// Also keeps every state whose step is a multiple of this; 0 for none.
    pub keep_every: u64,
    /// Stage 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vae: Option<VaeTraining>,
    /// Stage 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gan: Option<GanTraining>,
    /// IB-GAN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ibgan: Option<IbGanTraining>,
    /// OOGAN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oogan: Option<OoganTraining>,
    /// Implicit autoencoders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iae: Option<IaeTraining>,
    /// CycleIAE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycle: Option<CycleTraining>,
}

/// What a slow machine may lose at most where nothing else is said.
fn checkpoint_minutes() -> f64 {
    10.0
}

impl TrainConfig {
    /// What every run has, without a section.
    pub(super) fn new(method: Method, data: &str, size: usize, steps: u64, batch: usize) -> Self {
        Self {
            method,
            preset: String::new(),
            data: data.to_owned(),
            picture: String::new(),
            background: Background::BLACK,
            size,
            seed: 0,
            steps,
            batch,
            accumulate: 1,
            checkpoint_every: 1000,
            checkpoint_minutes: checkpoint_minutes(),
            sample_every: 1000,
            log_every: 20,
            keep_last: 2,
            keep_every: 0,
            vae: None,
            gan: None,
            ibgan: None,
            oogan: None,
            iae: None,
            cycle: None,
        }
    }

    /// The model whose weights the run starts from; `None` for random weights.
    pub fn start(&self) -> Option<&str> {
        let vae = self.vae.as_ref().map(|vae| vae.start.as_str());
        let gan = self.gan.as_ref().map(|gan| gan.start.as_str());
        vae.into_iter().chain(gan).find(|start| !start.is_empty())
    }

    /// The learning rates that change from step to step, under the names of the log, at `step`, counted from 0.
    pub fn learning_rates(&self, step: u64) -> Vec<(String, f64)> {
        let rates = self.section().map(|section| section.learning_rates(step)).unwrap_or_default();
        rates.into_iter().map(|(name, rate)| (name.to_owned(), rate)).collect()
    }

    /// The values of the method's own section; `None` where it is missing.
    pub(super) fn section(&self) -> Option<&dyn Section> {
        match self.method.family() {
            Family::Vae => self.vae.as_ref().map(|section| section as &dyn Section),
            Family::Gan => self.gan.as_ref().map(|section| section as &dyn Section),
            Family::Ibgan => self.ibgan.as_ref().map(|section| section as &dyn Section),
            Family::Oogan => self.oogan.as_ref().map(|section| section as &dyn Section),
            Family::Iae if self.method == Method::CycleIae => {
                self.cycle.as_ref().map(|section| section as &dyn Section)
            }
            Family::Iae => self.iae.as_ref().map(|section| section as &dyn Section),
        }
    }
}
