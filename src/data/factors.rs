use serde::{Deserialize, Serialize};

use crate::base::Stream;

/// One known factor of variation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    /// Its name, for instance `azimuth`.
    pub name: String,
    /// The value of each class, in the factor's natural unit; the length is the number of classes.
    pub values: Vec<f64>,
    /// What each class is called, where its value does not say it; empty otherwise.
    pub names: Vec<String>,
}

impl Factor {
    /// A factor of these values, which say all.
    pub fn of_values(name: impl Into<String>, values: Vec<f64>) -> Self {
        Self { name: name.into(), values, names: Vec::new() }
    }

    /// A factor of classes that have names, and the numbers from 0 on for values.
    pub(super) fn of_names(name: impl Into<String>, names: &[&str]) -> Self {
        let values = (0..names.len()).map(|class| class as f64).collect();
        Self { name: name.into(), values, names: names.iter().map(ToString::to_string).collect() }
    }
}

/// The number of pictures of all combinations of `factors`.
pub fn combinations(factors: &[Factor]) -> usize {
    factors.iter().map(|factor| factor.values.len()).product()
}

/// The class of each factor of picture `index`; the last factor varies fastest.
pub fn classes_of(factors: &[Factor], index: usize) -> Vec<usize> {
    let mut classes = vec![0; factors.len()];
    let mut rest = index;
    for (class, factor) in classes.iter_mut().zip(factors).rev() {
        *class = rest % factor.values.len();
        rest /= factor.values.len();
    }
    classes
}

/// The picture whose factors have these classes, one for each factor: the inverse of [`classes_of`].
pub fn index_of(factors: &[Factor], classes: &[usize]) -> usize {
    factors.iter().zip(classes).fold(0, |index, (factor, &class)| index * factor.values.len() + class)
}

/// A random combination of `factors` in which `factor` has this class.
pub fn one_sharing(factors: &[Factor], factor: usize, class: usize, stream: &mut Stream) -> usize {
    let mut classes: Vec<usize> = factors.iter().map(|other| stream.below(other.values.len())).collect();
    classes[factor] = class;
    index_of(factors, &classes)
}

/// A factor whose `count` values lie evenly from `first` to `last`, both included.
pub(super) fn evenly(name: &str, first: f64, last: f64, count: usize) -> Factor {
    let step = (last - first) / (count - 1) as f64;
    let values = (0..count).map(|i| if i + 1 == count { last } else { first + step * i as f64 }).collect();
    Factor::of_values(name, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_and_classes_are_inverse_and_the_last_factor_is_fastest() {
        let factors = [evenly("a", 0.0, 1.0, 3), evenly("b", 0.0, 1.0, 4), evenly("c", 0.0, 1.0, 5)];
        assert_eq!(combinations(&factors), 60);
        assert_eq!(classes_of(&factors, 1), [0, 0, 1]);
        assert_eq!(classes_of(&factors, 59), [2, 3, 4]);
        for index in 0..60 {
            assert_eq!(index_of(&factors, &classes_of(&factors, index)), index);
        }
    }

    #[test]
    fn values_lie_evenly_and_end_exactly() {
        assert_eq!(evenly("scale", 0.5, 1.0, 6).values, [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]);
        assert_eq!(evenly("x", 0.0, 1.0, 32).values[31], 1.0);
    }
}
