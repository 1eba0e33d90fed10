//! Multinomial logistic regression, with the defaults of scikit-learn's.

use rayon::prelude::*;

use super::Labels;
use super::lbfgs::minimise;

/// Steps that are taken at most.
const ITERATIONS: usize = 100;
/// Rows whose gradients one thread sums.
const AT_A_TIME: usize = 1024;

/// How it is fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LogisticOptions {
    /// The weight of the rows against half the squared length of the weights, scikit-learn's `C`; infinite for none.
    pub(super) strength: f64,
    /// Whether rows of rare classes weigh more, so that all classes weigh the same.
    pub(super) is_balanced: bool,
}

/// A fitted classifier.
pub(super) struct Logistic {
    /// `(dims + 1, classes)`, the last row the intercepts.
    weights: Vec<f64>,
    dims: usize,
    /// The classes that were there to learn, ascending.
    classes: Vec<usize>,
}

/// What is minimised.
struct Loss {
    /// Rows `(N, dims + 1)`, the last number 1.
    rows: Vec<f64>,
    /// The place of each row's class among those that are there.
    targets: Vec<usize>,
    /// How much each row counts, 1 in all.
    shares: Vec<f64>,
    width: usize,
    classes: usize,
    penalty: f64,
}

impl Logistic {
    /// The classifier that tells the classes of `labels` from `dims` `[dimension][row]`; runs on rayon's current threads.
    pub(super) fn fit(dims: &[Vec<f64>], labels: &Labels, options: LogisticOptions) -> Self {
        let mut counts = vec![0usize; labels.count];
        labels.classes.iter().for_each(|&class| counts[class] += 1);
        let classes: Vec<usize> = (0..labels.count).filter(|&class| counts[class] > 0).collect();
        let mut indices = vec![0; labels.count];
        classes.iter().enumerate().for_each(|(place, &class)| indices[class] = place);
        let total = labels.classes.len() as f64;
        let share = |&class: &usize| match options.is_balanced {
            true => 1.0 / (classes.len() * counts[class]) as f64,
            false => 1.0 / total,
        };
        // Two classes have one line between them there, here one each, half as steep: the same line weighs half as much.
        let lines = if classes.len() == 2 { 2.0 } else { 1.0 };
        let loss = Loss {
            rows: with_ones(dims),
            targets: labels.classes.iter().map(|&class| indices[class]).collect(),
            shares: labels.classes.iter().map(share).collect(),
            width: dims.len() + 1,
            classes: classes.len(),
            penalty: lines / (options.strength * total.max(1.0)),
        };
        let start = vec![0.0; loss.width * loss.classes];
        let weights = minimise(start, ITERATIONS, |weights, gradient| loss.of(weights, gradient));
        Self { weights, dims: dims.len(), classes }
    }

    /// The classes that were there to learn, ascending.
    pub(super) fn classes(&self) -> &[usize] {
        &self.classes
    }

    /// The probability of each of [`Logistic::classes`] for each row of `dims` `[dimension][row]`: `(rows, classes)`.
    pub(super) fn probabilities(&self, dims: &[Vec<f64>]) -> Vec<f64> {
        let rows = with_ones(dims);
        let mut out = vec![0.0; rows.len() / (self.dims + 1) * self.classes.len()];
        let pairs = rows.par_chunks_exact(self.dims + 1).zip(out.par_chunks_exact_mut(self.classes.len()));
        pairs.for_each(|(row, out)| {
            scores(row, &self.weights, out);
            soften(out);
        });
        out
    }

    /// The mean logarithm of 1 over the probability of each row's class, which must be one that was there to learn; in nats.
    pub(super) fn log_loss(&self, dims: &[Vec<f64>], labels: &Labels) -> f64 {
        let probabilities = self.probabilities(dims);
        let rows = probabilities.chunks_exact(self.classes.len()).zip(&labels.classes);
        let loss = |(row, class): (&[f64], &usize)| match self.classes.binary_search(class) {
            // As scikit-learn cuts it, so that a single certain mistake is not infinitely bad.
            Ok(place) => -row[place].clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln(),
            Err(_) => 0.0,
        };
        rows.map(loss).sum::<f64>() / labels.classes.len().max(1) as f64
    }

    /// The most probable class of each row of `dims`.
    pub(super) fn predict(&self, dims: &[Vec<f64>]) -> Vec<usize> {
        let probabilities = self.probabilities(dims);
        let most = |row: &[f64]| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0);
        probabilities.chunks_exact(self.classes.len()).map(|row| self.classes[most(row)]).collect()
    }
}

impl Loss {
    /// The value at `weights`, and its gradient.
    fn of(&self, weights: &[f64], gradient: &mut [f64]) -> f64 {
        let rows = self.rows.par_chunks(AT_A_TIME * self.width);
        let others = self.targets.par_chunks(AT_A_TIME).zip(self.shares.par_chunks(AT_A_TIME));
        // Summed in order, so that equal seeds give equal results however many threads there are.
        let parts: Vec<(f64, Vec<f64>)> = rows
            .zip(others)
            .map(|(rows, (targets, shares))| self.of_rows(weights, rows, targets, shares))
            .collect();
        gradient.fill(0.0);
        let mut value = 0.0;
        for (part, of_part) in parts {
            value += part;
            gradient.iter_mut().zip(of_part).for_each(|(sum, entry)| *sum += entry);
        }
        // Intercepts are free.
        let penalised = (self.width - 1) * self.classes;
        for (entry, weight) in gradient.iter_mut().zip(weights).take(penalised) {
            *entry += self.penalty * weight;
            value += 0.5 * self.penalty * weight * weight;
        }
        value
    }

    fn of_rows(&self, weights: &[f64], rows: &[f64], targets: &[usize], shares: &[f64]) -> (f64, Vec<f64>) {
        let mut gradient = vec![0.0; weights.len()];
        let mut errors = vec![0.0; self.classes];
        let mut value = 0.0;
        for ((row, &target), &share) in rows.chunks_exact(self.width).zip(targets).zip(shares) {
            scores(row, weights, &mut errors);
            let score = errors[target];
            value += share * (soften(&mut errors) - score);
            errors[target] -= 1.0;
            for (&x, gradient) in row.iter().zip(gradient.chunks_exact_mut(self.classes)) {
                let scaled = share * x;
                gradient.iter_mut().zip(&errors).for_each(|(sum, error)| *sum += scaled * error);
            }
        }
        (value, gradient)
    }
}

/// `row` `(width)` times `weights` `(width, classes)`.
fn scores(row: &[f64], weights: &[f64], out: &mut [f64]) {
    out.fill(0.0);
    for (&x, weights) in row.iter().zip(weights.chunks_exact(out.len())) {
        out.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += x * weight);
    }
}

/// Turns scores into probabilities; gives the logarithm of the sum of their exponentials.
fn soften(scores: &mut [f64]) -> f64 {
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - most).exp();
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
    most + sum.ln()
}

/// `dims` `[dimension][row]` as rows that end in 1.
fn with_ones(dims: &[Vec<f64>]) -> Vec<f64> {
    let rows = dims.first().map_or(0, Vec::len);
    let mut out = Vec::with_capacity(rows * (dims.len() + 1));
    for row in 0..rows {
        out.extend(dims.iter().map(|dim| dim[row]));
        out.push(1.0);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Stream;

    /// Three classes along two dimensions, of which the first is rare.
    fn example() -> (Vec<Vec<f64>>, Labels) {
        let mut stream = Stream::new(1, "logistic");
        let classes: Vec<usize> = (0..600).map(|row| if row % 10 == 0 { 0 } else { 1 + row % 2 }).collect();
        let dims = [0.8, -1.5].map(|scale| {
            classes.iter().map(|&class| scale * class as f64 + f64::from(stream.normal())).collect()
        });
        (dims.into(), Labels { name: "class".into(), classes, count: 5 })
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let (dims, labels) = example();
        let loss = Loss {
            rows: with_ones(&dims),
            targets: labels.classes.clone(),
            shares: (0..600).map(|row| f64::from(1 + row % 3) / 1200.0).collect(),
            width: 3,
            classes: 3,
            penalty: 0.3,
        };
        let weights: Vec<f64> = (0..9).map(|i| 0.3 * f64::from(i) - 1.0).collect();
        let (mut gradient, mut unused) = (vec![0.0; 9], vec![0.0; 9]);
        loss.of(&weights, &mut gradient);
        for place in 0..9 {
            let mut at = |shift: f64| {
                let mut moved = weights.clone();
                moved[place] += shift;
                loss.of(&moved, &mut unused)
            };
            let derivative = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((gradient[place] - derivative).abs() < 1e-7, "{place}: {} {derivative}", gradient[place]);
        }
    }

    #[test]
    fn probabilities_add_up_to_the_classes_that_were_seen() {
        let (dims, labels) = example();
        let plain = LogisticOptions { strength: f64::INFINITY, is_balanced: false };
        let fitted = Logistic::fit(&dims, &labels, plain);
        assert_eq!(fitted.classes(), [0, 1, 2]);
        let probabilities = fitted.probabilities(&dims);
        // At the maximum of the likelihood they add up to the numbers of the classes (to 1e-4 of the rows).
        for (place, count) in [(0, 60.0), (1, 240.0), (2, 300.0)] {
            let sum: f64 = probabilities.iter().skip(place).step_by(3).sum();
            assert!((sum - count).abs() < 0.1, "{place}: {sum}");
        }
        let balanced = Logistic::fit(&dims, &labels, LogisticOptions { is_balanced: true, ..plain });
        let of_rare = |fitted: &Logistic| fitted.predict(&dims).iter().filter(|&&class| class == 0).count();
        assert!(of_rare(&balanced) > 2 * of_rare(&fitted), "the rare class weighs as much as the others");
    }
}
