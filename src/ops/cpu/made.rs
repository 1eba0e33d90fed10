//! Results that are written once.

use super::elementwise::Real;

/// `length` values that `fill` writes.
///
/// Filling them with zeros first would cost as much as many an operation. `fill` must overwrite every value before
/// it reads one; until then they are whatever the memory holds.
pub(in crate::ops) fn made<T: Real>(length: usize, fill: impl FnOnce(&mut [T])) -> Vec<T> {
    let mut values = Vec::<T>::with_capacity(length);
    let room = &mut values.spare_capacity_mut()[..length];
    // SAFETY: `room` is memory of this vector for `length` values of f32 or f64, the only types that are `Real`,
    // which have no destructor and for which every bit pattern is a number. `fill` is one of this crate's kernels,
    // all of which write without reading.
    fill(unsafe { &mut *(std::ptr::from_mut(room) as *mut [T]) });
    // SAFETY: the capacity was asked for above, and `fill` has written all values.
    unsafe { values.set_len(length) };
    values
}
