//! One metric per file, and the statistics of a data set that bundles carry.

mod statistics;

pub use statistics::{STATISTICS_PICTURES, kl_divergence, measure_statistics, statistics};
