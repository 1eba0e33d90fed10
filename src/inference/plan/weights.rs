use crate::base::Arrays;
use crate::inference::RenderError;

/// Looks tensors up by their state-dict names and checks their shapes.
#[derive(Clone, Copy)]
pub(super) struct Weights<'a> {
    arrays: &'a Arrays,
    prefix: &'a str,
}

impl<'a> Weights<'a> {
    /// Names are looked up as `prefix` followed by the name.
    pub(super) fn new(arrays: &'a Arrays, prefix: &'a str) -> Self {
        Self { arrays, prefix }
    }

    /// The values of `name`, which must have `shape`.
    pub(super) fn get(&self, name: &str, shape: &[usize]) -> Result<&'a [f32], RenderError> {
        let name = format!("{}{name}", self.prefix);
        let Some(array) = self.arrays.get(&name) else {
            return Err(RenderError::Weights(format!("{name} {shape:?} is missing")));
        };
        if array.shape() != shape {
            let actual = array.shape();
            return Err(RenderError::Weights(format!("{name} should have shape {shape:?}, not {actual:?}")));
        }
        Ok(array.data())
    }

    /// Weight and bias of the layer `name`, whose weight has `shape` and whose bias has `outputs` entries.
    pub(super) fn layer(
        &self,
        name: &str,
        shape: &[usize],
        outputs: usize,
    ) -> Result<(&'a [f32], &'a [f32]), RenderError> {
        Ok((self.get(&format!("{name}.weight"), shape)?, self.get(&format!("{name}.bias"), &[outputs])?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Array;

    #[test]
    fn errors_name_the_tensor_and_both_shapes() {
        let arrays = Arrays::from([("fc.weight".to_owned(), Array::zeros([2, 3]))]);
        let weights = Weights::new(&arrays, "");
        let wrong = weights.get("fc.weight", &[3, 2]).expect_err("another shape").to_string();
        assert!(wrong.contains("fc.weight should have shape [3, 2], not [2, 3]"), "{wrong}");
        let missing = weights.layer("fc", &[2, 3], 2).expect_err("no bias").to_string();
        assert!(missing.contains("fc.bias [2] is missing"), "{missing}");
    }
}
