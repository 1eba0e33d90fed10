//! Gradient boosted trees that tell classes (Friedman 2001), as scikit-learn's `GradientBoostingClassifier` makes them when
//! nothing is said: 100 rounds of a tree of depth 3 a class, each counted a tenth.

use rayon::prelude::*;

use super::Labels;
use super::tree::{Columns, Scratch, Tree};

const ROUNDS: usize = 100;
const RATE: f64 = 0.1;
/// Rows whose probabilities one thread computes.
const AT_A_TIME: usize = 512;

/// What boosted trees tell.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Boosted {
    /// The share of each dimension in what the trees' splits explain; 1 in all, or 0 where nothing can be split.
    pub(super) importances: Vec<f64>,
    /// How often they tell the class of a row that they have not seen.
    pub(super) accuracy: f64,
}

/// Scores of one class, before each round and after it.
struct Class {
    number: usize,
    train: Vec<f64>,
    test: Vec<f64>,
}

/// Trains trees that tell the classes `known` from `train` `[dimension][row]`, and asks them about `test`. Splits that are
/// equally good are chosen at random by `seed`. Runs on rayon's current threads.
pub(super) fn boost(
    train: &[Vec<f64>],
    known: &Labels,
    test: &[Vec<f64>],
    asked: &Labels,
    seed: u64,
) -> Boosted {
    let rows = known.classes.len();
    let mut counts = vec![0usize; known.count];
    known.classes.iter().for_each(|&class| counts[class] += 1);
    let seen: Vec<usize> = (0..known.count).filter(|&class| counts[class] > 0).collect();
    let mut importances = vec![0.0; train.len()];
    // Of two classes one is what the other is not.
    let scored = match seen.as_slice() {
        [_, second] => std::slice::from_ref(second),
        many => many,
    };
    let start = |&number: &usize| {
        let share = counts[number] as f64 / rows as f64;
        let score = if seen.len() == 2 { (share / (1.0 - share)).ln() } else { share.ln() };
        Class { number, train: vec![score; rows], test: vec![score; asked.classes.len()] }
    };
    let mut classes: Vec<Class> = scored.iter().map(start).collect();
    let columns = Columns::new(train);
    // A step of Newton's method on one class alone; the factor is Friedman's.
    let step = if seen.len() == 2 { RATE } else { RATE * (seen.len() as f64 - 1.0) / seen.len() as f64 };
    for round in 0..if seen.len() > 1 { ROUNDS } else { 0 } {
        let bases = bases(&classes, rows);
        let grow = |scratch: &mut Scratch, (place, class): (usize, &mut Class)| -> Vec<f64> {
            let residual = |row: usize| {
                let is_it = if known.classes[row] == class.number { 1.0 } else { 0.0 };
                is_it - (class.train[row] - bases[row]).exp()
            };
            scratch.residuals.clear();
            scratch.residuals.extend((0..rows).map(residual));
            let tree = Tree::grow(&columns, scratch, seed, round * scored.len() + place);
            tree.add_to_train(scratch, step, &mut class.train);
            tree.add_to(test, step, &mut class.test);
            tree.gains
        };
        let trees = classes.par_iter_mut().enumerate().map_init(Scratch::default, grow);
        let gains: Vec<Vec<f64>> = trees.collect();
        for gains in gains {
            importances.iter_mut().zip(gains).for_each(|(sum, gain)| *sum += gain);
        }
    }
    let total: f64 = importances.iter().sum();
    if total > 0.0 {
        importances.iter_mut().for_each(|share| *share /= total);
    }
    let told = |row: usize| match (seen.as_slice(), classes.as_slice()) {
        (&[first, second], [class]) => {
            if class.test[row] >= 0.0 {
                second
            } else {
                first
            }
        }
        (_, classes) => {
            let most = classes.iter().rev().max_by(|a, b| a.test[row].total_cmp(&b.test[row]));
            most.map_or(0, |class| class.number)
        }
    };
    let right = (0..asked.classes.len()).filter(|&row| told(row) == asked.classes[row]).count();
    Boosted { importances, accuracy: right as f64 / asked.classes.len().max(1) as f64 }
}

/// What each row's scores are above the logarithms of its probabilities.
fn bases(classes: &[Class], rows: usize) -> Vec<f64> {
    let mut bases = vec![0.0; rows];
    bases.par_chunks_mut(AT_A_TIME).enumerate().for_each(|(chunk, bases)| {
        for (place, base) in bases.iter_mut().enumerate() {
            let row = chunk * AT_A_TIME + place;
            *base = match classes {
                // The other class's score is 0.
                [class] => {
                    let score = class.train[row];
                    score.max(0.0) + (-score.abs()).exp().ln_1p()
                }
                _ => {
                    let scores = classes.iter().map(|class| class.train[row]);
                    let most = scores.clone().fold(f64::NEG_INFINITY, f64::max);
                    most + scores.map(|score| (score - most).exp()).sum::<f64>().ln()
                }
            };
        }
    });
    bases
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Stream;

    fn labels(classes: Vec<usize>, count: usize) -> Labels {
        Labels { name: "class".into(), classes, count }
    }

    #[test]
    fn trees_find_the_dimension_that_tells_the_classes() {
        let mut stream = Stream::new(1, "boosting");
        for count in [2, 3] {
            let classes: Vec<usize> = (0..600).map(|row| row % count).collect();
            let clean: Vec<f64> =
                classes.iter().map(|&class| class as f64 + 0.1 * f64::from(stream.normal())).collect();
            let noise: Vec<f64> = (0..600).map(|_| f64::from(stream.normal())).collect();
            let (dims, known) = ([noise, clean], labels(classes, count + 1));
            let found = boost(&dims, &known, &dims, &known, 1);
            assert!(found.importances[1] > 0.999 && found.accuracy == 1.0, "{found:?}");
            assert!((found.importances.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn equal_dimensions_share_what_they_explain_and_constant_ones_explain_nothing() {
        let mut stream = Stream::new(2, "boosting");
        let classes: Vec<usize> = (0..500).map(|_| stream.below(3)).collect();
        let dim: Vec<f64> = classes.iter().map(|&class| class as f64 + f64::from(stream.normal())).collect();
        let known = labels(classes, 3);
        let twice = boost(&[dim.clone(), dim.clone()], &known, &[dim.clone(), dim], &known, 1);
        assert!(twice.importances.iter().all(|&share| share > 0.3), "{twice:?}");
        let constant = [vec![0.5; 500]];
        let found = boost(&constant, &known, &constant, &known, 1);
        assert_eq!(found.importances, [0.0]);
        assert!((found.accuracy - 1.0 / 3.0).abs() < 0.1, "{found:?}");
        let one = labels(vec![1; 500], 3);
        assert_eq!(
            boost(&constant, &one, &constant, &one, 1),
            Boosted { importances: vec![0.0], accuracy: 1.0 }
        );
    }
}
