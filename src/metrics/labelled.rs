use std::collections::HashSet;

use crate::base::Stream;

use super::{CodeSample, EncodedData, KnownCodes, MetricError, Watch};

/// Codes beside the classes of their factors: what the metrics of codes look at.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledCodes {
    /// The means, `[dimension][row]`.
    pub dims: Vec<Vec<f64>>,
    /// The factors that vary, in the data's order.
    pub factors: Vec<Labels>,
}

/// One factor of [`LabelledCodes`].
#[derive(Clone, Debug, PartialEq)]
pub struct Labels {
    /// Its name.
    pub name: String,
    /// The class of each row, below `count`.
    pub classes: Vec<usize>,
    /// Classes that the factor has, whether or not a row is of each; at least 2.
    pub count: usize,
}

impl LabelledCodes {
    /// The means of `sample`, a part of `encoded_data`, and what is known of its pictures.
    pub fn of(sample: &CodeSample, encoded_data: &dyn EncodedData) -> Self {
        let rows: Vec<Vec<usize>> = sample.indices.iter().map(|&index| encoded_data.classes(index)).collect();
        let varying = encoded_data.factors().iter().enumerate().filter(|(_, factor)| factor.values.len() > 1);
        let factors = varying.map(|(place, factor)| Labels {
            name: factor.name.clone(),
            classes: rows.iter().map(|classes| classes[place]).collect(),
            count: factor.values.len(),
        });
        Self { factors: factors.collect(), dims: columns(sample.mu.data(), sample.mu.row_len()) }
    }

    /// All codes of `codes`.
    pub(super) fn of_all(codes: &KnownCodes) -> Self {
        let varying = codes.factors().iter().enumerate().filter(|(_, factor)| factor.values.len() > 1);
        let factors = varying.map(|(place, factor)| Labels {
            name: factor.name.clone(),
            classes: (0..codes.len()).map(|index| codes.class(place, index)).collect(),
            count: factor.values.len(),
        });
        Self { factors: factors.collect(), dims: columns(codes.means().data(), codes.code_dim()) }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.dims.first().map_or(0, Vec::len)
    }

    /// These rows of it.
    pub fn pick(&self, rows: &[usize]) -> Self {
        let factor = |labels: &Labels| Labels { classes: picked(&labels.classes, rows), ..labels.clone() };
        Self {
            dims: self.dims.iter().map(|dim| picked(dim, rows)).collect(),
            factors: self.factors.iter().map(factor).collect(),
        }
    }

    /// Names of the factors.
    pub(super) fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.factors.iter().map(|factor| factor.name.clone())
    }

    /// Refuses codes of data without factors that vary; `what` begins the sentence.
    pub(super) fn require_factors(&self, what: &str) -> Result<(), MetricError> {
        match self.factors.is_empty() {
            true => Err(MetricError::request(format!("{what} needs data with known factors"))),
            false => Ok(()),
        }
    }
}

/// Codes that classifiers learn from, and others that they are asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitCodes {
    /// To learn from.
    pub train: LabelledCodes,
    /// To be asked about; the same dimensions and factors.
    pub test: LabelledCodes,
}

impl SplitCodes {
    /// `codes`, those of `sample`, to learn from, and half as many other pictures of `encoded_data` to be asked about; where
    /// there are too few others, the sample in parts of that proportion.
    ///
    /// # Errors
    /// As [`CodeSample::draw`].
    pub(super) fn draw(
        codes: &LabelledCodes,
        sample: &CodeSample,
        encoded_data: &mut dyn EncodedData,
        seed: u64,
        watch: &mut Watch<'_>,
    ) -> Result<Self, MetricError> {
        let (rows, len) = (sample.len(), encoded_data.len());
        let mut stream = Stream::new(seed, "test codes");
        let tests = rows / 2;
        if len < rows + tests {
            let order: Vec<usize> = stream.permutation(rows).into_iter().map(|row| row as usize).collect();
            let (train, test) = order.split_at(rows - rows / 3);
            return Ok(Self { train: codes.pick(train), test: codes.pick(test) });
        }
        let mut seen: HashSet<usize> = sample.indices.iter().copied().collect();
        let mut others = Vec::with_capacity(tests);
        while others.len() < tests {
            let picture = stream.below(len);
            if seen.insert(picture) {
                others.push(picture);
            }
        }
        let test = CodeSample::of(encoded_data, others, seed, watch)?;
        Ok(Self { train: codes.clone(), test: LabelledCodes::of(&test, encoded_data) })
    }

    /// Rows of both parts.
    pub(super) fn rows(&self) -> [usize; 2] {
        [self.train.rows(), self.test.rows()]
    }

    /// These rows of both parts.
    pub(super) fn pick(&self, rows: [&[usize]; 2]) -> Self {
        Self { train: self.train.pick(rows[0]), test: self.test.pick(rows[1]) }
    }
}

/// The columns of `rows` `(N, dims)`.
pub(super) fn columns(rows: &[f32], dims: usize) -> Vec<Vec<f64>> {
    let column = |dim| rows.iter().skip(dim).step_by(dims).map(|&value| f64::from(value)).collect();
    (0..dims).map(column).collect()
}

fn picked<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|&row| values[row]).collect()
}
