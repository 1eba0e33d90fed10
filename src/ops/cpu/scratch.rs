//! Working memory that threads keep, so that no call pays for fresh pages.

use std::cell::RefCell;

thread_local! {
    /// Buffers not in use on this thread.
    static SPARE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` with `length` floats of unspecified, initialised content, and keeps the memory for the next call
/// on this thread.
///
/// The buffer leaves the thread's store while it is used, so that `work` may call this again, also from a job
/// that rayon runs on this thread while `work` waits.
pub(super) fn with_scratch<R>(length: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut buffer = SPARE.with(|spare| {
        let mut spare = spare.borrow_mut();
        let fitting = (0..spare.len()).filter(|&i| spare[i].len() >= length).min_by_key(|&i| spare[i].len());
        match fitting.or_else(|| (0..spare.len()).max_by_key(|&i| spare[i].len())) {
            Some(index) => spare.swap_remove(index),
            None => Vec::new(),
        }
    });
    if buffer.len() < length {
        // Not resized in place: the old content need not be copied.
        buffer = vec![0.0; length];
    }
    let result = work(&mut buffer[..length]);
    SPARE.with(|spare| spare.borrow_mut().push(buffer));
    result
}
