use candle_core::{Result, Tensor, Var};

use crate::nets::Weights;
use crate::ops::Normalised;

/// The share that a batch has in the running statistics: PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// What a batch normalisation has seen in one batch.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// The name of its parameters.
    pub name: String,
    /// The mean of each channel, `(C,)`.
    pub mean: Tensor,
    /// The variance of each channel, `(C,)`, unbiased: the sum of squares over one less than the number of values.
    pub variance: Tensor,
}

impl Statistics {
    /// Those that the normalisation `name` made of `x`.
    pub(super) fn of(name: &str, made: &Normalised, x: &Tensor) -> Result<Self> {
        let count = x.elem_count() / x.dim(1)?.max(1);
        let unbiased = count as f64 / (count.max(2) - 1) as f64;
        Ok(Self { name: name.to_owned(), mean: made.mean.clone(), variance: (&made.variance * unbiased)? })
    }

    /// The running mean and variance among `weights`, each with what was seen.
    pub(super) fn pairs<'a>(&'a self, weights: &'a Weights) -> Result<[(&'a Var, &'a Tensor); 2]> {
        let find = |ending: &str| weights.buffer(&format!("{}.{ending}", self.name));
        Ok([(find("running_mean")?, &self.mean), (find("running_var")?, &self.variance)])
    }

    /// Moves the running statistics among `weights` by the momentum.
    ///
    /// # Errors
    /// When they are not there, or the device fails.
    pub fn blend_into(&self, weights: &Weights) -> Result<()> {
        self.pairs(weights)?.into_iter().try_for_each(|(running, seen)| {
            let kept = running.as_detached_tensor().affine(1.0 - MOMENTUM, 0.0)?;
            running.set(&(kept + seen.affine(MOMENTUM, 0.0)?)?)
        })
    }
}
