//! Pooling and re-sampling, each beside its adjoint; every kernel works plane by plane.

use super::elementwise::Real;
use rayon::prelude::*;

/// The size that [`avg_pool_3x3_s2`] gives for an axis of `size` positions.
pub fn pooled_size(size: usize) -> usize {
    size.div_ceil(2)
}

/// Average of 3x3 windows, stride 2, one ring of zeros that counts; planes of `height x width`.
pub fn avg_pool_3x3_s2<T: Real>(x: &[T], height: usize, width: usize, out: &mut [T]) {
    let (out_height, out_width) = (pooled_size(height), pooled_size(width));
    let ninth = T::from_f64(1.0 / 9.0);
    planes(x, height * width, out, out_height * out_width, |x, out| {
        for oy in 0..out_height {
            for ox in 0..out_width {
                let mut sum = T::ZERO;
                for y in (2 * oy).saturating_sub(1)..(2 * oy + 2).min(height) {
                    for x_ in (2 * ox).saturating_sub(1)..(2 * ox + 2).min(width) {
                        sum += x[y * width + x_];
                    }
                }
                out[oy * out_width + ox] = ninth * sum;
            }
        }
    });
}

/// The adjoint of [`avg_pool_3x3_s2`]: each pooled value is spread over its window of `height x width`.
pub fn avg_pool_3x3_s2_backward<T: Real>(y: &[T], height: usize, width: usize, out: &mut [T]) {
    let (pooled_height, pooled_width) = (pooled_size(height), pooled_size(width));
    let ninth = T::from_f64(1.0 / 9.0);
    planes(y, pooled_height * pooled_width, out, height * width, |y, out| {
        for r in 0..height {
            for c in 0..width {
                let mut sum = T::ZERO;
                // Window o covers 2o-1..=2o+1: an even position lies in one window, an odd one in two.
                for oy in r / 2..(r.div_ceil(2) + 1).min(pooled_height) {
                    for ox in c / 2..(c.div_ceil(2) + 1).min(pooled_width) {
                        sum += y[oy * pooled_width + ox];
                    }
                }
                out[r * width + c] = ninth * sum;
            }
        }
    });
}

/// Each pixel becomes 2x2 equal ones; planes of `height x width`.
pub fn upsample_nearest_2x<T: Real>(x: &[T], height: usize, width: usize, out: &mut [T]) {
    planes(x, height * width, out, 4 * height * width, |x, out| {
        for (row, out) in x.chunks_exact(width.max(1)).zip(out.chunks_exact_mut(4 * width.max(1))) {
            let (first, second) = out.split_at_mut(2 * width);
            for (pair, &v) in first.chunks_exact_mut(2).zip(row) {
                pair.fill(v);
            }
            second.copy_from_slice(first);
        }
    });
}

/// The sum of each `factor x factor` block times `scale`; planes of `height x width`, both divisible by `factor`.
pub fn block_sum<T: Real>(x: &[T], height: usize, width: usize, factor: usize, scale: T, out: &mut [T]) {
    let (out_height, out_width) = (height / factor, width / factor);
    planes(x, height * width, out, out_height * out_width, |x, out| {
        for oy in 0..out_height {
            let rows = &x[oy * factor * width..][..factor * width];
            for (ox, out) in out[oy * out_width..][..out_width].iter_mut().enumerate() {
                let mut sum = T::ZERO;
                for row in rows.chunks_exact(width) {
                    for &v in &row[ox * factor..][..factor] {
                        sum += v;
                    }
                }
                *out = scale * sum;
            }
        }
    });
}

/// The adjoint of [`block_sum`]: each value times `scale` fills a `factor x factor` block; `x` planes are
/// `height x width`.
pub fn block_fill<T: Real>(x: &[T], height: usize, width: usize, factor: usize, scale: T, out: &mut [T]) {
    let wide = width * factor;
    planes(x, height * width, out, height * width * factor * factor, |x, out| {
        for (row, out) in x.chunks_exact(width.max(1)).zip(out.chunks_exact_mut(wide.max(1) * factor)) {
            let (first, rest) = out.split_at_mut(wide);
            for (block, &v) in first.chunks_exact_mut(factor).zip(row) {
                block.fill(scale * v);
            }
            for other in rest.chunks_exact_mut(wide) {
                other.copy_from_slice(first);
            }
        }
    });
}

/// Where a bilinear sample of an axis reads: `(left, right, weight of right)` per output position, half-pixel
/// centres, edges repeated (PyTorch's `align_corners=False`, no antialiasing).
pub fn bilinear_taps(input: usize, output: usize) -> Vec<(usize, usize, f64)> {
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
pub fn bilinear<T: Real>(x: &[T], (height, width): (usize, usize), (oh, ow): (usize, usize), out: &mut [T]) {
    let (rows, columns) = (bilinear_taps(height, oh), bilinear_taps(width, ow));
    planes(x, height * width, out, oh * ow, |x, out| {
        for (&(top, bottom, down), out) in rows.iter().zip(out.chunks_exact_mut(ow)) {
            let down = T::from_f64(down);
            let (top, bottom) = (&x[top * width..][..width], &x[bottom * width..][..width]);
            for (&(left, right, along), out) in columns.iter().zip(out) {
                let along = T::from_f64(along);
                let upper = top[left] + along * (top[right] - top[left]);
                let lower = bottom[left] + along * (bottom[right] - bottom[left]);
                *out = upper + down * (lower - upper);
            }
        }
    });
}

/// The adjoint of [`bilinear`]: from `oh x ow` planes back to `height x width`.
pub fn bilinear_backward<T: Real>(
    y: &[T],
    (height, width): (usize, usize),
    (oh, ow): (usize, usize),
    out: &mut [T],
) {
    let (rows, columns) = (bilinear_taps(height, oh), bilinear_taps(width, ow));
    let one = T::from_f64(1.0);
    planes(y, oh * ow, out, height * width, |y, out| {
        out.fill(T::ZERO);
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
    });
}

/// Calls `f` on each pair of planes.
fn planes<T: Real>(
    input: &[T],
    input_plane: usize,
    output: &mut [T],
    output_plane: usize,
    f: impl Fn(&[T], &mut [T]) + Sync,
) {
    if input_plane == 0 || output_plane == 0 {
        return;
    }
    output
        .par_chunks_mut(output_plane)
        .zip(input.par_chunks(input_plane))
        .for_each(|(output, input)| f(input, output));
}
