//! The metrics against what NumPy and SciPy computed from the same arrays (`scripts/make-metric-references`).

use std::path::{Path, PathBuf};

use crate::common::{assert_relative, read_arrays};
use faer::Mat;
use idgan::base::{Array, Arrays};
use idgan::metrics::{
    CodeSample, LabelledCodes, Labels, MIG_BINS, Mixture, MomentSums, Vote, accuracy, active_dims,
    active_units, frechet_distance, gaussian_total_correlation, kl, log_likelihood, majority, mig, vote,
};
use serde_json::Value;

const SIZES: [usize; 3] = [3, 4, 5];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/metrics")
}

pub(super) fn records() -> (Arrays, Value) {
    let text = std::fs::read_to_string(folder().join("expected.json")).unwrap();
    (read_arrays(&folder().join("codes.safetensors")), serde_json::from_str(&text).unwrap())
}

/// The recorded codes beside their classes.
pub(super) fn labelled(arrays: &Arrays) -> LabelledCodes {
    let (mu, classes) = (&arrays["mu"], &arrays["classes"]);
    let rows = 0..mu.shape()[0];
    let labels = |(place, &count): (usize, &usize)| Labels {
        name: count.to_string(),
        classes: rows.clone().map(|row| classes.row(row)[place] as usize).collect(),
        count,
    };
    LabelledCodes {
        dims: (0..mu.row_len())
            .map(|dim| rows.clone().map(|row| f64::from(mu.row(row)[dim])).collect())
            .collect(),
        factors: SIZES.iter().enumerate().map(labels).collect(),
    }
}

/// The recorded codes as the sample of a data set with these factors.
fn sample(arrays: &Arrays) -> CodeSample {
    let classes = &arrays["classes"];
    let index = |row: usize| {
        classes.row(row).iter().zip(SIZES).fold(0, |index, (&class, size)| index * size + class as usize)
    };
    CodeSample {
        indices: (0..classes.shape()[0]).map(index).collect(),
        mu: arrays["mu"].clone(),
        logvar: arrays["logvar"].clone(),
    }
}

pub(super) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn assert_close(ours: f64, theirs: f64, what: &str) {
    assert!((ours - theirs).abs() < 1e-6, "{what}: {ours} against {theirs}");
}

#[test]
fn mutual_information_gap() {
    let (arrays, expected) = records();
    let score = mig(&labelled(&arrays), MIG_BINS, None, 1).unwrap();
    assert_close(score.value, expected["mig"].as_f64().unwrap(), "MIG");
    for (part, theirs) in score.parts.iter().zip(numbers(&expected["mig_gaps"])) {
        assert_close(part.value, theirs, &part.name);
    }
}

#[test]
fn factor_vae_metric() {
    let (arrays, expected) = records();
    let variances = sample(&arrays).variances();
    for (least, name) in [(0.05, "fvm_paper"), (0.0, "fvm_everything")] {
        let active = active_dims(&variances, least);
        let pairs = (0..arrays["votes"].shape()[0]).map(|row| Vote {
            factor: arrays["fixed"].data()[row] as usize,
            dim: vote(arrays["votes"].row(row), &variances, &active).unwrap(),
        });
        let votes: Vec<Vote> = pairs.collect();
        let score = accuracy(&majority(&votes, variances.len(), SIZES.len()), &votes);
        assert_close(score, expected[name].as_f64().unwrap(), name);
    }
}

#[test]
fn divergence_and_variance_of_each_dimension() {
    let (arrays, expected) = records();
    let score = kl(&sample(&arrays));
    for (part, theirs) in score.parts.iter().zip(numbers(&expected["kl"])) {
        assert_close(part.value, theirs, "KL");
    }
    assert_close(score.value, numbers(&expected["kl"]).iter().sum(), "KL");
    let active = active_units(&sample(&arrays), 0.05, 1);
    assert_eq!(active.value, 5.0);
    for (part, theirs) in active.parts.iter().zip(numbers(&expected["variances"])) {
        assert_close(part.value, theirs, "variance");
    }
}

#[test]
fn total_correlations() {
    let (arrays, expected) = records();
    let sample = sample(&arrays);
    let gaussian = gaussian_total_correlation(&sample, 1);
    assert_close(gaussian.value, expected["gaussian_tc"].as_f64().unwrap(), "Gaussian total correlation");
    let mut mixture = Mixture::new(arrays["drawn"].data(), sample.mu.row_len());
    // in parts of any size
    let (dims, rows) = (sample.mu.row_len(), sample.len());
    for part in [0..1, 1..7, 7..rows] {
        let values = part.start * dims..part.end * dims;
        let (mu, logvar) = (&sample.mu.data()[values.clone()], &sample.logvar.data()[values]);
        mixture.add(&sample.indices[part], mu, logvar);
    }
    let ours = mixture.log_ratios();
    assert_eq!(ours.len(), arrays["drawn"].shape()[0]);
    for (ours, theirs) in ours.into_iter().zip(numbers(&expected["log_ratios"])) {
        assert_close(ours, theirs, "log ratio");
    }
}

#[test]
fn log_likelihoods() {
    let (arrays, expected) = records();
    for (row, theirs) in numbers(&expected["log_likelihoods"]).into_iter().enumerate() {
        let from = arrays["drawn_from"].data()[row] as usize;
        let ours =
            log_likelihood(arrays["drawn"].row(row), arrays["mu"].row(from), arrays["logvar"].row(from));
        assert_close(ours, theirs, "log likelihood");
    }
}

#[test]
fn frechet_distances_of_singular_covariances_too() {
    let (arrays, expected) = records();
    for case in expected["frechet"].as_array().unwrap() {
        let means: Vec<Vec<f64>> = case["means"].as_array().unwrap().iter().map(numbers).collect();
        let matrix = |values: &Value| {
            let values = numbers(values);
            let size = means[0].len();
            Mat::from_fn(size, size, |i, j| values[i * size + j])
        };
        let [one, other] = [0, 1].map(|i| matrix(&case["covariances"][i]));
        let theirs = case["distance"].as_f64().unwrap();
        let ours = frechet_distance(&means[0], &one, &means[1], &other).unwrap();
        assert_relative(ours, theirs, 1e-6, case["name"].as_str().unwrap());
        let turned = frechet_distance(&means[1], &other, &means[0], &one).unwrap();
        assert_relative(turned, theirs, 1e-6, "the other way round");
    }
    let moments = |name: &str| {
        let features: &Array = &arrays[name];
        let mut sums = MomentSums::new(features.row_len());
        features.data().chunks(features.row_len() * 64).for_each(|batch| sums.add(batch));
        sums.take()
    };
    let ours = moments("features.real").distance(&moments("features.drawn")).unwrap();
    assert_relative(ours, expected["frechet_of_features"].as_f64().unwrap(), 1e-6, "from features");
}
