use std::borrow::Cow;

use crate::base::{Array, Picture};

/// Pictures that chains make others of, all of one shape.
#[derive(Clone, Debug, PartialEq)]
pub struct SourcePictures {
    /// Channels (1 or 3), height and width.
    shape: [usize; 3],
    /// `(N, channels * height * width)` in [0, 1].
    values: Array,
}

impl SourcePictures {
    /// Pictures `(N, channels, height, width)` in [0, 1]; `None` where `values` are not whole pictures of 1 or 3 channels.
    pub fn new(shape: [usize; 3], values: Vec<f32>) -> Option<Self> {
        let length: usize = shape.iter().product();
        if !matches!(shape[0], 1 | 3) || length == 0 || !values.len().is_multiple_of(length) {
            return None;
        }
        Some(Self { shape, values: Array::new([values.len() / length, length], values)? })
    }

    /// `count` black ones; as [`SourcePictures::new`].
    pub fn black(shape: [usize; 3], count: usize) -> Option<Self> {
        Self::new(shape, vec![0.0; count * shape.iter().product::<usize>()])
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.values.shape().first().copied().unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Channels, height and width.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// One of them to look at.
    ///
    /// # Panics
    /// When there are not so many.
    pub fn picture(&self, row: usize) -> Picture {
        let [channels, height, width] = self.shape;
        Picture::from_chw(self.values.row(row), channels, height, width).unwrap_or_default()
    }

    /// The given ones in the given order.
    ///
    /// # Panics
    /// When there are not so many.
    pub fn select(&self, rows: &[usize]) -> Self {
        let values: Vec<f32> = rows.iter().flat_map(|&row| self.values.row(row)).copied().collect();
        let values = Array::new([rows.len(), self.values.row_len()], values);
        Self { shape: self.shape, values: values.unwrap_or_else(|| Array::zeros([0, 0])) }
    }

    /// The same as pictures of `shape`, `(N, values)`: grey ones of colours by their mean, colours of grey ones alike. `None` for
    /// another size.
    pub fn of_shape(&self, shape: [usize; 3]) -> Option<Cow<'_, Array>> {
        if shape == self.shape {
            return Some(Cow::Borrowed(&self.values));
        }
        if shape[1..] != self.shape[1..] {
            return None;
        }
        let plane = shape[1] * shape[2];
        let mut values = Vec::with_capacity(self.len() * shape[0] * plane);
        for picture in self.values.data().chunks_exact(self.values.row_len().max(1)) {
            match (self.shape[0], shape[0]) {
                (3, 1) => {
                    let mean =
                        |at: usize| (picture[at] + picture[plane + at] + picture[2 * plane + at]) / 3.0;
                    values.extend((0..plane).map(mean));
                }
                _ => (0..shape[0]).for_each(|_| values.extend_from_slice(&picture[..plane])),
            }
        }
        Array::new([self.len(), shape[0] * plane], values).map(Cow::Owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_grey_are_made_of_each_other() {
        let grey = SourcePictures::new([1, 1, 2], vec![0.25, 0.5]).expect("one");
        let colours = grey.of_shape([3, 1, 2]).expect("the same size");
        assert_eq!(colours.data(), [0.25, 0.5, 0.25, 0.5, 0.25, 0.5]);
        let red = SourcePictures::new([3, 1, 1], vec![0.9, 0.0, 0.0]).expect("one");
        assert!((red.of_shape([1, 1, 1]).expect("the same size").data()[0] - 0.3).abs() < 1e-6);
        assert_eq!(red.picture(0).pixel(0, 0), [230, 0, 0, 255]);
        assert!(grey.of_shape([1, 2, 1]).is_none(), "another size");
        assert!(
            SourcePictures::new([2, 1, 1], vec![0.0; 2]).is_none()
                && SourcePictures::new([1, 2, 2], vec![0.0; 3]).is_none()
        );
    }
}
