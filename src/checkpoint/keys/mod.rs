//! Which networks the tensors of a file belong to, whatever it wraps them in.
//!
//! Published files and those of training frameworks name the same weights in many ways: `net` or `state_dict` or
//! `params_ema` around them, `module.` or `_orig_mod.` before each name or in the middle of it, counters and
//! optimisers beside them. Nothing here is a list of such names: a network is found by the ends of its tensors' names,
//! whatever stands before them, and by its shapes. Pure functions over names and shapes; no value is read.

mod beside;
mod choose;
mod groups;
mod known;
mod name;
#[cfg(test)]
mod tests;

pub(crate) use beside::beside;
pub(crate) use choose::choose;
pub(crate) use known::{listed, looks_like};

/// A tensor as its file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// The keys of the dicts around it and its name, joined by dots: `model_states.net.encoder.layer.0.weight`.
    pub(crate) full: String,
    /// How many bytes of `full` name the dicts around it.
    pub(crate) dict: usize,
    /// The size of each dimension, outermost first.
    pub(crate) shape: Vec<usize>,
}

impl Key {
    /// The key of a tensor in a file without dicts.
    pub(crate) fn flat(name: impl Into<String>, shape: impl Into<Vec<usize>>) -> Self {
        Self { full: name.into(), dict: 0, shape: shape.into() }
    }

    /// The names of the dicts around it.
    fn container(&self) -> &str {
        &self.full[..self.dict]
    }
}
