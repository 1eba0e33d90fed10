//! The three convolution kernels: their sizes, what is done to a result on its way out, and which code runs.

use super::elementwise::{self, Real, gate, leaky};
use super::linear::{self, LinearShape};
use super::{columns, direct, gather, weight_gradient, winograd};
use std::borrow::Cow;

/// The sizes of one convolution, kernel square, `stride` and zero `padding` the same on both axes.
///
/// The *wide* side is the convolution's input `(batch, in_channels, in_height, in_width)`, the *narrow* side its
/// output `(batch, out_channels, out_height, out_width)`; the transposed convolution goes from narrow to wide.
/// Weights are `(out_channels, in_channels, kernel, kernel)` for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
    /// Images.
    pub batch: usize,
    /// Channels of the wide side.
    pub in_channels: usize,
    /// Rows of the wide side.
    pub in_height: usize,
    /// Columns of the wide side.
    pub in_width: usize,
    /// Channels of the narrow side.
    pub out_channels: usize,
    /// Rows of the narrow side.
    pub out_height: usize,
    /// Columns of the narrow side.
    pub out_width: usize,
    /// Edge of the kernel.
    pub kernel: usize,
    /// Step between kernel positions on the wide side.
    pub stride: usize,
    /// Zeros around the wide side.
    pub padding: usize,
}

impl ConvShape {
    /// Elements of the wide side.
    pub fn wide_len(&self) -> usize {
        self.batch * self.in_channels * self.in_height * self.in_width
    }

    /// Elements of the narrow side.
    pub fn narrow_len(&self) -> usize {
        self.batch * self.out_channels * self.out_height * self.out_width
    }

    /// Elements of the weights.
    pub fn weight_len(&self) -> usize {
        self.out_channels * self.in_channels * self.kernel * self.kernel
    }

    /// Multiply-adds of each of the three kernels, padding counted.
    pub fn multiply_adds(&self) -> usize {
        self.narrow_len() * self.in_channels * self.kernel * self.kernel
    }

    /// The same products as a fully connected layer, where the kernel covers the whole unpadded input.
    fn as_linear(&self) -> Option<LinearShape> {
        let whole = self.kernel == self.in_height && self.kernel == self.in_width && self.padding == 0;
        let inputs = self.in_channels * self.kernel * self.kernel;
        whole.then_some(LinearShape { batch: self.batch, inputs, outputs: self.out_channels })
    }

    /// Whether so few `channels` come out that [`columns`] is the better way.
    fn is_few(&self, channels: usize) -> bool {
        channels <= columns::FEW && self.kernel > 1 && self.out_height * self.out_width >= 16
    }

    /// The narrow positions `o` along an axis of `narrow` positions whose tap `k` falls inside the `wide` ones,
    /// that is `0 <= o * stride + k - padding < wide`.
    pub fn inside(&self, k: usize, narrow: usize, wide: usize) -> std::ops::Range<usize> {
        let first = self.padding.saturating_sub(k).div_ceil(self.stride);
        let end = (wide + self.padding).saturating_sub(k).div_ceil(self.stride).min(narrow);
        first.min(end)..end
    }
}

/// The narrow size of an axis of `wide` positions, or `None` where the padded axis is shorter than the kernel.
pub fn narrow_size(wide: usize, kernel: usize, stride: usize, padding: usize) -> Option<usize> {
    let room = (wide + 2 * padding).checked_sub(kernel)?;
    Some(room / stride + 1)
}

/// What is done on the way into and out of a kernel:
/// `shortcut + scale * mask * activation(conv(activation(x)) + bias)`.
#[derive(Clone, Copy, Debug)]
pub struct Fused<'a, T = f32> {
    /// The slope of a leaky ReLU on the input.
    pub before: Option<T>,
    /// Added to every value of a channel.
    pub bias: Option<&'a [T]>,
    /// The slope of a leaky ReLU on the result.
    pub after: Option<T>,
    /// The derivative of a leaky ReLU, multiplied with the result: where it was evaluated, and its slope.
    pub mask: Option<(&'a [T], T)>,
    /// What the result is added to, and the result's weight in the sum.
    pub shortcut: Option<(&'a [T], T)>,
}

impl<T> Default for Fused<'_, T> {
    fn default() -> Self {
        Self { before: None, bias: None, after: None, mask: None, shortcut: None }
    }
}

impl<T: Real> Fused<'_, T> {
    /// Bias and activation of one value.
    pub fn finish(&self, channel: usize, value: T) -> T {
        let value = self.bias.map_or(value, |bias| value + bias[channel]);
        self.after.map_or(value, |slope| leaky(value, slope))
    }

    /// What comes after bias and activation, of one value at `place` of the result.
    #[inline(always)]
    pub fn combine(&self, place: usize, value: T) -> T {
        let value = self.mask.map_or(value, |(at, slope)| gate(at[place], slope) * value);
        self.shortcut.map_or(value, |(shortcut, scale)| shortcut[place] + scale * value)
    }

    /// [`Fused::combine`] of a whole result.
    fn combine_all(&self, out: &mut [T]) {
        if let Some((at, slope)) = self.mask {
            elementwise::update(at, out, move |at, value| gate(at, slope) * value);
        }
        if let Some((shortcut, scale)) = self.shortcut {
            elementwise::update(shortcut, out, move |shortcut, value| shortcut + scale * value);
        }
    }
}

/// A float that the three kernels take.
pub trait Convolve: Real {
    /// `narrow = conv(wide, weight)`, and what is fused with it; overwrites all of `narrow`.
    fn forward(
        shape: &ConvShape,
        wide: &[Self],
        weight: &[Self],
        fused: &Fused<'_, Self>,
        narrow: &mut [Self],
    ) {
        let wide = activated(wide, fused.before);
        direct::forward(shape, &wide, weight, fused, narrow);
        fused.combine_all(narrow);
    }

    /// `wide = conv_transpose(narrow, weight)`, and what is fused with it; overwrites all of `wide`.
    fn transposed(
        shape: &ConvShape,
        narrow: &[Self],
        weight: &[Self],
        fused: &Fused<'_, Self>,
        wide: &mut [Self],
    ) {
        let narrow = activated(narrow, fused.before);
        direct::transposed(shape, &narrow, weight, fused, wide);
        fused.combine_all(wide);
    }

    /// The gradient of the weights, `sum activation(wide) * narrow` over images and positions, the activation a
    /// leaky ReLU of slope `before`; overwrites all of `gradient`.
    fn weight_gradient(
        shape: &ConvShape,
        wide: &[Self],
        before: Option<Self>,
        narrow: &[Self],
        gradient: &mut [Self],
    ) {
        let wide = activated(wide, before);
        direct::weight_gradient(shape, &wide, narrow, gradient);
    }
}

/// `x` after a leaky ReLU, if there is one.
fn activated<T: Real>(x: &[T], slope: Option<T>) -> Cow<'_, [T]> {
    match slope {
        Some(slope) => Cow::Owned(x.iter().map(|&x| leaky(x, slope)).collect()),
        None => Cow::Borrowed(x),
    }
}

impl Convolve for f64 {}

impl Convolve for f32 {
    fn forward(
        shape: &ConvShape,
        wide: &[Self],
        weight: &[Self],
        fused: &Fused<'_, Self>,
        narrow: &mut [Self],
    ) {
        if let Some(layer) = shape.as_linear() {
            linear::forward(&layer, &activated(wide, fused.before), weight, fused, narrow);
            fused.combine_all(narrow);
        } else if shape.stride == 1 && shape.padding < shape.kernel && shape.is_few(shape.out_channels) {
            columns::forward(shape, &activated(wide, fused.before), weight, fused, narrow);
            fused.combine_all(narrow);
        } else if winograd::fits(shape, fused.before) {
            winograd::forward(shape, wide, weight, fused, narrow);
        } else {
            gather::forward(shape, wide, weight, fused, narrow);
        }
    }

    fn transposed(
        shape: &ConvShape,
        narrow: &[Self],
        weight: &[Self],
        fused: &Fused<'_, Self>,
        wide: &mut [Self],
    ) {
        if let Some(layer) = shape.as_linear() {
            linear::input_gradient(&layer, &activated(narrow, fused.before), weight, wide);
            for (index, plane) in wide.chunks_exact_mut(shape.in_height * shape.in_width).enumerate() {
                plane.iter_mut().for_each(|value| *value = fused.finish(index % shape.in_channels, *value));
            }
            fused.combine_all(wide);
        } else if shape.is_few(shape.in_channels) {
            columns::transposed(shape, &activated(narrow, fused.before), weight, fused, wide);
            fused.combine_all(wide);
        } else if winograd::fits(shape, fused.before) {
            winograd::transposed(shape, narrow, weight, fused, wide);
        } else if shape.stride <= 2 {
            gather::transposed(shape, narrow, weight, fused, wide);
        } else {
            direct::transposed(shape, &activated(narrow, fused.before), weight, fused, wide);
            fused.combine_all(wide);
        }
    }

    fn weight_gradient(
        shape: &ConvShape,
        wide: &[Self],
        before: Option<Self>,
        narrow: &[Self],
        gradient: &mut [Self],
    ) {
        if let Some(layer) = shape.as_linear() {
            linear::weight_gradient(&layer, &activated(wide, before), narrow, gradient);
        } else if winograd::fits(shape, before) {
            winograd::weight_gradient(shape, wide, before, narrow, gradient);
        } else {
            weight_gradient::weight_gradient(shape, wide, before, narrow, gradient);
        }
    }
}
