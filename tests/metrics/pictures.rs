//! What compares features of pictures, against NumPy's numbers (`scripts/make-picture-references`).

use std::path::Path;

use idgan::base::{Cancel, Pool};
use idgan::metrics::{
    Described, DescribedPair, LabelledCodes, Labels, Latents, MetricError, MetricProgress, MomentSums, Score,
    Watch, fd_infinity, info_explicitness, info_modularity_compactness, kid, neighbourhoods,
};
use serde_json::Value;

use super::reference::numbers;

const PARTS: usize = 10;

fn records() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/metrics/pictures.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn described(rows: &Value) -> Described {
    let rows: Vec<Vec<f64>> = rows.as_array().unwrap().iter().map(numbers).collect();
    let dims = rows[0].len();
    let features: Vec<f32> = rows.iter().flatten().map(|&value| value as f32).collect();
    let of_part = |part: usize| {
        let mut sums = MomentSums::new(dims);
        sums.add(&features[part * rows.len() / PARTS * dims..(part + 1) * rows.len() / PARTS * dims]);
        sums.take()
    };
    Described { groups: (0..PARTS).map(of_part).collect(), features: features.clone(), dims }
}

fn pair(records: &Value) -> DescribedPair {
    DescribedPair { real: described(&records["real"]), drawn: described(&records["drawn"]) }
}

fn watched<T>(measure: impl FnOnce(&Pool, &mut Watch<'_>) -> Result<T, MetricError>) -> T {
    let pool = Pool::new("test", 2).unwrap();
    measure(&pool, &mut Watch::new(&Cancel::new(), &mut |_: MetricProgress| {})).unwrap()
}

/// The value and the interval, which is the jackknife's of what comes out without each part.
fn assert_is(score: &Score, records: &Value, metric: &str, range: [f64; 2]) {
    let value = records["all"][metric].as_f64().unwrap();
    let without: Vec<f64> =
        records["without"].as_array().unwrap().iter().map(|found| found[metric].as_f64().unwrap()).collect();
    let theirs = Score::jackknife(value, &without, range);
    let near = |ours: f64, theirs: f64| (ours - theirs).abs() <= 1e-4 * theirs.abs().max(1.0);
    let all = [(score.value, theirs.value), (score.low, theirs.low), (score.high, theirs.high)];
    assert!(all.into_iter().all(|(ours, theirs)| near(ours, theirs)), "{metric}: {score:?} for {theirs:?}");
}

#[test]
fn discrepancies_of_kernels_are_numpys_with_their_intervals() {
    let records = records();
    let pair = pair(&records);
    let score = watched(|pool, watch| kid(&pair, pool, watch));
    assert_is(&score, &records, "kid", [f64::MIN, f64::MAX]);
    let same = DescribedPair { real: pair.real.clone(), drawn: pair.real };
    let score = watched(|pool, watch| kid(&same, pool, watch));
    assert!(score.value < 0.0, "the estimate is unbiased, and a picture is its own twin: {score:?}");
}

#[test]
fn neighbourhoods_are_numpys_with_their_intervals() {
    let records = records();
    let pair = pair(&records);
    let scores = watched(|pool, watch| neighbourhoods(&pair, pool, watch));
    for (score, metric) in scores.iter().zip(["precision", "recall", "density", "coverage"]) {
        let most = if metric == "density" { f64::MAX } else { 1.0 };
        assert_is(score, &records, metric, [0.0, most]);
    }
    let same = DescribedPair { real: pair.real.clone(), drawn: pair.real.clone() };
    let [precision, recall, _, coverage] = watched(|pool, watch| neighbourhoods(&same, pool, watch));
    assert_eq!([precision.value, recall.value, coverage.value], [1.0; 3]);
    let mut far = pair.clone();
    far.drawn.features.iter_mut().for_each(|value| *value += 1000.0);
    let scores = watched(|pool, watch| neighbourhoods(&far, pool, watch));
    assert!(scores.iter().all(|score| score.value == 0.0), "{scores:?}");
    let few = Described { features: pair.real.features[..25].to_vec(), ..pair.real.clone() };
    let few = DescribedPair { real: few, drawn: pair.drawn };
    let pool = Pool::new("test", 1).unwrap();
    let refused = neighbourhoods(&few, &pool, &mut Watch::new(&Cancel::new(), &mut |_: MetricProgress| {}));
    assert!(refused.unwrap_err().to_string().contains("six real and six drawn"));
}

#[test]
fn the_distance_of_endlessly_many_pictures_is_the_intercept_of_numpys_line() {
    let records = records();
    let pair = pair(&records);
    let score = watched(|pool, watch| fd_infinity(&pair, pool, watch));
    assert_is(&score, &records, "fd_infinity", [f64::MIN, f64::MAX]);
    let distances = numbers(&records["distances"]);
    assert_eq!(score.parts.len(), distances.len());
    for (part, theirs) in score.parts.iter().zip(distances) {
        assert!((part.value - theirs).abs() < 1e-4, "{}: {} for {theirs}", part.name, part.value);
    }
}

#[test]
fn codes_of_few_values_are_counted() {
    let records = &records()["counted"];
    let columns =
        |name: &str| -> Vec<Vec<f64>> { records[name].as_array().unwrap().iter().map(numbers).collect() };
    let label = |column: Vec<f64>| Labels {
        name: "factor".into(),
        count: column.iter().copied().fold(0.0, f64::max) as usize + 1,
        classes: column.into_iter().map(|class| class as usize).collect(),
    };
    let factors = columns("classes").into_iter().map(label).collect();
    let codes = LabelledCodes { dims: columns("code"), factors };
    let discrete = Latents::Discrete;
    let [m, c] = watched(|pool, watch| info_modularity_compactness(&codes, discrete, None, 1, pool, watch));
    for (score, name) in [(&m, "infom"), (&c, "infoc")] {
        let theirs = records[name].as_f64().unwrap();
        assert!((score.value - theirs).abs() < 1e-9, "{name}: {} for {theirs}", score.value);
    }
    assert_eq!(m.parts.len(), 3, "what has one value does not count");
    let read = |latents| watched(|pool, watch| info_explicitness(&codes, latents, None, 1, pool, watch));
    let [counted, measured] = [discrete, Latents::Continuous].map(read);
    // The first dimension is its factor, which a line on a number tells worse than one on which number it is.
    assert!(counted.parts[0].value > 0.99 && counted.value > measured.value + 0.02, "{counted:?}");
    let fine = (0..300).map(|row| f64::from(row) * 0.5).collect();
    let many = LabelledCodes { dims: vec![fine], ..codes };
    let score = watched(|pool, watch| info_modularity_compactness(&many, discrete, None, 1, pool, watch));
    assert!(score[0].value >= 0.0, "300 values are not too many");
}
