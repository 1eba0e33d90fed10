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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_calls_have_memory_of_their_own_and_later_ones_the_same() {
        let place = |values: &mut [f32]| values.as_ptr().addr();
        let [outer, inner] = with_scratch(100, |outer| {
            outer.fill(1.0);
            let inner = with_scratch(50, |inner| {
                inner.fill(2.0);
                place(inner)
            });
            assert!(outer.iter().all(|&value| value == 1.0));
            [place(outer), inner]
        });
        assert_ne!(outer, inner);
        // The smallest that is large enough, with what was left there.
        with_scratch(40, |values| assert_eq!((place(values), values.len(), values[39]), (inner, 40, 2.0)));
        with_scratch(60, |values| assert_eq!((place(values), values[59]), (outer, 1.0)));
        with_scratch(0, |values| assert!(values.is_empty()));
    }
}
