//! TIFF, which is many kinds of pictures in one. Those that Pillow reads in a way that makes a picture of them are read in
//! the same way; the others are refused by a sentence that names the kind.
//!
//! The decoder of the `image` crate knows some of these kinds and calls the others `Unknown(32)`; the samples come from
//! the `tiff` crate below it.

use std::borrow::Cow;
use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageBuffer};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::{SampleFormat, Tag};
use tiff::{TiffError, TiffUnsupportedError};

use super::decode::{MAX_BYTES, PictureFault, check_size};
use super::patch::with_value;
use super::samples::{Samples, cmyk_to_rgb, expand_bits, from_floats, unmultiply, ycbcr_to_rgb};

/// What the samples of a pixel mean (TIFF 6.0, tag 262).
const WHITE_IS_ZERO: u16 = 0;
const BLACK_IS_ZERO: u16 = 1;
const RGB: u16 = 2;
const PALETTE: u16 = 3;
const SEPARATED: u16 = 5;
const YCBCR: u16 = 6;

/// The samples of one colour after those of another (tag 284).
const SEPARATE: u32 = 2;

/// How the bytes are packed (tag 259): JPEG of the later kind.
const JPEG: u16 = 7;

/// What a sample beyond the colours means (tag 338).
const PREMULTIPLIED: u16 = 1;
const ALPHA: u16 = 2;

/// Decodes the first picture of a TIFF, and tells how it is to be turned.
pub(super) fn decode(bytes: &[u8]) -> Result<(DynamicImage, Orientation), PictureFault> {
    let mut decoder = open(bytes)?;
    let kind = TiffFormat::of(&mut decoder)?;
    kind.check()?;
    let turn = decoder.find_tag_unsigned::<u16>(Tag::Orientation).ok().flatten();
    let turn = turn.and_then(|turn| Orientation::from_exif(u8::try_from(turn).ok()?));
    let turn = turn.unwrap_or(Orientation::NoTransforms);
    let colours = match kind.photometric {
        PALETTE => decoder.find_tag_unsigned_vec::<u16>(Tag::ColorMap).map_err(fault)?.unwrap_or_default(),
        _ => Vec::new(),
    };
    let mut patched = Cow::Borrowed(bytes);
    let mut patch = |tag, value| {
        let lies_outside = || PictureFault::Broken("its directory lies outside the file".into());
        patched = Cow::Owned(with_value(&patched, tag, value).ok_or_else(lies_outside)?);
        Ok(())
    };
    // Where the decoder knows no use for the samples they are read as if they were shades of grey.
    if kind.photometric == PALETTE || (kind.photometric == WHITE_IS_ZERO && kind.samples > 1) {
        patch(Tag::PhotometricInterpretation, u64::from(BLACK_IS_ZERO))?;
    }
    let whole = kind.with_whole_tiles(&mut decoder)?;
    if whole.height > kind.height {
        patch(Tag::ImageLength, u64::from(whole.height))?;
    }
    drop(decoder);
    let mut samples = read(&mut open(&patched)?, &whole)?;
    samples.truncate(samples.len() / whole.height.max(1) as usize * kind.height as usize);
    Ok((kind.picture(samples, &colours)?, turn))
}

fn open(bytes: &[u8]) -> Result<Decoder<Cursor<&[u8]>>, PictureFault> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MAX_BYTES as usize;
    limits.intermediate_buffer_size = MAX_BYTES as usize;
    Ok(Decoder::new(Cursor::new(bytes)).map_err(fault)?.with_limits(limits))
}

/// What the tags say about the first picture of a file.
#[derive(Clone)]
struct TiffFormat {
    width: u32,
    height: u32,
    photometric: u16,
    compression: u16,
    /// Samples a pixel.
    samples: usize,
    /// Bits a sample.
    bits: u16,
    format: SampleFormat,
    /// What the samples beyond the colours mean.
    extra: Vec<u16>,
    /// Pixels a colour sample, along and down; only YCbCr has fewer colours than pixels.
    subsampling: Vec<u16>,
}

impl TiffFormat {
    fn of(decoder: &mut Decoder<Cursor<&[u8]>>) -> Result<Self, PictureFault> {
        let (width, height) = decoder.dimensions().map_err(fault)?;
        let mut numbers =
            |tag| decoder.find_tag_unsigned_vec::<u16>(tag).map(Option::unwrap_or_default).map_err(fault);
        let first = |numbers: Vec<u16>, default| numbers.first().copied().unwrap_or(default);
        let format = first(numbers(Tag::SampleFormat)?, SampleFormat::Uint.to_u16());
        Ok(Self {
            width,
            height,
            photometric: first(numbers(Tag::PhotometricInterpretation)?, u16::MAX),
            compression: first(numbers(Tag::Compression)?, 1),
            samples: usize::from(first(numbers(Tag::SamplesPerPixel)?, 1)),
            bits: first(numbers(Tag::BitsPerSample)?, 1),
            format: SampleFormat::from_u16_exhaustive(format),
            extra: numbers(Tag::ExtraSamples)?,
            subsampling: numbers(Tag::ChromaSubsampling)?,
        })
    }

    /// Whether this kind of picture is read, and is not too large.
    fn check(&self) -> Result<(), PictureFault> {
        check_size(self.width, self.height)?;
        let bits =
            u64::from(self.width) * u64::from(self.height) * self.samples as u64 * u64::from(self.bits);
        if bits / 8 > MAX_BYTES {
            return Err(PictureFault::TooLarge(format!("{}x{} pixels", self.width, self.height)));
        }
        let plain = "save it as PNG, or as TIFF in grey or RGB with 8 or 16 bits a channel";
        match self.photometric {
            WHITE_IS_ZERO | BLACK_IS_ZERO | RGB | PALETTE | SEPARATED | YCBCR => {}
            4 => return refuse("a mask of transparency and no picture", "name the picture itself"),
            8..=10 => return refuse("CIE L*a*b* colours, which are not read", "save it as RGB"),
            _ => return refuse("colours of a kind that is not read", plain),
        }
        let colours = self.colours();
        if self.samples < colours || (colours == 1 && self.samples > 2) {
            return refuse(
                &format!("{} samples a pixel, which are no colours that are known", self.samples),
                "save three of them as RGB, or one as grey",
            );
        }
        match (self.format, self.bits) {
            (SampleFormat::Uint, 8 | 16) => {}
            (SampleFormat::Uint, 1 | 2 | 4) if self.samples == 1 => {}
            (SampleFormat::IEEEFP, 16 | 32 | 64) if matches!(self.photometric, BLACK_IS_ZERO | RGB) => {}
            (SampleFormat::Uint, 32 | 64) => {
                return refuse(
                    &format!("whole numbers of {} bits, whose range is not known", self.bits),
                    "scale them to 8 or 16 bits",
                );
            }
            (SampleFormat::Int, _) => {
                return refuse(
                    "numbers with a sign, whose range is not known",
                    "scale them to 8 or 16 bits without",
                );
            }
            (SampleFormat::Uint, bits) => {
                return refuse(&format!("{bits} bits a channel, which are not read"), plain);
            }
            (SampleFormat::IEEEFP, _) => return refuse("floating-point colours that are not read", plain),
            _ => return refuse("samples of a kind that is not read", plain),
        }
        if self.photometric == PALETTE && self.bits > 8 {
            return refuse("a palette of more than 256 colours, which is not read", plain);
        }
        let method = match self.compression {
            1 | 4 | 5 | JPEG | 8 | 32773 | 32946 => return self.check_ycbcr(),
            2 => "CCITT run lengths",
            3 => "CCITT group 3 (fax)",
            6 => "JPEG of the old kind",
            34676 | 34677 => "SGI LogLuv",
            33003 | 33005 | 34712 => "JPEG 2000",
            34887 => "LERC",
            34925 => "LZMA",
            50000 => "Zstandard",
            50001 => "WebP",
            50002 => "JPEG XL",
            _ => "an unknown method",
        };
        refuse(
            &format!("data compressed with {method}, which is not read"),
            "save it with LZW, deflate or no compression",
        )
    }

    /// The same as high as its tiles reach, where each colour has tiles of its own: the decoder takes only the tiles of
    /// the first colour for cut off at the lower edge (tiff 0.11.3, `chunk_data_dimensions`), and ends the program.
    fn with_whole_tiles(&self, decoder: &mut Decoder<Cursor<&[u8]>>) -> Result<Self, PictureFault> {
        let mut number =
            |tag| decoder.find_tag_unsigned::<u32>(tag).map(Option::unwrap_or_default).map_err(fault);
        let (planar, tile) = (number(Tag::PlanarConfiguration)?, number(Tag::TileLength)?);
        if planar != SEPARATE || tile == 0 || self.samples == 1 {
            return Ok(self.clone());
        }
        let height = self.height.checked_next_multiple_of(tile);
        let whole = Self { height: height.unwrap_or(u32::MAX), ..self.clone() };
        whole.check()?;
        Ok(whole)
    }

    fn check_ycbcr(&self) -> Result<(), PictureFault> {
        if self.photometric != YCBCR {
            return Ok(());
        }
        let is_full = self.compression == JPEG || self.subsampling == [1, 1];
        if is_full && self.bits == 8 {
            return Ok(());
        }
        refuse("YCbCr with fewer colours than pixels, which is not read", "save it as RGB")
    }

    /// Samples of a pixel that are its colour.
    fn colours(&self) -> usize {
        match self.photometric {
            RGB | YCBCR => 3,
            SEPARATED => 4,
            _ => 1,
        }
    }

    /// What the sample behind the colours means, if it is transparency. Four samples of RGB of which nothing is said
    /// are taken for RGBA, as by Pillow.
    fn alpha(&self) -> Option<u16> {
        match self.extra.first() {
            Some(&meaning) => Some(meaning).filter(|meaning| matches!(*meaning, PREMULTIPLIED | ALPHA)),
            None => (self.photometric == RGB && self.samples == 4).then_some(ALPHA),
        }
    }

    /// The picture that `samples` are, all samples of a pixel after each other.
    fn picture(&self, samples: Samples, map: &[u16]) -> Result<DynamicImage, PictureFault> {
        let per_pixel = samples.len() / (self.width as usize * self.height as usize).max(1);
        let (colours, alpha) = (self.colours(), self.alpha().filter(|_| per_pixel > self.colours()));
        let kept = colours + usize::from(alpha.is_some());
        let mut samples = samples.keep(per_pixel, kept);
        match self.photometric {
            WHITE_IS_ZERO if self.samples > 1 => samples.invert_first(kept),
            PALETTE => {
                let size = 1usize << self.bits;
                if map.len() < 3 * size {
                    return Err(PictureFault::Broken("its palette is incomplete".into()));
                }
                // Pillow takes the upper byte, too.
                let colour = |index: u8| [0, 1, 2].map(|c| (map[c * size + usize::from(index)] >> 8) as u8);
                samples = samples.recolour(kept, |[index]: [u8; 1]| colour(index));
            }
            SEPARATED => samples = samples.recolour(kept, cmyk_to_rgb),
            YCBCR => samples = samples.recolour(kept, ycbcr_to_rgb),
            _ => {}
        }
        let channels = if colours == 1 && self.photometric != PALETTE { 1 } else { 3 };
        let channels = channels + usize::from(alpha.is_some());
        if alpha == Some(PREMULTIPLIED) {
            unmultiply(&mut samples, channels);
        }
        let (width, height) = (self.width, self.height);
        let picture = match (samples, channels) {
            (Samples::Bytes(all), 1) => {
                ImageBuffer::from_raw(width, height, all).map(DynamicImage::ImageLuma8)
            }
            (Samples::Bytes(all), 2) => {
                ImageBuffer::from_raw(width, height, all).map(DynamicImage::ImageLumaA8)
            }
            (Samples::Bytes(all), 3) => {
                ImageBuffer::from_raw(width, height, all).map(DynamicImage::ImageRgb8)
            }
            (Samples::Bytes(all), _) => {
                ImageBuffer::from_raw(width, height, all).map(DynamicImage::ImageRgba8)
            }
            (Samples::Words(all), 1) => {
                ImageBuffer::from_raw(width, height, all).map(DynamicImage::ImageLuma16)
            }
            (Samples::Words(all), 2) => {
                ImageBuffer::from_raw(width, height, all).map(DynamicImage::ImageLumaA16)
            }
            (Samples::Words(all), 3) => {
                ImageBuffer::from_raw(width, height, all).map(DynamicImage::ImageRgb16)
            }
            (Samples::Words(all), _) => {
                ImageBuffer::from_raw(width, height, all).map(DynamicImage::ImageRgba16)
            }
        };
        picture.ok_or_else(|| PictureFault::Broken("it has fewer samples than pixels".into()))
    }
}

/// All samples, those of a pixel after each other, however they lie in the file.
fn read(decoder: &mut Decoder<Cursor<&[u8]>>, kind: &TiffFormat) -> Result<Samples, PictureFault> {
    let mut data = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut data).map_err(fault)?;
    if data.as_buffer(0).byte_len() < layout.complete_len {
        return Err(PictureFault::TooLarge(format!("{}x{} pixels", kind.width, kind.height)));
    }
    let planes = layout.planes.max(1);
    Ok(match data {
        DecodingResult::U8(packed) if kind.bits < 8 => {
            // A palette's samples are places in it, shades of grey reach from black to white.
            let factor = if kind.photometric == PALETTE { 1 } else { 255 / ((1 << kind.bits) - 1) };
            Samples::Bytes(expand_bits(&packed, kind.width as usize, kind.bits, factor))
        }
        DecodingResult::U8(all) => Samples::Bytes(interleaved(all, planes)),
        DecodingResult::U16(all) => Samples::Words(interleaved(all, planes)),
        DecodingResult::F16(all) => floats(all.iter().map(|value| value.to_f64()), planes)?,
        DecodingResult::F32(all) => floats(all.iter().map(|&value| f64::from(value)), planes)?,
        DecodingResult::F64(all) => floats(all.iter().copied(), planes)?,
        _ => return refuse("samples of a kind that is not read", "save it with 8 or 16 bits a channel"),
    })
}

/// Numbers from 0 to 1.
fn floats(all: impl Iterator<Item = f64> + Clone, planes: usize) -> Result<Samples, PictureFault> {
    match from_floats(all) {
        Ok(words) => Ok(Samples::Words(interleaved(words, planes))),
        Err([low, _]) if low.is_nan() => refuse("numbers that are not finite", "save it without them"),
        Err([low, high]) => refuse(
            &format!("floating-point numbers from {low} to {high}, and only those from 0 to 1 are colours"),
            "scale them, or save it with 8 or 16 bits a channel",
        ),
    }
}

/// One plane after another as one pixel after another.
fn interleaved<T: Copy>(all: Vec<T>, planes: usize) -> Vec<T> {
    if planes == 1 {
        return all;
    }
    let pixels = all.len() / planes;
    (0..pixels * planes).map(|i| all[i % planes * pixels + i / planes]).collect()
}

fn refuse<T>(what: &str, advice: &str) -> Result<T, PictureFault> {
    Err(PictureFault::Kind(format!("this TIFF holds {what}; {advice}")))
}

fn fault(error: TiffError) -> PictureFault {
    match error {
        TiffError::LimitsExceeded => PictureFault::TooLarge("more than memory allows".into()),
        TiffError::UnsupportedError(TiffUnsupportedError::UnknownInterpretation) => PictureFault::Kind(
            "this TIFF holds colours of an unknown kind, perhaps a camera's raw data; save it as RGB".into(),
        ),
        TiffError::UnsupportedError(kind) => PictureFault::Kind(format!(
            "this TIFF is of a kind that is not read ({kind}); save it as PNG, or as TIFF in RGB with 8 bits a channel"
        )),
        error => PictureFault::Broken(error.to_string()),
    }
}
