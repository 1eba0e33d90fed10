//! Transposition between "one channel after another" and "all channels of one pixel", with what can be done to the
//! values on the way.

use std::mem::MaybeUninit;

use super::fused::Fused;
use super::isa::Isa;
use super::shared::Shared;
use super::sizes::fits;

/// Where a transposition writes: memory that several threads fill at once, each its own elements, and that nobody
/// reads meanwhile.
#[derive(Clone, Copy)]
pub(super) struct Destination<'a>(Shared<'a, MaybeUninit<f32>>);

impl<'a> Destination<'a> {
    /// Places that have no values yet.
    pub(super) fn new(room: &'a mut [MaybeUninit<f32>]) -> Self {
        Self(Shared::new(room))
    }

    /// Values that are overwritten.
    pub(super) fn over(values: &'a mut [f32]) -> Self {
        let room = std::ptr::from_mut(values) as *mut [MaybeUninit<f32>];
        // SAFETY: places for values are what values lie in, and they stay borrowed; nothing that a `Target` does takes
        // a value away from its place.
        Self::new(unsafe { &mut *room })
    }

    /// Copies `values` to position `at`.
    ///
    /// # Panics
    /// When they would leave the target.
    ///
    /// # Safety
    /// No other thread touches those elements meanwhile.
    #[inline]
    pub(super) unsafe fn write(&self, at: usize, values: &[f32]) {
        let room = self.0.len().checked_sub(values.len());
        assert!(room.is_some_and(|room| at <= room), "a run lies outside the target");
        // SAFETY: inside the slice by the line above, which is borrowed; exclusive by the caller's promise.
        unsafe {
            let to = self.0.start().add(at).cast::<f32>();
            std::ptr::copy_nonoverlapping(values.as_ptr(), to, values.len());
        }
    }
}

/// `target[at(column) + row] = finished(source[row * stride + column])` for all rows and columns.
///
/// # Panics
/// When the source is too short or a run of `rows` values would leave the target.
///
/// # Safety
/// No other thread touches the elements written meanwhile.
#[inline]
pub(super) unsafe fn transpose(
    isa: Isa,
    source: &[f32],
    stride: usize,
    rows: usize,
    columns: usize,
    fused: &Fused<'_>,
    target: Destination<'_>,
    at: impl Fn(usize) -> usize,
) {
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(fits(rows, stride, columns, source.len()), "the source is too short");
    assert!(fused.bias.is_none_or(|bias| bias.len() >= columns), "a bias is missing");
    let length = target.0.len();
    assert!(fused.mask.is_none_or(|(mask, _)| mask.len() == length), "the mask has another size");
    assert!(
        fused.shortcut.is_none_or(|(shortcut, _)| shortcut.len() == length),
        "the shortcut has another size"
    );
    // The last place where a run of `rows` may begin.
    let last = length.checked_sub(rows);
    assert!(last.is_some(), "a run lies outside the target");
    let last = last.unwrap_or_default();
    let start = target.0.start().cast::<f32>();
    #[cfg(target_arch = "x86_64")]
    if rows > 2
        && let Some(proof) = isa.avx512()
    {
        // SAFETY: the source, the bias, the mask and the shortcut were compared above with what is read of them, and
        // `last` is where the target's last run begins; the caller promises exclusiveness.
        unsafe { avx512::transpose(proof, source, stride, rows, columns, fused, start, last, at) };
        return;
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = isa;
    for first in (0..columns).step_by(16) {
        let width = 16.min(columns - first);
        let mut places = [0; 16];
        for (i, place) in places[..width].iter_mut().enumerate() {
            *place = at(first + i);
            assert!(*place <= last, "a run lies outside the target");
        }
        for row in 0..rows {
            for (i, place) in places[..width].iter().enumerate() {
                let (column, place) = (first + i, place + row);
                let value = fused.finish(column, source[row * stride + column]);
                let value = fused.combine(place, value);
                // SAFETY: the run begins at `last` at the latest, so all its `rows` values lie inside; exclusive by
                // the caller's promise.
                unsafe { *start.add(place) = value };
            }
        }
    }
}

/// [`transpose`] into a slice that is the caller's own.
pub(super) fn transpose_into(
    isa: Isa,
    source: &[f32],
    stride: usize,
    rows: usize,
    columns: usize,
    target: &mut [f32],
    at: impl Fn(usize) -> usize,
) {
    // SAFETY: the slice is borrowed exclusively until this returns.
    unsafe {
        transpose(isa, source, stride, rows, columns, &Fused::default(), Destination::over(target), at);
    };
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::super::isa::HasAvx512;
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

    /// As [`super::transpose`], into runs that begin at `last` at the latest.
    ///
    /// # Panics
    /// When a run begins later.
    ///
    /// # Safety
    /// The source has all rows and columns, the bias all columns; `last + rows` is the length of the target, the mask
    /// and the shortcut; no other thread touches the elements written meanwhile. That the processor has AVX-512F is
    /// what the first argument proves.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn transpose(
        _: HasAvx512,
        source: &[f32],
        stride: usize,
        rows: usize,
        columns: usize,
        fused: &Fused<'_>,
        target: *mut f32,
        last: usize,
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
                    // SAFETY: the mask keeps the load inside this row's columns, which the source has.
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
                    // Asked for once: what is checked is what is written.
                    let place = at(column + i);
                    assert!(place <= last, "a run lies outside the target");
                    let place = place + row;
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
                    // SAFETY: the mask keeps the store inside this column's run, which lies in the target.
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
        let sizes: &[usize] = if cfg!(miri) { &[1, 3, 17] } else { &[1, 2, 3, 8, 15, 16, 17, 32, 33, 40] };
        for (isa, &rows, &columns) in Isa::available()
            .iter()
            .flat_map(|&isa| sizes.iter().flat_map(move |rows| sizes.iter().map(move |c| (isa, rows, c))))
        {
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
                let target = Destination::over(&mut out);
                transpose(isa, &source, stride, rows, columns, &fused, target, |c| c * (rows + 1));
            }
            for column in 0..columns {
                for row in 0..rows {
                    let value = source[row * stride + column] + 0.5 * column as f32;
                    let value = if value > 0.0 { value } else { 0.25 * value };
                    let at = column * (rows + 1) + row;
                    let masked = if mask[at] > 0.0 { value } else { 0.5 * value };
                    let expected = shortcut[at] + 2.0 * masked;
                    assert_eq!(out[at].to_bits(), expected.to_bits(), "{isa:?}");
                }
                assert!(out[column * (rows + 1) + rows].is_nan(), "wrote past a run");
            }
        }
    }

    /// Whether three columns of four rows are refused when `at` says where they go among twelve values.
    fn is_refused(isa: Isa, at: impl Fn(usize) -> usize) -> bool {
        let mut out = [0.0; 12];
        let run = std::panic::AssertUnwindSafe(|| transpose_into(isa, &[1.0; 12], 3, 4, 3, &mut out, at));
        std::panic::catch_unwind(run).is_err()
    }

    #[test]
    fn a_run_outside_the_target_is_refused() {
        for isa in Isa::available() {
            assert!(!is_refused(isa, |column| column * 4));
            assert!(is_refused(isa, |column| column * 4 + 1));
            assert!(is_refused(isa, |column| if column == 2 { usize::MAX - 2 } else { 0 }), "wraps around");
            // Places that change each time they are asked for.
            let asked = std::cell::Cell::new(0);
            let moving = |column: usize| {
                asked.set(asked.get() + 1);
                if asked.get() > 3 { 1_000_000 } else { column * 4 }
            };
            // Refused, or never seen: AVX-512 asks for each of the three once.
            let refused = is_refused(isa, moving);
            assert!(refused || asked.get() == 3, "{isa:?}: asked {} times", asked.get());
        }
    }

    #[test]
    fn a_source_that_is_too_short_is_refused() {
        for isa in Isa::available() {
            let run = |stride: usize, rows: usize| {
                std::panic::catch_unwind(|| {
                    transpose_into(isa, &[1.0; 12], stride, rows, 3, &mut [0.0; 12], |column| column * rows);
                })
            };
            assert!(run(3, 4).is_ok());
            assert!(run(4, 4).is_err());
            assert!(run(usize::MAX / 3 + 1, 4).is_err(), "wraps around");
        }
    }

    #[test]
    fn runs_are_written_inside_the_target_alone() {
        let mut out = [0.0; 4];
        // SAFETY: the slice is this test's own.
        unsafe { Destination::over(&mut out).write(2, &[1.0, 2.0]) };
        assert_eq!(out, [0.0, 0.0, 1.0, 2.0]);
        for at in [3, usize::MAX] {
            // SAFETY: as above.
            let run = || unsafe { Destination::over(&mut [0.0; 4]).write(at, &[1.0, 2.0]) };
            assert!(std::panic::catch_unwind(run).is_err(), "{at}");
        }
    }
}
