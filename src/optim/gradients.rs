use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor};

use crate::nets::Weights;

/// The gradients of one network's parameters, by name.
#[derive(Clone, Debug, Default)]
pub struct Gradients {
    tensors: BTreeMap<String, Tensor>,
}

impl Gradients {
    /// Takes the gradients of `weights` out of a finished backward pass; parameters that the loss does not
    /// reach have none.
    pub fn take(store: &mut GradStore, weights: &Weights) -> Self {
        let take = |(name, var): (&str, &candle_core::Var)| {
            store.remove(var.as_tensor()).map(|gradient| (name.to_owned(), gradient))
        };
        Self { tensors: weights.vars().filter_map(take).collect() }
    }

    /// Adds `other`, for losses that are computed in parts.
    ///
    /// # Errors
    /// When shapes differ.
    pub fn add(&mut self, other: Self) -> Result<()> {
        for (name, gradient) in other.tensors {
            let sum = match self.tensors.remove(&name) {
                Some(own) => (own + gradient)?,
                None => gradient,
            };
            self.tensors.insert(name, sum);
        }
        Ok(())
    }

    /// The gradient of the parameter called `name`.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// All gradients, in the order of their names.
    pub fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.tensors.values()
    }

    /// Puts in a gradient, replacing the one of that name.
    pub fn insert(&mut self, name: String, gradient: Tensor) {
        self.tensors.insert(name, gradient);
    }

    /// The Euclidean norm over all parameters; NaN or infinite when any entry is.
    ///
    /// # Errors
    /// When the device fails.
    pub fn norm(&self) -> Result<f64> {
        Ok(crate::ops::sum_of_squares(self.tensors.values())?.sqrt())
    }
}
