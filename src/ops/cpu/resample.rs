//! Pooling and re-sampling, each beside its adjoint; every kernel works plane by plane and writes all of its room.

use super::elementwise::Real;
use super::filled_vec;
use std::mem::MaybeUninit;

/// The size that [`avg_pool_3x3_s2`] gives for an axis of `size` positions.
pub(crate) fn pooled_size(size: usize) -> usize {
    size.div_ceil(2)
}

/// Average of 3x3 windows, stride 2, one ring of zeros that counts; planes of `height x width`.
pub(crate) fn avg_pool_3x3_s2<'r, T: Real>(
    x: &[T],
    height: usize,
    width: usize,
    room: &'r mut [MaybeUninit<T>],
) -> &'r mut [T] {
    let (out_height, out_width) = (pooled_size(height), pooled_size(width));
    let ninth = T::from_f64(1.0 / 9.0);
    planes(x, height * width, room, out_height * out_width, |x, room| {
        filled_vec::chunks(room, out_width, |oy, row| {
            filled_vec::from_fn(row, |ox| {
                let mut sum = T::ZERO;
                for y in (2 * oy).saturating_sub(1)..(2 * oy + 2).min(height) {
                    for x_ in (2 * ox).saturating_sub(1)..(2 * ox + 2).min(width) {
                        sum += x[y * width + x_];
                    }
                }
                ninth * sum
            })
        })
    })
}

/// The adjoint of [`avg_pool_3x3_s2`]: each pooled value is spread over its window of `height x width`.
pub(crate) fn avg_pool_3x3_s2_backward<'r, T: Real>(
    y: &[T],
    height: usize,
    width: usize,
    room: &'r mut [MaybeUninit<T>],
) -> &'r mut [T] {
    let (pooled_height, pooled_width) = (pooled_size(height), pooled_size(width));
    let ninth = T::from_f64(1.0 / 9.0);
    planes(y, pooled_height * pooled_width, room, height * width, |y, room| {
        filled_vec::chunks(room, width, |r, row| {
            filled_vec::from_fn(row, |c| {
                let mut sum = T::ZERO;
                // Window o covers 2o-1..=2o+1: an even position lies in one window, an odd one in two.
                for oy in r / 2..(r.div_ceil(2) + 1).min(pooled_height) {
                    for ox in c / 2..(c.div_ceil(2) + 1).min(pooled_width) {
                        sum += y[oy * pooled_width + ox];
                    }
                }
                ninth * sum
            })
        })
    })
}

/// The sum of each `factor x factor` block times `scale`; planes of `height x width`, both divisible by `factor`.
pub(crate) fn block_sum<'r, T: Real>(
    x: &[T],
    height: usize,
    width: usize,
    factor: usize,
    scale: T,
    room: &'r mut [MaybeUninit<T>],
) -> &'r mut [T] {
    let (out_height, out_width) = (height / factor, width / factor);
    planes(x, height * width, room, out_height * out_width, |x, room| {
        filled_vec::chunks(room, out_width, |oy, out| {
            let rows = &x[oy * factor * width..][..factor * width];
            filled_vec::from_fn(out, |ox| {
                let mut sum = T::ZERO;
                for row in rows.chunks_exact(width) {
                    for &v in &row[ox * factor..][..factor] {
                        sum += v;
                    }
                }
                scale * sum
            })
        })
    })
}

/// The adjoint of [`block_sum`]: each value times `scale` fills a `factor x factor` block; `x` planes are
/// `height x width`.
pub(crate) fn block_fill<'r, T: Real>(
    x: &[T],
    height: usize,
    width: usize,
    factor: usize,
    scale: T,
    room: &'r mut [MaybeUninit<T>],
) -> &'r mut [T] {
    planes(x, height * width, room, height * width * factor * factor, |x, room| {
        filled_vec::chunks(room, width * factor * factor, |y, rows| {
            let row = &x[y * width..][..width];
            filled_vec::copies(rows, factor, |first| filled_vec::blocks(first, factor, row, |&v| scale * v))
        })
    })
}

/// Where a bilinear sample of an axis reads: `(left, right, weight of right)` per output position, half-pixel
/// centres, edges repeated (PyTorch's `align_corners=False`, no antialiasing).
pub(crate) fn bilinear_taps(input: usize, output: usize) -> Vec<(usize, usize, f64)> {
    let scale = input as f64 / output as f64;
    (0..output)
        .map(|o| {
            let source = ((o as f64 + 0.5) * scale - 0.5).max(0.0);
            let left = (source.floor() as usize).min(input - 1);
            (left, (left + 1).min(input - 1), source - left as f64)
        })
        .collect()
}

/// Bilinear sampling of `height x width` planes at `out_height x out_width` positions.
pub(crate) fn bilinear<'r, T: Real>(
    x: &[T],
    (height, width): (usize, usize),
    (oh, ow): (usize, usize),
    room: &'r mut [MaybeUninit<T>],
) -> &'r mut [T] {
    let (rows, columns) = (bilinear_taps(height, oh), bilinear_taps(width, ow));
    planes(x, height * width, room, oh * ow, |x, room| {
        filled_vec::chunks(room, ow, |y, out| {
            let (top, bottom, down) = rows[y];
            let down = T::from_f64(down);
            let (top, bottom) = (&x[top * width..][..width], &x[bottom * width..][..width]);
            let values = columns.iter().map(|&(left, right, along)| {
                let along = T::from_f64(along);
                let upper = top[left] + along * (top[right] - top[left]);
                let lower = bottom[left] + along * (bottom[right] - bottom[left]);
                upper + down * (lower - upper)
            });
            filled_vec::from_iter(out, values)
        })
    })
}

/// The adjoint of [`bilinear`]: from `oh x ow` planes back to `height x width`.
pub(crate) fn bilinear_backward<'r, T: Real>(
    y: &[T],
    (height, width): (usize, usize),
    (oh, ow): (usize, usize),
    room: &'r mut [MaybeUninit<T>],
) -> &'r mut [T] {
    let (rows, columns) = (bilinear_taps(height, oh), bilinear_taps(width, ow));
    let one = T::from_f64(1.0);
    planes(y, oh * ow, room, height * width, |y, room| {
        let out = filled_vec::from_fn(room, |_| T::ZERO);
        for (&(top, bottom, down), y) in rows.iter().zip(y.chunks_exact(ow)) {
            let down = T::from_f64(down);
            for (&(left, right, along), &g) in columns.iter().zip(y) {
                let along = T::from_f64(along);
                out[top * width + left] += (one - down) * (one - along) * g;
                out[top * width + right] += (one - down) * along * g;
                out[bottom * width + left] += down * (one - along) * g;
                out[bottom * width + right] += down * along * g;
            }
        }
        out
    })
}

/// Calls `f` on each pair of planes, in parallel.
///
/// # Panics
/// When there are fewer planes to read than to write.
fn planes<'r, T: Real>(
    input: &[T],
    input_plane: usize,
    room: &'r mut [MaybeUninit<T>],
    output_plane: usize,
    f: impl for<'p> Fn(&[T], &'p mut [MaybeUninit<T>]) -> &'p mut [T] + Sync,
) -> &'r mut [T] {
    filled_vec::par_chunks(room, output_plane, |index, room| {
        f(&input[index * input_plane..][..input_plane], room)
    })
}
