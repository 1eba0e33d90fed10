//! Disentanglement, completeness and informativeness (Eastwood and Williams 2018), as disentanglement_lib computes them.

use crate::base::Pool;

use super::boosting::{Boosted, boost};
use super::halves::half_samples_of_two;
use super::{Labels, MetricError, Score, SplitCodes, Watch};

/// Halves of the pictures that tell the deviations: few, since the trees are grown anew on each.
const REPETITIONS: usize = 10;
/// What is added to every importance, so that none is without a logarithm.
const FLOOR: f64 = 1e-11;

/// From the importances of the dimensions for boosted trees that tell each factor from the code: disentanglement, how far a
/// dimension matters for one factor only; completeness, how far a factor needs one dimension only; and informativeness, how
/// often the trees tell the factors of codes they have not seen. The parts are the dimensions', and twice the factors'. Trees
/// learn more from more pictures, so the values are those of so many, and the intervals tell how they vary with others.
///
/// Disentanglement of a code with a single factor and completeness of a single dimension mean nothing, and are 0.
///
/// # Errors
/// When the data has no factors that vary, or the watch stops it.
pub fn dci(
    codes: &SplitCodes,
    seed: u64,
    pool: &Pool,
    watch: &mut Watch<'_>,
) -> Result<[Score; 3], MetricError> {
    codes.train.require_factors("DCI")?;
    let steps = (REPETITIONS + 1) * codes.train.factors.len();
    let mut done = 0;
    let mut measure = |codes: &SplitCodes| {
        let mut found = Vec::new();
        for (known, asked) in codes.train.factors.iter().zip(&codes.test.factors) {
            watch.step(done, steps)?;
            done += 1;
            found.push(pool.run(|| boosted(codes, known, asked, seed)));
        }
        Ok::<_, MetricError>(Dci::of(&found))
    };
    let own = measure(codes)?;
    let halves = half_samples_of_two(codes.rows(), REPETITIONS, seed, |_, rows| {
        let Dci { disentanglement, completeness, accuracies, .. } = measure(&codes.pick(rows))?;
        Ok([disentanglement, completeness, mean(&accuracies)])
    })?;
    let values = [own.disentanglement, own.completeness, mean(&own.accuracies)];
    let [d, c, i] = [0, 1, 2].map(|place| halves[place].on_others(values[place], [0.0, 1.0]));
    let dims = (0..own.of_dims.len()).map(|dim| dim.to_string());
    Ok([
        d.with_parts(dims, &own.of_dims),
        c.with_parts(codes.train.names(), &own.of_factors),
        i.with_parts(codes.train.names(), &own.accuracies),
    ])
}

/// The share of each dimension in what boosted trees need to tell each factor, `[factor][dimension]`; 1 in all for a factor, or
/// 0 where nothing tells it. Runs on rayon's current threads.
pub fn dci_importances(codes: &SplitCodes, seed: u64) -> Vec<Vec<f64>> {
    let factors = codes.train.factors.iter().zip(&codes.test.factors);
    factors.map(|(known, asked)| boosted(codes, known, asked, seed).importances).collect()
}

fn boosted(codes: &SplitCodes, known: &Labels, asked: &Labels, seed: u64) -> Boosted {
    boost(&codes.train.dims, known, &codes.test.dims, asked, seed)
}

/// What the importances say.
struct Dci {
    of_dims: Vec<f64>,
    disentanglement: f64,
    of_factors: Vec<f64>,
    completeness: f64,
    accuracies: Vec<f64>,
}

impl Dci {
    /// From what the trees of each factor tell.
    fn of(factors: &[Boosted]) -> Self {
        let columns: Vec<&[f64]> = factors.iter().map(|factor| factor.importances.as_slice()).collect();
        let dims = columns.first().map_or(0, |column| column.len());
        let rows: Vec<Vec<f64>> =
            (0..dims).map(|dim| columns.iter().map(|column| column[dim]).collect()).collect();
        let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        let (of_dims, disentanglement) = concentrations(&rows);
        let (of_factors, completeness) = concentrations(&columns);
        let accuracies = factors.iter().map(|factor| factor.accuracy).collect();
        Self { of_dims, disentanglement, of_factors, completeness, accuracies }
    }
}

/// How far each list of importances is concentrated in one entry, 1 less its entropy in units of the largest there can be,
/// and their mean, weighted by the sums of the lists.
fn concentrations(lists: &[&[f64]]) -> (Vec<f64>, f64) {
    let concentration = |list: &&[f64]| {
        if list.len() < 2 {
            return 0.0;
        }
        let total: f64 = list.iter().map(|entry| entry + FLOOR).sum();
        let entropy: f64 = list.iter().map(|entry| (entry + FLOOR) / total).map(|p| -p * p.ln()).sum();
        1.0 - entropy / (list.len() as f64).ln()
    };
    let each: Vec<f64> = lists.iter().map(concentration).collect();
    let weights: Vec<f64> = lists.iter().map(|list| list.iter().sum()).collect();
    let total: f64 = weights.iter().sum();
    let sum: f64 = each.iter().zip(&weights).map(|(value, weight)| value * weight).sum();
    (each, if total > 0.0 { (sum / total).clamp(0.0, 1.0) } else { 0.0 })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dimension_a_factor_is_all_and_even_shares_are_nothing() {
        let boosted =
            |importances: [f64; 3]| Boosted { importances: importances.into(), accuracy: importances[0] };
        let clean = Dci::of(&[boosted([1.0, 0.0, 0.0]), boosted([0.0, 0.0, 1.0])]);
        assert!(clean.disentanglement > 0.999_999 && clean.completeness > 0.999_999);
        assert_eq!(clean.accuracies, [1.0, 0.0]);
        let even = Dci::of(&[boosted([1.0 / 3.0; 3]), boosted([1.0 / 3.0; 3])]);
        assert!(even.disentanglement < 1e-9 && even.completeness < 1e-9);
        // Both factors by one dimension: complete, and not disentangled.
        let shared = Dci::of(&[boosted([0.0, 1.0, 0.0]), boosted([0.0, 1.0, 0.0])]);
        assert!(shared.disentanglement < 1e-9 && shared.completeness > 0.999_999);
        let nothing = Dci::of(&[boosted([0.0; 3]), boosted([0.0; 3])]);
        assert_eq!((nothing.disentanglement, nothing.completeness), (0.0, 0.0));
    }
}
