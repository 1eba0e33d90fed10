//! The three convolution kernels as plain loops, for any float: the path of f64 (finite differences) and of
//! whatever the packed kernels do not take.

use super::elementwise::Real;
use super::filled_vec;
use super::fused::Fused;
use super::shape::ConvShape;
use std::mem::MaybeUninit;

/// `narrow = activation(conv(wide, weight) + bias)` in all of `narrow`.
pub(super) fn forward<'r, T: Real>(
    shape: &ConvShape,
    wide: &[T],
    weight: &[T],
    fused: &Fused<'_, T>,
    narrow: &'r mut [MaybeUninit<T>],
) -> &'r mut [T] {
    let s = *shape;
    let (in_plane, out_plane) = (s.in_height * s.in_width, s.out_height * s.out_width);
    let taps = s.kernel * s.kernel;
    filled_vec::par_chunks(narrow, out_plane, |index, room| {
        let (image, channel) = (index / s.out_channels, index % s.out_channels);
        let out = filled_vec::from_fn(room, |_| T::ZERO);
        for input_channel in 0..s.in_channels {
            let input = &wide[(image * s.in_channels + input_channel) * in_plane..][..in_plane];
            let kernel = &weight[(channel * s.in_channels + input_channel) * taps..][..taps];
            for_each_tap(&s, |ky, kx, rows, columns| {
                let w = kernel[ky * s.kernel + kx];
                for oy in rows {
                    let row = &input[(oy * s.stride + ky - s.padding) * s.in_width..][..s.in_width];
                    let out = &mut out[oy * s.out_width..][columns.clone()];
                    let start = columns.start * s.stride + kx - s.padding;
                    for (o, &i) in out.iter_mut().zip(row[start..].iter().step_by(s.stride)) {
                        *o += w * i;
                    }
                }
            });
        }
        out.iter_mut().for_each(|o| *o = fused.finish(channel, *o));
        out
    })
}

/// `wide = activation(conv_transpose(narrow, weight) + bias)`, the adjoint of [`forward`], in all of `wide`.
pub(super) fn transposed<'r, T: Real>(
    shape: &ConvShape,
    narrow: &[T],
    weight: &[T],
    fused: &Fused<'_, T>,
    wide: &'r mut [MaybeUninit<T>],
) -> &'r mut [T] {
    let s = *shape;
    let (in_plane, out_plane) = (s.in_height * s.in_width, s.out_height * s.out_width);
    let taps = s.kernel * s.kernel;
    filled_vec::par_chunks(wide, in_plane, |index, room| {
        let (image, channel) = (index / s.in_channels, index % s.in_channels);
        let result = filled_vec::from_fn(room, |_| T::ZERO);
        for narrow_channel in 0..s.out_channels {
            let source = &narrow[(image * s.out_channels + narrow_channel) * out_plane..][..out_plane];
            let kernel = &weight[(narrow_channel * s.in_channels + channel) * taps..][..taps];
            for_each_tap(&s, |ky, kx, rows, columns| {
                let w = kernel[ky * s.kernel + kx];
                for oy in rows {
                    let source = &source[oy * s.out_width..][columns.clone()];
                    let row = &mut result[(oy * s.stride + ky - s.padding) * s.in_width..][..s.in_width];
                    let start = columns.start * s.stride + kx - s.padding;
                    for (o, &i) in row[start..].iter_mut().step_by(s.stride).zip(source) {
                        *o += w * i;
                    }
                }
            });
        }
        result.iter_mut().for_each(|o| *o = fused.finish(channel, *o));
        result
    })
}

/// The gradient of the weights, `sum wide * narrow` over images and positions, in all of `gradient`.
pub(super) fn weight_gradient<'r, T: Real>(
    shape: &ConvShape,
    wide: &[T],
    narrow: &[T],
    gradient: &'r mut [MaybeUninit<T>],
) -> &'r mut [T] {
    let s = *shape;
    let (in_plane, out_plane) = (s.in_height * s.in_width, s.out_height * s.out_width);
    let taps = s.kernel * s.kernel;
    filled_vec::par_chunks(gradient, taps, |index, room| {
        let (channel, input_channel) = (index / s.in_channels, index % s.in_channels);
        let kernel = filled_vec::from_fn(room, |_| T::ZERO);
        for image in 0..s.batch {
            let input = &wide[(image * s.in_channels + input_channel) * in_plane..][..in_plane];
            let out = &narrow[(image * s.out_channels + channel) * out_plane..][..out_plane];
            for_each_tap(&s, |ky, kx, rows, columns| {
                let mut sum = T::ZERO;
                for oy in rows {
                    let row = &input[(oy * s.stride + ky - s.padding) * s.in_width..][..s.in_width];
                    let out = &out[oy * s.out_width..][columns.clone()];
                    let start = columns.start * s.stride + kx - s.padding;
                    for (&o, &i) in out.iter().zip(row[start..].iter().step_by(s.stride)) {
                        sum += o * i;
                    }
                }
                kernel[ky * s.kernel + kx] += sum;
            });
        }
        kernel
    })
}

/// Calls `visit(ky, kx, rows, columns)` for each tap that meets the picture somewhere, with the narrow rows and
/// columns where it does.
fn for_each_tap(
    s: &ConvShape,
    mut visit: impl FnMut(usize, usize, std::ops::Range<usize>, std::ops::Range<usize>),
) {
    for ky in 0..s.kernel {
        let rows = s.inside(ky, s.out_height, s.in_height);
        for kx in 0..s.kernel {
            let columns = s.inside(kx, s.out_width, s.in_width);
            if !rows.is_empty() && !columns.is_empty() {
                visit(ky, kx, rows.clone(), columns);
            }
        }
    }
}
