//! The Bernoulli likelihood of pictures from logits, in one pass.

use super::elementwise::Real;
use super::exponential::Exponential;
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// Elements a thread takes at a time; also what one partial sum covers, so that the sum's order is fixed.
const CHUNK: usize = 1 << 14;

/// `sum of log(1 + exp(l)) - l x`: the cross-entropy, in nats, of pictures `x` with logits `l`.
pub(crate) fn cross_entropy<T: Exponential>(logits: &[T], x: &[T]) -> T {
    let parts: Vec<T> = logits
        .par_chunks(CHUNK)
        .zip(x.par_chunks(CHUNK))
        .map(|(logits, x)| {
            let mut lanes = [T::ZERO; 16];
            for (logits, x) in logits.chunks(16).zip(x.chunks(16)) {
                for ((lane, &l), &x) in lanes.iter_mut().zip(logits).zip(x) {
                    *lane += l.sigmoid_and_softplus().1 - l * x;
                }
            }
            total(&lanes)
        })
        .collect();
    total(&parts)
}

fn total<T: Real>(values: &[T]) -> T {
    let mut sum = T::ZERO;
    for &value in values {
        sum += value;
    }
    sum
}

/// The gradient of [`cross_entropy`] in the logits, `scale (sigmoid(l) - x)`, in all of `room`.
///
/// # Panics
/// When the logits or `x` are fewer.
pub(crate) fn cross_entropy_backward<'r, T: Exponential>(
    logits: &[T],
    x: &[T],
    scale: T,
    room: &'r mut [MaybeUninit<T>],
) -> &'r mut [T] {
    super::elementwise::zip(logits, x, room, move |l, x| scale * (l.sigmoid_and_softplus().0 - x))
}
