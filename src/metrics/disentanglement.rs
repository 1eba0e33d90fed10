//! What each dimension of a code has to do with each factor: the tables behind the metrics, for whoever wants to see more
//! than their values.

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::{FileError, Pool, write_atomic};
use crate::checkpoint::CheckpointError;
use crate::figures::drawing::{Bars, HeatMap, HeatMaps};
use crate::figures::export::{FigureTarget, Provenance, TargetKind};
use crate::figures::{FigureError, Print};

use super::correlation::factor_correlations;
use super::fvm::{cast_votes, counted};
use super::histogram::information;
use super::mig::MIG_BINS;
use super::request::CODED_PICTURES;
use super::{
    CodeSample, EncodedData, FvmOptions, LabelledCodes, Metric, MetricError, SplitCodes, Watch,
    dci_importances, kl,
};

/// How the tables are counted: as the metrics of the same names are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DisentanglementOptions {
    /// Pictures that are looked at.
    pub samples: usize,
    /// Seed of every random choice; equal seeds give equal tables.
    pub seed: u64,
    /// How votes are cast.
    pub fvm: FvmOptions,
    /// Bins of a dimension in which mutual information is counted.
    pub bins: usize,
}

impl Default for DisentanglementOptions {
    fn default() -> Self {
        Self { samples: CODED_PICTURES, seed: 0, fvm: FvmOptions::PAPER, bins: MIG_BINS }
    }
}

/// The file of a run folder, or beside a model's notes, in which the window keeps its tables.
pub const DISENTANGLEMENT_FILE: &str = "disentanglement.json";

/// Width of the page in pixels where neither its paper nor its type has a size.
const WIDTH: f32 = 760.0;

/// Tables of factors and dimensions, `[factor][dimension]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Disentanglement {
    /// Whose codes: a data set's specification, or a file of codes.
    pub data: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// Pictures that were looked at.
    pub samples: usize,
    /// Names of the factors that vary.
    pub factors: Vec<String>,
    /// Names of the dimensions.
    pub dims: Vec<String>,
    /// Mutual information in nats, as [`Metric::Mig`] counts it.
    pub information: Vec<Vec<f64>>,
    /// |Pearson correlation| with the class number, as in [`Metric::Correlation`].
    pub correlation: Vec<Vec<f64>>,
    /// How many of the votes of [`Metric::Fvm`] that train its classifier a dimension got for a factor.
    pub votes: Vec<Vec<usize>>,
    /// What boosted trees that tell the factor need, as [`Metric::DciD`] has it; 1 in all for a factor.
    pub importance: Vec<Vec<f64>>,
    /// KL from the prior by dimension, in nats, as [`Metric::Kl`] has it; none of codes without variances.
    pub kl: Option<Vec<f64>>,
    /// The model whose codes they are, and the command that makes them again.
    #[serde(default)]
    pub provenance: Provenance,
}

impl Disentanglement {
    /// Counts all tables of `encoded_data`, whose dimensions are those of the block `code`, and which is called `data`.
    ///
    /// # Errors
    /// When the data has no factors that vary, pictures cannot be encoded, or the watch stops it.
    pub fn measure(
        encoded_data: &mut dyn EncodedData,
        (data, code): (&str, &str),
        options: &DisentanglementOptions,
        pool: &Pool,
        watch: &mut Watch<'_>,
    ) -> Result<Self, MetricError> {
        let DisentanglementOptions { samples, seed, fvm, bins } = *options;
        watch.begin(Metric::Kl);
        let sample = CodeSample::draw(encoded_data, samples, seed, watch)?;
        let codes = LabelledCodes::of(&sample, encoded_data);
        codes.require_factors("a table of factors and dimensions")?;
        watch.begin(Metric::Fvm);
        let votes = votes(encoded_data, &sample, &fvm, seed, watch)?;
        watch.begin(Metric::DciD);
        let split = SplitCodes::draw(&codes, &sample, encoded_data, seed, watch)?;
        watch.step(0, 1)?;
        let kl = kl(&sample).parts.into_iter().map(|part| part.value);
        Ok(Self {
            data: data.to_owned(),
            seed,
            samples: sample.len(),
            factors: codes.names().collect(),
            dims: (0..codes.dims.len()).map(|dim| format!("{code}{dim}")).collect(),
            information: information(&codes, bins),
            correlation: factor_correlations(&codes),
            votes,
            importance: pool.run(|| dci_importances(&split, seed)),
            kl: encoded_data.has_variances().then(|| kl.collect()),
            provenance: Provenance::default(),
        })
    }

    /// What the page can be drawn as.
    pub const KINDS: [TargetKind; 3] = [TargetKind::Png, TargetKind::Svg, TargetKind::Pdf];

    /// Draws the tables as a page; the same tables are the same file.
    ///
    /// # Errors
    /// When the page is too large for a picture, or cannot be written.
    pub fn draw(&self, print: Print, target: &FigureTarget) -> Result<(), FigureError> {
        let (width, paper) = print.page_width(WIDTH, HeatMaps::LINE)?;
        let page = self.heat_maps().page(width)?;
        let provenance = self.provenance.clone().with("data", self.data.as_str());
        let provenance = provenance.with("samples", self.samples).with("seed", self.seed);
        Print::write_page(&page, paper, target, &provenance)
    }

    /// The tables as heat maps with their numbers, and the KL as bars.
    pub fn heat_maps(&self) -> HeatMaps {
        let of_one = |title: &str, values: &[Vec<f64>]| HeatMap {
            title: title.to_owned(),
            values: values.to_vec(),
            most: Some(1.0),
            decimals: 2,
        };
        let counts = self.votes.iter().map(|row| row.iter().map(|&count| count as f64).collect()).collect();
        HeatMaps {
            rows: self.factors.clone(),
            columns: self.dims.clone(),
            maps: vec![
                HeatMap { most: None, ..of_one("Mutual information (nats)", &self.information) },
                of_one("|Correlation|", &self.correlation),
                HeatMap {
                    title: "Votes of the FactorVAE metric".to_owned(),
                    values: counts,
                    most: None,
                    decimals: 0,
                },
                of_one("Importance (DCI)", &self.importance),
            ],
            bars: self
                .kl
                .as_ref()
                .map(|kl| Bars { title: "KL from the prior (nats)".to_owned(), values: kl.clone() }),
        }
    }

    /// Reads what [`Disentanglement::write`] wrote.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<Self, MetricError> {
        let text = std::fs::read_to_string(path).map_err(|error| FileError::new(error, path))?;
        let refuse = |why: &dyn std::fmt::Display| {
            let what = format!("these are no tables of idgan disentanglement ({why}); make them again");
            CheckpointError::content(what, path)
        };
        let tables: Self = serde_json::from_str(&text).map_err(|error| refuse(&error))?;
        if !tables.is_whole() {
            return Err(refuse(&"a table does not have a value for each factor and dimension").into());
        }
        Ok(tables)
    }

    /// Whether every table has a value for each factor and dimension.
    fn is_whole(&self) -> bool {
        let (factors, dims) = (self.factors.len(), self.dims.len());
        let fits = |table: &[Vec<f64>]| {
            table.len() == factors
                && table.iter().all(|row| row.len() == dims && row.iter().all(|value| value.is_finite()))
        };
        [&self.information, &self.correlation, &self.importance].into_iter().all(|table| fits(table))
            && self.votes.len() == factors
            && self.votes.iter().all(|row| row.len() == dims)
            && self.kl.as_ref().is_none_or(|kl| kl.len() == dims)
    }

    /// Writes a JSON document, all of it or nothing.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), MetricError> {
        write_atomic(path, |writer| {
            serde_json::to_writer_pretty(&mut *writer, self)
                .map_err(std::io::Error::from)
                .and_then(|()| writer.write_all(b"\n"))
                .map_err(|error| FileError::new(error, path).into())
        })
    }
}

/// The votes that train the classifier of the FactorVAE metric, `[factor][dimension]`, of the factors that vary.
fn votes(
    encoded_data: &mut dyn EncodedData,
    sample: &CodeSample,
    options: &FvmOptions,
    seed: u64,
    watch: &mut Watch<'_>,
) -> Result<Vec<Vec<usize>>, MetricError> {
    let options = FvmOptions { evaluation_votes: 0, ..*options };
    let votes = cast_votes(encoded_data, &sample.variances(), &options, seed, watch)?;
    let factors = encoded_data.factors();
    let counts = counted(&votes, sample.mu.row_len(), factors.len());
    let varying = (0..factors.len()).filter(|&factor| factors[factor].values.len() > 1);
    Ok(varying.map(|factor| counts.iter().map(|of_dim| of_dim[factor]).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Array, Cancel, Stream};
    use crate::metrics::{Evaluation, KnownCodes, Request, evaluate_codes};

    /// 600 codes of three dimensions: one of each factor, with noise, and noise alone.
    fn codes() -> KnownCodes {
        let mut noise = Stream::new(5, "noise");
        let classes = |row: usize| [row % 4, row / 4 % 5];
        let mut mu = Vec::new();
        for row in 0..600 {
            let [a, b] = classes(row).map(|class| class as f32);
            mu.extend(noise.normals(3).iter().zip([b, 0.0, -a]).map(|(noise, value)| value + 0.6 * noise));
        }
        let column = |place: usize| (0..600).map(|row| classes(row)[place] as f64).collect();
        let mu = Array::new([600, 3], mu).expect("fits");
        let columns = vec![
            ("shape".to_owned(), column(0)),
            ("constant".to_owned(), vec![1.0; 600]),
            ("x".to_owned(), column(1)),
        ];
        KnownCodes::with_values(mu, Some(Array::zeros([600, 3])), columns)
    }

    fn evaluated(metrics: &[Metric], pool: &Pool) -> Evaluation {
        let request = Request { samples: Some(500), ..Request::new(metrics.to_vec(), "", 3) };
        let (mut follow, cancel) = (|_| {}, Cancel::new());
        evaluate_codes(&mut codes(), ("codes", "hash"), &request, pool, &mut follow, &cancel)
            .expect("measures")
    }

    fn tables(pool: &Pool) -> Disentanglement {
        let options = DisentanglementOptions { samples: 500, seed: 3, ..DisentanglementOptions::default() };
        let (mut follow, cancel) = (|_| {}, Cancel::new());
        let mut watch = Watch::new(&cancel, &mut follow);
        Disentanglement::measure(&mut codes(), ("codes", "z"), &options, pool, &mut watch).expect("measures")
    }

    /// Largest and second largest value.
    fn two(row: &[f64]) -> [f64; 2] {
        let mut row = row.to_vec();
        row.sort_by(|a, b| b.total_cmp(a));
        [row[0], row[1]]
    }

    #[test]
    fn the_tables_say_what_the_metrics_say() {
        let pool = Pool::new("test", 2).expect("threads");
        let [d, c, _] = Metric::DCI;
        let metrics = [Metric::Mig, Metric::Fvm, Metric::Correlation, Metric::Kl, d, c];
        let (measured, tables) = (evaluated(&metrics, &pool), tables(&pool));
        assert_eq!(tables.factors, ["shape", "x"], "what does not vary has no row");
        assert_eq!(tables.dims, ["z0", "z1", "z2"]);
        let close = |a: f64, metric: Metric| {
            let value = measured.metrics[&metric].value;
            assert!((a - value).abs() < 1e-9, "{metric}: {a} in the table, {value} measured");
        };
        let mean_of_best = tables.correlation.iter().map(|row| two(row)[0]).sum::<f64>() / 2.0;
        close(mean_of_best, Metric::Correlation);
        let parts: Vec<f64> = measured.metrics[&Metric::Kl].parts.iter().map(|part| part.value).collect();
        assert_eq!(tables.kl.as_ref(), Some(&parts));
        let right =
            (0..3).map(|dim| tables.votes.iter().map(|row| row[dim]).max().unwrap_or(0)).sum::<usize>();
        let all: usize = tables.votes.iter().flatten().sum();
        close(right as f64 / all as f64, Metric::Fvm);
        let gaps: Vec<f64> = tables.information.iter().map(|row| two(row)[0] - two(row)[1]).collect();
        let parts = &measured.metrics[&Metric::Mig].parts;
        // What is left between them is the entropy, of 4 and of 5 classes that are about as frequent.
        for ((gap, part), classes) in gaps.iter().zip(parts).zip([4.0f64, 5.0]) {
            assert!((gap / part.value - classes.ln()).abs() < 0.01, "{gap} {part:?}");
        }
        let concentration = |shares: &[f64]| {
            let total: f64 = shares.iter().sum();
            let terms = shares.iter().map(|share| share / total).filter(|p| *p > 0.0).map(|p| -p * p.ln());
            1.0 - terms.sum::<f64>() / (shares.len() as f64).ln()
        };
        let completeness = tables.importance.iter().map(|row| concentration(row)).sum::<f64>() / 2.0;
        assert!((completeness - measured.metrics[&c].value).abs() < 1e-6, "trees of each factor weigh 1");
        for (dim, part) in measured.metrics[&d].parts.iter().enumerate() {
            let shares: Vec<f64> = tables.importance.iter().map(|row| row[dim]).collect();
            assert!((concentration(&shares) - part.value).abs() < 1e-6, "{dim}: {part:?}");
        }
    }

    #[test]
    fn tables_survive_the_disk_and_other_files_are_refused() {
        let pool = Pool::new("test", 2).expect("threads");
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("tables.json");
        let written = tables(&pool);
        written.write(&path).expect("writes");
        assert_eq!(Disentanglement::read(&path).expect("reads"), written);
        let mut short = written.clone();
        short.importance[1].pop();
        short.write(&path).expect("writes");
        for others in [std::fs::read_to_string(&path).expect("reads"), "{}".to_owned()] {
            std::fs::write(&path, others).expect("writes");
            let refused = Disentanglement::read(&path);
            assert!(refused.is_err_and(|error| error.to_string().contains("make them again")));
        }
    }
}
