//! Samples of pixels and what they mean: turning inks, YCbCr and numbers of other ranges into grey and RGB.

/// The samples of a picture, those of a pixel after each other.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Samples {
    Bytes(Vec<u8>),
    Words(Vec<u16>),
}

impl Samples {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bytes(all) => all.len(),
            Self::Words(all) => all.len(),
        }
    }

    /// Leaves out what lies behind the first `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        match self {
            Self::Bytes(all) => all.truncate(len),
            Self::Words(all) => all.truncate(len),
        }
    }

    /// The first `kept` of every `per_pixel` samples.
    pub(super) fn keep(self, per_pixel: usize, kept: usize) -> Self {
        fn first<T: Copy>(all: Vec<T>, per_pixel: usize, kept: usize) -> Vec<T> {
            if per_pixel <= kept {
                return all;
            }
            all.chunks_exact(per_pixel).flat_map(|pixel| &pixel[..kept]).copied().collect()
        }
        match self {
            Self::Bytes(all) => Self::Bytes(first(all, per_pixel, kept)),
            Self::Words(all) => Self::Words(first(all, per_pixel, kept)),
        }
    }

    /// Turns the first of every `per_pixel` samples round.
    pub(super) fn invert_first(&mut self, per_pixel: usize) {
        match self {
            Self::Bytes(all) => {
                for value in all.iter_mut().step_by(per_pixel) {
                    *value = u8::MAX - *value;
                }
            }
            Self::Words(all) => {
                for value in all.iter_mut().step_by(per_pixel) {
                    *value = u16::MAX - *value;
                }
            }
        }
    }

    /// Makes RGB of every `per_pixel` samples, in 8 bits; a sample behind the `N` that `rgb` takes stays as
    /// transparency.
    pub(super) fn recolour<const N: usize>(self, per_pixel: usize, rgb: impl Fn([u8; N]) -> [u8; 3]) -> Self {
        let bytes = match self {
            Self::Bytes(all) => all,
            // As Pillow does: the upper byte.
            Self::Words(all) => all.into_iter().map(|value| (value >> 8) as u8).collect(),
        };
        let pixels = bytes.chunks_exact(per_pixel.max(N));
        let turned = pixels.flat_map(|pixel| {
            let mut colours = [0; N];
            colours.copy_from_slice(&pixel[..N]);
            rgb(colours).into_iter().chain(pixel[N..].iter().copied())
        });
        Self::Bytes(turned.collect())
    }
}

/// Colours that were stored multiplied by their transparency, the last of every `channels` samples, as they were before.
pub(super) fn unmultiply(samples: &mut Samples, channels: usize) {
    match samples {
        Samples::Bytes(all) => divide(all, channels, u32::from(u8::MAX)),
        Samples::Words(all) => divide(all, channels, u32::from(u16::MAX)),
    }
}

fn divide<T: Copy + Into<u32> + TryFrom<u32>>(all: &mut [T], channels: usize, most: u32) {
    for pixel in all.chunks_exact_mut(channels) {
        let Some((alpha, colours)) = pixel.split_last_mut() else { continue };
        let alpha: u32 = (*alpha).into();
        for colour in colours.iter_mut().filter(|_| alpha > 0) {
            let whole = ((*colour).into() * most / alpha).min(most);
            *colour = T::try_from(whole).unwrap_or(*colour);
        }
    }
}

/// Samples of fewer than 8 bits, rows of `width` starting at whole bytes, each times `factor`.
pub(super) fn expand_bits(packed: &[u8], width: usize, bits: u16, factor: u8) -> Vec<u8> {
    let bits = usize::from(bits);
    let per_byte = 8 / bits;
    let mask = ((1u16 << bits) - 1) as u8;
    let row = width.div_ceil(per_byte).max(1);
    let sample = |row: &[u8], x: usize| {
        let shift = 8 - bits * (x % per_byte + 1);
        ((row[x / per_byte] >> shift) & mask) * factor
    };
    packed.chunks_exact(row).flat_map(|row| (0..width).map(move |x| sample(row, x))).collect()
}

/// Inks to RGB as Pillow mixes them.
pub(super) fn cmyk_to_rgb([cyan, magenta, yellow, key]: [u8; 4]) -> [u8; 3] {
    let light = u32::from(u8::MAX - key);
    [cyan, magenta, yellow].map(|ink| {
        // a product of bytes over 255, rounded
        let product = u32::from(ink) * light + 128;
        (light - (((product >> 8) + product) >> 8)) as u8
    })
}

/// JFIF's colours, which use the whole range.
pub(super) fn ycbcr_to_rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    [byte(y + 1.402 * cr), byte(y - 0.344_136 * cb - 0.714_136 * cr), byte(y + 1.772 * cb)]
}

/// Numbers from 0 to 1 in 16 bits; where any lies outside, the smallest and the largest.
pub(super) fn from_floats(all: impl Iterator<Item = f64> + Clone) -> Result<Vec<u16>, [f64; 2]> {
    // Comparisons with what is not a number are false, so it ends up outside.
    if all.clone().all(|value| (0.0..=1.0).contains(&value)) {
        return Ok(all.map(|value| (value * f64::from(u16::MAX)).round() as u16).collect());
    }
    let is_number = all.clone().all(f64::is_finite);
    let ends = all.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)]);
    Err(if is_number { ends } else { [f64::NAN, f64::NAN] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inks_and_ycbcr_become_the_colours_that_pillow_shows() {
        // Image.new("CMYK", (1, 1), ink).convert("RGB") and the same of "YCbCr"
        for (ink, rgb) in [
            ([0, 0, 0, 0], [255, 255, 255]),
            ([255, 0, 0, 0], [0, 255, 255]),
            ([10, 200, 77, 40], [207, 46, 150]),
            ([0, 0, 0, 255], [0, 0, 0]),
        ] {
            assert_eq!(cmyk_to_rgb(ink), rgb, "{ink:?}");
        }
        for (ycc, rgb) in
            [([128, 128, 128], [128; 3]), ([76, 85, 255], [254, 0, 0]), ([29, 255, 107], [0, 0, 254])]
        {
            assert_eq!(ycbcr_to_rgb(ycc), rgb, "{ycc:?}");
        }
    }

    #[test]
    fn few_bits_are_expanded_row_by_row() {
        assert_eq!(expand_bits(&[0b1010_0000, 0b0100_0000], 3, 1, 255), [255, 0, 255, 0, 255, 0]);
        assert_eq!(expand_bits(&[0b0001_1011], 4, 2, 85), [0, 85, 170, 255]);
        assert_eq!(expand_bits(&[0x1f, 0x20], 3, 4, 1), [1, 15, 2]);
    }

    #[test]
    fn transparency_is_divided_out_and_kept() {
        let mut samples = Samples::Bytes(vec![50, 100, 128, 0, 7, 0]);
        unmultiply(&mut samples, 3);
        assert_eq!(samples, Samples::Bytes(vec![99, 199, 128, 0, 7, 0]));
        let mut words = Samples::Words(vec![30_000, 40_000]);
        unmultiply(&mut words, 2);
        assert_eq!(words, Samples::Words(vec![49_151, 40_000]));
        assert_eq!(Samples::Bytes(vec![1, 2, 3, 4]).keep(2, 1), Samples::Bytes(vec![1, 3]));
    }

    #[test]
    fn floats_are_colours_from_0_to_1_only() {
        assert_eq!(from_floats([0.0, 0.5, 1.0].into_iter()), Ok(vec![0, 32_768, 65_535]));
        assert_eq!(from_floats([-1.0, 0.5, 300.0].into_iter()), Err([-1.0, 300.0]));
        assert!(from_floats([0.5, f64::NAN].into_iter()).is_err_and(|ends| ends[0].is_nan()));
    }
}
