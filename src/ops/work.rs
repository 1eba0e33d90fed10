//! How much has been computed, for measurements.

use std::sync::atomic::{AtomicU64, Ordering};

static MULTIPLY_ADDS: AtomicU64 = AtomicU64::new(0);

/// Multiply-adds that convolutions and linear layers have been asked for on the CPU since the process started, by
/// definition: every weight meets every pixel of its map once, however the kernel gets there. The difference of
/// two readings is what lies between them, in all threads together.
pub fn multiply_adds() -> u64 {
    MULTIPLY_ADDS.load(Ordering::Relaxed)
}

/// Counts one more operation.
pub(super) fn count(multiply_adds: usize) {
    MULTIPLY_ADDS.fetch_add(multiply_adds as u64, Ordering::Relaxed);
}
