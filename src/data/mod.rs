//! Data sets behind one trait: random access, factors where they are known, decoding, augmentation, prefetch.

mod batches;
mod cache;
mod chosen;
mod dataset;
#[doc(hidden)]
pub mod door;
mod factor_table;
mod factors;
mod fingerprint;
mod known;
mod labelled;
mod labels;
mod matlab;
mod noise;
mod options;
mod order;
mod photos;
mod pixels;
mod scenes;
mod spec;
mod sprites;
mod store;

pub use batches::{BatchInfo, BatchOptions, Batches, Range};
pub use chosen::ChosenPictures;
pub use dataset::{DataError, Dataset, SHARED_NUISANCE};
pub use factors::{Factor, classes_of, combinations, index_of, one_sharing};
pub use labels::PictureLabels;
pub use options::{OpenOptions, PreparationProgress, ProgressFn};
pub use order::BatchesState;
pub use pixels::left_out;
pub use spec::{
    DRAWN_BY_PROGRAM, DrawingVersion, KNOWN_SPECS, absolute_spec, has_factors, is_known, open, whole_spec,
};
pub use store::{Entry, PassedOver, Store};
