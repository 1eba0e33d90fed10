use std::sync::Arc;

use super::{DataError, Dataset};

/// Some of the pictures of a set, under numbers of their own.
pub struct ChosenPictures {
    whole: Arc<dyn Dataset>,
    pictures: Vec<u32>,
}

impl ChosenPictures {
    /// These pictures of `whole`, by their numbers there.
    pub fn new(whole: Arc<dyn Dataset>, pictures: Vec<u32>) -> Self {
        Self { whole, pictures }
    }

    /// The number that picture `index` has in the whole set.
    pub fn in_whole(&self, index: usize) -> usize {
        self.pictures[index] as usize
    }
}

impl Dataset for ChosenPictures {
    fn spec(&self) -> &str {
        self.whole.spec()
    }

    fn len(&self) -> usize {
        self.pictures.len()
    }

    fn picture_shape(&self) -> [usize; 3] {
        self.whole.picture_shape()
    }

    fn may_flip(&self) -> bool {
        self.whole.may_flip()
    }

    fn is_costly(&self) -> bool {
        self.whole.is_costly()
    }

    fn read(&self, index: usize, draw: u64, out: &mut [f32]) -> Result<(), DataError> {
        self.whole.read(self.in_whole(index), draw, out)
    }
}
