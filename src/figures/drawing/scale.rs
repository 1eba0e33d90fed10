use std::borrow::Cow;

use crate::base::Picture;
use crate::explore::resample::{Filter, taps};

/// `picture` at `size` (width, height): itself where it fits, whole pixels repeated where it grows by whole
/// factors, otherwise each new pixel the average of the area it covers.
pub fn fit(picture: &Picture, size: [usize; 2]) -> Cow<'_, Picture> {
    let [width, height] = size;
    if [picture.width(), picture.height()] == size || picture.width() == 0 || picture.height() == 0 {
        return Cow::Borrowed(picture);
    }
    let whole = width % picture.width() == 0 && height % picture.height() == 0;
    Cow::Owned(if whole { repeated(picture, size) } else { averaged(picture, size) })
}

fn repeated(picture: &Picture, [width, height]: [usize; 2]) -> Picture {
    let (across, down) = (width / picture.width(), height / picture.height());
    let mut scaled = Picture::filled(width, height, [0; 4]);
    let line = width * 4;
    for (y, rows) in scaled.rgba_mut().chunks_exact_mut(line * down).enumerate() {
        for x in 0..width {
            rows[x * 4..x * 4 + 4].copy_from_slice(&picture.pixel(x / across, y));
        }
        let (first, rest) = rows.split_at_mut(line);
        rest.chunks_exact_mut(line).for_each(|row| row.copy_from_slice(first));
    }
    scaled
}

fn averaged(picture: &Picture, [width, height]: [usize; 2]) -> Picture {
    let (across, down) =
        (taps(Filter::Area, picture.width(), width), taps(Filter::Area, picture.height(), height));
    let mut scaled = Picture::filled(width, height, [0; 4]);
    for (y, rows) in down.iter().enumerate() {
        for (x, columns) in across.iter().enumerate() {
            let mut sum = [0.0f32; 4];
            for (row, row_weight) in (rows.first..).zip(&rows.weights) {
                for (column, column_weight) in (columns.first..).zip(&columns.weights) {
                    for (sum, value) in sum.iter_mut().zip(picture.pixel(column, row)) {
                        *sum += row_weight * column_weight * f32::from(value);
                    }
                }
            }
            scaled.set_pixel(x, y, sum.map(|value| value.round() as u8));
        }
    }
    scaled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chequered() -> Picture {
        let mut picture = Picture::filled(2, 2, [0, 0, 0, 255]);
        picture.set_pixel(0, 0, [200, 100, 0, 255]);
        picture.set_pixel(1, 1, [200, 100, 0, 255]);
        picture
    }

    #[test]
    fn whole_factors_repeat_pixels() {
        let scaled = fit(&chequered(), [6, 4]).into_owned();
        for (x, y) in [(0, 0), (2, 1), (3, 2), (5, 3)] {
            assert_eq!(scaled.pixel(x, y), [200, 100, 0, 255], "{x} {y}");
        }
        for (x, y) in [(3, 0), (5, 1), (0, 2), (2, 3)] {
            assert_eq!(scaled.pixel(x, y), [0, 0, 0, 255], "{x} {y}");
        }
    }

    #[test]
    fn shrinking_averages() {
        assert_eq!(fit(&chequered(), [1, 1]).pixel(0, 0), [100, 50, 0, 255]);
        let scaled = fit(&chequered(), [3, 3]).into_owned();
        assert_eq!(scaled.pixel(0, 0), [200, 100, 0, 255]);
        assert_eq!(scaled.pixel(1, 1), [100, 50, 0, 255]);
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let picture = chequered();
        assert!(matches!(fit(&picture, [2, 2]), Cow::Borrowed(_)));
    }
}
