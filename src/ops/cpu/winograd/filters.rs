//! The transformation of the kernels, and of the sums of the weight gradient back to kernels.

use super::super::blocked::transforms::{F4, Transform};
use super::super::isa::{Isa, Kernel};
use super::super::lanes::Lanes;
use super::super::micro::LANES;
use super::super::scratch::with_scratch;
use super::super::transpose::{Destination, transpose_into};
use super::{BLOCK, POINTS};
use rayon::prelude::*;

/// Entries of a kernel.
const TAPS: usize = 9;

/// Points along one axis.
const EDGE: usize = 6;

/// Values that [`pack`] makes.
pub(super) fn packed_length(outputs: usize, inputs: usize) -> usize {
    POINTS * outputs * inputs
}

/// Transforms the kernels to `[group of LANES outputs][point][input][LANES]`. The kernels from each input to the outputs
/// of a group are what `kernels(group, input, target)` writes, as `[tap][LANES]`.
pub(super) fn pack(
    isa: Isa,
    outputs: usize,
    inputs: usize,
    packed: &mut [f32],
    kernels: impl Fn(usize, usize, &mut [f32]) + Sync,
) {
    /// Inputs that a thread takes at a time.
    const PART: usize = 16;
    let parts = inputs.div_ceil(PART);
    let target = Destination::over(packed);
    (0..outputs / LANES * parts).into_par_iter().for_each(|task| {
        let (group, part) = (task / parts, task % parts);
        for input in part * PART..inputs.min((part + 1) * PART) {
            let mut taps = [0.0; TAPS * LANES];
            kernels(group, input, &mut taps);
            let mut points = [0.0; POINTS * LANES];
            isa.run(Forth { taps: &taps, points: &mut points });
            for (point, values) in points.chunks_exact(LANES).enumerate() {
                // SAFETY: every task has inputs of its own.
                unsafe { target.write(((group * POINTS + point) * inputs + input) * LANES, values) };
            }
        }
    });
}

/// Sums, `[part][point][input][LANES]` of one group of outputs, back to kernels; `taps` is `[input][tap][LANES]` for
/// `inputs` inputs, the first of which lies at `first`.
pub(super) fn unpack(
    isa: Isa,
    parts: &[&[f32]],
    at: impl Fn(usize, usize) -> usize,
    inputs: usize,
    taps: &mut [f32],
) {
    for (input, taps) in taps.chunks_exact_mut(TAPS * LANES).enumerate().take(inputs) {
        let mut points = [0.0_f32; POINTS * LANES];
        for part in parts {
            for (point, sums) in points.chunks_exact_mut(LANES).enumerate() {
                let values = &part[at(point, input)..][..LANES];
                sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum += value);
            }
        }
        isa.run(Back { points: &points, taps });
    }
}

/// The kernels of the convolution itself: `weight (outputs, inputs, 3, 3)`.
pub(super) fn straight(isa: Isa, weight: &[f32], inputs: usize) -> impl Fn(usize, usize, &mut [f32]) + Sync {
    move |group, input, taps| {
        let source = &weight[(group * LANES * inputs + input) * TAPS..];
        transpose_into(isa, source, inputs * TAPS, LANES, TAPS, taps, |tap| tap * LANES);
    }
}

/// The kernels of its input gradient, whose outputs are the convolution's `inputs`, turned round.
pub(super) fn turned(isa: Isa, weight: &[f32], inputs: usize) -> impl Fn(usize, usize, &mut [f32]) + Sync {
    move |group, output, taps| {
        let source = &weight[(output * inputs + group * LANES) * TAPS..];
        transpose_into(isa, source, TAPS, LANES, TAPS, taps, |tap| (TAPS - 1 - tap) * LANES);
    }
}

/// `G g G^T` of [`LANES`] kernels.
struct Forth<'a> {
    taps: &'a [f32; TAPS * LANES],
    points: &'a mut [f32; POINTS * LANES],
}

impl Kernel for Forth<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        for first in (0..LANES).step_by(BLOCK) {
            // SAFETY: the caller's promise; all places lie inside the arrays.
            unsafe {
                let mut columns = [[L::splat(0.0); 3]; EDGE];
                for x in 0..3 {
                    let tap = |y: usize| L::load(self.taps.as_ptr().add((y * 3 + x) * LANES + first));
                    let column = filter([tap(0), tap(1), tap(2)]);
                    for y in 0..EDGE {
                        columns[y][x] = column[y];
                    }
                }
                for (y, row) in columns.into_iter().enumerate() {
                    for (x, value) in filter(row).into_iter().enumerate() {
                        value.store(self.points.as_mut_ptr().add((y * EDGE + x) * LANES + first));
                    }
                }
            }
        }
    }
}

/// `G g` of one column or row.
///
/// # Safety
/// The processor has the instructions of `L`.
#[inline(always)]
unsafe fn filter<L: Lanes>(g: [L; 3]) -> [L; EDGE] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut out = [L::splat(0.0); EDGE];
        for (out, row) in out.iter_mut().zip(F4::FILTER) {
            for (&g, &factor) in g.iter().zip(row) {
                *out = g.mul_add(L::splat(factor as f32), *out);
            }
        }
        out
    }
}

/// `G^T m G` of [`LANES`] kernels.
struct Back<'a> {
    points: &'a [f32; POINTS * LANES],
    taps: &'a mut [f32],
}

impl Kernel for Back<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        assert!(self.taps.len() >= TAPS * LANES);
        for first in (0..LANES).step_by(BLOCK) {
            // SAFETY: the caller's promise; all places lie inside the arrays.
            unsafe {
                let mut columns = [[L::splat(0.0); EDGE]; 3];
                for x in 0..EDGE {
                    let mut column = [L::splat(0.0); EDGE];
                    for (y, value) in column.iter_mut().enumerate() {
                        *value = L::load(self.points.as_ptr().add((y * EDGE + x) * LANES + first));
                    }
                    for (row, value) in columns.iter_mut().zip(unfilter(column)) {
                        row[x] = value;
                    }
                }
                for (y, row) in columns.into_iter().enumerate() {
                    for (x, value) in unfilter(row).into_iter().enumerate() {
                        value.store(self.taps.as_mut_ptr().add((y * 3 + x) * LANES + first));
                    }
                }
            }
        }
    }
}

/// `G^T m` of one column or row.
///
/// # Safety
/// The processor has the instructions of `L`.
#[inline(always)]
unsafe fn unfilter<L: Lanes>(m: [L; EDGE]) -> [L; 3] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut out = [L::splat(0.0); 3];
        for (m, row) in m.into_iter().zip(F4::FILTER) {
            for (out, &factor) in out.iter_mut().zip(row) {
                *out = m.mul_add(L::splat(factor as f32), *out);
            }
        }
        out
    }
}

/// Runs `work` with packed kernels.
pub(super) fn with_packed<R>(
    isa: Isa,
    outputs: usize,
    inputs: usize,
    kernels: impl Fn(usize, usize, &mut [f32]) + Sync,
    work: impl FnOnce(&[f32]) -> R,
) -> R {
    with_scratch(packed_length(outputs, inputs), |packed| {
        pack(isa, outputs, inputs, packed, kernels);
        work(packed)
    })
}
