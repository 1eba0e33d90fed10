//! Memory that several threads write at once, each its own part.

use std::marker::PhantomData;
use std::ops::Range;

/// A slice that several threads write to, each its own part.
///
/// It is borrowed exclusively for `'a`, so whoever has a copy of this shares it with holders of other copies only;
/// what these may touch at the same time is what the callers of the unsafe functions promise each other.
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

impl<T> Clone for Shared<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<'_, T> {}

// SAFETY: it stands for a `&mut [T]`, which may go to another thread when `T` may; the callers of `part`, and of
// what is built on `start`, promise that parts in use at the same time do not overlap.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above; nothing is read or written through a reference to it but by the same unsafe functions.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    /// Lends `slice` out in parts.
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    /// The number of values.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The values in `range`, still shared.
    ///
    /// # Panics
    /// When the range is out of bounds.
    #[inline(always)]
    pub(crate) fn narrow(&self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: in bounds of the slice by the line above.
        Self { start: unsafe { self.start.add(range.start) }, len: range.len(), slice: PhantomData }
    }

    /// The first value, for kernels that write scattered ones.
    #[inline(always)]
    pub(crate) fn start(&self) -> *mut T {
        self.start
    }

    /// The values in `range`, to one thread.
    ///
    /// # Panics
    /// When the range is out of bounds.
    ///
    /// # Safety
    /// While the part is in use nobody touches any of its values, through this or any copy of it.
    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "the caller promises disjoint parts")]
    pub(crate) unsafe fn part(&self, range: Range<usize>) -> &'a mut [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: in bounds of the slice borrowed for 'a by the line above; exclusive by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_write_their_parts() {
        let mut values = [0; 10];
        let shared = Shared::new(&mut values);
        assert_eq!(shared.len(), 10);
        std::thread::scope(|scope| {
            for thread in 0..3 {
                let mine = shared.narrow(thread * 3..thread * 3 + 3);
                // SAFETY: every thread has three values of its own.
                scope.spawn(move || unsafe { mine.part(0..3) }.fill(thread + 1));
            }
        });
        assert_eq!(values, [1, 1, 1, 2, 2, 2, 3, 3, 3, 0]);
    }

    #[test]
    #[should_panic(expected = "range.end")]
    fn a_part_out_of_bounds_panics() {
        let mut values = [0.0f32; 4];
        // SAFETY: the only part.
        let _ = unsafe { Shared::new(&mut values).part(2..5) };
    }

    #[test]
    #[should_panic(expected = "range.end")]
    fn a_narrower_slice_lies_inside() {
        let mut values = [0.0f32; 4];
        let _ = Shared::new(&mut values).narrow(1..3).narrow(0..3);
    }
}
