//! Kernels that touch each element once.

use super::filled_vec;
use rayon::prelude::*;
use std::mem::MaybeUninit;
use std::ops::{Add, AddAssign, Mul, Sub};

/// A float the kernels compute in.
pub trait Real:
    Copy + Send + Sync + PartialOrd + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + AddAssign
{
    /// Nothing.
    const ZERO: Self;
    /// What leaves a factor as it is.
    const ONE: Self;
    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;
    /// The same value in f64.
    fn wide(self) -> f64;
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    fn from_f64(value: f64) -> Self {
        value as Self
    }
    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    fn from_f64(value: f64) -> Self {
        value
    }
    fn wide(self) -> f64 {
        self
    }
}

/// Elements a thread takes at a time: 64 KiB of f32, so that small tensors stay on the calling thread.
const CHUNK: usize = 1 << 14;

/// `f(a[i])` in all of `room`.
///
/// # Panics
/// When `a` is shorter.
pub(crate) fn map<'r, T: Real>(
    a: &[T],
    room: &'r mut [MaybeUninit<T>],
    f: impl Fn(T) -> T + Send + Sync + Copy,
) -> &'r mut [T] {
    filled_vec::par_chunks(room, CHUNK, |index, room| {
        let a = &a[index * CHUNK..][..room.len()];
        filled_vec::from_iter(room, a.iter().map(|&a| f(a)))
    })
}

/// `f(a[i], b[i])` in all of `room`.
///
/// # Panics
/// When `a` or `b` is shorter.
pub(crate) fn zip<'r, T: Real>(
    a: &[T],
    b: &[T],
    room: &'r mut [MaybeUninit<T>],
    f: impl Fn(T, T) -> T + Send + Sync + Copy,
) -> &'r mut [T] {
    filled_vec::par_chunks(room, CHUNK, |index, room| {
        let (start, length) = (index * CHUNK, room.len());
        let (a, b) = (&a[start..][..length], &b[start..][..length]);
        filled_vec::from_iter(room, a.iter().zip(b).map(|(&a, &b)| f(a, b)))
    })
}

/// `f(a[i], b[run])` in all of `room`, element i being of a run of as many values as there are for each of `b`.
///
/// # Panics
/// When `a` is shorter, or `b` is not one number for each of runs of one length.
pub(crate) fn zip_runs<'r, T: Real>(
    a: &[T],
    b: &[T],
    room: &'r mut [MaybeUninit<T>],
    f: impl Fn(T, T) -> T + Send + Sync + Copy,
) -> &'r mut [T] {
    let run = (room.len() / b.len().max(1)).max(1);
    assert_eq!(run * b.len(), room.len(), "{} numbers for {} values", b.len(), room.len());
    filled_vec::par_chunks(room, run, |index, room| {
        let (a, b) = (&a[index * run..][..room.len()], b[index]);
        filled_vec::from_iter(room, a.iter().map(|&a| f(a, b)))
    })
}

/// `a + b` in all of `room`, each of the `plane` values of a picture of `b` added to all planes of that picture in `a`.
///
/// # Panics
/// When `a` is shorter, or `b` is not one plane for each of as many pictures.
pub(crate) fn add_planes<'r, T: Real>(
    a: &[T],
    b: &[T],
    plane: usize,
    room: &'r mut [MaybeUninit<T>],
) -> &'r mut [T] {
    let plane = plane.max(1);
    let picture = (room.len() / (b.len() / plane).max(1)).max(1);
    filled_vec::par_chunks(room, plane, |index, room| {
        let start = index * plane;
        let (a, b) = (&a[start..][..room.len()], &b[start / picture * plane..][..room.len()]);
        filled_vec::from_iter(room, a.iter().zip(b).map(|(&a, &b)| a + b))
    })
}

/// The sum of the planes of each picture, in all of `room`, a picture being `planes` of them one after the other.
///
/// # Panics
/// When `x` is shorter.
pub(crate) fn plane_sum<'r, T: Real>(
    x: &[T],
    planes: usize,
    plane: usize,
    room: &'r mut [MaybeUninit<T>],
) -> &'r mut [T] {
    let plane = plane.max(1);
    filled_vec::par_chunks(room, plane, |index, room| {
        let sums = filled_vec::from_fn(room, |_| T::ZERO);
        for x in x[index * planes * plane..].chunks_exact(plane).take(planes) {
            for (sum, &x) in sums.iter_mut().zip(x) {
                *sum += x;
            }
        }
        sums
    })
}

/// `out[i] = f(a[i], out[i])` for all of `out`, of the length of `a`.
pub(crate) fn update<T: Real>(a: &[T], out: &mut [T], f: impl Fn(T, T) -> T + Send + Sync + Copy) {
    out.par_chunks_mut(CHUNK).zip(a.par_chunks(CHUNK)).for_each(move |(out, a)| {
        for (o, &a) in out.iter_mut().zip(a) {
            *o = f(a, *o);
        }
    });
}

/// The derivative of a leaky ReLU: 1 above zero, else `slope`. Multiplying with it, rather than choosing between two
/// products, is what the compiler turns into vectors without branches.
#[inline(always)]
pub(crate) fn gate<T: Real>(x: T, slope: T) -> T {
    if x > T::ZERO { T::ONE } else { slope }
}

/// Leaky ReLU of one value.
#[inline(always)]
pub(crate) fn leaky<T: Real>(x: T, slope: T) -> T {
    gate(x, slope) * x
}

/// Leaky ReLU: `x` above zero, `slope * x` elsewhere.
pub(crate) fn leaky_relu<'r, T: Real>(x: &[T], slope: T, room: &'r mut [MaybeUninit<T>]) -> &'r mut [T] {
    map(x, room, move |x| leaky(x, slope))
}

/// `upstream` where `x` is above zero, `slope * upstream` elsewhere.
pub(crate) fn leaky_relu_backward<'r, T: Real>(
    x: &[T],
    upstream: &[T],
    slope: T,
    room: &'r mut [MaybeUninit<T>],
) -> &'r mut [T] {
    zip(x, upstream, room, move |x, g| gate(x, slope) * g)
}

/// The sum of all squares; the order of the sum is fixed.
pub(crate) fn sum_of_squares(x: &[f32]) -> f64 {
    let parts: Vec<f64> = x
        .par_chunks(CHUNK)
        .map(|chunk| {
            let mut lanes = [0.0_f64; 16];
            for values in chunk.chunks(16) {
                for (lane, &value) in lanes.iter_mut().zip(values) {
                    *lane += f64::from(value) * f64::from(value);
                }
            }
            lanes.iter().sum::<f64>()
        })
        .collect();
    parts.iter().sum()
}

/// `x[i] + weights[n] * leaky(change[i])` in all of `room`, element i being of picture n.
///
/// # Panics
/// When `x` or `change` is shorter.
pub(crate) fn add_per_picture<'r, T: Real>(
    x: &[T],
    change: &[T],
    weights: &[T],
    slope: T,
    room: &'r mut [MaybeUninit<T>],
) -> &'r mut [T] {
    let picture = (room.len() / weights.len().max(1)).max(1);
    filled_vec::par_chunks(room, picture, |n, room| {
        let (start, length, weight) = (n * picture, room.len(), weights[n]);
        let (x, change) = (&x[start..][..length], &change[start..][..length]);
        zip(x, change, room, move |x, change| x + weight * leaky(change, slope))
    })
}

/// For every channel, the sum over images and positions of `x (batch, channels, plane)`, with `weights` times each
/// image's, in all of `room`; the order of the sum is fixed.
pub(crate) fn channel_sum<'r, T: Real>(
    x: &[T],
    weights: Option<&[T]>,
    channels: usize,
    plane: usize,
    room: &'r mut [MaybeUninit<T>],
) -> &'r mut [T] {
    let image = channels * plane;
    if plane == 1 {
        return column_sum(x, weights, channels, room);
    }
    filled_vec::par_chunks(room, 1, |channel, room| {
        let mut sum = T::ZERO;
        for (n, image) in x.chunks_exact(image.max(1)).enumerate() {
            let weight = weights.map_or(T::ONE, |weights| weights[n]);
            sum += weight * plain_sum(&image[channel * plane..][..plane]);
        }
        filled_vec::from_fn(room, |_| sum)
    })
}

/// The same where a channel is a single value of each row, in the same order.
fn column_sum<'r, T: Real>(
    x: &[T],
    weights: Option<&[T]>,
    columns: usize,
    room: &'r mut [MaybeUninit<T>],
) -> &'r mut [T] {
    // a few rows of so many columns stay in the first cache
    const COLUMNS: usize = 256;
    filled_vec::par_chunks(room, COLUMNS, |part, room| {
        let sums = filled_vec::from_fn(room, |_| T::ZERO);
        for (n, row) in x.chunks_exact(columns.max(1)).enumerate() {
            let weight = weights.map_or(T::ONE, |weights| weights[n]);
            for (sum, &value) in sums.iter_mut().zip(&row[part * COLUMNS..]) {
                *sum += weight * value;
            }
        }
        sums
    })
}

/// The sum of a slice in sixteen running sums, which the compiler turns into vectors.
fn plain_sum<T: Real>(values: &[T]) -> T {
    let mut lanes = [T::ZERO; 16];
    let chunks = values.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &v) in lanes.iter_mut().zip(chunk) {
            *lane += v;
        }
    }
    let mut sum = T::ZERO;
    for &v in lanes.iter().chain(rest) {
        sum += v;
    }
    sum
}
