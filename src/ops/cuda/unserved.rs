//! Convolutions that a driver has turned out to have no way for.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::ops::cpu::shape::ConvShape;
use crate::ops::pass::Pass;

/// All of them so far.
#[derive(Debug, Default)]
pub(in crate::ops) struct Unserved(Mutex<HashSet<(Pass, ConvShape)>>);

impl Unserved {
    /// Whether this is one.
    pub(super) fn contains(&self, pass: Pass, shape: &ConvShape) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&(pass, *shape))
    }

    /// Notes one, with a warning for the first.
    pub(super) fn insert(&self, pass: Pass, shape: &ConvShape) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.is_empty() {
            log::warn!(
                "cuDNN has no way to compute a convolution of {} pictures, {}x{}x{} to {}x{}x{}, in this card's memory; it and \
                 others like it are put together from simpler operations, which takes several times as long; a smaller batch \
                 may help",
                shape.batch,
                shape.in_channels,
                shape.in_height,
                shape.in_width,
                shape.out_channels,
                shape.out_height,
                shape.out_width
            );
        }
        all.insert((pass, *shape));
    }
}
