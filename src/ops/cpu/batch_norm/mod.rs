//! Batch normalisation: every channel by itself, first its sums, then the values that follow from them.
//!
//! A thread takes a channel from the first sum to the last value, so that what it reads again is still in its cache. Sums run in
//! the floats' own precision along a plane, in sixteen running sums that the compiler turns into vectors, and in f64 from plane
//! to plane; their order is fixed, and the same for every instruction set.

mod channels;
mod formulas;
mod numbers;

pub(in crate::ops) use channels::Sizes;
pub(in crate::ops) use numbers::Float;

use channels::{Channel, Channels, Room, Task, by_channel};
use formulas::{
    GradientSums, InputGradient, Itself, Measures, OfGradient, OfInput, Scaled, SecondSums, Square,
};
use numbers::Numbers;

/// Mean, variance (over the number of values) and the inverse of its root, of one channel.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Statistics {
    pub(in crate::ops) mean: f64,
    pub(in crate::ops) variance: f64,
    inverse: f64,
}

impl Statistics {
    /// Of `x`; `epsilon` is added to the variance before its root is taken.
    pub(in crate::ops) fn of<T: Float>(sizes: Sizes, x: &[T], epsilon: f64) -> Vec<Self> {
        by_channel::<T, _, 0>(sizes, &Measure { x, epsilon }).1
    }

    /// Those of `channels`.
    ///
    /// # Safety
    /// That of [`Numbers`].
    #[inline(always)]
    unsafe fn of_channels<T: Float, N: Numbers<Number = T>>(
        channels: Channels,
        x: &[T],
        epsilon: f64,
    ) -> Vec<Self> {
        let count = channels.sizes.count().max(1) as f64;
        // SAFETY: as the caller promises.
        let means: Vec<[f64; 1]> = unsafe { channels.sums::<T, N, 1, 1>([x], &Itself) };
        let means: Vec<f64> = means.iter().map(|[sum]| sum / count).collect();
        // SAFETY: as the caller promises.
        let squares = unsafe {
            let mean: N = channels.constant(|channel| T::from_f64(means[channel.at]));
            channels.sums([x], &Square { mean })
        };
        let made = means.iter().zip(squares).map(|(&mean, [sum])| {
            let variance = sum / count;
            Self { mean, variance, inverse: 1.0 / (variance + epsilon).sqrt() }
        });
        made.collect()
    }
}

/// What turns numbers of channels into their distance from the mean in deviations.
///
/// # Safety
/// That of [`Numbers`].
#[inline(always)]
unsafe fn measures<T: Float, N: Numbers<Number = T>>(
    channels: Channels,
    statistics: &[Statistics],
) -> Measures<N> {
    // SAFETY: as the caller promises.
    unsafe {
        Measures {
            mean: channels.constant(|channel| T::from_f64(statistics[channel.at].mean)),
            inverse: channels.constant(|channel| T::from_f64(statistics[channel.at].inverse)),
        }
    }
}

/// What turns numbers of channels into `activation(gain * (x - mean) / deviation + shift)`.
///
/// # Safety
/// That of [`Numbers`].
#[inline(always)]
unsafe fn scaled<T: Float, N: Numbers<Number = T>>(
    channels: Channels,
    statistics: &[Statistics],
    layer: &Layer<'_, T>,
) -> Scaled<N> {
    let scale = |channel: Channel| T::from_f64(statistics[channel.at].inverse) * layer.gain[channel.number];
    let offset = |channel: Channel| {
        layer.shift[channel.number] - T::from_f64(statistics[channel.at].mean) * scale(channel)
    };
    // SAFETY: as the caller promises.
    unsafe {
        Scaled {
            scale: channels.constant(scale),
            offset: channels.constant(offset),
            slope: N::splat(T::from_f64(layer.slope)),
        }
    }
}

struct Measure<'a, T> {
    x: &'a [T],
    epsilon: f64,
}

impl<T: Float> Task<T, 0> for Measure<'_, T> {
    type Made = Statistics;

    #[inline(always)]
    unsafe fn take<N: Numbers<Number = T>>(
        &self,
        channels: Channels,
        _: [Room<'_, T>; 0],
    ) -> Vec<Statistics> {
        // SAFETY: as the caller promises.
        unsafe { Statistics::of_channels::<T, N>(channels, self.x, self.epsilon) }
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

impl<T: Float> Layer<'_, T> {
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

impl<T: Float> Task<T, 1> for Forward<'_, T> {
    type Made = Statistics;

    #[inline(always)]
    unsafe fn take<N: Numbers<Number = T>>(
        &self,
        channels: Channels,
        [result]: [Room<'_, T>; 1],
    ) -> Vec<Statistics> {
        let x = self.layer.x;
        // SAFETY: as the caller promises.
        unsafe {
            let statistics = Statistics::of_channels::<T, N>(channels, x, self.epsilon);
            channels.write(result, [x], &scaled::<T, N>(channels, &statistics, self.layer));
            statistics
        }
    }
}

struct Backward<'a, T> {
    layer: &'a Layer<'a, T>,
    statistics: &'a [Statistics],
    gradient: &'a [T],
}

impl<T: Float> Task<T, 1> for Backward<'_, T> {
    /// The sums of the gradient before the activation, and of that times the normalised x.
    type Made = [f64; 2];

    #[inline(always)]
    unsafe fn take<N: Numbers<Number = T>>(
        &self,
        channels: Channels,
        [dx]: [Room<'_, T>; 1],
    ) -> Vec<[f64; 2]> {
        let x = self.layer.x;
        let (count, statistics) =
            (channels.sizes.count().max(1) as f64, &self.statistics[channels.numbers()]);
        // SAFETY: as the caller promises.
        unsafe {
            let (measures, scaled) =
                (measures::<T, N>(channels, statistics), scaled(channels, statistics, self.layer));
            let sums = GradientSums { measures, scaled };
            let totals: Vec<[f64; 2]> = channels.sums([x, self.gradient], &sums);
            let value = InputGradient {
                sums,
                mean: channels.constant(|channel| T::from_f64(totals[channel.at][0] / count)),
                product: channels.constant(|channel| T::from_f64(totals[channel.at][1] / count)),
            };
            channels.write(dx, [x, self.gradient], &value);
            totals
        }
    }
}

/// The gradients, in the upstream gradient, `x` and `gain`, of what [`Layer::backward`] gives for `x` where there is no
/// activation: `dx = gain / deviation * (g - mean(g) - z * mean(g * z))` with z the normalised x. `upstream`, u below, is the
/// gradient of dx.
///
/// With p = mean(u z), m = mean(g z) and S = mean(u g) - mean(u) mean(g) - p m, the sum of u dx over a channel is
/// `gain / deviation * count * S`; from the derivatives of deviation and z the gradient in x is
/// `-gain / deviation^2 * (z (S - 2 p m) + m (u - mean(u)) + p (g - mean(g)))`.
pub(in crate::ops) fn backward_of_backward<T: Float>(
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

impl<T: Float> Task<T, 2> for Second<'_, T> {
    /// The gradient in the gain.
    type Made = T;

    #[inline(always)]
    unsafe fn take<N: Numbers<Number = T>>(&self, channels: Channels, [dg, dx]: [Room<'_, T>; 2]) -> Vec<T> {
        let &Self { x, gain, gradient, upstream, .. } = self;
        let (count, statistics) =
            (channels.sizes.count().max(1) as f64, &self.statistics[channels.numbers()]);
        // SAFETY: as the caller promises.
        let (measures, totals) = unsafe {
            let measures = measures::<T, N>(channels, statistics);
            (measures, channels.sums([x, gradient, upstream], &SecondSums { measures }))
        };
        let means: Vec<[f64; 5]> = totals.into_iter().map(|total| total.map(|total| total / count)).collect();
        let spread = |at: usize| {
            let [g, u, product, m, p] = means[at];
            product - u * g - p * m
        };
        let inverse = |channel: Channel| statistics[channel.at].inverse;
        // SAFETY: as the caller promises.
        unsafe {
            let mean = |k: usize| channels.constant(|channel| T::from_f64(means[channel.at][k]));
            let of_gradient = OfGradient {
                measures,
                scale: channels.constant(|channel| T::from_f64(inverse(channel)) * gain[channel.number]),
                mean: mean(1),
                product: mean(4),
            };
            let of_input = OfInput {
                measures,
                scale: channels.constant(|channel| {
                    T::ZERO - T::from_f64(inverse(channel).powi(2)) * gain[channel.number]
                }),
                along: channels.constant(|channel| {
                    let [.., m, p] = means[channel.at];
                    T::from_f64(spread(channel.at) - 2.0 * p * m)
                }),
                means: [mean(0), mean(1), mean(3), mean(4)],
            };
            channels.write(dg, [x, upstream], &of_gradient);
            channels.write(dx, [x, gradient, upstream], &of_input);
        }
        let gain = statistics.iter().enumerate().map(|(at, channel)| channel.inverse * count * spread(at));
        gain.map(T::from_f64).collect()
    }
}
