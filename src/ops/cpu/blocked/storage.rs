//! Memory that kernels work in, aligned to cache lines.

use std::marker::PhantomData;

use bytemuck::Pod;

/// One cache line, so that a slice of them is aligned for the widest registers.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// Values of a line.
const LINE: usize = 16;

const _: () = assert!(size_of::<Line>() == LINE * size_of::<f32>(), "a line is its values and nothing else");

/// Numbers aligned to 64 bytes, allocated once and filled with zeros.
#[derive(Clone, Default)]
pub(crate) struct Buffer<T> {
    lines: Vec<Line>,
    of: PhantomData<T>,
}

impl<T: Pod> Buffer<T> {
    /// `len` zeros (rounded up to whole cache lines).
    pub(crate) fn zeros(len: usize) -> Self {
        let lines = len.div_ceil(size_of::<Line>() / size_of::<T>());
        Self { lines: vec![Line([0.0; LINE]); lines], of: PhantomData }
    }

    /// The numbers.
    pub(crate) fn values(&self) -> &[T] {
        // SAFETY: the vector holds so many lines one after the other, and a line is `LINE` f32 without padding, as the
        // constant above makes sure; the values are borrowed as long as the vector.
        let words: &[f32] =
            unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.lines.len() * LINE) };
        bytemuck::cast_slice(words)
    }

    /// The numbers, to change in place.
    pub(crate) fn values_mut(&mut self) -> &mut [T] {
        // SAFETY: as for `values`, and the borrow is unique.
        let words: &mut [f32] = unsafe {
            std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.lines.len() * LINE)
        };
        bytemuck::cast_slice_mut(words)
    }
}

#[cfg(test)]
mod tests {
    use half::bf16;

    use super::*;

    #[test]
    fn buffers_are_zero_aligned_and_whole_lines() {
        let mut buffer = Buffer::<f32>::zeros(17);
        assert_eq!(buffer.values(), [0.0; 32]);
        assert!(buffer.values().as_ptr().addr().is_multiple_of(64));
        buffer.values_mut()[31] = 1.0;
        assert_eq!((buffer.values()[30], buffer.clone().values()[31]), (0.0, 1.0));
        assert!(Buffer::<f32>::zeros(0).values().is_empty());
        assert!(Buffer::<f32>::default().values_mut().is_empty());
        assert_eq!(Buffer::<bf16>::zeros(33).values(), [bf16::ZERO; 64]);
    }
}
