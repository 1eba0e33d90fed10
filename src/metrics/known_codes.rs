use crate::base::{Array, Stream};
use crate::data::{Factor, classes_of, combinations, one_sharing};

use super::encoded::Effort;
use super::{CodeSample, EncodedData, MetricError};

/// Codes in memory: those of all pictures of a data set, of some of them, or of somebody else's model.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownCodes {
    mu: Array,
    /// None of codes that are means alone.
    logvar: Option<Array>,
    factors: Vec<Factor>,
    /// None where the pictures are all combinations of the factors in their order.
    table: Option<Table>,
}

/// The classes of pictures that are not all combinations of their factors.
#[derive(Clone, Debug, PartialEq)]
struct Table {
    /// `[factor][picture]`.
    classes: Vec<Vec<u32>>,
    /// `[factor][class]`: the pictures that have it, at least one.
    pictures: Vec<Vec<Vec<u32>>>,
}

impl KnownCodes {
    /// The means `(N, code_dim)` of all pictures of `encoded_data`.
    pub(super) fn of_all(mu: Array, encoded_data: &dyn EncodedData) -> Self {
        let factors = encoded_data.factors().to_vec();
        let is_grid = encoded_data.len() == combinations(&factors)
            && (0..encoded_data.len())
                .all(|index| encoded_data.classes(index) == classes_of(&factors, index));
        if factors.is_empty() || is_grid {
            return Self { mu, logvar: None, factors, table: None };
        }
        let all: Vec<usize> = (0..encoded_data.len()).collect();
        Self::tabulated(mu, &all, encoded_data)
    }

    /// The means of `sample`, a part of `encoded_data`, as if there were no others.
    pub(super) fn of_sample(sample: &CodeSample, encoded_data: &dyn EncodedData) -> Self {
        Self::tabulated(sample.mu.clone(), &sample.indices, encoded_data)
    }

    /// The means of the pictures `indices` of `encoded_data`, with their classes.
    fn tabulated(mu: Array, indices: &[usize], encoded_data: &dyn EncodedData) -> Self {
        let rows: Vec<Vec<usize>> = indices.iter().map(|&index| encoded_data.classes(index)).collect();
        let column = |(place, factor): (usize, &Factor)| {
            (factor.name.clone(), rows.iter().map(|classes| factor.values[classes[place]]).collect())
        };
        let columns = encoded_data.factors().iter().enumerate().map(column).collect();
        Self::with_values(mu, None, columns)
    }

    /// Whether every code is a choice, or the probabilities of one: not negative, with a sum of 1.
    pub(super) fn are_choices(&self) -> bool {
        let is_choice = |row: &[f32]| {
            row.iter().all(|&value| value >= 0.0) && (row.iter().sum::<f32>() - 1.0).abs() < 1e-3
        };
        self.mu.row_len() > 1 && (0..self.len()).all(|index| is_choice(self.mu.row(index)))
    }

    /// All means `(N, code_dim)`.
    pub(super) fn means(&self) -> &Array {
        &self.mu
    }

    /// The mean of picture `index`.
    pub(super) fn mean(&self, index: usize) -> &[f32] {
        self.mu.row(index)
    }

    /// The class of one factor of picture `index`.
    pub(super) fn class(&self, factor: usize, index: usize) -> usize {
        match &self.table {
            None => classes_of(&self.factors, index)[factor],
            Some(table) => table.classes[factor][index] as usize,
        }
    }

    /// Means and, where they are known, log variances `(N, code_dim)` of N pictures whose factors, by their names, have these
    /// N values each. Equal values are one class.
    pub fn with_values(mu: Array, logvar: Option<Array>, columns: Vec<(String, Vec<f64>)>) -> Self {
        let (mut factors, mut classes, mut pictures) = (Vec::new(), Vec::new(), Vec::new());
        for (name, column) in columns {
            let mut values = column.clone();
            values.sort_by(f64::total_cmp);
            values.dedup();
            let class = |value: &f64| values.partition_point(|known| known.total_cmp(value).is_lt());
            let mut of_class = vec![Vec::new(); values.len()];
            let of_picture: Vec<u32> = column.iter().map(|value| class(value) as u32).collect();
            for (picture, &class) in of_picture.iter().enumerate() {
                of_class[class as usize].push(picture as u32);
            }
            classes.push(of_picture);
            pictures.push(of_class);
            factors.push(Factor::of_values(name, values));
        }
        Self { mu, logvar, factors, table: Some(Table { classes, pictures }) }
    }
}

impl EncodedData for KnownCodes {
    fn len(&self) -> usize {
        self.mu.shape()[0]
    }

    fn factors(&self) -> &[Factor] {
        &self.factors
    }

    fn classes(&self, index: usize) -> Vec<usize> {
        match &self.table {
            None => classes_of(&self.factors, index),
            Some(table) => table.classes.iter().map(|column| column[index] as usize).collect(),
        }
    }

    fn sharing(&self, factor: usize, class: usize, stream: &mut Stream) -> usize {
        match &self.table {
            None => one_sharing(&self.factors, factor, class, stream),
            Some(table) => {
                let pictures = &table.pictures[factor][class];
                pictures[stream.below(pictures.len())] as usize
            }
        }
    }

    fn code_dim(&self) -> usize {
        self.mu.row_len()
    }

    fn has_variances(&self) -> bool {
        self.logvar.is_some()
    }

    fn effort(&self) -> Effort {
        Effort::None
    }

    fn encode(
        &mut self,
        indices: &[usize],
        _draw: u64,
        mu: &mut [f32],
        logvar: &mut [f32],
    ) -> Result<(), MetricError> {
        let dims = self.code_dim().max(1);
        for (&index, out) in indices.iter().zip(mu.chunks_exact_mut(dims)) {
            out.copy_from_slice(self.mu.row(index));
        }
        match &self.logvar {
            // Nothing that asks for them is measured then.
            None => logvar.fill(0.0),
            Some(known) => {
                for (&index, out) in indices.iter().zip(logvar.chunks_exact_mut(dims)) {
                    out.copy_from_slice(known.row(index));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one_class_and_its_pictures_are_drawn() {
        let mu = Array::new([4, 1], vec![0.0, 1.0, 2.0, 3.0]).expect("fits");
        let columns = vec![("hue".to_owned(), vec![0.5, -1.0, 0.5, 7.0]), ("same".to_owned(), vec![1.0; 4])];
        let mut codes = KnownCodes::with_values(mu, None, columns);
        assert_eq!(codes.factors()[0].values, [-1.0, 0.5, 7.0]);
        assert_eq!([0, 1, 2, 3].map(|row| codes.classes(row)), [[1, 0], [0, 0], [1, 0], [2, 0]]);
        let mut stream = Stream::new(1, "test");
        let rows: Vec<usize> = (0..50).map(|_| codes.sharing(0, 1, &mut stream)).collect();
        assert!(rows.iter().all(|&row| row == 0 || row == 2) && rows.contains(&0) && rows.contains(&2));
        let (mut mu, mut logvar) = ([9.0; 2], [9.0; 2]);
        codes.encode(&[3, 0], 0, &mut mu, &mut logvar).expect("is there");
        assert_eq!((mu, logvar), ([3.0, 0.0], [0.0, 0.0]));
        assert!(!codes.has_variances());
    }
}
