//! Data sets behind one trait: random access, factors where they are known, decoding, augmentation, prefetch.

mod dataset;

pub use dataset::{DataError, Dataset, Factor};
