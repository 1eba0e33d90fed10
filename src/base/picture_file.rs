//! Picture files of every format, decoded without trusting them.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult, Limits};

use super::{FileError, FileErrorKind};

/// The widest and highest picture that is decoded.
const MAX_SIDE: u32 = 32_768;
/// The most memory that decoding one picture may take: 20,000 x 11,000 pixels of three bytes.
const MAX_BYTES: u64 = 640 << 20;
/// The largest file that is read.
const MAX_FILE: u64 = 512 << 20;
/// Endings of pictures that cameras and programs write and this program cannot read.
const FOREIGN: [&str; 18] = [
    "heic", "heif", "avif", "jxl", "jp2", "j2k", "dng", "cr2", "cr3", "nef", "arw", "orf", "rw2", "raf",
    "psd", "exr", "hdr", "svg",
];

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
    /// A file cut short or damaged.
    #[error("the picture is broken ({0})")]
    Broken(String),
}

/// Whether a file of this name is taken for a picture; what it is, its content tells.
pub fn is_picture_name(name: &str) -> bool {
    format_of(name).is_some_and(|format| format.reading_enabled())
}

/// The ending of a file that is a picture, but of a format that cannot be read here.
pub fn foreign_picture(name: &str) -> Option<&'static str> {
    let ending = Path::new(name).extension()?.to_str()?;
    FOREIGN.into_iter().find(|foreign| ending.eq_ignore_ascii_case(foreign))
}

fn format_of(name: &str) -> Option<ImageFormat> {
    ImageFormat::from_extension(Path::new(name).extension()?)
}

/// The content of a picture file.
///
/// # Errors
/// When it cannot be read, or is larger than any picture.
pub fn read_picture_file(path: &Path) -> Result<Vec<u8>, FileError> {
    if path.is_dir() {
        return Err(FileError { kind: FileErrorKind::IsFolder, path: path.into() });
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| FileError::new(error, path))?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| FileError::new(error, path))?;
    if bytes.len() as u64 > MAX_FILE {
        let what = format!("larger than {} MiB, too large for a picture", MAX_FILE >> 20);
        return Err(FileError::new(std::io::Error::other(what), path));
    }
    Ok(bytes)
}

/// Decodes the content of a file called `name`. Its first bytes tell the format; only where they do not (TGA has no
/// mark) the name does. The size is checked before anything is decoded.
///
/// # Errors
/// When it is no picture, broken, cut short, or too large.
pub fn decode_picture(bytes: &[u8], name: &str, turn: Turn) -> Result<DynamicImage, PictureFault> {
    if is_jpeg_cut_short(bytes) {
        // Decoders fill up with grey what is missing.
        return Err(PictureFault::Broken("the file ends in the middle of the picture".into()));
    }
    decode(bytes, name, turn).map_err(|error| match error {
        ImageError::Limits(error) => PictureFault::TooLarge(error.to_string()),
        ImageError::Unsupported(error) => PictureFault::Unknown(error.to_string()),
        error => PictureFault::Broken(error.to_string()),
    })
}

fn decode(bytes: &[u8], name: &str, turn: Turn) -> ImageResult<DynamicImage> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    if reader.format().is_none() && format_of(name) == Some(ImageFormat::Tga) {
        reader.set_format(ImageFormat::Tga);
    }
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    limits.check_dimensions(width, height)?;
    limits.reserve(decoder.total_bytes())?;
    // A picture whose EXIF makes no sense is still a picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder)?;
    if turn == Turn::Upright {
        picture.apply_orientation(orientation);
    }
    Ok(picture)
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
        let upright = decode_picture(&turned(), "a.jpg", Turn::Upright).expect("decodes").into_rgb8();
        assert_eq!(upright.dimensions(), (16, 32));
        assert!(upright.get_pixel(8, 4)[0] > 200 && upright.get_pixel(8, 28)[2] > 200, "red above blue");
        let stored = decode_picture(&turned(), "a.jpg", Turn::AsStored).expect("decodes").into_rgb8();
        assert_eq!(stored.dimensions(), (32, 16));
        assert!(stored.get_pixel(4, 8)[0] > 200);
    }

    #[test]
    fn a_jpeg_cut_anywhere_is_broken() {
        let picture = RgbImage::from_fn(64, 64, |x, y| Rgb([x as u8 * 4, y as u8 * 4, (x * y) as u8]));
        let whole = encoded(&picture, ImageFormat::Jpeg);
        assert!(decode_picture(&whole, "a.jpg", Turn::Upright).is_ok());
        for len in (3..whole.len()).step_by(7).chain([whole.len() - 1]) {
            let cut = decode_picture(&whole[..len], "a.jpg", Turn::Upright);
            assert!(matches!(cut, Err(PictureFault::Broken(_))), "{len} of {} bytes", whole.len());
        }
        let with_tail = [&whole[..], b"what phones append"].concat();
        assert!(decode_picture(&with_tail, "a.jpg", Turn::Upright).is_ok());
    }

    #[test]
    fn names_tell_pictures_and_content_tells_formats() {
        for name in ["a.png", "b/c.JPG", "d.jpeg", "e.tga", "f.webp", "g.tif", "h.ppm", "i.qoi", "j.gif"] {
            assert!(is_picture_name(name), "{name}");
        }
        for name in ["notes.txt", "png", "a.heic", "b.avif", "c.exr"] {
            assert!(!is_picture_name(name), "{name}");
        }
        assert_eq!((foreign_picture("x/IMG_1.HEIC"), foreign_picture("a.txt")), (Some("heic"), None));
        let picture = RgbImage::from_pixel(5, 4, Rgb([10, 20, 30]));
        for (format, name) in [(ImageFormat::Tga, "a.tga"), (ImageFormat::Png, "misnamed.jpg")] {
            let read = decode_picture(&encoded(&picture, format), name, Turn::Upright).expect(name);
            assert_eq!(read.into_rgb8(), picture, "{name}");
        }
        let nonsense = decode_picture(b"no picture at all", "a.png", Turn::Upright);
        assert!(matches!(nonsense, Err(PictureFault::Unknown(_))), "{nonsense:?}");
    }

    #[test]
    fn a_hostile_size_is_refused_without_decoding() {
        // A complete header of a PNG that claims 100,000 x 100,000 pixels, and next to no data.
        let mut claim = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        claim.extend(100_000u32.to_be_bytes());
        claim.extend(100_000u32.to_be_bytes());
        claim.extend([8, 2, 0, 0, 0]);
        let mut crc = flate2::Crc::new();
        crc.update(&claim[12..]);
        claim.extend(crc.sum().to_be_bytes());
        claim.extend(b"\0\0\0\x02IDAT\x78\x9c\0\0\0\0");
        let start = std::time::Instant::now();
        let refused = decode_picture(&claim, "a.png", Turn::Upright);
        assert!(matches!(refused, Err(PictureFault::TooLarge(_))), "{refused:?}");
        assert!(start.elapsed().as_millis() < 100);
        assert!(decode_picture(b"GIF89a", "a.gif", Turn::Upright).is_err());
        assert!(decode_picture(b"", "a.png", Turn::Upright).is_err());
    }
}
