//! Operands in the layout and type of the tensor cores, kept for when they come again.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Result, TensorId};

use super::driver::Form;

/// Copies kept: a gradient comes twice in a row, an activation once in each direction.
const KEPT: usize = 6;

/// Which tensor, in what form, through what activation.
type Key = (TensorId, Form, Option<u64>);

/// The newest few converted operands of a device.
pub(in crate::ops) struct Copies<M>(Mutex<Vec<(Key, Arc<M>)>>);

impl<M> Default for Copies<M> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<M> Copies<M> {
    /// The copy of tensor `id`, made by `make` where there is none; an unknown tensor's is not kept.
    pub(super) fn get(
        &self,
        id: Option<TensorId>,
        form: Form,
        before: Option<f64>,
        make: impl FnOnce() -> Result<M>,
    ) -> Result<Arc<M>> {
        let Some(id) = id else { return make().map(Arc::new) };
        let key = (id, form, before.map(f64::to_bits));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|(other, _)| *other == key);
        let copy = match found {
            Some(index) => kept.remove(index).1,
            None => Arc::new(make()?),
        };
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((key, Arc::clone(&copy)));
        Ok(copy)
    }

    /// Keeps none of them.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
