/// An sRGB picture with alpha, 8 bits a channel, rows from the top, no padding.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Picture {
    width: usize,
    height: usize,
    rgba: Vec<u8>,
}

impl Picture {
    /// A picture of one colour (`[r, g, b, a]`).
    pub fn filled(width: usize, height: usize, colour: [u8; 4]) -> Self {
        let rgba = colour.iter().copied().cycle().take(width * height * 4).collect();
        Self { width, height, rgba }
    }

    /// Wraps `rgba` (height * width * 4 bytes); `None` when the length does not fit.
    pub fn from_rgba(width: usize, height: usize, rgba: Vec<u8>) -> Option<Self> {
        let len = width.checked_mul(height)?.checked_mul(4)?;
        (len == rgba.len()).then_some(Self { width, height, rgba })
    }

    /// A picture of `chw` values (channels, height, width), clamped to [0, 1] and rounded to 8 bits.
    /// One channel is shown as grey, of three the first is red; NaN shows as 0.
    pub fn from_chw(chw: &[f32], channels: usize, height: usize, width: usize) -> Option<Self> {
        let plane = height.checked_mul(width)?;
        if !matches!(channels, 1 | 3) || chw.len() != plane.checked_mul(channels)? {
            return None;
        }
        let step = if channels == 3 { plane } else { 0 };
        let mut rgba = Vec::with_capacity(plane * 4);
        for i in 0..plane {
            let channel = |k: usize| quantise(chw[i + k * step]);
            rgba.extend_from_slice(&[channel(0), channel(1), channel(2), 255]);
        }
        Some(Self { width, height, rgba })
    }

    /// Columns of pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows of pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The bytes, four a pixel.
    pub fn rgba(&self) -> &[u8] {
        &self.rgba
    }

    /// The bytes, four a pixel, to change in place.
    pub fn rgba_mut(&mut self) -> &mut [u8] {
        &mut self.rgba
    }

    /// The bytes alone.
    pub fn into_rgba(self) -> Vec<u8> {
        self.rgba
    }

    /// The pixel in column `x` of row `y`.
    pub fn pixel(&self, x: usize, y: usize) -> [u8; 4] {
        let at = (y * self.width + x) * 4;
        [self.rgba[at], self.rgba[at + 1], self.rgba[at + 2], self.rgba[at + 3]]
    }

    /// Changes the pixel in column `x` of row `y`.
    pub fn set_pixel(&mut self, x: usize, y: usize, colour: [u8; 4]) {
        let at = (y * self.width + x) * 4;
        self.rgba[at..at + 4].copy_from_slice(&colour);
    }

    /// The part of this `size` (width, height) whose upper left corner lies at `[x, y]`; less where it ends before.
    #[must_use]
    pub fn cut(&self, [x, y]: [usize; 2], size: [usize; 2]) -> Self {
        let [width, height] =
            [size[0].min(self.width.saturating_sub(x)), size[1].min(self.height.saturating_sub(y))];
        let row = |row: usize| &self.rgba[((y + row) * self.width + x) * 4..][..width * 4];
        Self { width, height, rgba: (0..height).flat_map(row).copied().collect() }
    }

    /// Copies `other` so that its top left corner lies at (`x`, `y`); what sticks out is cut off.
    pub fn paste(&mut self, other: &Picture, x: usize, y: usize) {
        let columns = other.width.min(self.width.saturating_sub(x));
        for row in 0..other.height.min(self.height.saturating_sub(y)) {
            let to = ((y + row) * self.width + x) * 4;
            let from = row * other.width * 4;
            self.rgba[to..to + columns * 4].copy_from_slice(&other.rgba[from..from + columns * 4]);
        }
    }
}

/// [0, 1] to 0..=255, rounding to nearest; everything outside is clamped and NaN is 0.
pub(crate) fn quantise(value: f32) -> u8 {
    (value * 255.0 + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_rounded_and_clamped() {
        let picture = Picture::from_chw(&[-1.0, 0.5, 1.0, f32::NAN], 1, 2, 2).expect("fits");
        assert_eq!(picture.pixel(0, 0), [0, 0, 0, 255]);
        assert_eq!(picture.pixel(1, 0), [128, 128, 128, 255]);
        assert_eq!(picture.pixel(0, 1), [255, 255, 255, 255]);
        assert_eq!(picture.pixel(1, 1), [0, 0, 0, 255]);
        assert!(Picture::from_chw(&[0.0; 8], 2, 2, 2).is_none());
    }

    #[test]
    fn pasting_cuts_off_what_sticks_out() {
        let mut picture = Picture::filled(3, 3, [0, 0, 0, 255]);
        picture.paste(&Picture::filled(2, 2, [9, 9, 9, 255]), 2, 2);
        assert_eq!(picture.pixel(2, 2), [9, 9, 9, 255]);
        assert_eq!(picture.pixel(1, 2), [0, 0, 0, 255]);
        picture.paste(&Picture::filled(2, 2, [9, 9, 9, 255]), 5, 5);
    }
}
