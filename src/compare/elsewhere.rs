//! Numbers that other papers report on the same data, each with its source.

/// What a paper reports of its method on one data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ElsewhereValue {
    /// First word of the data set's specification.
    pub data: &'static str,
    /// Picture height and width.
    pub size: usize,
    /// By the names of `idgan eval`.
    pub metric: &'static str,
    /// The mean.
    pub mean: f64,
    /// The standard deviation, where it gives one.
    pub deviation: Option<f64>,
}

/// A method that is not trained here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elsewhere {
    /// Its name.
    pub name: &'static str,
    /// Who reports the numbers, and where.
    pub source: &'static str,
    /// The numbers.
    pub values: &'static [ElsewhereValue],
}

const fn value(data: &'static str, metric: &'static str, mean: f64) -> ElsewhereValue {
    ElsewhereValue { data, size: 64, metric, mean, deviation: None }
}

const fn spread(data: &'static str, metric: &'static str, mean: f64, deviation: f64) -> ElsewhereValue {
    ElsewhereValue { deviation: Some(deviation), ..value(data, metric, mean) }
}

/// What OOGAN's Table 2 says of it on CelebA at 256x256 with something left out: perceptual diversity and mean squared cosine.
const fn ablation(diversity: (f64, f64), cosine: (f64, f64)) -> [ElsewhereValue; 2] {
    [
        ElsewhereValue { size: 256, ..spread("celeba", "diversity", diversity.0, diversity.1) },
        ElsewhereValue { size: 256, ..spread("celeba", "cosine", cosine.0, cosine.1) },
    ]
}

/// What is known. Numbers whose paper was not at hand are left out: among them those of InfoGAN-CR, and InfoMEC of QLAE.
pub const ELSEWHERE: [Elsewhere; 8] = [
    Elsewhere {
        name: "IB-GAN",
        source: "Jeon et al., AAAI 2021",
        values: &[spread("dsprites", "fvm", 0.80, 0.06)],
    },
    Elsewhere {
        name: "OOGAN",
        source: "Liu et al., AAAI 2020",
        values: &[spread("dsprites", "fvm", 0.81, 0.08)],
    },
    Elsewhere {
        name: "DisDiff",
        source: "Yang et al., NeurIPS 2023",
        values: &[
            value("3dshapes", "fvm", 0.902),
            value("cars3d", "fvm", 0.976),
            value("mpi3d-toy", "fvm", 0.617),
            value("3dshapes", "dci_d", 0.723),
            value("mpi3d-toy", "dci_d", 0.337),
            value("celeba", "fid", 18.2),
        ],
    },
    Elsewhere {
        name: "EncDiff",
        source: "Yang et al., NeurIPS 2024",
        values: &[
            value("3dshapes", "fvm", 0.999),
            value("cars3d", "fvm", 0.773),
            value("mpi3d-toy", "fvm", 0.872),
            value("3dshapes", "dci_d", 0.969),
            value("mpi3d-toy", "dci_d", 0.685),
            value("celeba", "fid", 14.8),
        ],
    },
    Elsewhere {
        name: "QLAE",
        source: "Hsu et al., NeurIPS 2023",
        values: &[value("3dshapes", "dci_d", 0.81)],
    },
    Elsewhere {
        name: "OOGAN without one-hot sampling",
        source: "Liu et al., AAAI 2020",
        values: &ablation((2.44, 0.05), (0.09, 0.03)),
    },
    Elsewhere {
        name: "OOGAN without orthogonality",
        source: "Liu et al., AAAI 2020",
        values: &ablation((2.65, 0.05), (0.21, 0.01)),
    },
    Elsewhere {
        name: "OOGAN without compete-free G",
        source: "Liu et al., AAAI 2020",
        values: &ablation((2.69, 0.03), (0.09, 0.03)),
    },
];

impl Elsewhere {
    /// Its mean and deviation on a data set.
    pub fn published(&self, spec: &str, size: usize, metric: &str) -> Option<(f64, Option<f64>)> {
        let kind = spec.split(':').next().unwrap_or(spec);
        let found = self
            .values
            .iter()
            .find(|value| (value.data, value.size, value.metric) == (kind, size, metric))?;
        Some((found.mean, found.deviation))
    }

    /// How its row is called.
    pub fn heading(&self) -> String {
        format!("{} ({})", self.name, self.source)
    }

    /// All values in lines of text, for people.
    pub fn listed() -> String {
        let mut lines = vec![format!("{:<56}{:<12}{:<11}value", "", "data", "metric")];
        for method in &ELSEWHERE {
            for value in method.values {
                let deviation =
                    value.deviation.map(|deviation| format!(" ± {deviation:.2}")).unwrap_or_default();
                let heading = method.heading();
                lines.push(format!(
                    "{heading:<56}{:<12}{:<11}{}{deviation}",
                    value.data, value.metric, value.mean
                ));
            }
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metric;

    #[test]
    fn values_are_of_metrics_that_there_are_and_found_by_their_data() {
        let all = || ELSEWHERE.iter().flat_map(|method| method.values);
        assert!(all().all(|value| value.metric.parse::<Metric>().is_ok() && value.mean > 0.0));
        let [ib_gan, _, disdiff, ..] = &ELSEWHERE;
        assert_eq!(ib_gan.published("dsprites:file.npz", 64, "fvm"), Some((0.80, Some(0.06))));
        assert_eq!(disdiff.published("celeba:faces", 64, "fid"), Some((18.2, None)));
        assert_eq!(disdiff.published("celeba:faces", 128, "fid"), None);
        assert_eq!(Elsewhere::listed().lines().count(), 1 + all().count());
    }
}
