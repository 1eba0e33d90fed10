mod resolve;

use serde::{Deserialize, Serialize};

use crate::base::Background;
use crate::nets::{DiscriminatorConfig, GeneratorConfig, ResnetTrunk, VaeConfig};
use crate::objectives::Likelihood;

pub use resolve::{Layers, LayersError, Resolved};

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
    /// Picture height and width in pixels: 64 for stage 1, 64 to 1024 for stage 2.
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
}

/// What a slow machine may lose at most where nothing else is said.
pub(super) fn checkpoint_minutes() -> f64 {
    10.0
}

/// A training method by the name used on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Stage 1 with beta 1 (Kingma and Welling).
    Vae,
    /// Stage 1 with a constant or scheduled beta (Higgins et al.; paper Eq. 1).
    BetaVae,
    /// Stage 1 with a total correlation penalty (Kim and Mnih).
    FactorVae,
    /// Stage 1 with a growing capacity (Burgess et al.).
    AnnealedVae,
    /// Stage 2: a GAN that distils a frozen encoder (paper Eq. 2 to 4).
    Idgan,
    /// The same without the distillation loss: c is given and nobody asks for it back (paper section 5.3).
    IdganNoDistill,
    /// A GAN whose discriminator sees c, too (paper section 5.3).
    Cgan,
    /// A GAN without c: its whole input is s (paper section 5.1).
    Gan,
    /// A GAN of c ~ N(0, I) with an encoder that learns to read it back (Chen et al.; paper section 5.1).
    Infogan,
    /// ID-GAN and its VAE trained together (paper section 5.3).
    IdganEndToEnd,
    /// A VAE whose decoder is a GAN's generator (Larsen et al.; paper section 5.3).
    VaeGan,
}

/// The values of stage 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaeTraining {
    /// The VAE whose weights it starts from, of the same sizes: a bundle, a run folder or a published PyTorch file. Empty
    /// for random weights.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub start: String,
    /// Dimensions of c.
    pub c_dim: usize,
    /// Picture channels: 1 or 3; must be the data set's.
    pub channels: usize,
    /// How the decoder explains a picture.
    pub likelihood: Likelihood,
    /// How the weights start.
    pub initialisation: Initialisation,
    /// Learning rate of Adam with betas 0.9 and 0.999.
    pub learning_rate: f64,
    /// Weight of the KL divergence.
    pub beta: Ramp,
    /// FactorVAE's weight of the total correlation.
    pub gamma: f64,
    /// The annealed VAE's capacity in nats over the steps.
    pub capacity: Ramp,
    /// The annealed VAE's weight of the distance between KL divergence and capacity.
    pub capacity_weight: f64,
}

/// How a VAE's weights start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initialisation {
    /// N(0, 0.02) with zero biases: the published implementation. Learns nothing for some thousand steps, and with
    /// a high beta for much longer.
    Normal,
    /// PyTorch's default, uniform in ±1/sqrt(fan_in): with most seeds finds x and y within 300 steps at beta 30. It weakens
    /// the signal from layer to layer, so that the weighted divergence alone drives the encoder at first, and Adam at 1e-3
    /// moves each weight by 1e-3 a step however small its gradient is. With some seeds the ReLUs of the encoder's second
    /// convolution are all dead after 150 steps, and the code stays empty, whatever beta does later.
    Uniform,
    /// He et al.'s: weights N(0, 2 / fan_in), zero biases, the encoder's last layer a tenth. No ReLUs die; alone it spreads x
    /// and y over several dimensions, which a beta that starts high and falls keeps apart.
    He,
}

/// The values of stage 2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GanTraining {
    /// The VAE to distil: a bundle, a run folder or a published PyTorch file. Empty for methods that take none.
    pub vae: String,
    /// The GAN whose weights these networks start from, of the same sizes or of half the picture size: a bundle, a run
    /// folder or a published PyTorch file. Empty for random weights.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub start: String,
    /// Dimensions of the nuisance code s.
    pub s_dim: usize,
    /// Dimensions of InfoGAN's code c; in every other method it is the VAE's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c_dim: Option<usize>,
    /// Picture channels: 1 or 3; must be the data set's and the VAE's.
    pub channels: usize,
    /// Architecture of generator and discriminator.
    pub nets: GanNets,
    /// Feature maps at full resolution (residual networks).
    pub nfilter: usize,
    /// Most feature maps at any resolution (residual networks).
    pub nfilter_max: usize,
    /// RMSprop's learning rate for the generator.
    pub learning_rate_generator: Ramp,
    /// RMSprop's learning rate for the discriminator.
    pub learning_rate_discriminator: Ramp,
    /// The first steps, over which both rates rise from 0 to their values; where left out 0, and 500 with a start:
    /// RMSprop's first steps are ten times as long as its rate says, which would spoil trained weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<u64>,
    /// Weight of R1 without the factor 1/2.
    pub reg_param: f64,
    /// R1 is computed every so many steps and then weighs so many times as much (1: every step, as published).
    pub r1_every: u64,
    /// Weight of the distillation loss (lambda of Eq. 2), and of InfoGAN's.
    pub w_info: f64,
    /// Weight of VAE-GAN's adversarial loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub w_adv: Option<f64>,
    /// How pictures larger than 64x64 are brought to the encoder.
    pub downsample: Downsample,
    /// Decay of the generator's moving average.
    pub ema_decay: f64,
    /// Mirror real pictures at random (photos).
    pub flip: bool,
    /// Add U(0, 1)/128 to real pictures (photos).
    pub dequantise: bool,
}

/// Steps over which the rates of networks with trained weights rise, where nothing else is said.
const WARM_UP: u64 = 500;

/// Families of generator and discriminator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GanNets {
    /// The VAE's shapes; 64x64 only.
    Small,
    /// Residual networks.
    Resnet,
    /// Residual networks, the discriminator with a variational bottleneck.
    ResnetVdb,
}

/// How a generator's picture is brought down to the encoder's 64x64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Downsample {
    /// Mean over whole blocks (the published implementation).
    Area,
    /// Bilinear without antialiasing (paper footnote 5).
    Bilinear,
}

/// A value that moves in a straight line over the first steps and then stays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "RampText", into = "RampText")]
pub struct Ramp {
    /// Value at step 0.
    pub from: f64,
    /// Value from step `over` on.
    pub to: f64,
    /// Steps the way takes.
    pub over: u64,
}

/// A ramp in TOML: a plain number, or `{ from, to, over }`.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number, or { from = A, to = B, over = STEPS }")]
enum RampText {
    Constant(f64),
    Line(Line),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    from: f64,
    to: f64,
    over: u64,
}

impl From<RampText> for Ramp {
    fn from(text: RampText) -> Self {
        match text {
            RampText::Constant(value) => Self::constant(value),
            RampText::Line(Line { to, over: 0, .. }) => Self::constant(to),
            RampText::Line(Line { from, to, over }) => Self { from, to, over },
        }
    }
}

impl From<Ramp> for RampText {
    fn from(ramp: Ramp) -> Self {
        match ramp {
            Ramp { to, over: 0, .. } => Self::Constant(to),
            Ramp { from, to, over } => Self::Line(Line { from, to, over }),
        }
    }
}

impl Ramp {
    /// The same value at every step.
    pub fn constant(value: f64) -> Self {
        Self { from: value, to: value, over: 0 }
    }

    /// The value at `step`, counted from 0.
    pub fn at(&self, step: u64) -> f64 {
        if step >= self.over {
            return self.to;
        }
        self.from + (self.to - self.from) * step as f64 / self.over as f64
    }
}

impl Method {
    /// Every method of a stage, by name.
    pub fn all() -> &'static [Self] {
        &[
            Self::Vae,
            Self::BetaVae,
            Self::FactorVae,
            Self::AnnealedVae,
            Self::Gan,
            Self::Infogan,
            Self::Cgan,
            Self::IdganNoDistill,
            Self::Idgan,
            Self::IdganEndToEnd,
            Self::VaeGan,
        ]
    }

    /// The name on the command line and in files, for instance `beta-vae`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vae => "vae",
            Self::BetaVae => "beta-vae",
            Self::FactorVae => "factor-vae",
            Self::AnnealedVae => "annealed-vae",
            Self::Idgan => "idgan",
            Self::IdganNoDistill => "idgan-no-distill",
            Self::Cgan => "cgan",
            Self::Gan => "gan",
            Self::Infogan => "infogan",
            Self::IdganEndToEnd => "idgan-end-to-end",
            Self::VaeGan => "vae-gan",
        }
    }

    /// The method called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().iter().copied().find(|method| method.name() == name)
    }

    /// Whether the method trains a VAE (stage 1) rather than a GAN.
    pub fn is_stage_1(self) -> bool {
        matches!(self, Self::Vae | Self::BetaVae | Self::FactorVae | Self::AnnealedVae)
    }

    /// Whether the method starts from a VAE that is trained already and stays as it is.
    pub fn takes_a_vae(self) -> bool {
        matches!(self, Self::Idgan | Self::IdganNoDistill | Self::Cgan)
    }

    /// Whether its networks may start from trained ones: in the other methods a part of them would start at random
    /// beside a trained one.
    pub fn may_start_from_another(self) -> bool {
        self.is_stage_1() || matches!(self, Self::Idgan | Self::IdganNoDistill | Self::Gan)
    }

    /// Keys of a configuration that other methods of its stage take and this one passes over.
    pub fn unused(self) -> &'static [&'static str] {
        match self {
            Self::Vae => &["vae.beta", "vae.gamma", "vae.capacity", "vae.capacity_weight"],
            Self::FactorVae => &["vae.beta", "vae.capacity", "vae.capacity_weight"],
            Self::AnnealedVae => &["vae.beta", "vae.gamma"],
            Self::BetaVae | Self::IdganEndToEnd | Self::VaeGan => {
                &["vae.gamma", "vae.capacity", "vae.capacity_weight"]
            }
            Self::Idgan | Self::IdganNoDistill | Self::Cgan | Self::Gan | Self::Infogan => &[],
        }
    }

    /// Whether the method trains a GAN and a VAE of its own, together.
    pub fn is_joint(self) -> bool {
        matches!(self, Self::IdganEndToEnd | Self::VaeGan)
    }
}

impl TrainConfig {
    /// The model whose weights the run starts from; `None` for random weights.
    pub fn start(&self) -> Option<&str> {
        let vae = self.vae.as_ref().map(|vae| vae.start.as_str());
        let gan = self.gan.as_ref().map(|gan| gan.start.as_str());
        vae.into_iter().chain(gan).find(|start| !start.is_empty())
    }

    /// The learning rates that change from step to step, under the names of the log, at `step`, counted from 0.
    pub fn learning_rates(&self, step: u64) -> Vec<(String, f64)> {
        let Some(gan) = &self.gan else { return Vec::new() };
        let rates = [
            ("rate_generator", gan.generator_rate(step)),
            ("rate_discriminator", gan.discriminator_rate(step)),
        ];
        rates.map(|(name, rate)| (name.to_owned(), rate)).to_vec()
    }
}

/// The share of a GAN's learning rates that a step takes while they rise over the first `warm_up`, or over the usual number
/// where nobody said and the run starts from trained weights.
pub(super) fn warmth(warm_up: Option<u64>, starts: bool, step: u64) -> f64 {
    let warm_up = warm_up.unwrap_or(if starts { WARM_UP } else { 0 });
    if step >= warm_up { 1.0 } else { (step + 1) as f64 / warm_up as f64 }
}

impl VaeTraining {
    /// The network.
    pub fn network(&self) -> VaeConfig {
        VaeConfig { channels: self.channels, c_dim: self.c_dim }
    }
}

impl GanTraining {
    /// The generator's learning rate at `step`, counted from 0.
    pub fn generator_rate(&self, step: u64) -> f64 {
        self.learning_rate_generator.at(step) * self.warmth(step)
    }

    /// The discriminator's learning rate at `step`, counted from 0.
    pub fn discriminator_rate(&self, step: u64) -> f64 {
        self.learning_rate_discriminator.at(step) * self.warmth(step)
    }

    fn warmth(&self, step: u64) -> f64 {
        warmth(self.warm_up, !self.start.is_empty(), step)
    }

    /// The generator for pictures of `size` and a code of `c_dim` dimensions.
    pub fn generator(&self, size: usize, c_dim: usize) -> GeneratorConfig {
        let z_dim = self.s_dim + c_dim;
        match self.nets {
            GanNets::Small => GeneratorConfig::Small { z_dim, channels: self.channels },
            GanNets::Resnet | GanNets::ResnetVdb => {
                GeneratorConfig::Resnet { z_dim, trunk: self.trunk(size) }
            }
        }
    }

    /// The discriminator for pictures of `size`.
    pub fn discriminator(&self, size: usize) -> DiscriminatorConfig {
        match self.nets {
            GanNets::Small => DiscriminatorConfig::Small { channels: self.channels },
            GanNets::Resnet => DiscriminatorConfig::Resnet { trunk: self.trunk(size) },
            GanNets::ResnetVdb => DiscriminatorConfig::ResnetVdb { trunk: self.trunk(size) },
        }
    }

    fn trunk(&self, size: usize) -> ResnetTrunk {
        ResnetTrunk { size, nfilter: self.nfilter, nfilter_max: self.nfilter_max, channels: self.channels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_is_a_line_and_then_a_constant() {
        let ramp = Ramp { from: 30.0, to: 4.0, over: 100 };
        assert_eq!([ramp.at(0), ramp.at(50), ramp.at(100), ramp.at(5000)], [30.0, 17.0, 4.0, 4.0]);
        assert_eq!(Ramp::constant(8.0).at(0), 8.0);
    }

    #[test]
    fn rates_rise_over_the_warm_up_and_then_follow_their_ramp() {
        let mut gan = crate::training::preset(crate::training::Stage::Gan, "scenes-small")
            .and_then(|config| config.gan)
            .expect("a GAN");
        gan.learning_rate_generator = Ramp { from: 4e-4, to: 0.0, over: 100 };
        assert_eq!(gan.generator_rate(0), 4e-4, "no warm-up");
        gan.warm_up = Some(10);
        assert_eq!(
            [gan.generator_rate(0), gan.generator_rate(50), gan.generator_rate(200)],
            [4e-5, 2e-4, 0.0]
        );
        assert_eq!(gan.discriminator_rate(4), 0.5 * gan.discriminator_rate(40));
        (gan.warm_up, gan.start) = (None, "runs/gan".into());
        assert_eq!(gan.discriminator_rate(249), 0.5 * gan.discriminator_rate(499), "with a start");
    }

    #[test]
    fn a_ramp_reads_as_a_number_or_as_a_table() {
        #[derive(Deserialize, Serialize, PartialEq, Debug)]
        struct Holder {
            beta: Ramp,
        }
        let read = |text: &str| toml::from_str::<Holder>(text).map(|h| h.beta);
        assert_eq!(read("beta = 8.0").ok(), Some(Ramp::constant(8.0)));
        let line = read("beta = { from = 30.0, to = 4.0, over = 12000 }").ok();
        assert_eq!(line, Some(Ramp { from: 30.0, to: 4.0, over: 12000 }));
        assert_eq!(read("beta = { from = 30.0, to = 4.0, over = 0 }").ok(), Some(Ramp::constant(4.0)));
        assert!(read("beta = { from = 1.0, to = 4.0, over = 1, by = 2 }").is_err());
        let error = read("beta = 'fast'").expect_err("no number").to_string();
        assert!(error.contains("a number, or { from"), "{error}");
        let written = toml::to_string(&Holder { beta: Ramp::constant(2.0) }).ok();
        assert_eq!(written.as_deref(), Some("beta = 2.0\n"));
    }
}
