use super::{Encoder, RenderError};

/// An encoder that was trained on pictures in [-1, 1], given those in [0, 1] like every other.
pub(super) struct OfSigned {
    inner: Box<dyn Encoder>,
    pictures: Vec<f32>,
}

impl OfSigned {
    pub(super) fn new(inner: Box<dyn Encoder>) -> Self {
        Self { inner, pictures: Vec::new() }
    }
}

impl Encoder for OfSigned {
    fn code_dim(&self) -> usize {
        self.inner.code_dim()
    }

    fn picture_shape(&self) -> [usize; 3] {
        self.inner.picture_shape()
    }

    fn at_once(&self) -> usize {
        self.inner.at_once()
    }

    fn encode(&mut self, pictures: &[f32], mu: &mut [f32], logvar: &mut [f32]) -> Result<(), RenderError> {
        self.pictures.clear();
        self.pictures.extend(pictures.iter().map(|value| 2.0 * value - 1.0));
        self.inner.encode(&self.pictures, mu, logvar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says what it is given.
    struct Echo;

    impl Encoder for Echo {
        fn code_dim(&self) -> usize {
            2
        }

        fn picture_shape(&self) -> [usize; 3] {
            [1, 1, 2]
        }

        fn encode(&mut self, pictures: &[f32], mu: &mut [f32], _: &mut [f32]) -> Result<(), RenderError> {
            mu.copy_from_slice(pictures);
            Ok(())
        }
    }

    #[test]
    fn pictures_reach_it_in_the_range_that_it_was_trained_on() {
        let mut encoder = OfSigned::new(Box::new(Echo));
        assert_eq!((encoder.code_dim(), encoder.picture_shape()), (2, [1, 1, 2]));
        for (given, taken) in [([0.0, 1.0, 0.5, 0.25], [-1.0, 1.0, 0.0, -0.5]), ([1.0; 4], [1.0; 4])] {
            let mut mu = [f32::NAN; 4];
            encoder.encode(&given, &mut mu, &mut []).expect("encodes");
            assert_eq!(mu, taken);
        }
    }
}
