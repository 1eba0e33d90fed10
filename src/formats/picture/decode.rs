use std::io::{self, Cursor, Read};
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult, Limits};

use super::kind::{is_tiff, what_instead};
use super::tiff;

/// The widest and highest picture that is decoded.
const MAX_SIDE: u32 = 32_768;
/// The most memory that decoding one picture may take: 20,000 x 11,000 pixels of three bytes.
pub(super) const MAX_BYTES: u64 = 640 << 20;
/// The largest file that is read.
const LARGEST_FILE: u64 = 512 << 20;
/// Which way up a decoded picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// As its EXIF orientation says, the way people see it.
    Upright,
    /// As its pixels lie in the file.
    AsStored,
}

/// What is wrong with a picture file.
#[derive(Debug, thiserror::Error)]
pub enum PictureFault {
    /// A size that would take too much memory.
    #[error(
        "the picture is too large to decode ({0}; at most {MAX_SIDE} pixels a side and {max_mib} MiB); scale it down \
         first", max_mib = MAX_BYTES >> 20
    )]
    TooLarge(String),
    /// No known format.
    #[error("not a picture that can be read ({0})")]
    Unknown(String),
    /// A known kind of file or picture that is not read: a sentence about it, with advice.
    #[error("{0}")]
    Kind(String),
    /// A file cut short or damaged.
    #[error("the picture is broken ({0})")]
    Broken(String),
}

/// Adds the content of a picture file, or the rest of it, to `bytes`.
///
/// # Errors
/// The reader's, and [`io::ErrorKind::FileTooLarge`] when it is larger than any picture.
pub fn read_picture(reader: impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    read_at_most(LARGEST_FILE, reader, bytes)
}

fn read_at_most(most: u64, reader: impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    reader.take((most + 1).saturating_sub(bytes.len() as u64)).read_to_end(bytes)?;
    if bytes.len() as u64 > most {
        let what = format!("larger than {} MiB, too large for a picture", LARGEST_FILE >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    Ok(())
}

/// Decodes the content of a file called `name`. Its first bytes tell the format; only where they do not (TGA has no
/// mark) the name does. The size is checked before anything is decoded.
///
/// # Errors
/// When it is no picture, broken, cut short, of a kind that is not read, or too large.
pub fn decode_picture(bytes: &[u8], name: &Path, turn: Turn) -> Result<DynamicImage, PictureFault> {
    if let Some(what) = what_instead(bytes) {
        return Err(PictureFault::Kind(what.into()));
    }
    if is_jpeg_cut_short(bytes) {
        // Decoders fill up with grey what is missing.
        return Err(PictureFault::Broken("the file ends in the middle of the picture".into()));
    }
    if is_webp_cut_short(bytes) {
        // The decoder believes what a part says of its length.
        return Err(PictureFault::Broken("the file ends in the middle of one of its parts".into()));
    }
    if has_webp_frame_of_another_size(bytes) {
        // The decoder takes memory for the one size and writes the other (image-webp 0.2.4, `read_frame`).
        return Err(PictureFault::Broken("a frame of it is not of the size that it says".into()));
    }
    if has_broken_palette(bytes) {
        // The decoder trusts in whole colours.
        return Err(PictureFault::Broken("its palette ends in the middle of a colour".into()));
    }
    let (mut picture, orientation) =
        if is_tiff(bytes) { tiff::decode(bytes)? } else { decode(bytes, name).map_err(fault)? };
    if turn == Turn::Upright {
        picture.apply_orientation(orientation);
    }
    Ok(picture)
}

/// Refuses pictures that are wider or higher than any that is decoded.
pub(super) fn check_size(width: u32, height: u32) -> Result<(), PictureFault> {
    let fits = width <= MAX_SIDE && height <= MAX_SIDE;
    fits.then_some(()).ok_or_else(|| PictureFault::TooLarge(format!("{width}x{height} pixels")))
}

fn fault(error: ImageError) -> PictureFault {
    match error {
        ImageError::Limits(error) => PictureFault::TooLarge(error.to_string()),
        ImageError::Unsupported(error) => PictureFault::Unknown(error.to_string()),
        error => PictureFault::Broken(error.to_string()),
    }
}

fn decode(bytes: &[u8], name: &Path) -> ImageResult<(DynamicImage, Orientation)> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let named = || name.extension().and_then(ImageFormat::from_extension);
    if reader.format().is_none() && named() == Some(ImageFormat::Tga) {
        reader.set_format(ImageFormat::Tga);
    }
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    limits.check_dimensions(width, height)?;
    limits.reserve(decoder.total_bytes())?;
    // A picture whose EXIF makes no sense is still a picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((DynamicImage::from_decoder(decoder)?, orientation))
}

/// The parts (RIFF chunks) of a WebP, if it is one.
fn webp_parts(bytes: &[u8]) -> Parts<'_> {
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    Parts(if is_webp { &bytes[12..] } else { &[] })
}

/// Parts that follow each other: a name, the length that it claims, and a content that may be shorter.
struct Parts<'a>(&'a [u8]);

impl<'a> Iterator for Parts<'a> {
    type Item = ([u8; 4], usize, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[a, b, c, d, ref length @ ..], rest) = self.0.split_first_chunk::<8>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let (content, _) = rest.split_at(length.min(rest.len()));
        // Parts begin at even places.
        self.0 = &rest[length.next_multiple_of(2).min(rest.len())..];
        Some(([a, b, c, d], length, content))
    }
}

/// Whether these are the bytes of a WebP one of whose parts claims to be longer than what is there.
fn is_webp_cut_short(bytes: &[u8]) -> bool {
    webp_parts(bytes).any(|(_, length, content)| length > content.len())
}

/// Whether these are the bytes of an animated WebP with a frame whose lossy picture has another size than the frame.
fn has_webp_frame_of_another_size(bytes: &[u8]) -> bool {
    let frames = webp_parts(bytes).filter(|(name, ..)| name == b"ANMF");
    frames.filter_map(|(.., frame)| frame.split_first_chunk::<16>()).any(|(head, parts)| {
        // In a frame's head after its place, each less one; in a lossy picture's after three bytes and a mark.
        let of_frame = [6, 9].map(|at| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], 0]) + 1);
        let mut pictures = Parts(parts).filter(|(name, ..)| name == b"VP8 ");
        pictures.any(|(.., picture)| {
            let of_picture = |at: usize| {
                let pair = picture.get(at..at + 2).unwrap_or_default();
                pair.iter().rev().fold(0, |size, &byte| size << 8 | u32::from(byte)) & 0x3fff
            };
            of_frame != [6, 8].map(of_picture)
        })
    })
}

/// Whether these are the bytes of a JPEG without its end marker.
fn is_jpeg_cut_short(bytes: &[u8]) -> bool {
    const START: u8 = 0xd8;
    const END: u8 = 0xd9;
    let Some(mut rest) = bytes.strip_prefix(&[0xff, START]) else { return false };
    // Markers that stand within the entropy-coded data: a byte 0xff of it, restarts, and filling.
    let is_data = |code: u8| matches!(code, 0x00 | 0xd0..=0xd7 | 0xff);
    loop {
        let is_marker = |pair: &[u8]| pair[0] == 0xff && !is_data(pair[1]);
        let Some(at) = rest.windows(2).position(is_marker) else { return true };
        if rest[at + 1] == END {
            return false;
        }
        let segment = &rest[at + 2..];
        let Some(&length) = segment.first_chunk() else { return true };
        let Some(after) = segment.get(usize::from(u16::from_be_bytes(length))..) else { return true };
        rest = after;
    }
}

/// Whether these are the bytes of a PNG whose palette is not made of colours of three bytes.
fn has_broken_palette(bytes: &[u8]) -> bool {
    let Some(mut rest) = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n") else { return false };
    while let Some(&[a, b, c, d, ref kind @ ..]) = rest.first_chunk::<8>() {
        let len = u32::from_be_bytes([a, b, c, d]) as usize;
        if kind == b"PLTE" && !len.is_multiple_of(3) {
            return true;
        }
        // head, content, checksum
        rest = rest.get(len.saturating_add(12)..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    fn encoded(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), format).expect("encodes");
        bytes
    }

    /// A JPEG of red left of blue, with an EXIF orientation that turns it by 90 degrees clockwise.
    fn turned() -> Vec<u8> {
        let picture = RgbImage::from_fn(32, 16, |x, _| Rgb(if x < 16 { [250, 0, 0] } else { [0, 0, 250] }));
        let jpeg = encoded(&picture, ImageFormat::Jpeg);
        let exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let mut bytes = vec![0xff, 0xd8, 0xff, 0xe1];
        bytes.extend((exif.len() as u16 + 2).to_be_bytes());
        bytes.extend(exif);
        bytes.extend(&jpeg[2..]);
        bytes
    }

    #[test]
    fn a_picture_is_turned_as_people_see_it_or_left_as_it_lies() {
        let upright =
            decode_picture(&turned(), Path::new("a.jpg"), Turn::Upright).expect("decodes").into_rgb8();
        assert_eq!(upright.dimensions(), (16, 32));
        assert!(upright.get_pixel(8, 4)[0] > 200 && upright.get_pixel(8, 28)[2] > 200, "red above blue");
        let stored =
            decode_picture(&turned(), Path::new("a.jpg"), Turn::AsStored).expect("decodes").into_rgb8();
        assert_eq!(stored.dimensions(), (32, 16));
        assert!(stored.get_pixel(4, 8)[0] > 200);
    }

    #[test]
    fn a_jpeg_cut_anywhere_is_broken() {
        let picture = RgbImage::from_fn(64, 64, |x, y| Rgb([x as u8 * 4, y as u8 * 4, (x * y) as u8]));
        let whole = encoded(&picture, ImageFormat::Jpeg);
        assert!(decode_picture(&whole, Path::new("a.jpg"), Turn::Upright).is_ok());
        for len in (3..whole.len()).step_by(7).chain([whole.len() - 1]) {
            let cut = decode_picture(&whole[..len], Path::new("a.jpg"), Turn::Upright);
            assert!(matches!(cut, Err(PictureFault::Broken(_))), "{len} of {} bytes", whole.len());
        }
        let with_tail = [&whole[..], b"what phones append"].concat();
        assert!(decode_picture(&with_tail, Path::new("a.jpg"), Turn::Upright).is_ok());
    }

    #[test]
    fn content_tells_formats_but_for_one() {
        let picture = RgbImage::from_pixel(5, 4, Rgb([10, 20, 30]));
        for (format, name) in [(ImageFormat::Tga, "a.tga"), (ImageFormat::Png, "misnamed.jpg")] {
            let read =
                decode_picture(&encoded(&picture, format), Path::new(name), Turn::Upright).expect(name);
            assert_eq!(read.into_rgb8(), picture, "{name}");
        }
        let nonsense = decode_picture(b"no picture at all", Path::new("a.png"), Turn::Upright);
        assert!(matches!(nonsense, Err(PictureFault::Unknown(_))), "{nonsense:?}");
        let page = decode_picture(b"<html>429</html>", Path::new("a.png"), Turn::Upright);
        assert!(page.is_err_and(|fault| fault.to_string().contains("a web page")));
    }

    #[test]
    fn a_file_larger_than_any_picture_is_not_read_to_its_end() {
        let mut bytes = vec![0; 3];
        let error = read_at_most(1000, io::repeat(7), &mut bytes).expect_err("endless");
        assert_eq!((error.kind(), bytes.len()), (io::ErrorKind::FileTooLarge, 1001));
        assert!(error.to_string().contains("larger than 512 MiB"), "{error}");
    }

    #[test]
    fn a_webp_frame_is_of_the_size_of_its_picture() {
        let whole = include_bytes!("../../../tests/files/pictures/animated.webp");
        let picture = decode_picture(whole, Path::new("a.webp"), Turn::Upright).expect("decodes");
        assert_eq!((picture.width(), picture.height()), (16, 12));
        let mark = whole.windows(3).position(|bytes| bytes == b"\x9d\x01\x2a").expect("a lossy picture");
        for at in [mark + 3, mark + 5] {
            let mut other = whole.to_vec();
            other[at] += 1;
            let refused = decode_picture(&other, Path::new("a.webp"), Turn::Upright);
            assert!(matches!(refused, Err(PictureFault::Broken(_))), "{refused:?}");
        }
    }

    #[test]
    fn a_webp_part_longer_than_the_file_is_no_memory_taken() {
        let mut file = b"RIFF\x18\0\0\0WEBPVP8L\x02\0\0\0ab".to_vec();
        assert!(!is_webp_cut_short(&file));
        file.extend(b"EXIF\xff\xff\xff\x7fcd");
        assert!(is_webp_cut_short(&file));
        let refused = decode_picture(&file, Path::new("a.webp"), Turn::Upright);
        assert!(matches!(refused, Err(PictureFault::Broken(_))));
        assert!(!is_webp_cut_short(b"RIFF") && !is_webp_cut_short(b"\x89PNG"));
    }

    #[test]
    fn a_hostile_size_is_refused_without_decoding() {
        let claim = include_bytes!("../../../tests/files/claims.png");
        let start = std::time::Instant::now();
        let refused = decode_picture(claim, Path::new("a.png"), Turn::Upright);
        assert!(matches!(refused, Err(PictureFault::TooLarge(_))), "{refused:?}");
        assert!(start.elapsed().as_millis() < 100);
        assert!(decode_picture(b"GIF89a", Path::new("a.gif"), Turn::Upright).is_err());
        assert!(decode_picture(b"", Path::new("a.png"), Turn::Upright).is_err());
    }

    #[test]
    fn a_palette_that_ends_within_a_colour_is_broken() {
        let png = |palette: &[u8]| {
            let mut bytes = Vec::new();
            let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_palette(palette.to_vec());
            let mut writer = encoder.write_header().expect("a header");
            writer.write_image_data(&[0, 1]).expect("pixels");
            writer.finish().expect("an end");
            bytes
        };
        let decode = |palette| decode_picture(&png(palette), Path::new("a.png"), Turn::Upright);
        assert!(decode(&[1, 2, 3, 4, 5, 6]).is_ok());
        let refused = decode(&[1, 2, 3, 4, 5]);
        assert!(matches!(refused, Err(PictureFault::Broken(_))), "{refused:?}");
    }
}
