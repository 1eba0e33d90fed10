//! Mutual information of a continuous number and a class by nearest neighbours (Ross 2014).

use crate::base::Stream;

/// Euler's constant.
const EULER: f64 = 0.577_215_664_901_532_9;
/// Noise that tells equal values apart, in units of the deviation (as scikit-learn adds it).
const JITTER: f64 = 1e-10;

/// Values of the digamma function at whole numbers.
pub(super) struct Digamma(Vec<f64>);

impl Digamma {
    /// Those from 1 to `most`.
    pub(super) fn up_to(most: usize) -> Self {
        let mut values = vec![f64::NAN, -EULER];
        for n in 1..most.max(1) {
            values.push(values[n] + 1.0 / n as f64);
        }
        Self(values)
    }

    fn of(&self, n: usize) -> f64 {
        self.0[n]
    }
}

/// `column` in units of its deviation, with a little noise of `seed`, and its rows in ascending order; a column that does not
/// vary keeps its unit.
pub(super) struct Spread {
    values: Vec<f64>,
    order: Vec<usize>,
}

impl Spread {
    /// Of dimension `dim`.
    pub(super) fn of(column: &[f64], seed: u64, dim: usize) -> Self {
        let count = column.len().max(1) as f64;
        let mean = column.iter().sum::<f64>() / count;
        let deviation = (column.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
        let scale = if deviation > 0.0 { 1.0 / deviation } else { 1.0 };
        let mut stream = Stream::for_item(seed, "neighbours", dim as u64);
        let mut noisy = |value: f64| (value - mean) * scale + JITTER * f64::from(stream.normal());
        let values: Vec<f64> = column.iter().map(|&value| noisy(value)).collect();
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
        Self { values, order }
    }

    /// Its mutual information in nats with `classes`, below `count`, from the distances to the `neighbours`-th nearest row of
    /// the same class; at least 0. Rows that are alone in their class count for nothing.
    pub(super) fn information(
        &self,
        classes: &[usize],
        count: usize,
        neighbours: usize,
        digamma: &Digamma,
    ) -> f64 {
        let mut of_class: Vec<Vec<f64>> = vec![Vec::new(); count];
        self.order.iter().for_each(|&row| of_class[classes[row]].push(self.values[row]));
        of_class.retain(|values| values.len() > 1);
        let counted = of_class.iter().map(Vec::len).sum::<usize>();
        if counted == 0 {
            return 0.0;
        }
        let all: Vec<f64> = match counted == self.order.len() {
            true => self.order.iter().map(|&row| self.values[row]).collect(),
            false => {
                let mut all: Vec<f64> = of_class.iter().flatten().copied().collect();
                all.sort_by(f64::total_cmp);
                all
            }
        };
        let mut sum = 0.0;
        for values in &of_class {
            let near = neighbours.min(values.len() - 1);
            for (place, &value) in values.iter().enumerate() {
                let radius = distance(values, place, near).next_down().max(0.0);
                let left = all.partition_point(|other| value - other > radius);
                let right = all.partition_point(|other| other - value <= radius);
                sum -= digamma.of(right - left);
            }
            sum += values.len() as f64 * (digamma.of(near) - digamma.of(values.len()));
        }
        (digamma.of(counted) + sum / counted as f64).max(0.0)
    }
}

/// How far the `near`-th nearest of the ascending `values` is from the one at `place`; `near` others must be there.
fn distance(values: &[f64], place: usize, near: usize) -> f64 {
    let (mut left, mut right, mut distance) = (place, place, 0.0);
    for _ in 0..near {
        let to_left = left.checked_sub(1).map_or(f64::INFINITY, |left| values[place] - values[left]);
        let to_right = values.get(right + 1).map_or(f64::INFINITY, |other| other - values[place]);
        if to_left <= to_right {
            (left, distance) = (left - 1, to_left);
        } else {
            (right, distance) = (right + 1, to_right);
        }
    }
    distance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digamma_is_that_of_whole_numbers() {
        let digamma = Digamma::up_to(100);
        // scipy.special.digamma([1, 2, 10, 100])
        for (n, value) in [(1, -0.5772156649), (2, 0.4227843351), (10, 2.2517525891), (100, 4.6001618527)] {
            assert!((digamma.of(n) - value).abs() < 1e-9, "{n}");
        }
    }

    #[test]
    fn the_nearest_are_counted_on_both_sides() {
        let values = [0.0, 1.0, 3.0, 6.0, 10.0];
        assert_eq!([1, 2, 3, 4].map(|near| distance(&values, 2, near)), [2.0, 3.0, 3.0, 7.0]);
        assert_eq!(distance(&values, 0, 2), 3.0);
    }

    #[test]
    fn classes_that_lie_apart_are_known_and_a_number_that_does_not_tell_them_knows_nothing() {
        let classes: Vec<usize> = (0..4000).map(|row| row % 4).collect();
        let mut stream = Stream::new(1, "neighbours");
        let apart: Vec<f64> =
            classes.iter().map(|&class| 9.0 * class as f64 + f64::from(stream.normal())).collect();
        let noise: Vec<f64> = (0..4000).map(|_| f64::from(stream.normal())).collect();
        let digamma = Digamma::up_to(4000);
        let known = Spread::of(&apart, 1, 0).information(&classes, 5, 10, &digamma);
        assert!((known - 4f64.ln()).abs() < 0.01, "{known}");
        let unknown = Spread::of(&noise, 1, 0).information(&classes, 5, 10, &digamma);
        assert!(unknown < 0.02, "{unknown}");
        let alone = Spread::of(&noise[..3], 1, 0).information(&[0, 1, 2], 3, 10, &digamma);
        assert_eq!(alone, 0.0);
    }
}
