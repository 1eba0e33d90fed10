use std::sync::LazyLock;

use super::mask::{Mask, SIDE};

/// Shapes, scales and orientations of the set; every sprite is one of their 720 combinations, shifted.
pub(super) const SHAPES: usize = 3;
pub(super) const SCALES: usize = 6;
pub(super) const ORIENTATIONS: usize = 40;
/// Positions along each axis, one pixel apart.
pub(super) const POSITIONS: usize = 32;

/// Every sprite fits in a box of this many pixels: it may stand at every one of the 32 positions.
const BOX: usize = SIDE - POSITIONS;

/// One sprite in its box, the leftmost pixel of each row in bit 0.
type Stamp = [u32; BOX];

/// All stamps, row-major over (shape, scale, orientation); 92 kB, made at the first use.
static STAMPS: LazyLock<Vec<Stamp>> = LazyLock::new(|| {
    let mut stamps = Vec::with_capacity(SHAPES * SCALES * ORIENTATIONS);
    for shape in 0..SHAPES {
        for scale in 0..SCALES {
            for orientation in 0..ORIENTATIONS {
                stamps.push(stamp(shape, scale, orientation));
            }
        }
    }
    stamps
});

/// The sprite with these classes of (shape, scale, orientation, x, y).
pub(super) fn sprite([shape, scale, orientation, x, y]: [usize; 5]) -> Mask {
    let stamp = &STAMPS[(shape * SCALES + scale) * ORIENTATIONS + orientation];
    let mut mask = Mask::default();
    for (row, &bits) in mask.0[y..y + BOX].iter_mut().zip(stamp) {
        *row = u64::from(bits) << x;
    }
    mask
}

/// Renders one stamp: a pixel is on when its centre, turned back and scaled back, lies inside the shape.
fn stamp(shape: usize, scale: usize, orientation: usize) -> Stamp {
    let size = 0.5 + 0.1 * scale as f64;
    // Both ends of 0..2 pi are among the 40 values, as in the published set.
    let turn = std::f64::consts::TAU * orientation as f64 / (ORIENTATIONS - 1) as f64;
    let (sin, cos) = turn.sin_cos();
    let mut stamp = [0; BOX];
    for (row, bits) in stamp.iter_mut().enumerate() {
        for column in 0..BOX {
            let (x, y) = (column as f64 - (BOX / 2) as f64, row as f64 - (BOX / 2) as f64);
            let (u, v) = ((cos * x + sin * y) / size, (cos * y - sin * x) / size);
            *bits |= u32::from(is_inside(shape, u, v)) << column;
        }
    }
    stamp
}

/// Whether a point, in pixels from the centre at scale 1 and orientation 0, lies inside the shape.
///
/// The sizes give the published set's mean pixel, 0.0425, over all pictures.
fn is_inside(shape: usize, x: f64, y: f64) -> bool {
    match shape {
        0 => x.abs() <= 9.25 && y.abs() <= 9.25,
        1 => (x / 12.5).powi(2) + (y / 6.0).powi(2) <= 1.0,
        _ => {
            // A disc whose columns are pushed up the more the farther they are from the middle, tip down.
            let (x, y) = (x / 9.8, -y / 9.8 + 0.17);
            x * x + (y - 0.7 * x.abs().sqrt()).powi(2) <= 1.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same picture, pixel by pixel from the formula and without the stamps.
    fn naive([shape, scale, orientation, x, y]: [usize; 5]) -> Mask {
        let turn = std::f64::consts::TAU * orientation as f64 / 39.0;
        let size = 0.5 + 0.1 * scale as f64;
        let mut mask = Mask::default();
        for row in 0..SIDE {
            for column in 0..SIDE {
                let (dx, dy) = (column as f64 - (16 + x) as f64, row as f64 - (16 + y) as f64);
                let u = (turn.cos() * dx + turn.sin() * dy) / size;
                let v = (turn.cos() * dy - turn.sin() * dx) / size;
                mask.0[row] |= u64::from(is_inside(shape, u, v)) << column;
            }
        }
        mask
    }

    #[test]
    fn stamps_equal_the_formula_at_every_corner() {
        for classes in
            [[0, 0, 0, 0, 0], [0, 5, 5, 31, 31], [1, 3, 17, 31, 0], [2, 5, 39, 0, 31], [2, 1, 20, 13, 7]]
        {
            assert_eq!(sprite(classes), naive(classes), "{classes:?}");
        }
    }

    #[test]
    fn no_sprite_is_cut_off_by_its_box() {
        for shape in 0..SHAPES {
            for orientation in 0..ORIENTATIONS {
                let stamp = stamp(shape, SCALES - 1, orientation);
                assert_eq!(stamp[0] | stamp[BOX - 1], 0, "shape {shape}, orientation {orientation}");
                assert!(
                    stamp.iter().all(|row| row & (1 | 1 << (BOX - 1)) == 0),
                    "shape {shape}, orientation {orientation}"
                );
            }
        }
    }

    #[test]
    fn the_mean_pixel_is_the_published_one() {
        let on: u32 = STAMPS.iter().flatten().map(|row| row.count_ones()).sum();
        let mean = f64::from(on) / (STAMPS.len() * SIDE * SIDE) as f64;
        assert!((mean - 0.042_494).abs() < 0.0002, "mean {mean}");
    }

    #[test]
    fn scales_give_different_sprites_and_a_full_turn_the_same() {
        for shape in 0..SHAPES {
            for scale in 1..SCALES {
                assert_ne!(stamp(shape, scale, 0), stamp(shape, scale - 1, 0));
            }
            assert_eq!(stamp(shape, 5, 0), stamp(shape, 5, ORIENTATIONS - 1));
        }
    }
}
