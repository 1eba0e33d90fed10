//! Results that are written once, into memory that has no values before.
//!
//! Filling it with zeros first would cost as much as many an operation. A kernel is given places without values, its
//! *room*, and gives back the same places with their values, `&mut [T]`. Safe code has no other way to such a slice
//! than to write every place of it, so the slice is the proof that nothing was left out.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::sizes::product;

/// `length` values that `fill` writes.
///
/// # Panics
/// When `fill` returns another slice than its room.
pub(in crate::ops) fn filled_vec<T: Copy>(
    length: usize,
    fill: impl FnOnce(&mut [MaybeUninit<T>]) -> &mut [T],
) -> Vec<T> {
    let mut values = Vec::with_capacity(length);
    written(&mut values.spare_capacity_mut()[..length], fill);
    // SAFETY: so much capacity was asked for above, and `written` has seen the places come back as values.
    unsafe { values.set_len(length) };
    values
}

/// Runs `fill` on `room`, which must be what it returns.
#[inline(always)]
fn written<T>(room: &mut [MaybeUninit<T>], fill: impl FnOnce(&mut [MaybeUninit<T>]) -> &mut [T]) -> &mut [T] {
    let (start, length) = (room.as_ptr().cast::<T>(), room.len());
    let values = fill(room);
    let same = std::ptr::eq(values.as_ptr(), start) && values.len() == length;
    assert!(same, "a kernel gave back other places than its own");
    values
}

/// `value(i)` at every place i.
#[inline(always)]
pub(in crate::ops) fn from_fn<T: Copy>(
    room: &mut [MaybeUninit<T>],
    mut value: impl FnMut(usize) -> T,
) -> &mut [T] {
    for (index, place) in room.iter_mut().enumerate() {
        place.write(value(index));
    }
    // SAFETY: the loop has written every place.
    unsafe { room.assume_init_mut() }
}

/// The first of `values`, as many as there are places.
///
/// # Panics
/// When there are fewer.
#[inline(always)]
pub(super) fn from_iter<T: Copy>(
    room: &mut [MaybeUninit<T>],
    values: impl IntoIterator<Item = T>,
) -> &mut [T] {
    let mut count = 0;
    for (place, value) in room.iter_mut().zip(values) {
        place.write(value);
        count += 1;
    }
    assert_eq!(count, room.len(), "places are left without a value");
    // SAFETY: the loop has written as many places as there are, one after the other.
    unsafe { room.assume_init_mut() }
}

/// Cuts `room` into parts of `size`, the last one perhaps shorter, of which `fill` writes each by its number.
///
/// # Panics
/// When `size` is 0 and there is room, or `fill` returns another slice than its part.
#[inline(always)]
pub(super) fn chunks<T: Copy>(
    room: &mut [MaybeUninit<T>],
    size: usize,
    mut fill: impl FnMut(usize, &mut [MaybeUninit<T>]) -> &mut [T],
) -> &mut [T] {
    if !room.is_empty() {
        for (index, chunk) in room.chunks_mut(size).enumerate() {
            written(chunk, |chunk| fill(index, chunk));
        }
    }
    // SAFETY: the parts are all of the room, and `written` has seen each of them come back as values.
    unsafe { room.assume_init_mut() }
}

/// [`chunks`] on rayon's threads.
///
/// # Panics
/// As there.
pub(super) fn par_chunks<T: Copy + Send>(
    room: &mut [MaybeUninit<T>],
    size: usize,
    fill: impl Fn(usize, &mut [MaybeUninit<T>]) -> &mut [T] + Sync,
) -> &mut [T] {
    if !room.is_empty() {
        room.par_chunks_mut(size).enumerate().for_each(|(index, chunk)| {
            written(chunk, |chunk| fill(index, chunk));
        });
    }
    // SAFETY: as in `chunks`; rayon has come back from all parts.
    unsafe { room.assume_init_mut() }
}

/// Cuts `room` into parts of `size`, one for each of `values`, and writes `value(v)` at all places of a part.
///
/// # Panics
/// When the parts are not all of the room.
#[inline(always)]
pub(super) fn blocks<'r, A, T: Copy>(
    room: &'r mut [MaybeUninit<T>],
    size: usize,
    values: &[A],
    value: impl Fn(&A) -> T,
) -> &'r mut [T] {
    assert_eq!(room.len(), product([size, values.len()]), "places are left without a value");
    for (block, v) in room.chunks_exact_mut(size).zip(values) {
        let value = value(v);
        block.iter_mut().for_each(|place| *place = MaybeUninit::new(value));
    }
    // SAFETY: there are as many parts as values, which together are the room by the line above.
    unsafe { room.assume_init_mut() }
}

/// Cuts `room` into `count` equal parts, the first of which `fill` writes and all others repeat.
///
/// # Panics
/// When the room does not divide into so many, or `fill` returns another slice than its part.
#[inline(always)]
pub(super) fn copies<T: Copy>(
    room: &mut [MaybeUninit<T>],
    count: usize,
    fill: impl FnOnce(&mut [MaybeUninit<T>]) -> &mut [T],
) -> &mut [T] {
    assert!(room.len().is_multiple_of(count), "places are left without a value");
    let size = room.len() / count;
    let (first, rest) = room.split_at_mut(size);
    let first = written(first, fill);
    if size > 0 {
        for part in rest.chunks_exact_mut(size) {
            part.write_copy_of_slice(first);
        }
    }
    // SAFETY: `written` has seen the first part come back as values, and the others, which are all the rest, repeat it.
    unsafe { room.assume_init_mut() }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    type Room<'a> = &'a mut [MaybeUninit<u64>];

    /// The numbers of a part and of a place in it.
    fn numbered(part: usize, room: Room<'_>) -> &mut [u64] {
        from_fn(room, |place| (100 * part + place) as u64)
    }

    #[test]
    fn values_are_where_they_belong() {
        assert_eq!(filled_vec(3, |room| numbered(2, room)), [200, 201, 202]);
        assert_eq!(filled_vec(3, |room| from_iter(room, [1.0, 2.0, 3.0, 4.0])), [1.0, 2.0, 3.0]);
        assert!(filled_vec(0, |room| from_iter(room, [0_u64; 0])).is_empty());
    }

    #[test]
    fn parts_cover_their_room() {
        let expected = [0, 1, 100, 101, 200];
        assert_eq!(filled_vec(5, |room| chunks(room, 2, numbered)), expected);
        assert_eq!(filled_vec(5, |room| par_chunks(room, 2, numbered)), expected);
        for size in [0, 1, 9] {
            assert!(filled_vec(0, |room| chunks(room, size, numbered)).is_empty());
            assert!(filled_vec(0, |room| par_chunks(room, size, numbered)).is_empty());
        }
    }

    #[test]
    fn values_are_repeated() {
        assert_eq!(filled_vec(6, |room| blocks(room, 2, &[1, 2, 3], |v| 10 * v)), [10, 10, 20, 20, 30, 30]);
        assert_eq!(filled_vec(6, |room| copies(room, 3, |first| numbered(0, first))), [0, 1, 0, 1, 0, 1]);
        assert!(filled_vec(0, |room| copies(room, 3, |first| numbered(0, first))).is_empty());
    }

    #[test]
    fn what_has_no_value_is_never_read() {
        let fails = |fill: fn(Room<'_>) -> &mut [u64]| {
            catch_unwind(AssertUnwindSafe(|| filled_vec(4, fill))).is_err()
        };
        assert!(!fails(|room| numbered(0, room)));
        assert!(fails(|room| from_iter(room, [1, 2, 3])), "too few values");
        assert!(fails(|room| numbered(0, &mut room[..3])), "the last place is left out");
        assert!(fails(|room| numbered(0, &mut room[1..])), "the first place is left out");
        assert!(fails(|_| &mut []), "nothing");
        assert!(fails(|_| Vec::leak(vec![1, 2, 3, 4])), "other places");
        assert!(fails(|room| blocks(room, 3, &[1], |&v| v)), "too few blocks");
        assert!(fails(|room| copies(room, 3, |first| numbered(0, first))), "a rest");
        assert!(fails(|room| chunks(room, 2, |part, room| numbered(part, &mut room[..1]))));
        assert!(fails(|room| par_chunks(room, 2, |part, room| numbered(part, &mut room[..1]))));
    }
}
