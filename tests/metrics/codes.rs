//! The metrics of codes against what the reference implementations gave on the same arrays (`shared/metrics`, beside the
//! checkout).

use std::path::{Path, PathBuf};

use crate::common::skip::skipped;
use idgan::base::{Array, Cancel, Pool};
use idgan::checkpoint::npz::NpzFile;
use idgan::metrics::{
    CodeSample, LabelledCodes, Labels, Latents, MIG_BINS, MetricError, MetricProgress, Score, SplitCodes,
    Watch, dci, explicitness, gaussian_total_correlation, gaussian_wasserstein, info_explicitness,
    info_modularity_compactness, irs, mean_information, mig, modularity, sap,
};
use serde_json::Value;

const CASES: [&str; 7] = ["identity", "rotated", "duplicated", "constant", "noise", "partial", "mixed"];
const SIZES: [usize; 5] = [3, 6, 40, 32, 32];

/// The arrays and the numbers, `None` (said and counted) where they are not beside the checkout.
fn references() -> Option<(NpzFile, Value)> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/metrics");
    let Ok(text) = std::fs::read_to_string(folder.join("numbers.json")) else {
        skipped(
            "official",
            &format!("the reference numbers are not beside this checkout: {}", folder.display()),
        );
        return None;
    };
    Some((NpzFile::open(&folder.join("arrays.npz")).unwrap(), serde_json::from_str(&text).unwrap()))
}

/// The first rows of a case's codes, with their classes.
fn labelled(file: &mut NpzFile, case: &str, part: &str, rows: usize) -> LabelledCodes {
    let [codes, classes] =
        ["codes", "factors"].map(|what| file.array(&format!("{case}_{what}{part}")).unwrap());
    let column = |array: &Array, at: usize| -> Vec<f32> {
        let rows = array.data().chunks_exact(array.row_len()).take(rows);
        rows.map(|row| row[at]).collect()
    };
    let labels = |(at, &count): (usize, &usize)| Labels {
        name: format!("factor {at}"),
        classes: column(&classes, at).iter().map(|&class| class as usize).collect(),
        count,
    };
    LabelledCodes {
        dims: (0..codes.row_len())
            .map(|at| column(&codes, at).iter().map(|&x| f64::from(x)).collect())
            .collect(),
        factors: SIZES.iter().enumerate().map(labels).collect(),
    }
}

fn split(file: &mut NpzFile, case: &str) -> SplitCodes {
    let (train, test) = (labelled(file, case, "", 10_000), labelled(file, case, "_test", 5000));
    SplitCodes { train, test }
}

/// The same without what is known of the pictures.
fn unlabelled(file: &mut NpzFile, case: &str) -> CodeSample {
    let mu = file.array(&format!("{case}_codes")).unwrap();
    CodeSample { indices: (0..10_000).collect(), logvar: Array::zeros(mu.shape()), mu }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("a number: {value}"))
}

fn assert_close(score: &Score, theirs: f64, tolerance: f64, what: &str) {
    let ours = score.value;
    assert!((ours - theirs).abs() <= tolerance, "{what}: {ours} against {theirs}");
    assert!(score.low <= ours && ours <= score.high && score.is_finite(), "{what}: {score:?}");
}

fn watched<T>(measure: impl FnOnce(&Pool, &mut Watch<'_>) -> Result<T, MetricError>) -> T {
    let pool = Pool::new("test", 2).unwrap();
    measure(&pool, &mut Watch::new(&Cancel::new(), &mut |_: MetricProgress| {})).unwrap()
}

#[test]
fn gaps_and_modularity_are_the_references_to_six_digits() {
    let Some((mut file, numbers)) = references() else { return };
    for case in CASES {
        let expected = &numbers["cases"][case]["mig"];
        let codes = labelled(&mut file, case, "", 10_000);
        let score = mig(&codes, MIG_BINS, None, 1).unwrap();
        assert_close(&score, number(&expected["mig"]), 1e-6, &format!("MIG of {case}"));
        let score = modularity(&codes, MIG_BINS, None, 1).unwrap();
        assert_close(&score, number(&expected["modularity"]), 1e-6, &format!("modularity of {case}"));
    }
}

#[test]
fn predictability_is_the_references() {
    let Some((mut file, numbers)) = references() else { return };
    for case in CASES {
        let expected = &numbers["cases"][case]["sap_primal_sklearn_1.9.1"]["sap"];
        let codes = split(&mut file, case);
        let score = watched(|pool, watch| sap(&codes, 1, pool, watch));
        assert_close(&score, number(expected), 2e-4, &format!("SAP of {case}"));
    }
}

#[test]
fn explicitness_is_the_references() {
    let Some((mut file, numbers)) = references() else { return };
    for case in CASES {
        let codes = split(&mut file, case);
        let score = watched(|pool, watch| explicitness(&codes, 1, pool, watch));
        if case == "constant" {
            // The reference divides by a deviation of 0.
            assert_eq!(score.value, 0.5);
            continue;
        }
        let expected = &numbers["cases"][case]["modularity_explicitness"]["explicitness_score_test"];
        let tolerance = if ["identity", "rotated", "duplicated"].contains(&case) { 3e-3 } else { 1e-3 };
        assert_close(&score, number(expected), tolerance, &format!("explicitness of {case}"));
    }
}

#[test]
fn robustness_is_the_references() {
    let Some((mut file, numbers)) = references() else { return };
    for case in CASES {
        let score = irs(&labelled(&mut file, case, "", 10_000), None, 1).unwrap();
        let expected = &numbers["cases"][case]["irs"];
        assert_close(&score, number(&expected["IRS"]), 1e-5, &format!("IRS of {case}"));
        let dims = expected["disentanglement_scores"].as_array().into_iter().flatten();
        for (part, theirs) in score.parts.iter().zip(dims) {
            assert!((part.value - number(theirs)).abs() < 1e-5, "IRS of {case}, {}", part.name);
        }
    }
}

#[test]
fn information_about_factors_is_the_references() {
    let Some((mut file, numbers)) = references() else { return };
    for case in CASES {
        let codes = labelled(&mut file, case, "", 10_000);
        let [m, c] = watched(|pool, watch| {
            info_modularity_compactness(&codes, Latents::Continuous, None, 1, pool, watch)
        });
        let e = watched(|pool, watch| info_explicitness(&codes, Latents::Continuous, None, 1, pool, watch));
        if case == "constant" {
            // The reference fails without an active dimension.
            assert!(m.value == 0.0 && c.value == 0.0 && e.value.abs() < 1e-12, "{m:?} {e:?} {c:?}");
            continue;
        }
        let expected = &numbers["cases"][case]["infomec"];
        let tolerance = if case == "partial" { 2e-3 } else { 1e-3 };
        assert_close(&m, number(&expected["infom"]["mean"]), tolerance, &format!("InfoM of {case}"));
        assert_close(&c, number(&expected["infoc"]["mean"]), 1e-3, &format!("InfoC of {case}"));
        assert_close(&e, number(&expected["infoe"]["mean"]), 1e-3, &format!("InfoE of {case}"));
        assert_eq!(m.parts.len(), expected["active_latents"].as_array().unwrap().len(), "{case}");
    }
}

#[test]
fn dependence_of_dimensions_is_the_references() {
    let Some((mut file, numbers)) = references() else { return };
    for case in CASES {
        let sample = unlabelled(&mut file, case);
        let expected = &numbers["cases"][case]["unsupervised"];
        let information = mean_information(&sample, MIG_BINS, None, 1);
        assert_close(&information, number(&expected["mutual_info_score"]), 1e-6, case);
        let wasserstein = gaussian_wasserstein(&sample, None, 1);
        let total = gaussian_total_correlation(&sample, 1);
        match case {
            "constant" => assert_eq!([wasserstein.value, total.value], [0.0; 2]),
            // Exactly singular: infinite there, and as far as the least eigenvalue that counts here.
            "duplicated" => assert!(total.value > 50.0, "{total:?}"),
            _ => assert_close(&total, number(&expected["gaussian_total_correlation"]), 1e-6, case),
        }
        if case != "constant" {
            let tolerance = if case == "duplicated" { 1e-4 } else { 1e-6 };
            let share = number(&expected["gaussian_wasserstein_correlation_norm"]);
            assert_close(&wasserstein, share, tolerance, case);
            let distance = number(&expected["gaussian_wasserstein_correlation"]);
            assert!((wasserstein.parts[0].value - distance).abs() < tolerance, "{case}");
        }
    }
}

#[test]
fn boosted_trees_are_scikit_learns() {
    let Some((mut file, numbers)) = references() else { return };
    for case in CASES {
        let [train, test] = ["", "_test"].map(|part| labelled(&mut file, case, part, 1000));
        let [d, c, i] = watched(|pool, watch| dci(&SplitCodes { train, test }, 1, pool, watch));
        let expected = &numbers["cases"][case]["dci_1000"];
        let tolerance = if case == "identity" { 5e-3 } else { 2e-2 };
        assert_close(&d, number(&expected["disentanglement"]), tolerance, &format!("DCI-D of {case}"));
        // Copies share what they explain by chance.
        let for_c = if case == "duplicated" { 0.05 } else { tolerance };
        assert_close(&c, number(&expected["completeness"]), for_c, &format!("DCI-C of {case}"));
        assert_close(&i, number(&expected["informativeness_test"]), 2e-2, &format!("DCI-I of {case}"));
        let accuracies = expected["accuracy_test_per_factor"].as_array().unwrap();
        for (part, theirs) in i.parts.iter().zip(accuracies) {
            assert!(
                (part.value - number(theirs)).abs() < 2e-2,
                "{case}, {}: {} {theirs}",
                part.name,
                part.value
            );
        }
    }
}
