/// Width and height of every sprite picture.
pub(super) const SIDE: usize = 64;

/// A binary 64x64 picture, one word a row, the leftmost pixel in bit 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mask(pub(super) [u64; SIDE]);

impl Default for Mask {
    fn default() -> Self {
        Self([0; SIDE])
    }
}

impl Mask {
    /// Bytes of a mask in a cache file.
    pub(super) const BYTES: usize = SIDE * 8;

    /// Packs a picture of 4096 bytes, rows from the top; what is not 0 is on.
    pub(super) fn from_pixels(pixels: &[u8]) -> Self {
        let mut mask = Self::default();
        for (row, pixels) in mask.0.iter_mut().zip(pixels.chunks_exact(SIDE)) {
            *row = pixels.iter().rev().fold(0, |bits, &pixel| bits << 1 | u64::from(pixel != 0));
        }
        mask
    }

    /// The inside of the closed line through `corners`, in pixels, `[0.0, 0.0]` at the centre of the top left one: what an
    /// odd number of its sides lie left of.
    pub(super) fn filled(corners: impl Iterator<Item = [f64; 2]> + Clone) -> Self {
        let mut mask = Self::default();
        let Some(mut from) = corners.clone().last() else { return mask };
        for to in corners {
            mask.flip_right_of(from, to);
            from = to;
        }
        mask
    }

    /// Flips every pixel to the right of the side between two corners, in the rows that it crosses.
    fn flip_right_of(&mut self, [x0, y0]: [f64; 2], [x1, y1]: [f64; 2]) {
        let row_from = |y: f64| y.ceil().clamp(0.0, SIDE as f64) as usize;
        // The lower end belongs to the next side, so that a corner counts once.
        let rows = row_from(y0.min(y1))..row_from(y0.max(y1));
        for row in rows {
            let x = x0 + (row as f64 - y0) * (x1 - x0) / (y1 - y0);
            let column = x.ceil().clamp(0.0, SIDE as f64) as u32;
            self.0[row] ^= u64::MAX.checked_shl(column).unwrap_or(0);
        }
    }

    /// The mask as it lies in a cache file.
    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        for (to, row) in bytes.chunks_exact_mut(8).zip(self.0) {
            to.copy_from_slice(&row.to_le_bytes());
        }
        bytes
    }

    /// The inverse of [`Mask::to_bytes`].
    pub(super) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let mut mask = Self::default();
        for (row, from) in mask.0.iter_mut().zip(bytes.chunks_exact(8)) {
            *row = from.iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
        }
        mask
    }

    /// Writes `on` where the mask is set and leaves the rest of `plane` (4096 values) alone.
    pub(super) fn paint(&self, plane: &mut [f32], on: f32) {
        self.each_pixel(plane, |value| *value = on);
    }

    /// Calls `change` with every value of `plane` (4096 values) where the mask is set.
    pub(super) fn each_pixel(&self, plane: &mut [f32], mut change: impl FnMut(&mut f32)) {
        for (&row, values) in self.0.iter().zip(plane.chunks_exact_mut(SIDE)) {
            let mut bits = row;
            while bits != 0 {
                change(&mut values[bits.trailing_zeros() as usize]);
                bits &= bits - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_line_encloses_is_on() {
        let on = |mask: &Mask, column: usize, row: usize| mask.0[row] >> column & 1 == 1;
        let square = [[0.5, 1.5], [3.5, 1.5], [3.5, 2.5], [0.5, 2.5]];
        for corners in [square, [square[3], square[2], square[1], square[0]]] {
            let mask = Mask::filled(corners.into_iter());
            assert_eq!((mask.0[1], mask.0[2], mask.0[3]), (0, 0b1110, 0), "whichever way round");
        }
        // Two corners on rows of centres, and a line that leaves the picture on every side.
        let mask = Mask::filled([[10.0, 5.0], [20.0, 15.0], [10.0, 25.0], [0.0, 15.0]].into_iter());
        assert!(on(&mask, 10, 15) && on(&mask, 1, 15) && !on(&mask, 21, 15) && !on(&mask, 10, 26));
        assert_eq!(mask.0[14].count_ones(), mask.0[16].count_ones());
        let all = Mask::filled([[-9.0, -9.0], [99.0, -9.0], [99.0, 99.0], [-9.0, 99.0]].into_iter());
        assert_eq!(all.0, [u64::MAX; SIDE]);
        assert_eq!(Mask::filled(std::iter::empty()), Mask::default());
    }

    #[test]
    fn pixels_bytes_and_planes_agree() {
        let pixels: Vec<u8> = (0..4096u32).map(|i| u8::from(i * 2_654_435 % 7 < 3)).collect();
        let mask = Mask::from_pixels(&pixels);
        assert_eq!(Mask::from_bytes(&mask.to_bytes()), mask);
        let mut plane = vec![0.0; 4096];
        mask.paint(&mut plane, 1.0);
        assert!(plane.iter().zip(&pixels).all(|(&value, &pixel)| value == f32::from(pixel)));
    }
}
