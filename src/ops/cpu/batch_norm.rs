//! Batch normalisation: sums and maps whose constants change from channel to channel.
//!
//! Sums run in the floats' own precision along a plane, in sixteen running sums that the compiler turns into vectors, and in
//! f64 from plane to plane; their order is fixed.

use rayon::prelude::*;

use super::elementwise::{Real, gate, leaky};
use super::filled_vec::{self, filled_vec};

/// The sizes of what is normalised: so many pictures of so many channels, each of `plane` values; a row has planes of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) struct Sizes {
    pub(in crate::ops) batch: usize,
    pub(in crate::ops) channels: usize,
    pub(in crate::ops) plane: usize,
}

/// Channels of rows that a thread takes at a time.
const BLOCK: usize = 64;
/// Running sums along a plane.
const LANES: usize = 16;

impl Sizes {
    /// Values of a channel in all pictures.
    pub(in crate::ops) fn count(&self) -> usize {
        self.batch * self.plane
    }

    /// The place of the plane of a channel of a picture.
    fn start(&self, picture: usize, channel: usize) -> usize {
        (picture * self.channels + channel) * self.plane
    }
}

/// For each channel `K` sums over pictures and places of `term(channel)` of the values of `arrays` there.
fn sums<T, const A: usize, const K: usize, F>(
    sizes: Sizes,
    arrays: [&[T]; A],
    term: impl Fn(usize) -> F + Sync,
) -> Vec<[f64; K]>
where
    T: Real,
    F: Fn([T; A]) -> [T; K],
{
    if sizes.plane == 1 {
        return row_sums(sizes, arrays, term);
    }
    let channel_sums = |channel: usize| {
        let (term, mut sums) = (term(channel), [0.0; K]);
        for picture in 0..sizes.batch {
            let start = sizes.start(picture, channel);
            let planes = arrays.map(|array| &array[start..][..sizes.plane]);
            let mut lanes = [[T::ZERO; LANES]; K];
            let whole = sizes.plane - sizes.plane % LANES;
            for at in (0..whole).step_by(LANES) {
                let chunks: [&[T]; A] = planes.map(|plane| &plane[at..at + LANES]);
                for lane in 0..LANES {
                    let values = term(chunks.map(|chunk| chunk[lane]));
                    for k in 0..K {
                        lanes[k][lane] += values[k];
                    }
                }
            }
            for at in whole..sizes.plane {
                let values = term(planes.map(|plane| plane[at]));
                for k in 0..K {
                    lanes[k][0] += values[k];
                }
            }
            for k in 0..K {
                sums[k] += lanes[k].iter().map(|&lane| lane.wide()).sum::<f64>();
            }
        }
        sums
    };
    (0..sizes.channels).into_par_iter().map(channel_sums).collect()
}

/// The same where every plane is a single value: a thread goes down the rows with a block of channels.
fn row_sums<T, const A: usize, const K: usize, F>(
    sizes: Sizes,
    arrays: [&[T]; A],
    term: impl Fn(usize) -> F + Sync,
) -> Vec<[f64; K]>
where
    T: Real,
    F: Fn([T; A]) -> [T; K],
{
    let mut all = vec![[0.0; K]; sizes.channels];
    all.par_chunks_mut(BLOCK).enumerate().for_each(|(block, sums)| {
        let first = block * BLOCK;
        let terms: Vec<F> = (first..first + sums.len()).map(&term).collect();
        for picture in 0..sizes.batch {
            let start = sizes.start(picture, first);
            for (at, (sums, term)) in sums.iter_mut().zip(&terms).enumerate() {
                let values = term(arrays.map(|array| array[start + at]));
                for k in 0..K {
                    sums[k] += values[k].wide();
                }
            }
        }
    });
    all
}

/// `value(channel)` of the values of `arrays` at every place.
fn map<T, const A: usize, F>(sizes: Sizes, arrays: [&[T]; A], value: impl Fn(usize) -> F + Sync) -> Vec<T>
where
    T: Real,
    F: Fn([T; A]) -> T,
{
    let Sizes { batch, channels, plane } = sizes;
    filled_vec(batch * channels * plane, |room| {
        filled_vec::par_chunks(room, (channels * plane).max(1), |picture, room| {
            filled_vec::chunks(room, plane.max(1), |channel, room| {
                let (start, value) = (sizes.start(picture, channel), value(channel));
                let planes = arrays.map(|array| &array[start..][..plane]);
                filled_vec::from_fn(room, |at| value(planes.map(|plane| plane[at])))
            })
        })
    })
}

/// Mean, variance (over the number of values) and the inverse of its root, of each channel.
#[derive(Clone, Debug)]
pub(in crate::ops) struct Statistics {
    pub(in crate::ops) mean: Vec<f64>,
    pub(in crate::ops) variance: Vec<f64>,
    pub(in crate::ops) inverse: Vec<f64>,
}

impl Statistics {
    /// Of `x`; `epsilon` is added to the variance before its root is taken.
    pub(in crate::ops) fn of<T: Real>(sizes: Sizes, x: &[T], epsilon: f64) -> Self {
        let count = sizes.count().max(1) as f64;
        let mean: Vec<f64> = sums(sizes, [x], |_| |[x]| [x]).iter().map(|[sum]| sum / count).collect();
        let squares = sums(sizes, [x], |channel| {
            let mean = T::from_f64(mean[channel]);
            move |[x]| [(x - mean) * (x - mean)]
        });
        let variance: Vec<f64> = squares.iter().map(|[sum]| sum / count).collect();
        let inverse = variance.iter().map(|variance| 1.0 / (variance + epsilon).sqrt()).collect();
        Self { mean, variance, inverse }
    }

    /// What turns a value of a channel into its distance from the mean in deviations.
    fn normalised<T: Real>(&self, channel: usize) -> impl Fn(T) -> T + Copy + use<T> {
        let (mean, inverse) = (T::from_f64(self.mean[channel]), T::from_f64(self.inverse[channel]));
        move |x| (x - mean) * inverse
    }
}

/// `activation(gain * (x - mean) / deviation + shift)`; a slope of 1 is no activation.
pub(in crate::ops) fn forward<T: Real>(
    sizes: Sizes,
    x: &[T],
    statistics: &Statistics,
    [gain, shift]: [&[T]; 2],
    slope: f64,
) -> Vec<T> {
    map(sizes, [x], |channel| {
        let slope = T::from_f64(slope);
        let scale = T::from_f64(statistics.inverse[channel]) * gain[channel];
        let offset = shift[channel] - T::from_f64(statistics.mean[channel]) * scale;
        move |[x]| leaky(x * scale + offset, slope)
    })
}

/// The gradients of [`forward`] in `x`, `gain` and `shift`, from its result and the gradient of that.
pub(in crate::ops) fn backward<T: Real>(
    sizes: Sizes,
    x: &[T],
    statistics: &Statistics,
    gain: &[T],
    (result, slope): (&[T], f64),
    gradient: &[T],
) -> [Vec<T>; 3] {
    let (count, slope) = (sizes.count().max(1) as f64, T::from_f64(slope));
    let totals = sums(sizes, [x, result, gradient], |channel| {
        let normalised = statistics.normalised::<T>(channel);
        move |[x, y, g]: [T; 3]| {
            let g = gate(y, slope) * g;
            [g, g * normalised(x)]
        }
    });
    let dx = map(sizes, [x, result, gradient], |channel| {
        let normalised = statistics.normalised::<T>(channel);
        let [sum, product] = totals[channel].map(|total| T::from_f64(total / count));
        let scale = T::from_f64(statistics.inverse[channel]) * gain[channel];
        move |[x, y, g]: [T; 3]| scale * (gate(y, slope) * g - sum - normalised(x) * product)
    });
    let column = |at: usize| totals.iter().map(|total| T::from_f64(total[at])).collect();
    [dx, column(1), column(0)]
}

/// The gradients, in the upstream gradient, `x` and `gain`, of what [`backward`] gives for `x` where there is no activation:
/// `dx = gain / deviation * (g - mean(g) - z * mean(g * z))` with z the normalised x. `u` is the gradient of dx.
///
/// With p = mean(u z), m = mean(g z) and S = mean(u g) - mean(u) mean(g) - p m, the sum of u dx over a channel is
/// `gain / deviation * count * S`; from the derivatives of deviation and z the gradient in x is
/// `-gain / deviation^2 * (z (S - 2 p m) + m (u - mean(u)) + p (g - mean(g)))`.
pub(in crate::ops) fn backward_of_backward<T: Real>(
    sizes: Sizes,
    x: &[T],
    statistics: &Statistics,
    gain: &[T],
    gradient: &[T],
    u: &[T],
) -> [Vec<T>; 3] {
    let count = sizes.count().max(1) as f64;
    let means: Vec<[f64; 5]> = sums(sizes, [x, gradient, u], |channel| {
        let normalised = statistics.normalised::<T>(channel);
        move |[x, g, u]: [T; 3]| {
            let z = normalised(x);
            [g, u, u * g, g * z, u * z]
        }
    });
    let means: Vec<[f64; 5]> = means.into_iter().map(|total| total.map(|total| total / count)).collect();
    let spread = |channel: usize| {
        let [g, u, product, m, p] = means[channel];
        product - u * g - p * m
    };
    let dg = map(sizes, [x, u], |channel| {
        let normalised = statistics.normalised::<T>(channel);
        let [_, mean, _, _, p] = means[channel].map(T::from_f64);
        let scale = T::from_f64(statistics.inverse[channel]) * gain[channel];
        move |[x, u]: [T; 2]| scale * (u - mean - normalised(x) * p)
    });
    let dx = map(sizes, [x, gradient, u], |channel| {
        let normalised = statistics.normalised::<T>(channel);
        let [mean_g, mean_u, _, m, p] = means[channel];
        let along = T::from_f64(spread(channel) - 2.0 * p * m);
        let [mean_g, mean_u, m, p] = [mean_g, mean_u, m, p].map(T::from_f64);
        let scale = T::ZERO - T::from_f64(statistics.inverse[channel].powi(2)) * gain[channel];
        move |[x, g, u]: [T; 3]| scale * (normalised(x) * along + m * (u - mean_u) + p * (g - mean_g))
    });
    let dgain = (0..sizes.channels)
        .map(|channel| T::from_f64(statistics.inverse[channel] * count * spread(channel)))
        .collect();
    [dg, dx, dgain]
}
