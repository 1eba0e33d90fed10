use std::sync::OnceLock;

use super::factors::{Factor, classes_of, combinations, index_of, one_sharing};
use crate::base::Stream;

/// The most values of a factor: attributes have two, positions and objects some hundreds.
const MOST_VALUES: usize = 1 << 16;

/// The factors of a set's pictures, and the class that each picture has of each factor.
#[derive(Debug)]
pub(super) struct FactorTable {
    factors: Vec<Factor>,
    /// `(pictures, factors)`, row-major; none where the pictures are all combinations in their order.
    classes: Option<Vec<u16>>,
    /// `[factor][class]`: the pictures that have it, once somebody has asked.
    pictures: OnceLock<Vec<Vec<Vec<u32>>>>,
}

/// Factors, and the classes of pictures in the order of their file: `(pictures, factors)`, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct KnownFactors {
    pub(super) factors: Vec<Factor>,
    pub(super) classes: Vec<u16>,
}

impl KnownFactors {
    /// Factors of these names, whose values are those that there are among `values` `(pictures, names.len())`, rising.
    ///
    /// # Errors
    /// Where a value is no number or a factor has too many, in words that go on after what holds them.
    pub(super) fn of_values(names: &[&str], values: &[f64]) -> Result<Self, String> {
        let width = names.len().max(1);
        let mut known = vec![Vec::new(); width];
        // Mostly it is the value of the picture before.
        let mut last = vec![0; width];
        for (row, values) in values.chunks_exact(width).enumerate() {
            for ((&value, known), last) in values.iter().zip(&mut known).zip(&mut last) {
                if !value.is_finite() {
                    return Err(format!("the label of picture {row} is no number"));
                }
                if known.get(*last) == Some(&value) {
                    continue;
                }
                *last = known.partition_point(|&other| other < value);
                if known.get(*last) != Some(&value) {
                    known.insert(*last, value);
                    if known.len() > MOST_VALUES {
                        return Err(format!("more than {MOST_VALUES} values of one factor are no classes"));
                    }
                }
            }
        }
        let class =
            |(at, value): (usize, &f64)| known[at % width].partition_point(|other| other < value) as u16;
        let classes = values.iter().enumerate().map(class).collect();
        let factors =
            names.iter().zip(&known).map(|(&name, values)| Factor::of_values(name, values.clone())).collect();
        Ok(Self { factors, classes })
    }

    /// All combinations of `factors` in their order.
    pub(super) fn all(factors: Vec<Factor>) -> Self {
        let row = |index| classes_of(&factors, index).into_iter().map(|class| class as u16);
        let classes = (0..combinations(&factors)).flat_map(row).collect();
        Self { factors, classes }
    }

    /// The number of pictures.
    pub(super) fn pictures(&self) -> usize {
        self.classes.len() / self.factors.len().max(1)
    }
}

impl FactorTable {
    /// The factors and the classes of pictures; where they are all combinations of them, each once, also the order (the
    /// picture of each combination, the last factor fastest) that is to be given to the pictures, unless they have it.
    pub(super) fn new(known: KnownFactors) -> (Self, Option<Vec<u32>>) {
        let Some(order) = combinations_in_order(&known) else { return (Self::listed(known), None) };
        let is_given = order.iter().zip(0..).all(|(&picture, at)| picture == at);
        let table = Self { factors: known.factors, classes: None, pictures: OnceLock::new() };
        (table, (!is_given).then_some(order))
    }

    /// Factors and classes of pictures that keep their order.
    pub(super) fn listed(known: KnownFactors) -> Self {
        Self { factors: known.factors, classes: Some(known.classes), pictures: OnceLock::new() }
    }

    /// The factors.
    pub(super) fn factors(&self) -> &[Factor] {
        &self.factors
    }

    /// The class of each factor of picture `index`.
    pub(super) fn classes(&self, index: usize) -> Vec<usize> {
        match &self.classes {
            None => classes_of(&self.factors, index),
            Some(classes) => {
                row(classes, self.factors.len(), index).iter().map(|&class| class.into()).collect()
            }
        }
    }

    /// A random picture of those whose `factor` has this class.
    pub(super) fn sharing(&self, factor: usize, class: usize, stream: &mut Stream) -> usize {
        let Some(classes) = &self.classes else { return one_sharing(&self.factors, factor, class, stream) };
        let pictures = self.pictures.get_or_init(|| {
            let mut pictures: Vec<_> =
                self.factors.iter().map(|factor| vec![Vec::new(); factor.values.len()]).collect();
            for (picture, row) in (0u32..).zip(classes.chunks_exact(self.factors.len())) {
                for (of_factor, &class) in pictures.iter_mut().zip(row) {
                    of_factor[usize::from(class)].push(picture);
                }
            }
            pictures
        });
        let having = &pictures[factor][class];
        // Of attributes that no picture has, any will do.
        match having.len() {
            0 => stream.below(classes.len() / self.factors.len()),
            count => having[stream.below(count)] as usize,
        }
    }

    /// The first picture whose factors have these classes.
    pub(super) fn with_classes(&self, wanted: &[usize]) -> Option<usize> {
        let Some(classes) = &self.classes else { return Some(index_of(&self.factors, wanted)) };
        let is_wanted =
            |row: &[u16]| row.iter().zip(wanted).all(|(&class, &wanted)| usize::from(class) == wanted);
        classes.chunks_exact(self.factors.len()).position(is_wanted)
    }
}

fn row(classes: &[u16], width: usize, index: usize) -> &[u16] {
    &classes[index * width..][..width]
}

/// The picture of each combination, where there is one of each.
fn combinations_in_order(known: &KnownFactors) -> Option<Vec<u32>> {
    let sizes = || known.factors.iter().map(|factor| factor.values.len());
    let product = sizes().try_fold(1usize, |product, size| product.checked_mul(size));
    if known.factors.is_empty() || product != Some(known.pictures()) {
        return None;
    }
    let mut order = vec![u32::MAX; known.pictures()];
    for (picture, row) in (0u32..).zip(known.classes.chunks_exact(known.factors.len())) {
        let at = row.iter().zip(sizes()).fold(0, |at, (&class, size)| at * size + usize::from(class));
        if std::mem::replace(order.get_mut(at)?, picture) != u32::MAX {
            return None;
        }
    }
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_combinations_are_put_in_order_and_others_are_listed() {
        let rows = [[1.0, 0.5], [0.0, 0.5], [1.0, -30.0], [0.0, -30.0]];
        let known = KnownFactors::of_values(&["shape", "turn"], &rows.concat()).expect("numbers");
        assert_eq!(known.factors[1].values, [-30.0, 0.5]);
        let (table, order) = FactorTable::new(known.clone());
        assert_eq!((table.classes.is_none(), order), (true, Some(vec![3, 1, 2, 0])));
        assert_eq!((table.classes(2), table.with_classes(&[1, 0])), (vec![1, 0], Some(2)));
        let (table, order) = FactorTable::new(KnownFactors { classes: known.classes[..6].to_vec(), ..known });
        assert_eq!((table.classes.is_none(), order), (false, None));
        assert_eq!(
            (table.classes(0), table.with_classes(&[1, 0]), table.with_classes(&[0, 0])),
            (vec![1, 1], Some(2), None)
        );
        let mut stream = Stream::new(0, "test");
        assert!((0..20).all(|_| table.classes(table.sharing(1, 1, &mut stream))[1] == 1));
    }

    #[test]
    fn the_same_combination_twice_is_no_grid() {
        let known =
            KnownFactors::of_values(&["a", "b"], &[0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]).expect("numbers");
        let (table, order) = FactorTable::new(known);
        assert_eq!((table.classes.is_none(), order), (false, None));
    }

    #[test]
    fn all_combinations_have_their_classes_in_order() {
        let factors =
            vec![Factor::of_values("a", vec![0.0, 1.0]), Factor::of_values("b", vec![0.0, 1.0, 2.0])];
        let known = KnownFactors::all(factors);
        assert_eq!((known.pictures(), &known.classes[..6]), (6, &[0, 0, 0, 1, 0, 2][..]));
        assert!(matches!(FactorTable::new(known), (table, None) if table.classes.is_none()));
    }

    #[test]
    fn labels_that_are_no_numbers_are_refused() {
        let error = KnownFactors::of_values(&["a"], &[0.0, f64::NAN]).expect_err("no number");
        assert_eq!(error, "the label of picture 1 is no number");
    }
}
