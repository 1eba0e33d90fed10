//! The Laplacian pyramid of a picture (Burt and Adelson 1983): what each halving of its size takes away.

/// Binomial weights of five pixels, in sixteenths.
const WEIGHTS: [f32; 5] = [1.0, 4.0, 6.0, 4.0, 1.0];

/// Sides below this have no level of their own (Karras et al. 2018).
pub(super) const SMALLEST: usize = 16;

/// The sides of the levels of pictures of this side, in pixels, largest first: halved while that gives whole pixels and at
/// least [`SMALLEST`].
pub(super) fn sides(side: usize) -> Vec<usize> {
    let mut sides = vec![side];
    let mut side = side;
    while side.is_multiple_of(2) && side / 2 >= SMALLEST {
        side /= 2;
        sides.push(side);
    }
    sides
}

/// One level of one channel, `(side, side)`, by rows.
pub(super) type Plane = Vec<f32>;

/// The levels of `plane` `(side, side)`, as many as [`sides`]: each but the last is the difference from what the next smaller
/// one, blown up again, looks like; the last is what remains.
pub(super) fn laplacian(plane: &[f32], side: usize) -> Vec<Plane> {
    let mut levels = vec![plane.to_vec()];
    for pair in sides(side).windows(2) {
        let (large, small) = (pair[0], pair[1]);
        let Some(last) = levels.last_mut() else { break };
        let halved = halve(last, large);
        let blown_up = double(&halved, small);
        last.iter_mut().zip(blown_up).for_each(|(value, other)| *value -= other);
        levels.push(halved);
    }
    levels
}

/// `plane` `(side, side)` smoothed and halved in both directions; beyond its edges it is mirrored about the outermost pixels.
fn halve(plane: &[f32], side: usize) -> Plane {
    let line = |at: &dyn Fn(usize) -> f32, i: usize| {
        let taps = WEIGHTS.iter().enumerate();
        taps.map(|(k, weight)| weight * at(mirrored(2 * i + k, side))).sum::<f32>() / 16.0
    };
    let half = side / 2;
    let rows: Vec<f32> =
        (0..side * half).map(|place| line(&|x| plane[place / half * side + x], place % half)).collect();
    (0..half * half).map(|place| line(&|y| rows[y * half + place % half], place / half)).collect()
}

/// Where pixel `place - 2` lies after mirroring, of `side` (at least 3).
fn mirrored(place: usize, side: usize) -> usize {
    let inside = place.abs_diff(2);
    if inside < side { inside } else { 2 * (side - 1) - inside }
}

/// `plane` `(side, side)` doubled in both directions: zeros between its pixels, smoothed, mirrored as in [`halve`].
fn double(plane: &[f32], side: usize) -> Plane {
    let line = |at: &dyn Fn(usize) -> f32, i: usize| {
        let (here, after) = (at(i / 2), at((i / 2 + 1).min(side - 1)));
        if i % 2 == 1 {
            return (here + after) / 2.0;
        }
        // In front of the first pixel lies the second one, mirrored; behind the last the last, since the zero between is the
        // outermost one.
        let before = at(if i == 0 { 1.min(side - 1) } else { i / 2 - 1 });
        (before + 6.0 * here + after) / 8.0
    };
    let width = 2 * side;
    let rows: Vec<f32> =
        (0..side * width).map(|place| line(&|x| plane[place / width * side + x], place % width)).collect();
    (0..width * width).map(|place| line(&|y| rows[y * width + place % width], place / width)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Stream;

    #[test]
    fn levels_end_at_16_pixels_or_where_a_side_is_odd() {
        assert_eq!(sides(256), [256, 128, 64, 32, 16]);
        assert_eq!([sides(16), sides(31), sides(44)], [vec![16], vec![31], vec![44, 22]]);
    }

    /// The five-by-five filter of the plane `at(y, x)`, by its definition, with `mirror` at the edges.
    fn smoothed(side: usize, at: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let inside = |place: isize| {
            let last = side as isize - 1;
            (if place > last { 2 * last - place } else { place.abs() }) as usize
        };
        let pixel = |y: isize, x: isize| {
            let mut sum = 0.0;
            for (j, v) in WEIGHTS.iter().enumerate() {
                for (i, w) in WEIGHTS.iter().enumerate() {
                    let (y, x) = (inside(y + j as isize - 2), inside(x + i as isize - 2));
                    sum += f64::from(v * w) / 256.0 * at(y, x);
                }
            }
            sum
        };
        (0..side * side).map(|place| pixel((place / side) as isize, (place % side) as isize)).collect()
    }

    #[test]
    fn levels_are_what_the_definition_says() {
        let side = 32;
        let plane = Stream::new(3, "plane").normals(side * side);
        let levels = laplacian(&plane, side);
        let whole = smoothed(side, |y, x| f64::from(plane[y * side + x]));
        let half: Vec<f64> = (0..256).map(|place| whole[place / 16 * 2 * side + place % 16 * 2]).collect();
        let stuffed = |y: usize, x: usize| {
            if y.is_multiple_of(2) && x.is_multiple_of(2) { 4.0 * half[y / 2 * 16 + x / 2] } else { 0.0 }
        };
        let back = smoothed(side, stuffed);
        assert_eq!(levels.iter().map(Vec::len).collect::<Vec<_>>(), [1024, 256]);
        for (place, &value) in levels[1].iter().enumerate() {
            assert!((f64::from(value) - half[place]).abs() < 1e-5, "half, {place}");
        }
        for (place, &value) in levels[0].iter().enumerate() {
            let expected = f64::from(plane[place]) - back[place];
            assert!(
                (f64::from(value) - expected).abs() < 1e-5,
                "difference, {place}: {value} for {expected}"
            );
        }
    }

    #[test]
    fn an_even_surface_is_all_in_the_last_level() {
        let levels = laplacian(&[0.7; 64 * 64], 64);
        assert!(levels[..2].iter().flatten().all(|value| value.abs() < 1e-6));
        assert!(levels[2].iter().all(|value| (value - 0.7).abs() < 1e-6));
    }
}
