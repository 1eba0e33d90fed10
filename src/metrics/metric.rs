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
    /// Largest |correlation| of each factor with a dimension's mean, averaged over factors; at most 1.
    Correlation,
    /// Frechet distance between features of real and of drawn pictures (Heusel et al. 2017); lower is better.
    Fid,
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
    /// KL(q(c|x) || p(c)), averaged over pictures, by dimension, in nats.
    Kl,
    /// Dimensions whose mean varies over the data.
    Active,
    /// Total correlation of the aggregated posterior, by its mixture, in nats; lower is better.
    Tc,
    /// Total correlation of a Gaussian fitted to the encoder's means, in nats; lower is better.
    GaussianTc,
}

impl Metric {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 12] = [
        Self::Fvm,
        Self::Mig,
        Self::Correlation,
        Self::Fid,
        Self::Swd,
        Self::RId,
        Self::ReadBack,
        Self::Gilbo,
        Self::Kl,
        Self::Active,
        Self::Tc,
        Self::GaussianTc,
    ];

    /// Its name in commands and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fvm => "fvm",
            Self::Mig => "mig",
            Self::Correlation => "correlation",
            Self::Fid => "fid",
            Self::Swd => "swd",
            Self::RId => "r_id",
            Self::ReadBack => "read_back",
            Self::Gilbo => "gilbo",
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
            Self::Correlation => "correlation with factors",
            Self::Fid => "FID",
            Self::Swd => "SWD (x 1000)",
            Self::RId => "R_ID (nats)",
            Self::ReadBack => "correlation of codes read back",
            Self::Gilbo => "GILBO (nats)",
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
            // An end of an interval may lie between two numbers.
            Self::Active => format!("{value:.1}"),
            _ => figure(value),
        }
    }

    /// Whether it asks how the encoder's code relates to known factors.
    pub fn needs_factors(self) -> bool {
        matches!(self, Self::Fvm | Self::Mig | Self::Correlation)
    }

    /// Whether it looks at pictures that the model draws.
    pub fn needs_drawing(self) -> bool {
        matches!(self, Self::Fid | Self::Swd | Self::RId | Self::ReadBack | Self::Gilbo)
    }

    /// Whether it compares drawn pictures with real ones of the same size.
    pub fn compares_pictures(self) -> bool {
        matches!(self, Self::Fid | Self::Swd)
    }

    /// Whether it needs the model's encoder.
    pub fn needs_encoder(self) -> bool {
        !matches!(self, Self::Fid | Self::Swd | Self::Gilbo)
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
        let known = |metric: &Self| metric.name() == text.replace('-', "_").to_lowercase();
        Self::ALL.into_iter().find(known).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("there is no metric called {text:?}; known are {names}")
        })
    }
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
        }
        assert_eq!("R-ID".parse(), Ok(Metric::RId));
        assert!("sap".parse::<Metric>().is_err_and(|error| error.contains("fvm, mig, correlation, fid")));
    }
}
