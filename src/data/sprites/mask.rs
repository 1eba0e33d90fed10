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
    fn pixels_bytes_and_planes_agree() {
        let pixels: Vec<u8> = (0..4096u32).map(|i| u8::from(i * 2_654_435 % 7 < 3)).collect();
        let mask = Mask::from_pixels(&pixels);
        assert_eq!(Mask::from_bytes(&mask.to_bytes()), mask);
        let mut plane = vec![0.0; 4096];
        mask.paint(&mut plane, 1.0);
        assert!(plane.iter().zip(&pixels).all(|(&value, &pixel)| value == f32::from(pixel)));
    }
}
