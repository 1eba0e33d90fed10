//! Memory that kernels work in: aligned to cache lines, and shared between the threads of one layer.

use std::marker::PhantomData;
use std::ops::Range;

/// One cache line, so that a slice of them is aligned for the widest registers.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Numbers aligned to 64 bytes, allocated once and filled with zeros.
#[derive(Clone, Default)]
pub struct Buffer {
    lines: Vec<Line>,
}

impl Buffer {
    /// `len` zeros (rounded up to whole cache lines).
    pub fn zeros(len: usize) -> Self {
        Self { lines: vec![Line([0.0; 16]); len.div_ceil(16)] }
    }

    /// The numbers.
    pub fn values(&self) -> &[f32] {
        // SAFETY: Line is 16 f32 without padding (its size equals its alignment).
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.lines.len() * 16) }
    }

    /// The numbers, to change in place.
    pub fn values_mut(&mut self) -> &mut [f32] {
        // SAFETY: as for `values`, and the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.lines.len() * 16) }
    }
}

/// A slice that several threads write to, each its own part.
pub struct Shared<'a, T> {
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

// SAFETY: access goes through `part`, whose callers promise that parts in use at the same time do not overlap.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    /// Lends `slice` out in parts.
    pub fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The values in `range`, still shared.
    ///
    /// # Panics
    /// When the range is out of bounds.
    pub fn narrow(&self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: in bounds of the slice.
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
    /// No other part in use at the same time overlaps this one.
    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "the caller promises disjoint parts")]
    pub unsafe fn part(&self, range: Range<usize>) -> &'a mut [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: in bounds of the slice borrowed for 'a; disjoint by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_zero_aligned_and_whole_lines() {
        let buffer = Buffer::zeros(17);
        assert_eq!(buffer.values(), [0.0; 32]);
        assert!(buffer.values().as_ptr().addr().is_multiple_of(64));
        assert!(Buffer::zeros(0).values().is_empty());
    }

    #[test]
    #[should_panic(expected = "range.end")]
    fn a_part_out_of_bounds_panics() {
        let mut values = [0.0f32; 4];
        // SAFETY: the only part.
        let _ = unsafe { Shared::new(&mut values).part(2..5) };
    }
}
