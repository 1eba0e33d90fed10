//! Unsupervised disentanglement ranking (Duan et al. 2020): how far models that were trained alike found the same dimensions,
//! as disentanglement_lib computes it.

use crate::base::Stream;

use super::explicitness::standardise;
use super::halves::Halves;
use super::labelled::columns;
use super::lasso::lasso;
use super::{CodeSample, MetricError, Score, Watch, kl};

/// Dimensions that say less about a picture than this, in nats, do not count.
const LEAST_DIVERGENCE: f64 = 0.01;
/// The price of a coefficient.
const PRICE: f64 = 0.1;
/// Halves of the pictures that tell the deviation.
const REPETITIONS: usize = 20;

/// How the dimensions of two models are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UdrRelation {
    /// By the coefficients of one model's dimensions in a lasso that predicts the other's.
    #[default]
    Lasso,
    /// By the absolute rank correlation of each pair.
    Spearman,
}

/// The score of each model, from the codes that all of them gave to the same pictures: the median over the others of how far
/// each dimension of one is related to a single dimension of the other. Higher is better, about 1 at most; models that need
/// not be disentangled alike, but for what their data have in common, agree by chance only.
///
/// The intervals are about as many other pictures, not about other models.
///
/// # Errors
/// When there are fewer than two models, their pictures differ, or the watch stops it.
pub fn udr(
    models: &[CodeSample],
    relation: UdrRelation,
    seed: u64,
    watch: &mut Watch<'_>,
) -> Result<Vec<Score>, MetricError> {
    let [first, _, ..] = models else {
        return Err(MetricError::request("udr compares models with one another; name two at least"));
    };
    if let Some(other) = models.iter().find(|other| other.indices != first.indices) {
        return Err(MetricError::request(format!(
            "udr compares codes of the same pictures, and these are {} and {} pictures; encode the same ones, in the same \
             order",
            first.len(),
            other.len()
        )));
    }
    let codes: Vec<Vec<Vec<f64>>> = models.iter().map(informative).collect();
    let all: Vec<usize> = (0..first.len()).collect();
    watch.step(0, REPETITIONS)?;
    let own = scores(&codes, &all, relation);
    let mut of_halves = vec![Vec::with_capacity(REPETITIONS); codes.len()];
    for repetition in 0..REPETITIONS {
        watch.step(repetition, REPETITIONS)?;
        let order = Stream::for_item(seed, "half sample", repetition as u64).permutation(all.len());
        let rows: Vec<usize> = order[..all.len() / 2].iter().map(|&row| row as usize).collect();
        let found = scores(&codes, &rows, relation);
        of_halves.iter_mut().zip(found).for_each(|(values, value)| values.push(value));
    }
    let score =
        |(value, halves): (f64, Vec<f64>)| Halves::of(&halves, all.len()).on_others(value, [0.0, f64::MAX]);
    Ok(own.into_iter().zip(of_halves).map(score).collect())
}

/// The dimensions of a code that say something, `[dimension][row]`.
fn informative(sample: &CodeSample) -> Vec<Vec<f64>> {
    let divergences = kl(sample).parts;
    let dims = columns(sample.mu.data(), sample.mu.row_len()).into_iter().zip(divergences);
    dims.filter(|(_, part)| part.value > LEAST_DIVERGENCE).map(|(dim, _)| dim).collect()
}

/// The score of each model by these rows.
fn scores(models: &[Vec<Vec<f64>>], rows: &[usize], relation: UdrRelation) -> Vec<f64> {
    let prepared = |dims: &Vec<Vec<f64>>| -> Vec<Vec<f64>> {
        let column = |dim: &Vec<f64>| {
            let picked: Vec<f64> = rows.iter().map(|&row| dim[row]).collect();
            let mut column = if relation == UdrRelation::Spearman { ranks(&picked) } else { picked };
            standardise(&mut column, &mut []);
            column
        };
        dims.iter().map(column).collect()
    };
    let models: Vec<Vec<Vec<f64>>> = models.iter().map(prepared).collect();
    let score = |to: usize| {
        let others = models.iter().enumerate().filter(|(from, _)| *from != to);
        let mut pairs: Vec<f64> = others.map(|(_, from)| agreement(from, &models[to], relation)).collect();
        pairs.sort_by(f64::total_cmp);
        let middle = pairs.len() / 2;
        if pairs.len() % 2 == 1 { pairs[middle] } else { (pairs[middle - 1] + pairs[middle]) / 2.0 }
    };
    (0..models.len()).map(score).collect()
}

/// How far each dimension of `from` is related to a single one of `to`, and each of `to` to a single one of `from`; 0 where
/// one of them has none.
fn agreement(from: &[Vec<f64>], to: &[Vec<f64>], relation: UdrRelation) -> f64 {
    if from.is_empty() || to.is_empty() {
        return 0.0;
    }
    let count = from[0].len().max(1) as f64;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / count;
    let products: Vec<Vec<f64>> = from.iter().map(|a| from.iter().map(|b| product(a, b)).collect()).collect();
    // `[dimension of to][dimension of from]`
    let related: Vec<Vec<f64>> = to
        .iter()
        .map(|target| {
            let targets: Vec<f64> = from.iter().map(|dim| product(dim, target)).collect();
            let related = match relation {
                UdrRelation::Lasso => lasso(&products, &targets, PRICE),
                UdrRelation::Spearman => targets,
            };
            related.into_iter().map(f64::abs).collect()
        })
        .collect();
    let turned: Vec<Vec<f64>> =
        (0..from.len()).map(|dim| related.iter().map(|row| row[dim]).collect()).collect();
    (strength(&related) + strength(&turned)) / 2.0
}

/// The squared largest entry of each list in units of their sum, averaged over the lists.
fn strength(lists: &[Vec<f64>]) -> f64 {
    let of_list = |list: &Vec<f64>| {
        let (most, sum) =
            list.iter().fold((0.0f64, 0.0), |(most, sum), &entry| (most.max(entry), sum + entry));
        if sum > 0.0 { most * most / sum } else { 0.0 }
    };
    lists.iter().map(of_list).sum::<f64>() / lists.len() as f64
}

/// The place of each value among all in their order; equal ones share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (equal.len() - 1) as f64 / 2.0;
        equal.iter().for_each(|&row| ranks[row] = rank);
        before += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Array, Cancel};
    use crate::metrics::MetricProgress;

    /// A code of three independent numbers, seen through `turn`.
    fn model(turn: fn([f32; 3]) -> [f32; 3]) -> CodeSample {
        let mut stream = Stream::new(1, "udr");
        let rows = 2000;
        let mu = (0..rows).flat_map(|_| turn([(); 3].map(|()| stream.normal()))).collect();
        CodeSample {
            indices: (0..rows).collect(),
            mu: Array::new([rows, 3], mu).expect("fits"),
            logvar: Array::new([rows, 3], vec![-4.0; rows * 3]).expect("fits"),
        }
    }

    fn measured(models: &[CodeSample], relation: UdrRelation) -> Result<Vec<Score>, MetricError> {
        udr(models, relation, 1, &mut Watch::new(&Cancel::new(), &mut |_: MetricProgress| {}))
    }

    #[test]
    fn models_that_found_the_same_dimensions_agree_whatever_their_order_and_sign() {
        let models =
            [model(|c| c), model(|[a, b, c]| [-c, 2.0 * a, b]), model(|[a, b, c]| [a + b, a - b, c])];
        for (relation, most) in [(UdrRelation::Lasso, 0.9), (UdrRelation::Spearman, 1.0)] {
            let same = measured(&models[..2], relation).expect("measures");
            assert!(
                same.iter().all(|score| score.value > most - 0.1 && score.value < most + 0.02),
                "{same:?}"
            );
            let turned = measured(&models[1..], relation).expect("measures");
            assert!(turned[0].value < same[0].value - 0.2, "{turned:?}");
            assert!(turned[0].low <= turned[0].value && turned[0].value <= turned[0].high);
        }
    }

    #[test]
    fn dimensions_that_say_nothing_do_not_count_and_what_cannot_be_compared_is_refused() {
        let mut empty = model(|c| c);
        empty.mu.data_mut().fill(0.0);
        empty.logvar.data_mut().fill(0.0);
        let scores = measured(&[model(|c| c), empty], UdrRelation::Lasso).expect("measures");
        assert_eq!(scores[0].value, 0.0);
        let alone = measured(&[model(|c| c)], UdrRelation::Lasso).expect_err("alone").to_string();
        assert!(alone.contains("name two at least"), "{alone}");
        let mut others = model(|c| c);
        others.indices.reverse();
        assert!(measured(&[model(|c| c), others], UdrRelation::Lasso).is_err());
    }

    #[test]
    fn equal_values_share_a_rank() {
        assert_eq!(ranks(&[5.0, 1.0, 5.0, 0.0]), [2.5, 1.0, 2.5, 0.0]);
    }
}
