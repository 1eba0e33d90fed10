//! Photographs from folders and archives, decoded once at the training size into a bounded cache.

pub(super) mod decode;
