use std::sync::LazyLock;

use super::vector::{Vec3, vec3};

/// A linear sRGB colour of this perceived lightness (0 to 1), chroma (about 0 to 0.2) and hue (in turns), in
/// the OKLab space, where equal steps of hue look equally different and equally bright. What the screen
/// cannot show is clipped.
pub(super) fn colour(lightness: f32, chroma: f32, hue: f32) -> Vec3 {
    let (sin, cos) = (hue * std::f32::consts::TAU).sin_cos();
    let (a, b) = (chroma * cos, chroma * sin);
    let cone = |value: f32| value * value * value;
    let l = cone(lightness + 0.396_337_78 * a + 0.215_803_76 * b);
    let m = cone(lightness - 0.105_561_346 * a - 0.063_854_17 * b);
    let s = cone(lightness - 0.089_484_18 * a - 1.291_485_5 * b);
    vec3(
        (4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s).clamp(0.0, 1.0),
        (-1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s).clamp(0.0, 1.0),
        (-0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s).clamp(0.0, 1.0),
    )
}

/// Linear light, 0 and up, to what the screen is sent, [0, 1]: highlights roll off as on film, then sRGB's
/// own curve.
#[inline]
pub(super) fn develop(light: Vec3) -> [f32; 3] {
    let above = |value: f32| value * (value + 0.045);
    let below = |value: f32| value * (value + 0.46) + 0.13;
    // One division for three channels.
    let (x, y, z) = (below(light.x), below(light.y), below(light.z));
    let inverse = 1.0 / (x * y * z);
    [
        encode(above(light.x) * (y * z * inverse)),
        encode(above(light.y) * (x * z * inverse)),
        encode(above(light.z) * (x * y * inverse)),
    ]
}

/// Entries of the table behind [`encode`].
const STEPS: usize = 2048;

static ENCODED: LazyLock<Box<[f32; STEPS + 2]>> = LazyLock::new(|| {
    Box::new(std::array::from_fn(|i| {
        let linear = i as f32 / STEPS as f32;
        if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
    }))
});

/// sRGB's transfer curve from a table, for [0, 1]; what lies outside is clamped.
#[inline]
pub(super) fn encode(linear: f32) -> f32 {
    let at = linear.clamp(0.0, 1.0) * STEPS as f32;
    let below = at as usize;
    let (low, high) = (ENCODED[below], ENCODED[below + 1]);
    low + (high - low) * (at - below as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_follows_the_curve() {
        for (linear, encoded) in
            [(0.0, 0.0), (0.001, 0.012_92), (0.214_041, 0.5), (0.5, 0.735_357), (1.0, 1.0)]
        {
            assert!((encode(linear) - encoded).abs() < 5e-4, "{linear} gives {}", encode(linear));
        }
        assert!(encode(-1.0) == 0.0 && (encode(2.0) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn colours_without_chroma_are_grey_and_red_is_red() {
        let middle = colour(0.5, 0.0, 0.3);
        assert!((middle.x - 0.125).abs() < 1e-3 && (middle.x - middle.z).abs() < 1e-3);
        let red = colour(0.628, 0.2577, 0.0812);
        assert!(red.x > 0.98 && red.y < 0.02 && red.z < 0.02, "{red:?}");
    }

    #[test]
    fn developing_rises_and_stays_in_range() {
        let mut last = -1.0;
        for i in 0..1000 {
            let [value, ..] = develop(vec3(i as f32 * 0.01, 0.0, 0.0));
            assert!(value >= last && (0.0..=1.0).contains(&value));
            last = value;
        }
    }
}
