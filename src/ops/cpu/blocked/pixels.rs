//! From values to pixels at the end of a network.

use super::super::shared::Shared;
use super::super::sizes::product;
use super::map::MapShape;

/// Where finished rows of pixels go: a picture that is borrowed exclusively.
pub(crate) struct PixelSink<'a> {
    target: PixelTarget<'a>,
    /// The picture is `sigmoid(gain * value)`.
    gain: f32,
}

enum PixelTarget<'a> {
    Planes(Shared<'a, f32>),
    Rgba(Shared<'a, u8>),
}

impl<'a> PixelSink<'a> {
    /// Values in [0, 1], `(channels, height, width)`: `sigmoid(gain * value)`. A gain of 1 is the sigmoid; a gain
    /// of 2 is `(tanh(value) + 1) / 2`.
    pub(crate) fn planes(chw: &'a mut [f32], gain: f32) -> Self {
        Self { target: PixelTarget::Planes(Shared::new(chw)), gain }
    }

    /// The same as opaque 8-bit pixels, rounded to nearest; one channel is shown as grey.
    pub(crate) fn rgba(pixels: &'a mut [u8], gain: f32) -> Self {
        Self { target: PixelTarget::Rgba(Shared::new(pixels)), gain }
    }

    /// Panics unless a picture of `shape` fits.
    pub(super) fn check(&self, shape: &MapShape) {
        let (channels, len) = match &self.target {
            PixelTarget::Planes(planes) => (shape.channels(), planes.len()),
            PixelTarget::Rgba(pixels) => (4, pixels.len()),
        };
        assert!(product([channels, shape.height(), shape.width()]) <= len, "the picture is too short");
    }

    /// Takes row `y`: channel `k` begins at `values[k * stride]`. `values` is left overwritten.
    ///
    /// # Panics
    /// When the target is too short.
    ///
    /// # Safety
    /// No other thread puts this row at the same time.
    #[inline(always)]
    pub(super) unsafe fn put_row(&self, y: usize, values: &mut [f32], stride: usize, shape: &MapShape) {
        let width = shape.width();
        for value in &mut *values {
            *value = sigmoid(self.gain * *value);
        }
        match &self.target {
            PixelTarget::Planes(planes) => {
                for channel in 0..shape.channels() {
                    let at = (channel * shape.height() + y) * width;
                    // SAFETY: this channel of the row is the caller's alone, by its promise.
                    let row = unsafe { planes.part(at..at + width) };
                    row.copy_from_slice(&values[channel * stride..][..width]);
                }
            }
            PixelTarget::Rgba(pixels) => {
                // SAFETY: the row is the caller's alone, by its promise.
                let row = unsafe { pixels.part(y * width * 4..(y + 1) * width * 4) };
                let step = if shape.channels() == 3 { stride } else { 0 };
                let (red, green, blue) =
                    (&values[..width], &values[step..][..width], &values[2 * step..][..width]);
                // Whole pixels as numbers, which the compiler turns into vectors.
                for (x, pixel) in row.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                    let rgb = quantise(red[x]) | quantise(green[x]) << 8 | quantise(blue[x]) << 16;
                    *pixel = (rgb | 0xff00_0000).to_le_bytes();
                }
            }
        }
    }
}

/// A sigmoid's value, [0, 1], to 0..=255, rounding to nearest as [`crate::base::Picture`] does; NaN is 0.
#[inline(always)]
fn quantise(value: f32) -> u32 {
    (value * 255.0 + 0.5) as u32
}

/// `1 / (1 + exp(-x))` within 2 units in the last place of 1, written so that loops over it become vectors.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    // exp(-|x|) cannot overflow; the sign is put back at the end.
    let t = -x.abs().min(87.0);
    // t = n ln 2 + r with n whole and |r| <= ln 2 / 2; adding 1.5 * 2^23 rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    let shifted = t * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (t - n * 0.693_359_4) - n * -2.121_944_4e-4;
    // exp(r): Taylor terms to the sixth power leave an error of 2e-8.
    let poly = 1.0
        + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0))))));
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    let exp = poly * scale;
    let upper = 1.0 / (1.0 + exp);
    if x < 0.0 {
        exp * upper
    } else if x >= 0.0 {
        upper
    } else {
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sigmoid_is_that_of_f64() {
        for i in -4_000..=4_000 {
            let x = i as f32 * 0.013;
            let exact = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(sigmoid(x)) - exact).abs() < 2e-7, "{x}: {} is not {exact}", sigmoid(x));
        }
        assert_eq!(sigmoid(0.0), 0.5);
        assert_eq!(sigmoid(f32::INFINITY), 1.0);
        assert!(sigmoid(f32::NEG_INFINITY) < 1e-37);
        assert!(sigmoid(f32::NAN).is_nan());
    }
}
