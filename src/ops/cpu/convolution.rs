//! The three convolution kernels: their sizes, what is done to a result on its way out, and which code runs.

use super::elementwise::{self, Real, gate, leaky};
use super::linear::{self, LinearShape};
use super::sizes::product;
use super::{columns, direct, gather, weight_gradient, winograd};
use std::borrow::Cow;
use std::mem::MaybeUninit;

/// The sizes of one convolution, kernel square, `stride` and zero `padding` the same on both axes.
///
/// The *wide* side is the convolution's input `(batch, in_channels, in_height, in_width)`, the *narrow* side its
/// output `(batch, out_channels, out_height, out_width)`; the transposed convolution goes from narrow to wide.
/// Weights are `(out_channels, in_channels, kernel, kernel)` for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    ///
    /// # Panics
    /// When there are more than memory has addresses; so do the next two.
    pub fn wide_len(&self) -> usize {
        product([self.batch, self.in_channels, self.in_height, self.in_width])
    }

    /// Elements of the narrow side.
    pub fn narrow_len(&self) -> usize {
        product([self.batch, self.out_channels, self.out_height, self.out_width])
    }

    /// Elements of the weights.
    pub fn weight_len(&self) -> usize {
        product([self.out_channels, self.in_channels, self.kernel, self.kernel])
    }

    /// Compares the sizes with each other and with the three arrays' lengths. What kernels read and write without
    /// looking rests on this: a product of sizes that is the length of a slice has not wrapped around.
    fn check(&self, wide: usize, weight: usize, narrow: usize) {
        assert!(self.stride > 0 && self.kernel > 0, "{self:?} has no kernel");
        let size = |wide| narrow_size(wide, self.kernel, self.stride, self.padding);
        let sizes = (size(self.in_height), size(self.in_width));
        assert!(sizes == (Some(self.out_height), Some(self.out_width)), "{self:?} contradicts itself");
        let lengths = (self.wide_len(), self.weight_len(), self.narrow_len());
        assert!(
            lengths == (wide, weight, narrow),
            "{wide}, {weight} and {narrow} values do not fit {self:?}"
        );
    }

    /// Multiply-adds of each of the three kernels, padding counted.
    pub fn multiply_adds(&self) -> usize {
        self.narrow_len() * self.in_channels * self.kernel * self.kernel
    }

    /// The same products as a fully connected layer, where the kernel covers the whole unpadded input.
    pub(in crate::ops) fn as_linear(&self) -> Option<LinearShape> {
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
    let padded = padding.checked_mul(2)?.checked_add(wide)?;
    Some(padded.checked_sub(kernel)? / stride + 1)
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
    /// Compares the arrays' lengths with those of a result of `channels` and of `length` values.
    fn check(&self, channels: usize, length: usize) {
        assert!(self.bias.is_none_or(|bias| bias.len() == channels), "the bias has another size");
        for (array, _) in [self.mask, self.shortcut].into_iter().flatten() {
            assert_eq!(array.len(), length, "what is fused has another size");
        }
    }

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

    /// [`Fused::combine`] of a whole result, which it returns.
    fn combine_all<'r>(&self, out: &'r mut [T]) -> &'r mut [T] {
        if let Some((at, slope)) = self.mask {
            elementwise::update(at, out, move |at, value| gate(at, slope) * value);
        }
        if let Some((shortcut, scale)) = self.shortcut {
            elementwise::update(shortcut, out, move |shortcut, value| shortcut + scale * value);
        }
        out
    }
}

/// A float that the three kernels take.
///
/// All three panic where sizes and lengths do not fit together.
pub trait Convolve: Real {
    /// `narrow = conv(wide, weight)`, and what is fused with it, in all of `narrow`.
    fn forward<'r>(
        shape: &ConvShape,
        wide: &[Self],
        weight: &[Self],
        fused: &Fused<'_, Self>,
        narrow: &'r mut [MaybeUninit<Self>],
    ) -> &'r mut [Self] {
        shape.check(wide.len(), weight.len(), narrow.len());
        fused.check(shape.out_channels, narrow.len());
        let wide = activated(wide, fused.before);
        fused.combine_all(direct::forward(shape, &wide, weight, fused, narrow))
    }

    /// `wide = conv_transpose(narrow, weight)`, and what is fused with it, in all of `wide`.
    fn transposed<'r>(
        shape: &ConvShape,
        narrow: &[Self],
        weight: &[Self],
        fused: &Fused<'_, Self>,
        wide: &'r mut [MaybeUninit<Self>],
    ) -> &'r mut [Self] {
        shape.check(wide.len(), weight.len(), narrow.len());
        fused.check(shape.in_channels, wide.len());
        let narrow = activated(narrow, fused.before);
        fused.combine_all(direct::transposed(shape, &narrow, weight, fused, wide))
    }

    /// The gradient of the weights, `sum activation(wide) * narrow` over images and positions, the activation a
    /// leaky ReLU of slope `before`, in all of `gradient`.
    fn weight_gradient<'r>(
        shape: &ConvShape,
        wide: &[Self],
        before: Option<Self>,
        narrow: &[Self],
        gradient: &'r mut [MaybeUninit<Self>],
    ) -> &'r mut [Self] {
        shape.check(wide.len(), gradient.len(), narrow.len());
        direct::weight_gradient(shape, &activated(wide, before), narrow, gradient)
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
    fn forward<'r>(
        shape: &ConvShape,
        wide: &[Self],
        weight: &[Self],
        fused: &Fused<'_, Self>,
        narrow: &'r mut [MaybeUninit<Self>],
    ) -> &'r mut [Self] {
        shape.check(wide.len(), weight.len(), narrow.len());
        fused.check(shape.out_channels, narrow.len());
        if let Some(layer) = shape.as_linear() {
            let wide = activated(wide, fused.before);
            fused.combine_all(linear::forward(&layer, &wide, weight, fused, narrow))
        } else if shape.stride == 1 && shape.padding < shape.kernel && shape.is_few(shape.out_channels) {
            let wide = activated(wide, fused.before);
            fused.combine_all(columns::forward(shape, &wide, weight, fused, narrow))
        } else if winograd::fits(shape, fused.before) {
            winograd::forward(shape, wide, weight, fused, narrow)
        } else {
            gather::forward(shape, wide, weight, fused, narrow)
        }
    }

    fn transposed<'r>(
        shape: &ConvShape,
        narrow: &[Self],
        weight: &[Self],
        fused: &Fused<'_, Self>,
        wide: &'r mut [MaybeUninit<Self>],
    ) -> &'r mut [Self] {
        shape.check(wide.len(), weight.len(), narrow.len());
        fused.check(shape.in_channels, wide.len());
        if let Some(layer) = shape.as_linear() {
            let wide = linear::input_gradient(&layer, &activated(narrow, fused.before), weight, wide);
            for (index, plane) in wide.chunks_exact_mut(shape.in_height * shape.in_width).enumerate() {
                plane.iter_mut().for_each(|value| *value = fused.finish(index % shape.in_channels, *value));
            }
            fused.combine_all(wide)
        } else if shape.is_few(shape.in_channels) {
            let narrow = activated(narrow, fused.before);
            fused.combine_all(columns::transposed(shape, &narrow, weight, fused, wide))
        } else if winograd::fits(shape, fused.before) {
            winograd::transposed(shape, narrow, weight, fused, wide)
        } else if shape.stride <= 2 {
            gather::transposed(shape, narrow, weight, fused, wide)
        } else {
            let narrow = activated(narrow, fused.before);
            fused.combine_all(direct::transposed(shape, &narrow, weight, fused, wide))
        }
    }

    fn weight_gradient<'r>(
        shape: &ConvShape,
        wide: &[Self],
        before: Option<Self>,
        narrow: &[Self],
        gradient: &'r mut [MaybeUninit<Self>],
    ) -> &'r mut [Self] {
        shape.check(wide.len(), gradient.len(), narrow.len());
        if let Some(layer) = shape.as_linear() {
            linear::weight_gradient(&layer, &activated(wide, before), narrow, gradient)
        } else if winograd::fits(shape, before) {
            winograd::weight_gradient(shape, wide, before, narrow, gradient)
        } else {
            weight_gradient::weight_gradient(shape, wide, before, narrow, gradient)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::made::made;
    use super::*;

    const SHAPE: ConvShape = ConvShape {
        batch: 1,
        in_channels: 2,
        in_height: 4,
        in_width: 5,
        out_channels: 3,
        out_height: 4,
        out_width: 5,
        kernel: 3,
        stride: 1,
        padding: 1,
    };

    /// Whether the convolution is refused with arrays of these lengths, in one of the two types.
    fn is_refused<T: Convolve>(shape: ConvShape, [wide, weight, narrow, bias]: [usize; 4]) -> bool {
        let zeros = |length: usize| vec![T::ZERO; length];
        let run = || {
            let (x, w, b, y) = (zeros(wide), zeros(weight), zeros(bias), zeros(narrow));
            let fused = Fused { bias: Some(&b), ..Fused::default() };
            made(narrow, |room| T::forward(&shape, &x, &w, &fused, room));
            made(wide, |room| T::transposed(&shape, &y, &w, &Fused::default(), room));
            made(weight, |room| T::weight_gradient(&shape, &x, None, &y, room));
        };
        std::panic::catch_unwind(run).is_err()
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        fn check<T: Convolve>() {
            let right = [40, 54, 60, 3];
            assert!(!is_refused::<T>(SHAPE, right));
            for index in 0..right.len() {
                for change in [-1, 1] {
                    let mut lengths = right;
                    lengths[index] = lengths[index].saturating_add_signed(change);
                    assert!(is_refused::<T>(SHAPE, lengths), "{lengths:?}");
                }
            }
            for wrong in [
                ConvShape { out_height: 5, out_width: 4, ..SHAPE },
                ConvShape { stride: 0, ..SHAPE },
                ConvShape { padding: usize::MAX / 2 + 2, ..SHAPE },
            ] {
                assert!(is_refused::<T>(wrong, right), "{wrong:?}");
            }
            // As many images, and channels, as wrap around to no values at all.
            let half = 1 << (usize::BITS / 2);
            let many = ConvShape { batch: half, in_channels: half, out_channels: half, ..SHAPE };
            assert!(is_refused::<T>(many, [0, 0, 0, 0]));
        }
        check::<f32>();
        check::<f64>();
    }

    #[test]
    fn padding_that_wraps_around_has_no_size() {
        assert_eq!(narrow_size(4, 3, 1, 1), Some(4));
        assert_eq!(narrow_size(1, 4, 2, 1), None);
        assert_eq!(narrow_size(4, 3, 1, usize::MAX / 2 + 1), None);
    }
}
