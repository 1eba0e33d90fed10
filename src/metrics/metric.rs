use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// FactorVAE metric of the encoder's means (Kim and Mnih 2018); higher is better, at most 1.
    Fvm,
    /// Mutual information gap of the encoder's means (Chen et al. 2018); higher is better, at most 1.
    Mig,
    /// How often a linear classifier tells which factor pairs of pictures share (Higgins et al. 2017); higher is better, at most
    /// 1.
    BetaVae,
    /// How far a dimension matters for one factor only, to boosted trees (Eastwood and Williams 2018); higher is better, at
    /// most 1.
    DciD,
    /// How far a factor needs one dimension only, to the same trees; higher is better, at most 1.
    DciC,
    /// How often the same trees tell the factors of codes they have not seen; higher is better, at most 1.
    DciI,
    /// How much better the best dimension tells a factor than the second best (Kumar et al. 2018); higher is better, at most
    /// 1.
    Sap,
    /// How far each dimension knows of one factor only (Ridgeway and Mozer 2018); higher is better, at most 1.
    Modularity,
    /// How well a linear classifier reads the factors from the code (Ridgeway and Mozer 2018): 0.5 is chance, 1 the most.
    Explicitness,
    /// How little dimensions move while the factor that they stand for does not (Suter et al. 2019); higher is better, at most 1.
    Irs,
    /// How far an active dimension knows of one factor only (Hsu et al. 2023); higher is better, at most 1.
    #[serde(rename = "infom")]
    InfoM,
    /// How much of the factors a linear classifier reads from the code (Hsu et al. 2023); higher is better, at most 1.
    #[serde(rename = "infoe")]
    InfoE,
    /// How far a factor is known to one active dimension only (Hsu et al. 2023); higher is better, at most 1.
    #[serde(rename = "infoc")]
    InfoC,
    /// Largest |correlation| of each factor with a dimension's mean, averaged over factors; at most 1.
    Correlation,
    /// How often the clusters of a categorical code tell the label wrong (Makhzani 2018); lower is better.
    ClusteringError,
    /// How often the choices of a categorical code, by the names that the model gives them, are not the label; lower is better.
    ClassificationError,
    /// Frechet distance between features of real and of drawn pictures (Heusel et al. 2017); lower is better.
    Fid,
    /// What FID tends to as ever more pictures are drawn (Chong and Forsyth 2020); lower is better.
    FdInfinity,
    /// Squared maximum mean discrepancy between features of real and of drawn pictures, in thousandths (Binkowski et al.
    /// 2018); lower is better.
    Kid,
    /// How many of the drawn pictures lie near real ones (Kynkäänniemi et al. 2019); higher is better, at most 1.
    Precision,
    /// How many of the real pictures lie near drawn ones (Kynkäänniemi et al. 2019); higher is better, at most 1.
    Recall,
    /// How densely real pictures lie around drawn ones (Naeem et al. 2020): 1 where both kinds are alike.
    Density,
    /// How many of the real pictures have a drawn one near (Naeem et al. 2020); higher is better, at most 1.
    Coverage,
    /// Sliced Wasserstein distance between patches of real and of drawn pictures, in thousandths (Karras et al. 2018); lower
    /// is better.
    Swd,
    /// E[log q(c|G(s,c))] with c ~ q(c), the distillation's own bound (paper Eq. 4), in nats; higher is better.
    RId,
    /// Correlation of codes with what the encoder reads back from their pictures, averaged over active dimensions.
    ReadBack,
    /// The same bound with an encoder trained on the generator's pictures (Alemi and Fischer 2018; paper footnote 4), in
    /// nats.
    Gilbo,
    /// Mean squared error of what is drawn of a picture's own code, with values in [0, 1]; lower is better.
    Reconstruction,
    /// Variance over the noise of pictures of one code, with values in [0, 1].
    Spread,
    /// I_L: what a reader of unit variance knows of the noise that a picture is drawn of, IB-GAN's lower bound (Jeon et al. 2021), in
    /// nats; higher is better.
    Information,
    /// KL(e(r|z) || N(0, I)) averaged over z, IB-GAN's upper bound on the same, by dimension of r, in nats.
    Bottleneck,
    /// E|c - mu| of what is read back from pictures of one-hot controls (Liu et al. 2020, Fig. 10); lower is better.
    OneHotL1,
    /// E|c - mu| of what is read back from pictures of uniform controls (Liu et al. 2020, Fig. 10); lower is better.
    UniformL1,
    /// Mean squared cosine of the kernels that read controls (Liu et al. 2020, Table 2); lower is better.
    Cosine,
    /// How far the features of pictures are apart in which two controls have changed places (Liu et al. 2020, Table 2); higher is
    /// better.
    Diversity,
    /// KL(q(c|x) || p(c)), averaged over pictures, by dimension, in nats.
    Kl,
    /// Dimensions whose mean varies over the data.
    Active,
    /// Total correlation of the aggregated posterior, by its mixture, in nats; lower is better.
    Tc,
    /// Total correlation of a Gaussian fitted to the encoder's means, in nats; lower is better.
    GaussianTc,
    /// Squared Wasserstein distance of a Gaussian fitted to the encoder's means from its marginals, by their variance; lower
    /// is better.
    GaussianWc,
    /// Mutual information of two dimensions of the encoder's means, averaged over pairs, in nats; lower is better.
    MeanMi,
}

impl Metric {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 41] = [
        Self::Fvm,
        Self::Mig,
        Self::BetaVae,
        Self::DciD,
        Self::DciC,
        Self::DciI,
        Self::Sap,
        Self::Modularity,
        Self::Explicitness,
        Self::Irs,
        Self::InfoM,
        Self::InfoE,
        Self::InfoC,
        Self::Correlation,
        Self::ClusteringError,
        Self::ClassificationError,
        Self::Fid,
        Self::FdInfinity,
        Self::Kid,
        Self::Precision,
        Self::Recall,
        Self::Density,
        Self::Coverage,
        Self::Swd,
        Self::RId,
        Self::ReadBack,
        Self::Gilbo,
        Self::Reconstruction,
        Self::Spread,
        Self::Information,
        Self::Bottleneck,
        Self::OneHotL1,
        Self::UniformL1,
        Self::Cosine,
        Self::Diversity,
        Self::Kl,
        Self::Active,
        Self::Tc,
        Self::GaussianTc,
        Self::GaussianWc,
        Self::MeanMi,
    ];

    /// Its name in commands and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fvm => "fvm",
            Self::Mig => "mig",
            Self::Sap => "sap",
            Self::Modularity => "modularity",
            Self::Explicitness => "explicitness",
            Self::BetaVae => "beta_vae",
            Self::DciD => "dci_d",
            Self::DciC => "dci_c",
            Self::DciI => "dci_i",
            Self::Irs => "irs",
            Self::InfoM => "infom",
            Self::InfoE => "infoe",
            Self::InfoC => "infoc",
            Self::GaussianWc => "gaussian_wc",
            Self::MeanMi => "mean_mi",
            Self::Correlation => "correlation",
            Self::ClusteringError => "clustering_error",
            Self::ClassificationError => "classification_error",
            Self::Reconstruction => "reconstruction",
            Self::Spread => "spread",
            Self::Fid => "fid",
            Self::FdInfinity => "fd_infinity",
            Self::Kid => "kid",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::Density => "density",
            Self::Coverage => "coverage",
            Self::Swd => "swd",
            Self::RId => "r_id",
            Self::ReadBack => "read_back",
            Self::Gilbo => "gilbo",
            Self::Information => "information",
            Self::Bottleneck => "bottleneck",
            Self::OneHotL1 => "one_hot_l1",
            Self::UniformL1 => "uniform_l1",
            Self::Cosine => "cosine",
            Self::Diversity => "diversity",
            Self::Kl => "kl",
            Self::Active => "active",
            Self::Tc => "tc",
            Self::GaussianTc => "gaussian_tc",
        }
    }

    /// How it is written in tables, with its unit.
    pub fn title(self) -> &'static str {
        match self {
            Self::Fvm => "FVM",
            Self::Mig => "MIG",
            Self::Sap => "SAP",
            Self::Modularity => "modularity",
            Self::Explicitness => "explicitness",
            Self::BetaVae => "beta-VAE score",
            Self::DciD => "DCI disentanglement",
            Self::DciC => "DCI completeness",
            Self::DciI => "DCI informativeness",
            Self::Irs => "IRS",
            Self::InfoM => "InfoM",
            Self::InfoE => "InfoE",
            Self::InfoC => "InfoC",
            Self::GaussianWc => "Wasserstein correlation, Gaussian",
            Self::MeanMi => "information between dimensions (nats)",
            Self::Correlation => "correlation with factors",
            Self::ClusteringError => "clustering error",
            Self::ClassificationError => "classification error",
            Self::Reconstruction => "reconstruction error",
            Self::Spread => "spread over noise",
            Self::Fid => "FID",
            Self::FdInfinity => "FD of endlessly many pictures",
            Self::Kid => "KID (x 1000)",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::Density => "density",
            Self::Coverage => "coverage",
            Self::Swd => "SWD (x 1000)",
            Self::RId => "R_ID (nats)",
            Self::ReadBack => "correlation of codes read back",
            Self::Gilbo => "GILBO (nats)",
            Self::Information => "I_L, lower bound (nats)",
            Self::Bottleneck => "KL of r, upper bound (nats)",
            Self::OneHotL1 => "|c - mu| of one-hot controls",
            Self::UniformL1 => "|c - mu| of uniform controls",
            Self::Cosine => "squared cosines of kernels",
            Self::Diversity => "perceptual diversity",
            Self::Kl => "KL (nats)",
            Self::Active => "active dimensions",
            Self::Tc => "total correlation (nats)",
            Self::GaussianTc => "total correlation, Gaussian (nats)",
        }
    }

    /// `value` of it for people: as [`figure`], and a number of dimensions as what it is.
    pub fn figure(self, value: f64) -> String {
        match self {
            Self::Active if value.fract() == 0.0 => format!("{value:.0}"),
            // Squares of values up to 1 are small.
            Self::Reconstruction | Self::Spread => format!("{value:.4}"),
            // An end of an interval may lie between two numbers.
            Self::Active => format!("{value:.1}"),
            _ => figure(value),
        }
    }

    /// Whether it looks at codes of the data alone, so that those of any model can be measured.
    pub fn is_of_codes(self) -> bool {
        self.needs_encoder() && !self.needs_drawing() && self != Self::ClassificationError
    }

    /// Whether it asks how the encoder's code relates to known factors.
    pub fn needs_factors(self) -> bool {
        self.needs_test_codes()
            || matches!(
                self,
                Self::Fvm
                    | Self::Mig
                    | Self::BetaVae
                    | Self::Modularity
                    | Self::Irs
                    | Self::InfoM
                    | Self::InfoE
                    | Self::InfoC
                    | Self::Correlation
                    | Self::ClusteringError
                    | Self::ClassificationError
            )
    }

    /// Whether it teaches classifiers with some codes and asks them about others.
    pub(super) fn needs_test_codes(self) -> bool {
        Self::DCI.contains(&self) || matches!(self, Self::Sap | Self::Explicitness)
    }

    /// Whether it looks at codes that the encoder reads from the data's pictures.
    pub fn needs_coded_data(self) -> bool {
        let of_drawn = [Self::Information, Self::Bottleneck, Self::OneHotL1, Self::UniformL1];
        self.needs_encoder() && !of_drawn.contains(&self)
    }

    /// Those that one computation tells at once, itself among them.
    pub fn together(&self) -> &[Self] {
        [&Self::DCI[..], &Self::INFO_MC, &Self::OF_FEATURES, &Self::BOUNDS]
            .into_iter()
            .find(|set| set.contains(self))
            .unwrap_or(std::slice::from_ref(self))
    }

    /// What boosted trees tell.
    pub(super) const DCI: [Self; 3] = [Self::DciD, Self::DciC, Self::DciI];

    /// What the information of each dimension with each factor tells.
    pub(super) const INFO_MC: [Self; 2] = [Self::InfoM, Self::InfoC];

    /// What is told by the features of pictures.
    pub(super) const OF_FEATURES: [Self; 7] = [
        Self::Fid,
        Self::FdInfinity,
        Self::Kid,
        Self::Precision,
        Self::Recall,
        Self::Density,
        Self::Coverage,
    ];

    /// Both bounds on the information about noise.
    pub(super) const BOUNDS: [Self; 2] = [Self::Information, Self::Bottleneck];

    /// Whether it needs a network that describes pictures.
    pub fn needs_features(self) -> bool {
        Self::OF_FEATURES.contains(&self) || self == Self::Diversity
    }

    /// Whether it takes minutes, so that nobody should meet it unasked.
    pub fn is_slow(self) -> bool {
        Self::DCI.contains(&self) || matches!(self, Self::Gilbo | Self::FdInfinity | Self::Diversity)
    }

    /// Whether it needs the variances of posteriors beside their means.
    pub fn needs_variances(self) -> bool {
        matches!(self, Self::Kl | Self::Tc)
    }

    /// Whether it looks at pictures that the model draws.
    pub fn needs_drawing(self) -> bool {
        self.compares_pictures()
            || matches!(
                self,
                Self::RId
                    | Self::ReadBack
                    | Self::Gilbo
                    | Self::Reconstruction
                    | Self::Spread
                    | Self::Information
                    | Self::Bottleneck
                    | Self::OneHotL1
                    | Self::UniformL1
                    | Self::Diversity
            )
    }

    /// Whether it compares drawn pictures with real ones of the same size.
    pub fn compares_pictures(self) -> bool {
        Self::OF_FEATURES.contains(&self) || self == Self::Swd
    }

    /// The fewest pictures of a kind that it can say anything of.
    pub(super) fn least_pictures(self) -> usize {
        match self {
            Self::FdInfinity => 20,
            // those that look at the fifth neighbour
            Self::Precision | Self::Recall | Self::Density | Self::Coverage => 6,
            _ => 2,
        }
    }

    /// Whether it needs the model's encoder.
    pub fn needs_encoder(self) -> bool {
        !self.compares_pictures()
            && !matches!(self, Self::Gilbo | Self::Spread | Self::Cosine | Self::Diversity)
    }
}

/// Four digits, or fewer where they say nothing; the largest number there is stands for what is unknown.
pub fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= f64::MAX => "unknown".to_owned(),
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 10.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Metric {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::named(text).ok_or_else(|| unknown(text, &[]))
    }
}

impl Metric {
    fn named(text: &str) -> Option<Self> {
        let text = text.replace('-', "_").to_lowercase();
        Self::ALL.into_iter().find(|metric| metric.name() == text)
    }
}

/// Metrics by one name: a single one, or several that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricGroup(
    /// In the order of tables.
    pub Vec<Metric>,
);

impl MetricGroup {
    const NAMES: [&'static str; 5] = ["dci", "infomec", "codes", "pictures", "all"];

    /// The one metric that it names, if it is no group.
    pub fn single(&self) -> Option<Metric> {
        if let [metric] = self.0.as_slice() { Some(*metric) } else { None }
    }
}

impl FromStr for MetricGroup {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "dci" => Ok(Self(Metric::DCI.into())),
            "infomec" => Ok(Self(vec![Metric::InfoM, Metric::InfoE, Metric::InfoC])),
            "codes" => Ok(Self(Metric::ALL.into_iter().filter(|metric| metric.is_of_codes()).collect())),
            "pictures" => {
                Ok(Self(Metric::ALL.into_iter().filter(|metric| metric.compares_pictures()).collect()))
            }
            "all" => Ok(Self(Metric::ALL.to_vec())),
            name => Metric::named(name)
                .map(|metric| Self(vec![metric]))
                .ok_or_else(|| unknown(name, &Self::NAMES)),
        }
    }
}

fn unknown(text: &str, groups: &[&str]) -> String {
    let names: Vec<&str> = Metric::ALL.map(Metric::name).into_iter().chain(groups.iter().copied()).collect();
    format!("there is no metric called {text:?}; known are {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_digits_that_say_something() {
        assert_eq!([0.12345, -12.346, 1234.4, f64::MAX].map(figure), ["0.123", "-12.35", "1234", "unknown"]);
        assert_eq!(Metric::Mig.figure(3.0), "3.000");
        assert_eq!([3.0, 2.61, 10.0].map(|value| Metric::Active.figure(value)), ["3", "2.6", "10"]);
    }

    #[test]
    fn names_round_trip_and_unknown_ones_list_the_known() {
        for metric in Metric::ALL {
            assert_eq!(metric.to_string().parse(), Ok(metric));
            assert_eq!(
                serde_json::to_value(metric).expect("serialises"),
                metric.name(),
                "files have the same name"
            );
        }
        assert_eq!("R-ID".parse(), Ok(Metric::RId));
        assert!("elbo".parse::<Metric>().is_err_and(|error| error.contains("fvm, mig, beta_vae, dci_d")));
        assert!(
            "elbo"
                .parse::<MetricGroup>()
                .is_err_and(|error| error.ends_with("dci, infomec, codes, pictures, all"))
        );
    }

    #[test]
    fn metrics_of_codes_look_at_no_drawn_picture() {
        let MetricGroup(codes) = "codes".parse().expect("a group");
        assert!(codes.contains(&Metric::Mig) && codes.contains(&Metric::Kl));
        assert!(!codes.contains(&Metric::Fid) && !codes.contains(&Metric::RId));
        assert_eq!("r-id".parse(), Ok(MetricGroup(vec![Metric::RId])));
    }
}
