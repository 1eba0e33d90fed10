//! What learns from codes against scikit-learn on the same arrays (`scripts/make-metric-references`).

use idgan::base::{Cancel, Pool};
use idgan::metrics::{
    Latents, MetricError, MetricProgress, Score, SplitCodes, Watch, dci, dci_importances, explicitness,
    info_explicitness, info_modularity_compactness, sap,
};
use serde_json::Value;

use super::reference::{labelled, numbers, records};

/// Rows to learn from; the others are asked about.
const TRAIN: usize = 1000;

fn split() -> (SplitCodes, Value) {
    let (arrays, expected) = records();
    let codes = labelled(&arrays);
    let rows: Vec<usize> = (0..codes.rows()).collect();
    let (train, test) = rows.split_at(TRAIN);
    (SplitCodes { train: codes.pick(train), test: codes.pick(test) }, expected)
}

fn watched<T>(measure: impl FnOnce(&Pool, &mut Watch<'_>) -> Result<T, MetricError>) -> T {
    let pool = Pool::new("test", 2).unwrap();
    measure(&pool, &mut Watch::new(&Cancel::new(), &mut |_: MetricProgress| {})).unwrap()
}

fn assert_parts(score: &Score, theirs: &[f64], tolerance: f64) {
    assert_eq!(score.parts.len(), theirs.len());
    for (part, theirs) in score.parts.iter().zip(theirs) {
        assert!((part.value - theirs).abs() <= tolerance, "{}: {} against {theirs}", part.name, part.value);
    }
    assert!(score.low <= score.value && score.value <= score.high && score.high > score.low, "{score:?}");
}

#[test]
fn gaps_of_support_vector_machines() {
    let (codes, expected) = split();
    let score = watched(|pool, watch| sap(&codes, 1, pool, watch));
    // A row of 500 may lie on the border.
    assert_parts(&score, &numbers(&expected["sap_gaps"]), 0.002 + 1e-9);
}

#[test]
fn areas_under_the_curves_of_logistic_regression() {
    let (codes, expected) = split();
    let score = watched(|pool, watch| explicitness(&codes, 1, pool, watch));
    assert_parts(&score, &numbers(&expected["roc_areas"]), 1e-3);
}

#[test]
fn what_logistic_regression_leaves_uncertain() {
    let (arrays, expected) = records();
    let codes = labelled(&arrays);
    let score = watched(|pool, watch| info_explicitness(&codes, Latents::Continuous, None, 1, pool, watch));
    let losses = numbers(&expected["log_losses"]);
    let theirs: Vec<f64> =
        losses.iter().zip([3f64, 4.0, 5.0]).map(|(loss, count)| 1.0 - loss / count.ln()).collect();
    assert_parts(&score, &theirs, 1e-3);
}

#[test]
fn information_by_nearest_neighbours() {
    let (arrays, expected) = records();
    let codes = labelled(&arrays);
    let [by_dim, by_factor] =
        watched(|pool, watch| info_modularity_compactness(&codes, Latents::Continuous, None, 1, pool, watch));
    // The last dimension reaches less than a twentieth as far as the widest.
    let table: Vec<Vec<f64>> =
        expected["neighbour_information"].as_array().unwrap()[..5].iter().map(numbers).collect();
    let entropy = |factor: usize| {
        let classes = &codes.factors[factor].classes;
        let share = |class: usize| {
            classes.iter().filter(|&&other| other == class).count() as f64 / classes.len() as f64
        };
        (0..codes.factors[factor].count).map(share).map(|p| -p * p.ln()).sum::<f64>()
    };
    let entropies: Vec<f64> = (0..3).map(entropy).collect();
    let table: Vec<Vec<f64>> =
        table.iter().map(|row| row.iter().zip(&entropies).map(|(known, h)| known / h).collect()).collect();
    let share = |entries: Vec<f64>| entries.iter().copied().fold(0.0, f64::max) / entries.iter().sum::<f64>();
    let dims: Vec<f64> = table.iter().map(|row| share(row.clone())).collect();
    let factors: Vec<f64> =
        (0..3).map(|factor| share(table.iter().map(|row| row[factor]).collect())).collect();
    assert_parts(&by_dim, &dims, 1e-4);
    assert_parts(&by_factor, &factors, 1e-4);
}

#[test]
fn importances_of_boosted_trees() {
    let (codes, expected) = split();
    let importances = Pool::new("test", 2).unwrap().run(|| dci_importances(&codes, 1));
    let theirs = expected["importances"].as_array().unwrap();
    for (factor, (ours, theirs)) in importances.iter().zip(theirs).enumerate() {
        for (dim, (ours, theirs)) in ours.iter().zip(numbers(theirs)).enumerate() {
            assert!(
                (ours - theirs).abs() < 1e-2,
                "factor {factor}, dimension {dim}: {ours} against {theirs}"
            );
        }
    }
    let [d, c, i] = watched(|pool, watch| dci(&codes, 1, pool, watch));
    for (score, name) in [(&d, "dci_d"), (&c, "dci_c")] {
        let theirs = expected[name].as_f64().unwrap();
        assert!((score.value - theirs).abs() < 1e-2, "{name}: {} against {theirs}", score.value);
        assert!(score.low <= score.value && score.value <= score.high && score.high > score.low, "{score:?}");
    }
    assert_parts(&i, &numbers(&expected["boosted_accuracies"]), 1e-2 + 1e-9);
}
