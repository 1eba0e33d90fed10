//! Batch normalisation: every channel by itself, first its sums, then the values that follow from them.
//!
//! A thread takes a channel from the first sum to the last value, so that what it reads again is still in its cache. Sums run in
//! the floats' own precision along a plane, in sixteen running sums that the compiler turns into vectors, and in f64 from plane
//! to plane; their order is fixed, and the same for every instruction set.

mod channels;

use super::elementwise::{Real, gate, leaky};

pub(in crate::ops) use channels::Sizes;

use channels::{Channels, Room, Task, by_channel};

/// Mean, variance (over the number of values) and the inverse of its root, of one channel.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Statistics {
    pub(in crate::ops) mean: f64,
    pub(in crate::ops) variance: f64,
    inverse: f64,
}

impl Statistics {
    /// Of `x`; `epsilon` is added to the variance before its root is taken.
    pub(in crate::ops) fn of<T: Real>(sizes: Sizes, x: &[T], epsilon: f64) -> Vec<Self> {
        by_channel::<T, _, 0>(sizes, &Measure { x, epsilon }).1
    }

    /// Those of `channels`.
    #[inline(always)]
    fn of_channels<T: Real>(channels: Channels, x: &[T], epsilon: f64) -> Vec<Self> {
        let count = channels.sizes.count().max(1) as f64;
        let means = channels.sums([x], |_| |[x]| [x]);
        let mean = |channel: usize| means[channel - channels.first][0] / count;
        let squares = channels.sums([x], |channel| {
            let mean = T::from_f64(mean(channel));
            move |[x]| [(x - mean) * (x - mean)]
        });
        let made = channels.numbers().zip(squares).map(|(channel, [sum])| {
            let variance = sum / count;
            Self { mean: mean(channel), variance, inverse: 1.0 / (variance + epsilon).sqrt() }
        });
        made.collect()
    }

    /// What turns a value into its distance from the mean in deviations.
    #[inline(always)]
    fn normalised<T: Real>(&self) -> impl Fn(T) -> T + Copy + use<T> {
        let (mean, inverse) = (T::from_f64(self.mean), T::from_f64(self.inverse));
        move |x| (x - mean) * inverse
    }

    /// What turns a value into `gain * (x - mean) / deviation + shift`.
    #[inline(always)]
    fn scaled<T: Real>(&self, gain: T, shift: T) -> impl Fn(T) -> T + Copy + use<T> {
        let scale = T::from_f64(self.inverse) * gain;
        let offset = shift - T::from_f64(self.mean) * scale;
        move |x| x * scale + offset
    }
}

struct Measure<'a, T> {
    x: &'a [T],
    epsilon: f64,
}

impl<T: Real> Task<T, 0> for Measure<'_, T> {
    type Made = Statistics;

    #[inline(always)]
    unsafe fn take(&self, channels: Channels, _: [Room<'_, T>; 0]) -> Vec<Statistics> {
        Statistics::of_channels(channels, self.x, self.epsilon)
    }
}

/// Batch normalisation: `activation(gain * (x - mean) / deviation + shift)`.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Layer<'a, T> {
    /// The numbers that it normalises.
    pub(in crate::ops) x: &'a [T],
    /// What each channel is multiplied with.
    pub(in crate::ops) gain: &'a [T],
    /// What is added to each channel.
    pub(in crate::ops) shift: &'a [T],
    /// The slope of the activation, a leaky ReLU; 1 is none.
    pub(in crate::ops) slope: f64,
}

impl<T: Real> Layer<'_, T> {
    /// Its result with the statistics of every channel; `epsilon` is added to the variance before its root is taken.
    pub(in crate::ops) fn forward(&self, sizes: Sizes, epsilon: f64) -> (Vec<T>, Vec<Statistics>) {
        let ([result], statistics) = by_channel(sizes, &Forward { layer: self, epsilon });
        (result, statistics)
    }

    /// The gradients in `x`, `gain` and `shift`, from that of its result.
    pub(in crate::ops) fn backward(
        &self,
        sizes: Sizes,
        statistics: &[Statistics],
        gradient: &[T],
    ) -> [Vec<T>; 3] {
        let ([dx], totals) = by_channel(sizes, &Backward { layer: self, statistics, gradient });
        let column = |at: usize| totals.iter().map(|total: &[f64; 2]| T::from_f64(total[at])).collect();
        [dx, column(1), column(0)]
    }
}

struct Forward<'a, T> {
    layer: &'a Layer<'a, T>,
    epsilon: f64,
}

impl<T: Real> Task<T, 1> for Forward<'_, T> {
    type Made = Statistics;

    #[inline(always)]
    unsafe fn take(&self, channels: Channels, [result]: [Room<'_, T>; 1]) -> Vec<Statistics> {
        let &Layer { x, gain, shift, slope } = self.layer;
        let statistics = Statistics::of_channels(channels, x, self.epsilon);
        let value = |channel: usize| {
            let slope = T::from_f64(slope);
            let scaled = statistics[channel - channels.first].scaled(gain[channel], shift[channel]);
            move |[x]: [T; 1]| leaky(scaled(x), slope)
        };
        // SAFETY: as the caller promises.
        unsafe { channels.write(result, [x], value) };
        statistics
    }
}

struct Backward<'a, T> {
    layer: &'a Layer<'a, T>,
    statistics: &'a [Statistics],
    gradient: &'a [T],
}

impl<T: Real> Task<T, 1> for Backward<'_, T> {
    /// The sums of the gradient before the activation, and of that times the normalised x.
    type Made = [f64; 2];

    #[inline(always)]
    unsafe fn take(&self, channels: Channels, [dx]: [Room<'_, T>; 1]) -> Vec<[f64; 2]> {
        let &Layer { x, gain, shift, slope } = self.layer;
        let (count, slope) = (channels.sizes.count().max(1) as f64, T::from_f64(slope));
        // x with its distance from the mean in deviations, and the gradient before the activation
        let parts = |channel: usize| {
            let normalised = self.statistics[channel].normalised();
            let scaled = self.statistics[channel].scaled(gain[channel], shift[channel]);
            move |[x, g]: [T; 2]| (normalised(x), gate(scaled(x), slope) * g)
        };
        let totals = channels.sums([x, self.gradient], |channel| {
            let parts = parts(channel);
            move |values| {
                let (z, g) = parts(values);
                [g, g * z]
            }
        });
        let value = |channel: usize| {
            let parts = parts(channel);
            let [sum, product] = totals[channel - channels.first].map(|total| T::from_f64(total / count));
            let scale = T::from_f64(self.statistics[channel].inverse) * gain[channel];
            move |values| {
                let (z, g) = parts(values);
                scale * (g - sum - z * product)
            }
        };
        // SAFETY: as the caller promises.
        unsafe { channels.write(dx, [x, self.gradient], value) };
        totals
    }
}

/// The gradients, in the upstream gradient, `x` and `gain`, of what [`Layer::backward`] gives for `x` where there is no
/// activation: `dx = gain / deviation * (g - mean(g) - z * mean(g * z))` with z the normalised x. `upstream`, u below, is the
/// gradient of dx.
///
/// With p = mean(u z), m = mean(g z) and S = mean(u g) - mean(u) mean(g) - p m, the sum of u dx over a channel is
/// `gain / deviation * count * S`; from the derivatives of deviation and z the gradient in x is
/// `-gain / deviation^2 * (z (S - 2 p m) + m (u - mean(u)) + p (g - mean(g)))`.
pub(in crate::ops) fn backward_of_backward<T: Real>(
    sizes: Sizes,
    x: &[T],
    statistics: &[Statistics],
    gain: &[T],
    gradient: &[T],
    upstream: &[T],
) -> [Vec<T>; 3] {
    let task = Second { x, statistics, gain, gradient, upstream };
    let ([dg, dx], dgain) = by_channel(sizes, &task);
    [dg, dx, dgain]
}

struct Second<'a, T> {
    x: &'a [T],
    statistics: &'a [Statistics],
    gain: &'a [T],
    gradient: &'a [T],
    upstream: &'a [T],
}

impl<T: Real> Task<T, 2> for Second<'_, T> {
    /// The gradient in the gain.
    type Made = T;

    #[inline(always)]
    unsafe fn take(&self, channels: Channels, [dg, dx]: [Room<'_, T>; 2]) -> Vec<T> {
        let &Self { x, statistics, gain, gradient, upstream } = self;
        let count = channels.sizes.count().max(1) as f64;
        let totals = channels.sums([x, gradient, upstream], |channel| {
            let normalised = statistics[channel].normalised();
            move |[x, g, u]: [T; 3]| {
                let z = normalised(x);
                [g, u, u * g, g * z, u * z]
            }
        });
        let means = |channel: usize| totals[channel - channels.first].map(|total: f64| total / count);
        let spread = |channel: usize| {
            let [g, u, product, m, p] = means(channel);
            product - u * g - p * m
        };
        let of_gradient = |channel: usize| {
            let normalised = statistics[channel].normalised();
            let [_, mean, _, _, p] = means(channel).map(T::from_f64);
            let scale = T::from_f64(statistics[channel].inverse) * gain[channel];
            move |[x, u]: [T; 2]| scale * (u - mean - normalised(x) * p)
        };
        let of_x = |channel: usize| {
            let normalised = statistics[channel].normalised();
            let [mean_g, mean_u, _, m, p] = means(channel);
            let along = T::from_f64(spread(channel) - 2.0 * p * m);
            let [mean_g, mean_u, m, p] = [mean_g, mean_u, m, p].map(T::from_f64);
            let scale = T::ZERO - T::from_f64(statistics[channel].inverse.powi(2)) * gain[channel];
            move |[x, g, u]: [T; 3]| scale * (normalised(x) * along + m * (u - mean_u) + p * (g - mean_g))
        };
        // SAFETY: as the caller promises.
        unsafe {
            channels.write(dg, [x, upstream], of_gradient);
            channels.write(dx, [x, gradient, upstream], of_x);
        }
        let gain = |channel: usize| T::from_f64(statistics[channel].inverse * count * spread(channel));
        channels.numbers().map(gain).collect()
    }
}
