use std::f64::consts::TAU;
use std::sync::LazyLock;

use super::mask::Mask;

/// Version of the drawing: whatever changes a pixel raises it, so that no run goes on with other pictures than it began
/// with. 1 turned clockwise and had shapes of other sizes.
pub(in crate::data) const DRAWING: u32 = 2;

/// Shapes, scales and orientations of the set.
pub(super) const SHAPES: usize = 3;
pub(super) const SCALES: usize = 6;
pub(super) const ORIENTATIONS: usize = 40;
/// Positions along each axis.
pub(super) const POSITIONS: usize = 32;

/// Points on the outlines of ellipse and heart: no side is farther than 0.01 pixels from its arc.
const POINTS: usize = 256;

/// The outlines of square, ellipse and heart at scale 1 and orientation 0: corners in pixels from the centre, x to the
/// right and y down.
static OUTLINES: LazyLock<[Vec<[f64; 2]>; SHAPES]> = LazyLock::new(|| {
    let around =
        |point: fn(f64) -> [f64; 2]| (0..POINTS).map(|i| point(TAU * i as f64 / POINTS as f64)).collect();
    [
        vec![[-SQUARE, -SQUARE], [SQUARE, -SQUARE], [SQUARE, SQUARE], [-SQUARE, SQUARE]],
        around(ellipse),
        around(heart),
    ]
});

// The sizes below were fitted to the 320 frames that the set's authors publish of it. The pictures overlap with theirs by
// 0.999 or more of their union, on average over the frames of each shape.

/// Half the side of the square.
const SQUARE: f64 = 9.6;

fn ellipse(t: f64) -> [f64; 2] {
    [12.77 * t.cos(), 7.21 * t.sin()]
}

/// The well-known curve of sines and cosines, tip down.
fn heart(t: f64) -> [f64; 2] {
    let up = 13.0 * t.cos() - 5.0 * (2.0 * t).cos() - 2.0 * (3.0 * t).cos() - (4.0 * t).cos();
    [0.5997 * 16.0 * t.sin().powi(3), -0.662_55 * (up + 2.166)]
}

/// The sprite with these classes of (shape, scale, orientation, x, y): a pixel is on when its centre lies inside the
/// outline, made larger, turned anticlockwise and moved.
pub(super) fn sprite([shape, scale, orientation, x, y]: [usize; 5]) -> Mask {
    let size = 0.5 + 0.1 * scale as f64;
    // Both ends of 0..2 pi are among the 40 values, as in the published set.
    let turn = TAU * orientation as f64 / (ORIENTATIONS - 1) as f64;
    let (sin, cos) = (size * turn.sin(), size * turn.cos());
    let (x, y) = (centre(x), centre(y));
    let corners = OUTLINES[shape].iter().map(|&[u, v]| [x + cos * u + sin * v, y + cos * v - sin * u]);
    Mask::filled(corners)
}

/// Column or row of the centre at a position: 15.5 to 47.5, a little more than a pixel apart.
fn centre(position: usize) -> f64 {
    15.5 + 32.0 * position as f64 / (POSITIONS - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::sprites::mask::SIDE;

    /// Whether a point, in pixels from the centre at scale 1 and orientation 0, lies inside the shape, by its inequality.
    fn is_inside(shape: usize, x: f64, y: f64) -> bool {
        match shape {
            0 => x.abs() <= SQUARE && y.abs() <= SQUARE,
            1 => (x / 12.77).powi(2) + (y / 7.21).powi(2) <= 1.0,
            _ => {
                // Each column of the curve has an upper and a lower end, at t and pi - t.
                let sin = (x.abs() / (0.5997 * 16.0)).cbrt();
                if sin > 1.0 {
                    return false;
                }
                let (t, up) = (sin.asin(), -y / 0.662_55 - 2.166);
                let end = |t: f64| -heart(t)[1] / 0.662_55 - 2.166;
                (end(std::f64::consts::PI - t)..=end(t)).contains(&up)
            }
        }
    }

    /// The same picture, pixel by pixel and without outlines.
    fn naive([shape, scale, orientation, x, y]: [usize; 5]) -> Mask {
        let turn = TAU * orientation as f64 / 39.0;
        let size = 0.5 + 0.1 * scale as f64;
        let mut mask = Mask::default();
        for row in 0..SIDE {
            for column in 0..SIDE {
                let (dx, dy) = (column as f64 - centre(x), row as f64 - centre(y));
                let u = (turn.cos() * dx - turn.sin() * dy) / size;
                let v = (turn.cos() * dy + turn.sin() * dx) / size;
                mask.0[row] |= u64::from(is_inside(shape, u, v)) << column;
            }
        }
        mask
    }

    fn on(mask: &Mask) -> u32 {
        mask.0.iter().map(|row| row.count_ones()).sum()
    }

    #[test]
    fn outlines_enclose_what_the_inequalities_say() {
        let mut pixels = 0;
        let mut other = 0;
        for shape in 0..SHAPES {
            for orientation in 0..ORIENTATIONS {
                let classes =
                    [shape, orientation % SCALES, orientation, 7 * orientation % 32, 11 * orientation % 32];
                let (fast, naive) = (sprite(classes), naive(classes));
                let differing = fast.0.iter().zip(naive.0).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>();
                assert!(differing <= 2, "{classes:?}: {differing} pixels");
                pixels += on(&naive);
                other += differing;
            }
        }
        // An outline of 256 corners misses what lies within a hundredth of a pixel of the curve.
        assert!(f64::from(other) < 0.001 * f64::from(pixels), "{other} of {pixels}");
    }

    #[test]
    fn no_sprite_reaches_the_edge_of_the_picture() {
        for shape in 0..SHAPES {
            for orientation in 0..ORIENTATIONS {
                let counts = [[0, 0], [31, 0], [0, 31], [31, 31]].map(|[x, y]| {
                    let mask = sprite([shape, SCALES - 1, orientation, x, y]);
                    assert_eq!(mask.0[0] | mask.0[SIDE - 1], 0, "shape {shape}, orientation {orientation}");
                    assert!(mask.0.iter().all(|row| row & (1 | 1 << (SIDE - 1)) == 0));
                    on(&mask)
                });
                assert!(counts.iter().all(|&count| count == counts[0]), "whole pixels apart: {counts:?}");
            }
        }
    }

    #[test]
    fn sizes_and_the_mean_pixel_are_the_published_ones() {
        let mut total = 0.0;
        for (shape, published) in [373.0, 289.0, 224.0].into_iter().enumerate() {
            let mean = |scale| {
                let turned = (0..ORIENTATIONS).map(|o| sprite([shape, scale, o, 5 * o % 32, 3 * o % 32]));
                turned.map(|mask| f64::from(on(&mask))).sum::<f64>() / ORIENTATIONS as f64
            };
            let whole = mean(SCALES - 1);
            assert!((whole / published - 1.0).abs() < 0.03, "shape {shape}: {whole} white pixels");
            total += (0..SCALES).map(mean).sum::<f64>();
        }
        let mean = total / (SHAPES * SCALES * SIDE * SIDE) as f64;
        assert!((mean - 0.042_494).abs() < 0.0002, "mean {mean}");
    }

    #[test]
    fn scales_give_different_sprites_and_a_full_turn_the_same() {
        for shape in 0..SHAPES {
            for scale in 1..SCALES {
                assert_ne!(sprite([shape, scale, 0, 3, 4]), sprite([shape, scale - 1, 0, 3, 4]));
            }
            assert_eq!(sprite([shape, 5, 0, 3, 4]), sprite([shape, 5, ORIENTATIONS - 1, 3, 4]));
        }
    }
}
