use std::collections::BTreeMap;

/// A dense f32 array in row-major order, the form in which weights and codes travel between rooms.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    data: Vec<f32>,
}

/// Named arrays in name order, for instance one network's weights under their state-dict names.
pub type Arrays = BTreeMap<String, Array>;

impl Array {
    /// Wraps `data` as an array of `shape`; `None` when the sizes disagree or the product overflows.
    pub fn new(shape: impl Into<Vec<usize>>, data: Vec<f32>) -> Option<Self> {
        let shape = shape.into();
        let len = shape.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim))?;
        (len == data.len()).then_some(Self { shape, data })
    }

    /// An array of zeros.
    pub fn zeros(shape: impl Into<Vec<usize>>) -> Self {
        let shape = shape.into();
        let data = vec![0.0; shape.iter().product()];
        Self { shape, data }
    }

    /// The size of each dimension, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values in row-major order.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// The values in row-major order, to change in place.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// The values alone.
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether the array holds no values.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Row `index` of the outermost dimension.
    pub fn row(&self, index: usize) -> &[f32] {
        let width = self.row_len();
        &self.data[index * width..(index + 1) * width]
    }

    /// The number of values in one row of the outermost dimension.
    pub fn row_len(&self) -> usize {
        self.shape.iter().skip(1).product()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_must_fit_its_data() {
        assert!(Array::new([2, 3], vec![0.0; 6]).is_some());
        assert!(Array::new([2, 3], vec![0.0; 5]).is_none());
        assert!(Array::new([usize::MAX, 2], Vec::new()).is_none());
        assert_eq!(Array::new([0], Vec::new()).map(|a| a.len()), Some(0));
    }

    #[test]
    fn rows_split_the_outermost_dimension() {
        let array = Array::new([2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).expect("sizes agree");
        assert_eq!(array.row(1), [3.0, 4.0, 5.0]);
        assert_eq!(array.row_len(), 3);
    }
}
