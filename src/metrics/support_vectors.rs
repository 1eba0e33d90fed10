//! Linear support vector machines on a single number, solved exactly.
//!
//! What liblinear minimises, half the squares of slope and intercept plus the squared hinge losses, is a quadratic of three
//! sums (numbers, their sum, that of their squares) over the rows that are not far enough on their side. In one dimension
//! these are the rows on one side of a place, so that sums from the left over the sorted rows give everything, and a step of
//! Newton's method costs two searches instead of a pass over the rows.

use super::Labels;

/// Newton's steps at most; a handful is usual.
const STEPS: usize = 100;

/// A classifier of several classes: one line each against all others, the highest wins; of two classes one line.
pub(super) struct LinearClassifier {
    lines: Vec<Line>,
    classes: Vec<usize>,
}

/// A slope and an intercept.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Line {
    slope: f64,
    intercept: f64,
}

/// How many numbers there are, their sum, and the sum of their squares.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Sums {
    fn less(self, other: Self) -> Self {
        Self {
            count: self.count - other.count,
            sum: self.sum - other.sum,
            squares: self.squares - other.squares,
        }
    }
}

/// Sorted numbers with the sums over all before each.
struct Sorted {
    values: Vec<f64>,
    before: Vec<Sums>,
}

impl Sorted {
    fn new(values: Vec<f64>) -> Self {
        let mut before = Vec::with_capacity(values.len() + 1);
        let mut sums = Sums::default();
        before.push(sums);
        for &value in &values {
            sums.count += 1.0;
            sums.sum += value;
            sums.squares += value * value;
            before.push(sums);
        }
        Self { values, before }
    }

    fn all(&self) -> Sums {
        self.before[self.values.len()]
    }

    /// Sums over the numbers at which `line` lies below `level` (above, where not `is_below`).
    fn where_line(&self, line: Line, level: f64, is_below: bool) -> Sums {
        if line.slope == 0.0 {
            return if (line.intercept < level) == is_below { self.all() } else { Sums::default() };
        }
        let place = (level - line.intercept) / line.slope;
        let is_left = (line.slope > 0.0) == is_below;
        let left = self.before[self.values.partition_point(|&value| value < place)];
        if is_left { left } else { self.all().less(left) }
    }
}

impl LinearClassifier {
    /// The classifier that tells the classes of `labels` from `values`, whose ascending order is `order`. Rare classes weigh as
    /// much as others; `strength` is the weight of a row against the numbers of the line (scikit-learn's `C`).
    pub(super) fn fit(values: &[f64], order: &[usize], labels: &Labels, strength: f64) -> Self {
        let mut of_class: Vec<Vec<f64>> = vec![Vec::new(); labels.count];
        for &row in order {
            of_class[labels.classes[row]].push(values[row]);
        }
        let classes: Vec<usize> = (0..labels.count).filter(|&class| !of_class[class].is_empty()).collect();
        let all = Sorted::new(order.iter().map(|&row| values[row]).collect());
        let rows = values.len() as f64;
        let own = |&class: &usize| Sorted::new(of_class[class].clone());
        let weight = |count: f64| strength * rows / (classes.len() as f64 * count);
        let lines = match classes.as_slice() {
            [_, second] => {
                let own = own(second);
                let count = own.all().count;
                vec![Line::between(&own, &all, weight(count), weight(rows - count))]
            }
            // Against all others the balance counts for the class alone, in liblinear.
            many => {
                let line = |own: Sorted| Line::between(&own, &all, weight(own.all().count), strength);
                many.iter().map(own).map(line).collect()
            }
        };
        Self { lines, classes }
    }

    /// The class of `value`; 0 where there were none to learn.
    pub(super) fn class(&self, value: f64) -> usize {
        let height = |line: &Line| line.slope * value + line.intercept;
        match (self.classes.as_slice(), self.lines.as_slice()) {
            (&[first, second], [line]) => {
                if height(line) > 0.0 {
                    second
                } else {
                    first
                }
            }
            (classes, lines) => {
                let mut best = (f64::NEG_INFINITY, 0);
                for (line, &class) in lines.iter().zip(classes) {
                    if height(line) > best.0 {
                        best = (height(line), class);
                    }
                }
                best.1
            }
        }
    }
}

impl Line {
    /// The line that should be above 1 at `own` and below -1 at the others among `all`, each row of which weighs so much.
    fn between(own: &Sorted, all: &Sorted, own_weight: f64, other_weight: f64) -> Self {
        let mut line = Self::default();
        let mut value = line.loss(own, all, own_weight, other_weight);
        for _ in 0..STEPS {
            let (step, slope) = line.newton(own, all, own_weight, other_weight);
            let mut length = 1.0;
            let (next, lower) = loop {
                let next = Self {
                    slope: line.slope + length * step.slope,
                    intercept: line.intercept + length * step.intercept,
                };
                let lower = next.loss(own, all, own_weight, other_weight);
                if lower <= value + 1e-4 * length * slope || length < 1e-9 {
                    break (next, lower);
                }
                length *= 0.5;
            };
            // The steps of a quadratic that is left end exactly; sums that cancel leave some rounding.
            let is_lower = lower < value - 1e-13 * value;
            if !is_lower {
                break;
            }
            (line, value) = (next, lower);
        }
        line
    }

    /// The rows that are not far enough on their side: those of the class, and the others.
    fn near(self, own: &Sorted, all: &Sorted) -> [Sums; 2] {
        let others = all.where_line(self, -1.0, false).less(own.where_line(self, -1.0, false));
        [own.where_line(self, 1.0, true), others]
    }

    fn loss(self, own: &Sorted, all: &Sorted, own_weight: f64, other_weight: f64) -> f64 {
        let [ours, others] = self.near(own, all);
        // The sum of the squares of `level` minus the line.
        let missed = |sums: Sums, level: f64| {
            let level = level - self.intercept;
            level * level * sums.count - 2.0 * level * self.slope * sums.sum
                + self.slope * self.slope * sums.squares
        };
        0.5 * (self.slope * self.slope + self.intercept * self.intercept)
            + own_weight * missed(ours, 1.0)
            + other_weight * missed(others, -1.0)
    }

    /// The step to the minimum of the quadratic around here, and how the loss begins to fall along it.
    fn newton(self, own: &Sorted, all: &Sorted, own_weight: f64, other_weight: f64) -> (Self, f64) {
        let (mut a, mut b, mut c) = (1.0, 0.0, 1.0);
        let (mut by_slope, mut by_intercept) = (self.slope, self.intercept);
        let [ours, others] = self.near(own, all);
        for (sums, level, weight) in [(ours, 1.0, own_weight), (others, -1.0, other_weight)] {
            let level = level - self.intercept;
            by_slope -= 2.0 * weight * (level * sums.sum - self.slope * sums.squares);
            by_intercept -= 2.0 * weight * (level * sums.count - self.slope * sums.sum);
            a += 2.0 * weight * sums.squares;
            b += 2.0 * weight * sums.sum;
            c += 2.0 * weight * sums.count;
        }
        let determinant = a * c - b * b;
        let slope = (b * by_intercept - c * by_slope) / determinant;
        let intercept = (b * by_slope - a * by_intercept) / determinant;
        (Self { slope, intercept }, slope * by_slope + intercept * by_intercept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Stream;

    /// The loss as it is defined, row by row.
    fn plain(line: Line, values: &[f64], is_own: &[bool], weights: [f64; 2]) -> f64 {
        let hinge = |(&x, &is_own): (&f64, &bool)| {
            let side = if is_own { 1.0 } else { -1.0 };
            let missed = (1.0 - side * (line.slope * x + line.intercept)).max(0.0);
            (if is_own { weights[0] } else { weights[1] }) * missed * missed
        };
        let rows: f64 = values.iter().zip(is_own).map(hinge).sum();
        0.5 * (line.slope.powi(2) + line.intercept.powi(2)) + rows
    }

    #[test]
    fn the_line_is_the_minimum_of_the_loss_row_by_row() {
        let mut stream = Stream::new(3, "support vectors");
        let mut values: Vec<f64> = (0..400).map(|_| f64::from(stream.normal())).collect();
        values.sort_by(f64::total_cmp);
        let is_own: Vec<bool> = values.iter().map(|x| x + 0.7 * f64::from(stream.normal()) > 0.9).collect();
        let own =
            Sorted::new(values.iter().zip(&is_own).filter(|pair| *pair.1).map(|pair| *pair.0).collect());
        let all = Sorted::new(values.clone());
        let weights = [0.05, 0.01];
        let line = Line::between(&own, &all, weights[0], weights[1]);
        let least = plain(line, &values, &is_own, weights);
        assert!((least - line.loss(&own, &all, weights[0], weights[1])).abs() < 1e-9);
        assert!(line.slope > 0.1);
        for (slope, intercept) in [(1e-4, 0.0), (-1e-4, 0.0), (0.0, 1e-4), (0.0, -1e-4), (1e-4, -1e-4)] {
            let beside = Line { slope: line.slope + slope, intercept: line.intercept + intercept };
            assert!(plain(beside, &values, &is_own, weights) > least, "{slope} {intercept}");
        }
    }

    #[test]
    fn classes_that_lie_apart_are_told() {
        let values = [-5.0f64, -4.0, 4.0, 5.0, -4.5, 4.5];
        let mut order: Vec<usize> = (0..6).collect();
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
        let labels = |classes: [usize; 6]| Labels { name: "side".into(), classes: classes.into(), count: 4 };
        let two = LinearClassifier::fit(&values, &order, &labels([1, 1, 3, 3, 1, 3]), 0.01);
        assert_eq!([-4.0, 4.0].map(|x| two.class(x)), [1, 3]);
        let one = LinearClassifier::fit(&values, &order, &labels([2; 6]), 0.01);
        assert_eq!(one.class(1.0), 2);
    }
}
