use serde::{Deserialize, Serialize};

/// Methods that belong together: what `idgan train` has a subcommand for. Their configurations have a section of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Stage 1: VAEs.
    Vae,
    /// Stage 2, ID-GAN's, and the GANs that it is compared with.
    Gan,
    /// IB-GAN, and the GANs in its networks that it is compared with.
    Ibgan,
    /// OOGAN, and the InfoGAN that it is compared with.
    Oogan,
    /// Implicit autoencoders.
    Iae,
}

impl Family {
    /// Every one, in the order in which they are offered.
    pub const ALL: [Self; 5] = [Self::Vae, Self::Gan, Self::Ibgan, Self::Oogan, Self::Iae];

    /// The name of its subcommand and, but for what [`Method::section`] says, of its section.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vae => "vae",
            Self::Gan => "gan",
            Self::Ibgan => "ibgan",
            Self::Oogan => "oogan",
            Self::Iae => "iae",
        }
    }

    /// What it is called in the window, and what it is for.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Vae => (
                "1  VAE",
                "Find the factors: a beta-VAE learns the disentangled code c (ID-GAN, section 3.1)",
            ),
            Self::Gan => (
                "2  GAN",
                "Paint them: a GAN whose pictures the encoder of stage 1 reads back as c (ID-GAN, section 3.2)",
            ),
            Self::Ibgan => (
                "IB-GAN",
                "In one go: a GAN whose code r passes a bottleneck between noise and picture (Jeon et al. 2021)",
            ),
            Self::Oogan => (
                "OOGAN",
                "In one go: a GAN of controls c from 0 to 1, one at a time in every other step, which orthogonal kernels read back (Liu et al. 2020)",
            ),
            Self::Iae => (
                "IAE",
                "An autoencoder whose losses are discriminators: z says what, noise n how (Makhzani 2018)",
            ),
        }
    }

    /// The key of the model that its networks may start from, and what that is; `None` where they start at random.
    pub fn start(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Vae => {
                Some(("vae.start", "The VAE to start from instead of random weights, of the same sizes"))
            }
            Self::Gan => Some((
                "gan.start",
                "The GAN to start from instead of random weights, of the same sizes, or of half the picture size",
            )),
            Self::Ibgan | Self::Oogan | Self::Iae => None,
        }
    }

    /// Its methods.
    pub fn methods(self) -> impl Iterator<Item = Method> {
        Method::all().iter().copied().filter(move |method| method.family() == self)
    }
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
    /// Stage 1 with a total correlation penalty estimated from minibatches (Chen et al. 2018).
    #[serde(rename = "beta-tcvae")]
    BetaTcVae,
    /// Stage 1 whose means are to have the covariance of the prior (Kumar et al. 2018).
    DipVaeI,
    /// Stage 1 whose codes are to have the covariance of the prior (Kumar et al. 2018).
    #[serde(rename = "dip-vae-ii")]
    DipVaeII,
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
    /// A GAN whose code passes an information bottleneck (Jeon et al. 2021).
    IbGan,
    /// InfoGAN in IB-GAN's networks: no emitter, the code is z (Jeon et al. 2021).
    IbGanInfogan,
    /// A GAN in IB-GAN's networks: neither emitter nor reader (Jeon et al. 2021).
    IbGanGan,
    /// A GAN of controls that are drawn one at a time and read back by orthogonal kernels (Liu et al. 2020).
    Oogan,
    /// InfoGAN in OOGAN's networks: codes side by side, drawn uniformly (Liu et al. 2020).
    OoganInfogan,
    /// An autoencoder whose losses are two discriminators (Makhzani 2018).
    Iae,
    /// The flipped form, whose encoder sees drawn pictures alone (Makhzani 2018).
    Fiae,
    /// An implicit autoencoder whose codes are pictures of another domain (Makhzani 2018).
    CycleIae,
}

/// What a method that trains a VAE adds to its bound: keys of which each takes some.
const VAE_CHOICES: [&str; 7] = [
    "vae.beta",
    "vae.gamma",
    "vae.capacity",
    "vae.capacity_weight",
    "vae.sampling",
    "vae.lambda_od",
    "vae.lambda_d_factor",
];

impl Method {
    /// Every method.
    pub fn all() -> &'static [Self] {
        &[
            Self::Vae,
            Self::BetaVae,
            Self::FactorVae,
            Self::AnnealedVae,
            Self::BetaTcVae,
            Self::DipVaeI,
            Self::DipVaeII,
            Self::Gan,
            Self::Infogan,
            Self::Cgan,
            Self::IdganNoDistill,
            Self::Idgan,
            Self::IdganEndToEnd,
            Self::VaeGan,
            Self::IbGan,
            Self::IbGanInfogan,
            Self::IbGanGan,
            Self::Oogan,
            Self::OoganInfogan,
            Self::Iae,
            Self::Fiae,
            Self::CycleIae,
        ]
    }

    /// The name on the command line and in files, for instance `beta-vae`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vae => "vae",
            Self::BetaVae => "beta-vae",
            Self::FactorVae => "factor-vae",
            Self::AnnealedVae => "annealed-vae",
            Self::BetaTcVae => "beta-tcvae",
            Self::DipVaeI => "dip-vae-i",
            Self::DipVaeII => "dip-vae-ii",
            Self::Idgan => "idgan",
            Self::IdganNoDistill => "idgan-no-distill",
            Self::Cgan => "cgan",
            Self::Gan => "gan",
            Self::Infogan => "infogan",
            Self::IdganEndToEnd => "idgan-end-to-end",
            Self::VaeGan => "vae-gan",
            Self::IbGan => "ib-gan",
            Self::IbGanInfogan => "ib-gan-infogan",
            Self::IbGanGan => "ib-gan-gan",
            Self::Oogan => "oogan",
            Self::OoganInfogan => "oogan-infogan",
            Self::Iae => "iae",
            Self::Fiae => "fiae",
            Self::CycleIae => "cycle-iae",
        }
    }

    /// The method called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().iter().copied().find(|method| method.name() == name)
    }

    /// The subcommand that trains it.
    pub fn family(self) -> Family {
        match self {
            Self::Vae
            | Self::BetaVae
            | Self::FactorVae
            | Self::AnnealedVae
            | Self::BetaTcVae
            | Self::DipVaeI
            | Self::DipVaeII => Family::Vae,
            Self::Idgan
            | Self::IdganNoDistill
            | Self::Cgan
            | Self::Gan
            | Self::Infogan
            | Self::IdganEndToEnd
            | Self::VaeGan => Family::Gan,
            Self::IbGan | Self::IbGanInfogan | Self::IbGanGan => Family::Ibgan,
            Self::Oogan | Self::OoganInfogan => Family::Oogan,
            Self::Iae | Self::Fiae | Self::CycleIae => Family::Iae,
        }
    }

    /// The section of a configuration that has its values: its family's, but for a method of other networks.
    pub fn section(self) -> &'static str {
        match self {
            Self::CycleIae => "cycle",
            _ => self.family().name(),
        }
    }

    /// Whether the method trains a VAE alone, as stage 1 does.
    pub fn is_stage_1(self) -> bool {
        self.family() == Family::Vae
    }

    /// Whether its loss compares the pictures of a batch with each other, so that parts of one are something else.
    pub fn compares_batch(self) -> bool {
        matches!(self, Self::BetaTcVae | Self::DipVaeI | Self::DipVaeII)
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

    /// Keys of a configuration that other methods of its family take and this one passes over.
    pub fn unused(self) -> Vec<&'static str> {
        let of_vae: &[&str] = match self {
            Self::Vae => &[],
            Self::BetaVae | Self::IdganEndToEnd | Self::VaeGan => &["vae.beta"],
            Self::FactorVae => &["vae.gamma"],
            Self::AnnealedVae => &["vae.capacity", "vae.capacity_weight"],
            Self::BetaTcVae => &["vae.beta", "vae.sampling"],
            Self::DipVaeI | Self::DipVaeII => &["vae.lambda_od", "vae.lambda_d_factor"],
            _ => return self.unused_elsewhere().to_vec(),
        };
        VAE_CHOICES.into_iter().filter(|key| !of_vae.contains(key)).collect()
    }

    /// The same of a method that trains no VAE.
    fn unused_elsewhere(self) -> &'static [&'static str] {
        match self {
            Self::Fiae => &["iae.labelled"],
            Self::OoganInfogan => &[
                "oogan.input",
                "oogan.reader",
                "oogan.one_hot",
                "oogan.orthogonal",
                "oogan.gamma",
                "oogan.learning_rate_kernels",
                "oogan.learning_rate_product",
            ],
            Self::IbGanInfogan => &["ibgan.r_dim", "ibgan.beta"],
            Self::IbGanGan => &["ibgan.r_dim", "ibgan.beta", "ibgan.lambda"],
            _ => &[],
        }
    }

    /// Whether the method trains a GAN and a VAE of its own, together.
    pub fn is_joint(self) -> bool {
        matches!(self, Self::IdganEndToEnd | Self::VaeGan)
    }
}
