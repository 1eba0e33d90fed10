//! Transposition between "one channel after another" and "all channels of one pixel", with what can be done to the
//! values on the way.

use super::convolution::Fused;

/// Where a transposition writes: memory that several threads fill at once, each its own elements.
#[derive(Clone, Copy)]
pub(super) struct Target {
    start: *mut f32,
    length: usize,
}

// SAFETY: a `Target` is only written through `transpose` and `write`, whose callers promise that no two threads
// write the same element; nothing reads it while it is written.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}

impl Target {
    /// The elements of `slice`, which stays borrowed by whoever holds it.
    pub(super) fn new(slice: &mut [f32]) -> Self {
        Self { start: slice.as_mut_ptr(), length: slice.len() }
    }

    /// A part of the elements, to be worked on by one thread.
    ///
    /// # Safety
    /// The slice that this came from is alive for `'a`, and nothing else touches the part meanwhile.
    pub(super) unsafe fn part<'a>(self, range: std::ops::Range<usize>) -> &'a mut [f32] {
        assert!(range.start <= range.end && range.end <= self.length, "a part lies outside the target");
        // SAFETY: inside the slice by the line above; alive and exclusive by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }

    /// Copies `values` to position `at`.
    ///
    /// # Safety
    /// The slice that this came from is alive, and no other thread touches those elements meanwhile.
    #[inline]
    pub(super) unsafe fn write(&self, at: usize, values: &[f32]) {
        assert!(at + values.len() <= self.length, "a run lies outside the target");
        // SAFETY: inside the slice by the line above; exclusive by the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), self.start.add(at), values.len()) };
    }
}

/// `target[at(column) + row] = finished(source[row * stride + column])` for all rows and columns.
///
/// # Panics
/// When the source is too short or a run of `rows` values would leave the target.
///
/// # Safety
/// The slice behind `target` is alive, and no other thread touches the elements written meanwhile.
#[inline]
pub(super) unsafe fn transpose(
    source: &[f32],
    stride: usize,
    rows: usize,
    columns: usize,
    fused: &Fused<'_>,
    target: Target,
    at: impl Fn(usize) -> usize,
) {
    if rows == 0 || columns == 0 {
        return;
    }
    assert!((rows - 1) * stride + columns <= source.len(), "the source is too short");
    assert!(fused.bias.is_none_or(|bias| bias.len() >= columns), "a bias is missing");
    assert!(fused.mask.is_none_or(|(mask, _)| mask.len() == target.length), "the mask has another size");
    assert!(
        fused.shortcut.is_none_or(|(shortcut, _)| shortcut.len() == target.length),
        "the shortcut has another size"
    );
    for column in 0..columns {
        assert!(at(column) + rows <= target.length, "a run lies outside the target");
    }
    #[cfg(target_arch = "x86_64")]
    if rows > 2 && std::arch::is_x86_feature_detected!("avx512f") {
        // SAFETY: the CPU has AVX-512F, the bounds were checked above, and the caller promises exclusiveness.
        unsafe { avx512::transpose(source, stride, rows, columns, fused, target.start, at) };
        return;
    }
    for first in (0..columns).step_by(16) {
        for row in 0..rows {
            for column in first..columns.min(first + 16) {
                let value = fused.finish(column, source[row * stride + column]);
                let value = fused.combine(at(column) + row, value);
                // SAFETY: inside by the check above; exclusive by the caller's promise.
                unsafe { *target.start.add(at(column) + row) = value };
            }
        }
    }
}

/// [`transpose`] into a slice that is the caller's own.
pub(super) fn transpose_into(
    source: &[f32],
    stride: usize,
    rows: usize,
    columns: usize,
    target: &mut [f32],
    at: impl Fn(usize) -> usize,
) {
    let target = Target::new(target);
    // SAFETY: the slice is borrowed exclusively until this returns.
    unsafe { transpose(source, stride, rows, columns, &Fused::default(), target, at) };
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::Fused;
    use std::arch::x86_64::{
        __m512, __mmask16, _CMP_LE_OQ, _mm512_add_ps, _mm512_castpd_ps, _mm512_castps_pd, _mm512_cmp_ps_mask,
        _mm512_mask_mul_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_mul_ps, _mm512_set1_ps,
        _mm512_setzero_ps, _mm512_shuffle_f32x4, _mm512_unpackhi_pd, _mm512_unpackhi_ps, _mm512_unpacklo_pd,
        _mm512_unpacklo_ps,
    };

    /// Sixteen rows of sixteen values become sixteen columns.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn block(r: [__m512; 16]) -> [__m512; 16] {
        let mut pairs = r;
        for i in 0..8 {
            pairs[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
            pairs[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
        }
        let mut quads = pairs;
        for i in 0..4 {
            for j in 0..2 {
                let low = _mm512_castps_pd(pairs[4 * i + j]);
                let high = _mm512_castps_pd(pairs[4 * i + 2 + j]);
                quads[4 * i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
                quads[4 * i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
            }
        }
        // quads[4 i + c] holds, in each 128-bit part p, column 4 p + c of rows 4 i .. 4 i + 4.
        let mut out = quads;
        for c in 0..4 {
            let even_low = _mm512_shuffle_f32x4::<0x88>(quads[c], quads[4 + c]);
            let odd_low = _mm512_shuffle_f32x4::<0xdd>(quads[c], quads[4 + c]);
            let even_high = _mm512_shuffle_f32x4::<0x88>(quads[8 + c], quads[12 + c]);
            let odd_high = _mm512_shuffle_f32x4::<0xdd>(quads[8 + c], quads[12 + c]);
            out[c] = _mm512_shuffle_f32x4::<0x88>(even_low, even_high);
            out[8 + c] = _mm512_shuffle_f32x4::<0xdd>(even_low, even_high);
            out[4 + c] = _mm512_shuffle_f32x4::<0x88>(odd_low, odd_high);
            out[12 + c] = _mm512_shuffle_f32x4::<0xdd>(odd_low, odd_high);
        }
        out
    }

    /// As [`super::transpose`].
    ///
    /// # Safety
    /// The CPU has AVX-512F, and all that [`super::transpose`] checks holds.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn transpose(
        source: &[f32],
        stride: usize,
        rows: usize,
        columns: usize,
        fused: &Fused<'_>,
        target: *mut f32,
        at: impl Fn(usize) -> usize,
    ) {
        let first_of = |count: usize| -> __mmask16 { if count >= 16 { 0xffff } else { (1 << count) - 1 } };
        let slope = _mm512_set1_ps(fused.after.unwrap_or(1.0));
        for row in (0..rows).step_by(16) {
            let row_mask = first_of(rows - row);
            for column in (0..columns).step_by(16) {
                let column_mask = first_of(columns - column);
                let mut lines = [_mm512_setzero_ps(); 16];
                for (i, line) in lines.iter_mut().enumerate().take(rows - row) {
                    // SAFETY: the mask keeps the load inside this row's columns.
                    *line = unsafe {
                        let start = source.as_ptr().add((row + i) * stride + column);
                        _mm512_maskz_loadu_ps(column_mask, start)
                    };
                }
                let lines = block(lines);
                for (i, &line) in lines.iter().enumerate().take(columns - column) {
                    let mut line = line;
                    if let Some(bias) = fused.bias {
                        line = _mm512_add_ps(line, _mm512_set1_ps(bias[column + i]));
                    }
                    if fused.after.is_some() {
                        let below = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(line, _mm512_setzero_ps());
                        line = _mm512_mask_mul_ps(line, below, line, slope);
                    }
                    let place = at(column + i) + row;
                    if let Some((mask, slope)) = fused.mask {
                        // SAFETY: the mask is as long as the target, and the same run of it is read.
                        let mask = unsafe { _mm512_maskz_loadu_ps(row_mask, mask.as_ptr().add(place)) };
                        let below = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(mask, _mm512_setzero_ps());
                        line = _mm512_mask_mul_ps(line, below, line, _mm512_set1_ps(slope));
                    }
                    if let Some((shortcut, scale)) = fused.shortcut {
                        // SAFETY: the shortcut is as long as the target, and the same run of it is read.
                        let shortcut =
                            unsafe { _mm512_maskz_loadu_ps(row_mask, shortcut.as_ptr().add(place)) };
                        line = _mm512_add_ps(shortcut, _mm512_mul_ps(_mm512_set1_ps(scale), line));
                    }
                    // SAFETY: the mask keeps the store inside this column's run, which the caller checked.
                    unsafe { _mm512_mask_storeu_ps(target.add(place), row_mask, line) };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_transposed_and_finished() {
        for rows in [1, 2, 3, 8, 16, 17, 33] {
            for columns in [1, 3, 15, 16, 17, 32, 40] {
                let stride = columns + 2;
                let source: Vec<f32> = (0..rows * stride).map(|i| i as f32 - 100.0).collect();
                let bias: Vec<f32> = (0..columns).map(|c| c as f32 * 0.5).collect();
                let mut out = vec![f32::NAN; columns * (rows + 1)];
                let mask: Vec<f32> = (0..out.len()).map(|i| if i % 3 == 0 { 1.0 } else { 0.0 }).collect();
                let shortcut: Vec<f32> = (0..out.len()).map(|i| i as f32).collect();
                let fused = Fused {
                    before: None,
                    bias: Some(&bias),
                    after: Some(0.25),
                    mask: Some((&mask, 0.5)),
                    shortcut: Some((&shortcut, 2.0)),
                };
                // SAFETY: the slice is this test's own.
                unsafe {
                    let target = Target::new(&mut out);
                    transpose(&source, stride, rows, columns, &fused, target, |c| c * (rows + 1));
                }
                for column in 0..columns {
                    for row in 0..rows {
                        let value = source[row * stride + column] + 0.5 * column as f32;
                        let value = if value > 0.0 { value } else { 0.25 * value };
                        let at = column * (rows + 1) + row;
                        let masked = if mask[at] > 0.0 { value } else { 0.5 * value };
                        let expected = shortcut[at] + 2.0 * masked;
                        assert_eq!(out[at].to_bits(), expected.to_bits());
                    }
                    assert!(out[column * (rows + 1) + rows].is_nan(), "wrote past a run");
                }
            }
        }
    }
}
