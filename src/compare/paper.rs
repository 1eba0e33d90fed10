//! The numbers and layouts of Tables 1 to 4 of ID-GAN's paper (Lee et al. 2020), what that of implicit autoencoders (Makhzani
//! 2018) says of MNIST in its text, and the tables of IB-GAN (Jeon et al. 2021) and OOGAN (Liu et al. 2020).

use crate::training::Method;

/// A row of a table: a method, and where it distils a VAE, that VAE's method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// The method.
    pub method: Method,
    /// What trained the VAE that it distils.
    pub vae: Option<Method>,
}

/// One of a paper's tables.
#[derive(Debug)]
pub struct PaperTable {
    /// Its number in ID-GAN's paper; those of other papers follow.
    pub number: u8,
    /// Its caption.
    pub title: &'static str,
    /// Its data sets: the first word of the specification, the picture size, the heading.
    pub data: &'static [(&'static str, usize, &'static str)],
    /// Its metrics, by the names of `idgan eval`.
    pub metrics: &'static [&'static str],
    /// Its rows with their headings.
    pub rows: &'static [(Row, &'static str)],
    /// Mean and deviation, in the order of rows, then data sets, then metrics; NaN where the paper has none.
    values: &'static [(f64, f64)],
}

impl PaperTable {
    /// What the paper says: mean, and standard deviation over five seeds where it gives one.
    pub fn published(&self, row: Row, data: usize, metric: &str) -> Option<(f64, Option<f64>)> {
        let row = self.rows.iter().position(|(own, _)| *own == row)?;
        let metric = self.metrics.iter().position(|own| *own == metric)?;
        let index = (row * self.data.len() + data) * self.metrics.len() + metric;
        let (mean, deviation) = *self.values.get(index).filter(|_| data < self.data.len())?;
        mean.is_finite().then(|| (mean, Some(deviation).filter(|d| d.is_finite())))
    }

    /// The position of a data set.
    pub fn data_index(&self, spec: &str, size: usize) -> Option<usize> {
        let kind = spec.split(':').next().unwrap_or(spec);
        self.data.iter().position(|(name, own_size, _)| *name == kind && *own_size == size)
    }

    /// The table of this number.
    pub fn numbered(number: u8) -> Option<&'static Self> {
        TABLES.iter().find(|table| table.number == number)
    }

    /// The table that this data set is in: one that has a row for `row`, else the first.
    pub fn about(row: Row, spec: &str, size: usize) -> Option<&'static Self> {
        let with_data = || TABLES.iter().filter(|table| table.data_index(spec, size).is_some());
        with_data().find(|table| table.rows.iter().any(|(own, _)| *own == row)).or(with_data().next())
    }
}

const fn row(method: Method) -> Row {
    Row { method, vae: None }
}

const fn with(method: Method, vae: Method) -> Row {
    Row { method, vae: Some(vae) }
}

const NONE: f64 = f64::NAN;
/// "N/A" in the paper.
const NA: (f64, f64) = (NONE, NONE);

/// The tables.
pub const TABLES: [PaperTable; 8] = [
    PaperTable {
        number: 1,
        title: "Quantitative comparison results on synthetic datasets",
        data: &[
            ("color-dsprites", 64, "Color-dSprites"),
            ("scream-dsprites", 64, "Scream-dSprites"),
            ("noisy-dsprites", 64, "Noisy-dSprites"),
        ],
        metrics: &["fvm", "mig", "fid"],
        rows: &[
            (row(Method::Vae), "VAE"),
            (row(Method::BetaVae), "β-VAE"),
            (row(Method::FactorVae), "FactorVAE"),
            (row(Method::Gan), "GAN"),
            (row(Method::Infogan), "InfoGAN"),
            (with(Method::Idgan, Method::Vae), "ID-GAN+VAE"),
            (with(Method::Idgan, Method::BetaVae), "ID-GAN+β-VAE"),
            (with(Method::Idgan, Method::FactorVae), "ID-GAN+FactorVAE"),
        ],
        #[rustfmt::skip]
        values: &[
            (0.67, 0.12), (0.16, 0.08), (21.63, 4.97), (0.44, 0.03), (0.08, 0.04), (7.79, 2.51), (0.42, 0.09), (0.05, 0.04), (3.27, 1.94),
            (0.67, 0.07), (0.32, 0.04), (15.13, 4.25), (0.57, 0.01), (0.29, 0.00), (7.33, 2.87), (0.32, 0.05), (0.05, 0.03), (3.46, 0.38),
            (0.69, 0.05), (0.37, 0.02), (10.71, 5.73), (0.57, 0.01), (0.22, 0.06), (6.35, 3.27), (0.40, 0.09), (0.08, 0.04), (2.48, 0.44),
            NA, NA, (0.30, 0.07), NA, NA, (0.11, 0.03), NA, NA, (9.74, 2.18),
            (0.34, 0.00), (0.01, 0.01), (30.55, 21.17), (0.29, 0.00), (0.00, 0.00), (5.77, 3.93), (0.22, 0.02), (0.01, 0.01), (5.51, 4.22),
            (0.67, 0.12), (0.16, 0.08), (0.32, 0.10), (0.44, 0.03), (0.08, 0.04), (0.26, 0.03), (0.42, 0.09), (0.05, 0.04), (1.58, 0.62),
            (0.67, 0.07), (0.32, 0.04), (0.25, 0.23), (0.57, 0.01), (0.29, 0.00), (0.18, 0.02), (0.32, 0.05), (0.05, 0.03), (12.42, 1.13),
            (0.69, 0.05), (0.37, 0.02), (0.75, 0.54), (0.57, 0.01), (0.22, 0.06), (0.65, 0.33), (0.40, 0.09), (0.08, 0.04), (2.07, 0.87),
        ],
    },
    PaperTable {
        number: 2,
        title: "Comparison of approaches using a joint and decomposed objective for disentanglement learning and synthesis",
        data: &[("dsprites", 64, "dSprites")],
        metrics: &["fvm", "mig", "fid"],
        rows: &[
            (row(Method::BetaVae), "β-VAE (reference)"),
            (row(Method::VaeGan), "VAE-GAN"),
            (row(Method::IdganEndToEnd), "ID-GAN (end-to-end)"),
            (with(Method::Idgan, Method::BetaVae), "ID-GAN (two-step)"),
        ],
        #[rustfmt::skip]
        values: &[
            (0.65, 0.08), (0.28, 0.09), (37.75, 24.58),
            (0.46, 0.18), (0.13, 0.11), (33.54, 24.93),
            (0.50, 0.14), (0.13, 0.09), (3.18, 2.38),
            (0.65, 0.08), (0.28, 0.09), (2.00, 1.74),
        ],
    },
    PaperTable {
        number: 3,
        title: "Comparison of two-step approaches for generation (FID) and alignment (R_ID and GILBO) performance",
        data: &[("celeba", 128, "CelebA 128x128")],
        metrics: &["fid", "r_id", "gilbo"],
        rows: &[
            (with(Method::IdganNoDistill, Method::BetaVae), "ID-GAN w/o distill"),
            (with(Method::Cgan, Method::BetaVae), "cGAN"),
            (with(Method::Idgan, Method::BetaVae), "ID-GAN"),
        ],
        #[rustfmt::skip]
        values: &[
            (5.75, NONE), (-65.84, NONE), (-20.40, NONE),
            (7.07, NONE), (-17.39, NONE), (-7.57, NONE),
            (6.61, NONE), (-10.25, NONE), (-0.19, NONE),
        ],
    },
    PaperTable {
        number: 4,
        title: "Quantitative results based on FID",
        data: &[("chairs", 64, "3D Chairs"), ("cars", 64, "Cars"), ("celeba", 64, "CelebA")],
        metrics: &["fid"],
        rows: &[
            (row(Method::Vae), "VAE"),
            (row(Method::BetaVae), "β-VAE"),
            (row(Method::FactorVae), "FactorVAE"),
            (row(Method::Gan), "GAN"),
            (row(Method::Infogan), "InfoGAN"),
            (with(Method::Idgan, Method::BetaVae), "ID-GAN+β-VAE"),
        ],
        #[rustfmt::skip]
        values: &[
            (116.46, NONE), (201.29, NONE), (160.06, NONE),
            (107.97, NONE), (235.32, NONE), (166.01, NONE),
            (123.64, NONE), (208.60, NONE), (154.48, NONE),
            (24.17, NONE), (14.62, NONE), (3.34, NONE),
            (60.45, NONE), (13.67, NONE), (4.93, NONE),
            (25.44, NONE), (14.96, NONE), (4.08, NONE),
        ],
    },
    // "about 5 %" with 30 clusters, "about 2 %" with 10, and 100 labels (sections 2.1.2 and 4.1)
    PaperTable {
        number: 5,
        title: "Clusters and 100 labels of MNIST's test pictures (Makhzani 2018)",
        data: &[("mnist-test", 28, "MNIST")],
        metrics: &["clustering_error", "classification_error"],
        rows: &[(row(Method::Iae), "IAE"), (row(Method::Fiae), "FIAE")],
        #[rustfmt::skip]
        values: &[
            (0.05, NONE), (0.014, NONE),
            (0.02, NONE), NA,
        ],
    },
    // FVM as in OOGAN's Table 1, FID from IB-GAN's Table 2
    PaperTable {
        number: 6,
        title: "IB-GAN and what it is compared with (Jeon et al. 2021)",
        data: &[("dsprites", 64, "dSprites"), ("celeba", 64, "CelebA"), ("chairs", 64, "3D Chairs")],
        metrics: &["fvm", "fid"],
        rows: &[
            (row(Method::BetaVae), "β-VAE"),
            (row(Method::FactorVae), "FactorVAE"),
            (row(Method::IbGanGan), "GAN"),
            (row(Method::IbGanInfogan), "InfoGAN"),
            (row(Method::IbGan), "IB-GAN"),
        ],
        #[rustfmt::skip]
        values: &[
            (0.63, 0.033), NA, NA, NA, NA, NA,
            (0.73, 0.112), NA, NA, NA, NA, NA,
            NA, NA, NA, NA, NA, NA,
            (0.59, 0.078), NA, NA, NA, NA, NA,
            (0.80, 0.062), NA, NA, (7.4, NONE), NA, (25.5, NONE),
        ],
    },
    PaperTable {
        number: 7,
        title: "FVM on dSprites (Liu et al. 2020, Table 1)",
        data: &[("dsprites", 32, "dSprites")],
        metrics: &["fvm"],
        rows: &[(row(Method::OoganInfogan), "InfoGAN"), (row(Method::Oogan), "OOGAN")],
        values: &[(0.59, 0.078), (0.81, 0.077)],
    },
    PaperTable {
        number: 8,
        title: "Perceptual diversity and cosines on CelebA (Liu et al. 2020, Table 2)",
        data: &[("celeba", 256, "CelebA 256x256")],
        metrics: &["diversity", "cosine"],
        rows: &[(row(Method::OoganInfogan), "InfoGAN"), (row(Method::Oogan), "OOGAN")],
        values: &[(2.39, 0.03), (0.21, 0.01), (2.77, 0.06), (0.09, 0.03)],
    },
];

impl Row {
    /// A heading for a row that the paper's table does not have.
    pub fn heading(self) -> String {
        let name = |method: Method| match method {
            Method::Vae => "VAE",
            Method::BetaVae => "β-VAE",
            Method::FactorVae => "FactorVAE",
            Method::AnnealedVae => "AnnealedVAE",
            Method::BetaTcVae => "β-TCVAE",
            Method::DipVaeI => "DIP-VAE-I",
            Method::DipVaeII => "DIP-VAE-II",
            Method::Idgan => "ID-GAN",
            Method::IdganNoDistill => "ID-GAN w/o distill",
            Method::Cgan => "cGAN",
            Method::Gan => "GAN",
            Method::Infogan => "InfoGAN",
            Method::IdganEndToEnd => "ID-GAN (end-to-end)",
            Method::VaeGan => "VAE-GAN",
            Method::IbGan => "IB-GAN",
            Method::IbGanInfogan => "InfoGAN (IB-GAN's networks)",
            Method::Iae => "IAE",
            Method::Fiae => "FIAE",
            Method::CycleIae => "CycleIAE",
            Method::IbGanGan => "GAN (IB-GAN's networks)",
            Method::Oogan => "OOGAN",
            Method::OoganInfogan => "InfoGAN (OOGAN's networks)",
        };
        match self.vae {
            Some(vae) => format!("{}+{}", name(self.method), name(vae)),
            None => name(self.method).to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_complete_and_says_what_the_paper_says() {
        for table in &TABLES {
            assert_eq!(table.values.len(), table.rows.len() * table.data.len() * table.metrics.len());
        }
        let table = |number| PaperTable::numbered(number).expect("exists");
        let two_step = with(Method::Idgan, Method::BetaVae);
        assert_eq!(table(2).published(two_step, 0, "fid"), Some((2.0, Some(1.74))));
        assert_eq!(table(1).published(two_step, 2, "fid"), Some((12.42, Some(1.13))));
        assert_eq!(table(1).published(row(Method::Gan), 0, "fvm"), None);
        assert_eq!(table(3).published(two_step, 0, "r_id"), Some((-10.25, None)));
        assert_eq!(table(4).published(row(Method::Infogan), 1, "fid"), Some((13.67, None)));
        assert_eq!(table(4).published(row(Method::Infogan), 3, "fid"), None);
        assert_eq!(table(5).published(row(Method::Iae), 0, "classification_error"), Some((0.014, None)));
        assert_eq!(table(6).published(row(Method::IbGan), 2, "fid"), Some((25.5, None)));
        assert_eq!(table(6).published(row(Method::IbGanInfogan), 0, "fvm"), Some((0.59, Some(0.078))));
        assert_eq!(table(8).published(row(Method::Oogan), 0, "cosine"), Some((0.09, Some(0.03))));
        assert_eq!(table(5).published(row(Method::Fiae), 0, "classification_error"), None);
    }

    #[test]
    fn data_sets_know_their_table() {
        let of = |method, spec, size| PaperTable::about(row(method), spec, size).map(|table| table.number);
        let number = |spec, size| of(Method::Cgan, spec, size);
        assert_eq!(number("dsprites:file.npz", 64), Some(2));
        assert_eq!(number("noisy-dsprites", 64), Some(1));
        assert_eq!((number("celeba:x", 128), number("celeba:x", 64)), (Some(3), Some(4)));
        assert_eq!(number("scenes", 64), None);
        assert_eq!(of(Method::IbGan, "dsprites", 64), Some(6), "that of the method goes first");
        assert_eq!(
            (of(Method::BetaVae, "dsprites", 64), of(Method::Oogan, "dsprites", 32)),
            (Some(2), Some(7))
        );
        assert_eq!((number("mnist-test:mnist", 28), number("mnist:mnist", 28)), (Some(5), None));
    }
}
