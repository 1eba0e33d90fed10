use crate::base::Stream;

use super::score::{NORMAL_95, moments, student_95};
use super::{MetricError, Score};

/// What halves of the rows tell of a statistic of all of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Halves {
    /// The standard deviation of the statistic of all rows.
    pub(super) deviation: f64,
    /// How many halves told both.
    pub(super) repetitions: usize,
}

/// A statistic of all pictures there are, or of many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct OnAll {
    /// Its value.
    pub(super) value: f64,
    /// How many they are.
    pub(super) rows: usize,
}

impl Halves {
    /// From the values of a statistic on halves of so many rows.
    pub(super) fn of(values: &[f64], rows: usize) -> Self {
        let variance = moments(values).1;
        let half = rows / 2;
        // Of an odd number a half is a little less than half.
        let deviation = (variance * half as f64 / (rows - half).max(1) as f64).sqrt();
        Self { deviation, repetitions: values.len() }
    }

    /// `value`, the statistic of all rows, with the interval of the value on other pictures, as many: for what learns from codes
    /// and is defined by how many.
    pub(super) fn on_others(&self, value: f64, range: [f64; 2]) -> Score {
        Score::around(value, self.reach(), range)
    }

    /// `value`, the statistic of so many rows, with the interval of the value on all pictures there are, where that is known or
    /// that of many of them; else of the value on other pictures, as many.
    ///
    /// A statistic that is biased with few rows is so by more than halves show: where it counts information, by something
    /// between a part of one over their number and one of its root. So its value on all pictures is found where that can be
    /// done, and only how that would vary is told by halves of a few.
    pub(super) fn on_all(&self, value: f64, rows: usize, all: Option<OnAll>, range: [f64; 2]) -> Score {
        match all {
            None => self.on_others(value, range),
            Some(all) => {
                let share = rows as f64 / all.rows.max(1) as f64;
                Score::beside(value, all.value, self.reach() * share.min(1.0).sqrt(), range)
            }
        }
    }

    /// The deviation, wider by what so few halves know less than many.
    fn reach(&self) -> f64 {
        self.deviation * student_95(self.repetitions.saturating_sub(1)) / NORMAL_95
    }
}

/// `statistic` of `repetitions` random halves of the row numbers below `rows`, drawn without replacement (Politis and Romano
/// 1994).
///
/// Half of the rows spread around all of them just as all of them spread around the world. Unlike the bootstrap this draws no
/// row twice, so it also serves statistics that count values that are alike, or that depend on the outermost ones.
pub(super) fn half_samples(
    rows: usize,
    repetitions: usize,
    seed: u64,
    mut statistic: impl FnMut(&[usize]) -> f64,
) -> Halves {
    let mut all = [Rows::new(rows)];
    let values = (0..repetitions).map(|repetition| {
        shuffle(&mut all, seed, repetition);
        statistic(all[0].half())
    });
    Halves::of(&values.collect::<Vec<_>>(), rows)
}

/// Several statistics of halves of two sets of rows, for instance of those that a classifier learns from and of those that it
/// is asked about; otherwise as [`half_samples`]. `statistics` is told the number of each repetition.
///
/// # Errors
/// The first of `statistics`.
pub(super) fn half_samples_of_two<const N: usize>(
    rows: [usize; 2],
    repetitions: usize,
    seed: u64,
    mut statistics: impl FnMut(usize, [&[usize]; 2]) -> Result<[f64; N], MetricError>,
) -> Result<[Halves; N], MetricError> {
    let mut both = rows.map(Rows::new);
    let mut values = [(); N].map(|()| Vec::with_capacity(repetitions));
    for repetition in 0..repetitions {
        shuffle(&mut both, seed, repetition);
        let found = statistics(repetition, [both[0].half(), both[1].half()])?;
        values.iter_mut().zip(found).for_each(|(values, value)| values.push(value));
    }
    Ok(values.map(|values| Halves::of(&values, rows[0])))
}

/// Row numbers, the chosen half of them first.
struct Rows(Vec<usize>);

impl Rows {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn half(&self) -> &[usize] {
        &self.0[..self.0.len() / 2]
    }
}

/// The halves of repetition `repetition`, whatever order the one before has left.
fn shuffle(sets: &mut [Rows], seed: u64, repetition: usize) {
    let mut stream = Stream::for_item(seed, "half sample", repetition as u64);
    for Rows(all) in sets {
        // The first places of a shuffle.
        for place in 0..all.len() / 2 {
            let other = place + stream.below(all.len() - place);
            all.swap(place, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::score::bootstrap_deviation;
    use super::*;

    #[test]
    fn halves_know_the_deviation_of_a_mean_and_of_a_number_of_different_values() {
        let values: Vec<f64> = Stream::new(1, "values").normals(2001).into_iter().map(f64::from).collect();
        let mean = |rows: &[usize]| rows.iter().map(|&row| values[row]).sum::<f64>() / rows.len() as f64;
        let expected = (moments(&values).1 / 2001.0).sqrt();
        for rows in [2000, 2001] {
            let Halves { deviation, .. } = half_samples(rows, 400, 1, mean);
            assert!((deviation / expected - 1.0).abs() < 0.1, "{deviation} against {expected}");
        }
        let seen = |rows: &[usize]| rows.iter().collect::<std::collections::HashSet<_>>().len() as f64;
        let different = half_samples(100, 50, 1, seen);
        assert_eq!(different.deviation, 0.0, "no row comes twice");
        assert!(bootstrap_deviation(100, 50, 1, seen) > 1.0);
        for rows in [0, 1] {
            let none = half_samples(rows, 3, 1, |rows| rows.len() as f64);
            assert_eq!(none.deviation, 0.0);
        }
    }

    #[test]
    fn halves_of_two_sets_are_drawn_independently_and_errors_end_them() {
        let of = |repetition: usize, [a, b]: [&[usize]; 2]| {
            assert!(a.len() == 5 && b.len() == 4 && b.iter().all(|&row| row < 8), "{repetition}");
            Ok([a.iter().sum::<usize>() as f64, b.iter().sum::<usize>() as f64])
        };
        let [a, b] = half_samples_of_two([10, 8], 200, 1, of).expect("no error");
        // 5 of 0..10 spread further than 4 of 0..8.
        assert!(a.deviation > 1.05 * b.deviation, "{a:?} {b:?}");
        let stop = |_, _: [&[usize]; 2]| Err::<[f64; 1], _>(MetricError::Cancelled);
        assert!(half_samples_of_two([10, 8], 3, 1, stop).is_err());
    }

    #[test]
    fn the_interval_of_all_pictures_is_where_they_are_and_reaches_to_the_value() {
        let halves = half_samples(100, 10, 1, |rows| 1.0 + rows.iter().sum::<usize>() as f64 / 1e4);
        let others = halves.on_all(1.1, 100, None, [0.0, 2.0]);
        assert_eq!(others, halves.on_others(1.1, [0.0, 2.0]));
        assert!(((others.low + others.high) / 2.0 - 1.1).abs() < 1e-12 && others.high > 1.1);
        let all = halves.on_all(1.1, 100, Some(OnAll { value: 1.0, rows: 10_000 }), [0.0, 2.0]);
        let reach = (others.high - 1.1) / 10.0;
        assert!((all.low - (1.0 - reach)).abs() < 1e-12 && all.high == 1.1, "{all:?}");
        let same = halves.on_all(1.1, 100, Some(OnAll { value: 1.1, rows: 100 }), [0.0, 2.0]);
        assert_eq!(same, others, "these are all there are");
    }
}
