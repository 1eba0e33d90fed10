//! Memory that kernels work in, aligned to cache lines.

/// One cache line, so that a slice of them is aligned for the widest registers.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// Values of a line.
const LINE: usize = 16;

const _: () = assert!(size_of::<Line>() == LINE * size_of::<f32>(), "a line is its values and nothing else");

/// Numbers aligned to 64 bytes, allocated once and filled with zeros.
#[derive(Clone, Default)]
pub(crate) struct Buffer {
    lines: Vec<Line>,
}

impl Buffer {
    /// `len` zeros (rounded up to whole cache lines).
    pub(crate) fn zeros(len: usize) -> Self {
        Self { lines: vec![Line([0.0; LINE]); len.div_ceil(LINE)] }
    }

    /// The numbers.
    pub(crate) fn values(&self) -> &[f32] {
        // SAFETY: the vector holds so many lines one after the other, and a line is `LINE` f32 without padding, as the
        // constant above makes sure; the values are borrowed as long as the vector.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.lines.len() * LINE) }
    }

    /// The numbers, to change in place.
    pub(crate) fn values_mut(&mut self) -> &mut [f32] {
        // SAFETY: as for `values`, and the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.lines.len() * LINE) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_zero_aligned_and_whole_lines() {
        let mut buffer = Buffer::zeros(17);
        assert_eq!(buffer.values(), [0.0; 32]);
        assert!(buffer.values().as_ptr().addr().is_multiple_of(64));
        buffer.values_mut()[31] = 1.0;
        assert_eq!((buffer.values()[30], buffer.clone().values()[31]), (0.0, 1.0));
        assert!(Buffer::zeros(0).values().is_empty());
        assert!(Buffer::default().values_mut().is_empty());
    }
}
