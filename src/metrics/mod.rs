//! One metric per file, and the statistics of a data set that bundles carry.
