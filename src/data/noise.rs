//! Smooth pseudo-random functions of the plane, for painted and rendered pictures. The same everywhere: they
//! use nothing but integer hashes and exact f32 arithmetic.

const COLUMN: u32 = 0x9e37_79b1;
const ROW: u32 = 0x85eb_ca77;

/// A random value in [0, 1) for each point of the integer grid.
#[inline]
pub(super) fn grid(x: i32, y: i32, seed: u32) -> f32 {
    scramble((x as u32).wrapping_mul(COLUMN) ^ (y as u32).wrapping_mul(ROW) ^ seed)
}

/// Turns a number into one in [0, 1) that shows nothing of its pattern.
#[inline]
fn scramble(bits: u32) -> f32 {
    let bits = (bits ^ bits >> 16).wrapping_mul(0x7feb_352d);
    let bits = (bits ^ bits >> 15).wrapping_mul(0x846c_a68b);
    (bits >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// [`grid`] interpolated smoothly, in [0, 1).
#[inline]
pub(super) fn smooth(x: f32, y: f32, seed: u32) -> f32 {
    let ((i, x), (j, y)) = (split(x), split(y));
    let (u, v) = (ease(x), ease(y));
    let left = (i as u32).wrapping_mul(COLUMN);
    let right = left.wrapping_add(COLUMN);
    let upper = (j as u32).wrapping_mul(ROW);
    let lower = upper.wrapping_add(ROW) ^ seed;
    let upper = upper ^ seed;
    let upper = mix(scramble(left ^ upper), scramble(right ^ upper), u);
    let lower = mix(scramble(left ^ lower), scramble(right ^ lower), u);
    mix(upper, lower, v)
}

/// `octaves` of [`smooth`], each of half the size and half the weight of the one before; mean about 0.5.
#[inline]
pub(super) fn layered(x: f32, y: f32, octaves: u32, seed: u32) -> f32 {
    let (mut sum, mut weight, mut scale, mut total) = (0.0, 0.5, 1.0, 0.0);
    for octave in 0..octaves {
        // Shifting each layer keeps their grids from lining up at the origin.
        let shift = 17.3 * octave as f32;
        sum += weight * smooth(x * scale + shift, y * scale - shift, seed.wrapping_add(octave));
        total += weight;
        weight *= 0.5;
        scale *= 2.0;
    }
    sum / total
}

/// A value in [0, 1) that is smooth in space: [`smooth`] with a third dimension.
#[inline]
pub(super) fn smooth_3d(x: f32, y: f32, z: f32, seed: u32) -> f32 {
    let (k, z) = split(z);
    let layer = |k: i32| seed ^ (k as u32).wrapping_mul(0xc2b2_ae3d);
    mix(smooth(x, y, layer(k)), smooth(x, y, layer(k + 1)), ease(z))
}

/// The whole number below `x` and what is left above it, in [0, 1).
#[inline]
pub(super) fn split(x: f32) -> (i32, f32) {
    let towards_zero = x as i32;
    let whole = towards_zero - i32::from(x < towards_zero as f32);
    (whole, x - whole as f32)
}

#[inline]
pub(super) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// 0 to 1 with a derivative of 0 at either end.
#[inline]
pub(super) fn ease(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

/// 0 below `low`, 1 above `high`, smooth between.
#[inline]
pub(super) fn ramp(low: f32, high: f32, value: f32) -> f32 {
    ease(((value - low) / (high - low)).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_smooth_bounded_and_has_a_mean_near_a_half() {
        let mut sum = 0.0;
        for i in 0..10_000 {
            let (x, y) = (i as f32 * 0.137 - 600.0, i as f32 * 0.071);
            let value = layered(x, y, 4, 9);
            assert!((0.0..1.0).contains(&value));
            assert!((smooth(x + 0.001, y, 3) - smooth(x, y, 3)).abs() < 0.003);
            sum += value;
        }
        assert!((sum / 10_000.0 - 0.5).abs() < 0.02, "mean {}", sum / 10_000.0);
        assert_eq!(smooth(4.0, -7.0, 1), grid(4, -7, 1));
    }
}
