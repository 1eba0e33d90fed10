//! Kernels that touch each element once.

use rayon::prelude::*;
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
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    fn from_f64(value: f64) -> Self {
        value as Self
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    fn from_f64(value: f64) -> Self {
        value
    }
}

/// Elements a thread takes at a time: 64 KiB of f32, so that small tensors stay on the calling thread.
const CHUNK: usize = 1 << 14;

/// `out[i] = f(a[i])` for all of `out`.
pub fn map<T: Real>(a: &[T], out: &mut [T], f: impl Fn(T) -> T + Send + Sync + Copy) {
    out.par_chunks_mut(CHUNK).zip(a.par_chunks(CHUNK)).for_each(move |(out, a)| {
        for (o, &a) in out.iter_mut().zip(a) {
            *o = f(a);
        }
    });
}

/// `out[i] = f(a[i], b[i])` for all of `out`.
pub fn zip<T: Real>(a: &[T], b: &[T], out: &mut [T], f: impl Fn(T, T) -> T + Send + Sync + Copy) {
    out.par_chunks_mut(CHUNK).zip(a.par_chunks(CHUNK)).zip(b.par_chunks(CHUNK)).for_each(
        move |((out, a), b)| {
            for ((o, &a), &b) in out.iter_mut().zip(a).zip(b) {
                *o = f(a, b);
            }
        },
    );
}

/// `out[i] = f(a[i], out[i])` for all of `out`.
pub fn update<T: Real>(a: &[T], out: &mut [T], f: impl Fn(T, T) -> T + Send + Sync + Copy) {
    out.par_chunks_mut(CHUNK).zip(a.par_chunks(CHUNK)).for_each(move |(out, a)| {
        for (o, &a) in out.iter_mut().zip(a) {
            *o = f(a, *o);
        }
    });
}

/// The derivative of a leaky ReLU: 1 above zero, else `slope`. Multiplying with it, rather than choosing between two
/// products, is what the compiler turns into vectors without branches.
#[inline(always)]
pub fn gate<T: Real>(x: T, slope: T) -> T {
    if x > T::ZERO { T::ONE } else { slope }
}

/// Leaky ReLU of one value.
#[inline(always)]
pub fn leaky<T: Real>(x: T, slope: T) -> T {
    gate(x, slope) * x
}

/// Leaky ReLU: `x` above zero, `slope * x` elsewhere.
pub fn leaky_relu<T: Real>(x: &[T], slope: T, out: &mut [T]) {
    map(x, out, move |x| leaky(x, slope));
}

/// `upstream` where `x` is above zero, `slope * upstream` elsewhere.
pub fn leaky_relu_backward<T: Real>(x: &[T], upstream: &[T], slope: T, out: &mut [T]) {
    zip(x, upstream, out, move |x, g| gate(x, slope) * g);
}

/// The sum of all squares; the order of the sum is fixed.
pub fn sum_of_squares(x: &[f32]) -> f64 {
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

/// `out[i] = x[i] + weights[n] * leaky(change[i])` for all of `out`, element i being of picture n.
pub fn add_per_picture<T: Real>(x: &[T], change: &[T], weights: &[T], slope: T, out: &mut [T]) {
    let picture = (out.len() / weights.len().max(1)).max(1);
    let parts = out.par_chunks_mut(picture).zip(x.par_chunks(picture)).zip(change.par_chunks(picture));
    parts.zip(weights).for_each(|(((out, x), change), &weight)| {
        zip(x, change, out, move |x, change| x + weight * leaky(change, slope));
    });
}

/// `out[c] = sum over images and positions of x (batch, channels, plane)`, with `weights` times each image's; the order
/// of the sum is fixed.
pub fn channel_sum<T: Real>(x: &[T], weights: Option<&[T]>, channels: usize, plane: usize, out: &mut [T]) {
    let image = channels * plane;
    out.par_iter_mut().enumerate().for_each(|(channel, out)| {
        let mut sum = T::ZERO;
        for (n, image) in x.chunks_exact(image.max(1)).enumerate() {
            let weight = weights.map_or(T::ONE, |weights| weights[n]);
            sum += weight * plain_sum(&image[channel * plane..][..plane]);
        }
        *out = sum;
    });
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
