//! The three convolution kernels, and which code runs.

use super::elementwise::{Real, leaky};
use super::fused::Fused;
use super::shape::ConvShape;
use super::{columns, direct, gather, linear, weight_gradient, winograd};
use std::borrow::Cow;
use std::mem::MaybeUninit;

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
        } else if shape.stride == 1
            && shape.padding < shape.kernel
            && columns::fits(shape, shape.out_channels)
        {
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
        } else if columns::fits(shape, shape.in_channels) {
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
    use super::super::filled_vec::filled_vec;
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
            filled_vec(narrow, |room| T::forward(&shape, &x, &w, &fused, room));
            filled_vec(wide, |room| T::transposed(&shape, &y, &w, &Fused::default(), room));
            filled_vec(weight, |room| T::weight_gradient(&shape, &x, None, &y, room));
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
}
