use std::fs::File;
use std::path::{Path, PathBuf};

use image::DynamicImage;

use crate::base::{Background, FileError, FileErrorKind, Picture};
use crate::formats::picture::{PictureFault, Turn, decode_picture, read_picture};

use super::resample::{Filter, Taps, taps};

/// A picture that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The file itself.
    #[error(transparent)]
    File(#[from] FileError),
    /// Not a picture, a broken one, or one of a size that would take too much memory.
    #[error("{fault}: {}", path.display())]
    Fault {
        /// What is wrong.
        fault: PictureFault,
        /// The file.
        path: PathBuf,
    },
    /// A crop that is larger than the picture.
    #[error("this picture has {width}x{height} pixels, too few for a crop of {crop}: {}", path.display())]
    Crop {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// The crop's side.
        crop: usize,
        /// The file.
        path: PathBuf,
    },
}

/// A decoded picture of any size and mode, to be brought into an encoder's form.
#[derive(Debug)]
pub struct Photo {
    width: usize,
    height: usize,
    /// 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
    channels: usize,
    samples: Samples,
    /// What shows through where it is transparent.
    background: [f32; 3],
}

/// The form that an encoder takes pictures in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// 1 or 3.
    pub channels: usize,
    /// Height and width in pixels.
    pub size: usize,
    /// The side of the square that is cut from the middle; `None` for the largest there is.
    pub crop: Option<usize>,
    /// What shows through transparent parts.
    pub background: Background,
}

#[derive(Debug)]
enum Samples {
    Bytes(Vec<u8>),
    Words(Vec<u16>),
    Floats(Vec<f32>),
}

impl Photo {
    /// Decodes a picture file of any known format, told by its first bytes and not by its name, turned as its
    /// EXIF orientation says. The size is checked before anything is decoded.
    ///
    /// # Errors
    /// When the file cannot be read, is no picture, or is too large.
    pub fn open(path: &Path, background: Background) -> Result<Self, PictureError> {
        if path.is_dir() {
            return Err(FileError { kind: FileErrorKind::IsFolder, path: path.into() }.into());
        }
        let file = File::open(path).map_err(|error| FileError::new(error, path))?;
        let mut bytes = Vec::new();
        read_picture(file, &mut bytes).map_err(|error| FileError::new(error, path))?;
        Self::decode(&bytes, path, background)
    }

    /// Decodes the content of the picture file at `path`, as [`Photo::open`] does.
    ///
    /// # Errors
    /// When it is no picture, or is too large.
    pub fn decode(bytes: &[u8], path: &Path, background: Background) -> Result<Self, PictureError> {
        let picture = decode_picture(bytes, path, Turn::Upright)
            .map_err(|fault| PictureError::Fault { fault, path: path.into() })?;
        Ok(Self::new(picture, background))
    }

    fn new(picture: DynamicImage, background: Background) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let (channels, samples) = match picture {
            DynamicImage::ImageLuma8(pixels) => (1, Samples::Bytes(pixels.into_raw())),
            DynamicImage::ImageLumaA8(pixels) => (2, Samples::Bytes(pixels.into_raw())),
            DynamicImage::ImageRgb8(pixels) => (3, Samples::Bytes(pixels.into_raw())),
            DynamicImage::ImageRgba8(pixels) => (4, Samples::Bytes(pixels.into_raw())),
            DynamicImage::ImageLuma16(pixels) => (1, Samples::Words(pixels.into_raw())),
            DynamicImage::ImageLumaA16(pixels) => (2, Samples::Words(pixels.into_raw())),
            DynamicImage::ImageRgb16(pixels) => (3, Samples::Words(pixels.into_raw())),
            DynamicImage::ImageRgba16(pixels) => (4, Samples::Words(pixels.into_raw())),
            DynamicImage::ImageRgb32F(pixels) => (3, Samples::Floats(pixels.into_raw())),
            DynamicImage::ImageRgba32F(pixels) => (4, Samples::Floats(pixels.into_raw())),
            other => (4, Samples::Bytes(other.into_rgba8().into_raw())),
        };
        let background = background.rgb().map(|value| f32::from(value) / 255.0);
        Self { width, height, channels, samples, background }
    }

    /// Wraps `pixels` `(channels, height, width)` in [0, 1]; `None` when the length does not fit or `channels` is
    /// not 1 or 3.
    pub fn from_chw(pixels: &[f32], channels: usize, height: usize, width: usize) -> Option<Self> {
        let plane = height.checked_mul(width)?;
        if !matches!(channels, 1 | 3) || pixels.len() != plane.checked_mul(channels)? {
            return None;
        }
        let samples = (0..plane * channels).map(|i| pixels[i % channels * plane + i / channels]).collect();
        let samples = Samples::Floats(samples);
        Some(Self { width, height, channels, samples, background: [0.0; 3] })
    }

    /// Columns of pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows of pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The whole picture in colour; the background shows through where it is transparent.
    pub fn to_picture(&self) -> Picture {
        let mut rgba = Vec::with_capacity(self.width * self.height * 4);
        let mut line = vec![0.0; self.width * 3];
        let byte = |value: f32| (value * 255.0).round() as u8;
        for y in 0..self.height {
            self.read_line(y, 0, 3, &mut line);
            rgba.extend(line.chunks_exact(3).flat_map(|c| [byte(c[0]), byte(c[1]), byte(c[2]), 255]));
        }
        Picture::from_rgba(self.width, self.height, rgba).unwrap_or_default()
    }

    /// The middle square of the picture as `(channels, size, size)` in [0, 1].
    ///
    /// The square is as large as it can be, or `crop` pixels (CelebA 160, chairs 450). A square of `size` passes
    /// unchanged; a whole multiple is averaged, as the encoder sees a generator's picture in training; anything
    /// else is scaled by a Lanczos filter, as the photo data sets are prepared. Grey from colour is Rec. 601, and the
    /// background shows through where the picture is transparent.
    ///
    /// # Errors
    /// `None` when `crop` is larger than the picture.
    pub fn square(&self, channels: usize, size: usize, crop: Option<usize>) -> Option<Vec<f32>> {
        let largest = self.width.min(self.height);
        let side = crop.unwrap_or(largest);
        if side > largest || side == 0 || size == 0 {
            return None;
        }
        let (left, top) = ((self.width - side) / 2, (self.height - side) / 2);
        let filter = if side.is_multiple_of(size) { Filter::Area } else { Filter::Lanczos };
        let taps = taps(filter, side, size);
        // Rows first, into (side, size, channels); a row at a time, so that a large photo never exists as floats.
        let mut rows = vec![0.0; side * size * channels];
        let mut line = vec![0.0; side * channels];
        for (y, row) in rows.chunks_exact_mut(size * channels).enumerate() {
            self.read_line(top + y, left, channels, &mut line);
            blend(&taps, &line, row, channels);
        }
        let mut columns = vec![0.0; size * size * channels];
        blend(&taps, &rows, &mut columns, size * channels);
        let value = |i: usize| {
            let (channel, pixel) = (i / (size * size), i % (size * size));
            columns[pixel * channels + channel].clamp(0.0, 1.0)
        };
        Some((0..columns.len()).map(value).collect())
    }

    /// The picture of the file at `path` in an encoder's form: see [`Photo::square`].
    ///
    /// # Errors
    /// When it is smaller than the crop.
    pub fn in_form(&self, path: &Path, form: &Form) -> Result<Vec<f32>, PictureError> {
        self.square(form.channels, form.size, form.crop).ok_or_else(|| PictureError::Crop {
            width: self.width,
            height: self.height,
            crop: form.crop.unwrap_or(0),
            path: path.into(),
        })
    }

    /// Writes pixels `left..` of row `y` into `line` `(pixels, channels)` in [0, 1].
    fn read_line(&self, y: usize, left: usize, channels: usize, line: &mut [f32]) {
        let start = (y * self.width + left) * self.channels;
        for (index, out) in line.chunks_exact_mut(channels).enumerate() {
            let at = start + index * self.channels;
            let sample = |k: usize| match &self.samples {
                Samples::Bytes(all) => f32::from(all[at + k]) / 255.0,
                Samples::Words(all) => f32::from(all[at + k]) / 65535.0,
                Samples::Floats(all) => all[at + k],
            };
            let colour = if self.channels < 3 { [sample(0); 3] } else { [sample(0), sample(1), sample(2)] };
            let alpha = if self.channels.is_multiple_of(2) { sample(self.channels - 1) } else { 1.0 };
            let grey = |[red, green, blue]: [f32; 3]| 0.299 * red + 0.587 * green + 0.114 * blue;
            let over = |value: f32, behind: f32| value * alpha + behind * (1.0 - alpha);
            if channels == 3 {
                let [red, green, blue] = self.background;
                out[0] = over(colour[0], red);
                out[1] = over(colour[1], green);
                out[2] = over(colour[2], blue);
            } else {
                let value = if self.channels < 3 { colour[0] } else { grey(colour) };
                out.fill(over(value, grey(self.background)));
            }
        }
    }
}

/// Each new row of `width` values as the weighted sum of old rows.
fn blend(taps: &[Taps], from: &[f32], to: &mut [f32], width: usize) {
    for (tap, out) in taps.iter().zip(to.chunks_exact_mut(width)) {
        out.fill(0.0);
        for (weight, row) in tap.weights.iter().zip(from.chunks_exact(width).skip(tap.first)) {
            for (out, value) in out.iter_mut().zip(row) {
                *out += weight * value;
            }
        }
    }
}

/// Reads a picture file straight into an encoder's form: see [`Photo::square`].
///
/// # Errors
/// When the file cannot be read, is no picture, is too large, or smaller than the crop.
pub fn read_square(path: &Path, form: &Form) -> Result<Vec<f32>, PictureError> {
    Photo::open(path, form.background)?.in_form(path, form)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayImage, ImageBuffer, Luma, LumaA, Rgb, RgbImage, Rgba, RgbaImage};

    fn form(channels: usize, size: usize, crop: Option<usize>) -> Form {
        Form { channels, size, crop, background: Background::BLACK }
    }

    fn saved(folder: &Path, name: &str, picture: &DynamicImage) -> PathBuf {
        let path = folder.join(name);
        picture.save(&path).expect("writes");
        path
    }

    #[test]
    fn a_picture_of_the_right_size_passes_unchanged() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let picture = RgbImage::from_fn(64, 64, |x, y| Rgb([x as u8, y as u8 * 3, (x * y) as u8]));
        let path = saved(folder.path(), "a.png", &picture.clone().into());
        let values = read_square(&path, &form(3, 64, None)).expect("reads");
        for (x, y, pixel) in picture.enumerate_pixels() {
            for channel in 0..3 {
                let value = values[channel * 4096 + y as usize * 64 + x as usize];
                assert_eq!(value, f32::from(pixel[channel]) / 255.0);
            }
        }
    }

    #[test]
    fn every_mode_is_read() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let modes: Vec<(&str, DynamicImage)> = vec![
            ("grey.png", GrayImage::from_pixel(70, 90, Luma([102])).into()),
            ("grey16.png", ImageBuffer::from_pixel(70, 90, Luma([26214u16])).into()),
            ("grey_alpha.png", ImageBuffer::from_pixel(70, 90, LumaA([204u8, 128])).into()),
            ("rgba.png", RgbaImage::from_pixel(70, 90, Rgba([204, 204, 204, 128])).into()),
            ("rgb.jpg", RgbImage::from_pixel(70, 90, Rgb([102; 3])).into()),
            ("rgb.bmp", RgbImage::from_pixel(70, 90, Rgb([102; 3])).into()),
            ("rgb.tiff", RgbImage::from_pixel(70, 90, Rgb([102; 3])).into()),
            ("rgb.gif", RgbaImage::from_pixel(70, 90, Rgba([102, 102, 102, 255])).into()),
        ];
        for (name, picture) in modes {
            let path = saved(folder.path(), name, &picture);
            for channels in [1, 3] {
                let values = read_square(&path, &form(channels, 64, None)).expect(name);
                assert_eq!(values.len(), channels * 64 * 64);
                assert!(values.iter().all(|value| (value - 0.4).abs() < 6e-3), "{name}: {}", values[0]);
            }
        }
    }

    #[test]
    fn the_middle_is_taken_and_whole_multiples_are_averaged() {
        let folder = tempfile::tempdir().expect("temporary folder");
        // 4 columns of pixels, the outer ones bright; the middle 2x2 square is 10, 20 / 30, 40.
        let picture = GrayImage::from_fn(4, 2, |x, y| {
            Luma([if (1..3).contains(&x) { 10 * (1 + (x as u8 - 1) + 2 * y as u8) } else { 255 }])
        });
        let path = saved(folder.path(), "a.png", &picture.into());
        let values = read_square(&path, &form(1, 1, None)).expect("reads");
        assert!((values[0] - 25.0 / 255.0).abs() < 1e-6, "{values:?}");
        let error = read_square(&path, &form(1, 1, Some(3))).expect_err("too large a crop").to_string();
        assert!(error.contains("4x2 pixels, too few for a crop of 3"), "{error}");
    }

    #[test]
    fn grey_from_colour_is_rec_601() {
        let red = Photo::from_chw(&[1.0, 0.0, 0.0], 3, 1, 1).expect("fits");
        assert!((red.square(1, 1, None).expect("fits")[0] - 0.299).abs() < 1e-6);
        assert!(Photo::from_chw(&[0.0; 2], 2, 1, 1).is_none());
    }

    #[test]
    fn a_hostile_size_is_refused_cheaply() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("claims.png");
        std::fs::write(&path, include_bytes!("../../tests/files/claims.png")).expect("writes");
        let started = std::time::Instant::now();
        let error = read_square(&path, &form(3, 64, None)).expect_err("refused").to_string();
        assert!(error.contains("too large to decode") && error.ends_with("claims.png"), "{error}");
        assert!(started.elapsed().as_millis() < 200);
    }

    #[test]
    fn what_is_no_picture_is_named() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("text.png");
        let open = |path: &Path| Photo::open(path, Background::BLACK);
        for (content, what) in [
            (&b""[..], "the file is empty"),
            (b"hello", "not a picture"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "the picture is broken"),
        ] {
            std::fs::write(&path, content).expect("writes");
            let error = open(&path).expect_err("refused").to_string();
            assert!(error.starts_with(what) && error.ends_with("text.png"), "{error}");
        }
        assert!(matches!(open(&folder.path().join("none.png")), Err(PictureError::File(_))));
        assert!(matches!(open(folder.path()), Err(PictureError::File(_))));
    }

    #[test]
    fn the_background_shows_through() {
        let half = RgbaImage::from_pixel(1, 1, Rgba([255, 0, 0, 51]));
        let shown = |background: &str, channels: usize| {
            let background = background.parse().expect("a colour");
            Photo::new(half.clone().into(), background).square(channels, 1, None).expect("fits")
        };
        for (background, expected) in
            [("black", [0.2, 0.0, 0.0]), ("white", [1.0, 0.8, 0.8]), ("#0000ff", [0.2, 0.0, 0.8])]
        {
            let found = shown(background, 3);
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{background}: {found:?}");
        }
        assert!((shown("white", 1)[0] - (0.2 * 0.299 + 0.8)).abs() < 1e-6);
        let seen = Photo::new(half.into(), Background::WHITE).to_picture();
        assert_eq!(seen.rgba()[..4], [255, 204, 204, 255]);
    }
}
