use std::fs::File;
use std::path::Path;

use image::imageops::FilterType;
use image::{DynamicImage, RgbImage};

use crate::base::{Background, FileError};
use crate::data::DataError;
use crate::data::pixels::write_planes;
use crate::formats::picture::{Turn, decode_picture, read_picture};

/// A decoded picture: RGB, 8 bits a channel.
pub(in crate::data) struct Photo(RgbImage);

/// Decodes a picture file of any known format, turned upright; `background` shows through it.
pub(in crate::data) fn file(path: &Path, background: Background) -> Result<Photo, DataError> {
    let file = File::open(path).map_err(|error| FileError::new(error, path))?;
    let mut content = Vec::new();
    read_picture(file, &mut content).map_err(|error| DataError::io(error, path))?;
    bytes(&content, path, Turn::Upright, background)
        .map_err(|what| DataError::Content { what, path: path.to_owned() })
}

/// Decodes a picture that is in memory, the content of a file called `name`; the error is in words, without the name.
pub(in crate::data) fn bytes(
    bytes: &[u8],
    name: &Path,
    turn: Turn,
    background: Background,
) -> Result<Photo, String> {
    let picture = decode_picture(bytes, name, turn).map_err(|fault| fault.to_string())?;
    Ok(Photo(flattened(picture, background)))
}

/// Any mode to 8-bit RGB; the background shows through what is transparent.
fn flattened(picture: DynamicImage, background: Background) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let behind = background.rgb().map(u32::from);
    let with_alpha = picture.into_rgba8();
    let (width, height) = with_alpha.dimensions();
    let mut flat = RgbImage::new(width, height);
    for (to, from) in flat.pixels_mut().zip(with_alpha.pixels()) {
        let alpha = u32::from(from[3]);
        for channel in 0..3 {
            let mixed = u32::from(from[channel]) * alpha + behind[channel] * (255 - alpha);
            to[channel] = ((mixed + 127) / 255) as u8;
        }
    }
    flat
}

impl Photo {
    /// Columns of pixels.
    pub(in crate::data) fn width(&self) -> usize {
        self.0.width() as usize
    }

    /// Rows of pixels.
    pub(in crate::data) fn height(&self) -> usize {
        self.0.height() as usize
    }

    /// The pixels, three bytes each, rows from the top.
    pub(in crate::data) fn rgb(&self) -> &[u8] {
        self.0.as_raw()
    }

    /// The pixels, as [`Photo::rgb`] shows them.
    pub(in crate::data) fn into_rgb(self) -> Vec<u8> {
        self.0.into_raw()
    }

    /// The part of `width` x `height` pixels whose top left corner is (`x`, `y`); what lies outside is left
    /// out.
    pub(in crate::data) fn crop(&self, x: usize, y: usize, width: usize, height: usize) -> Photo {
        let view = image::imageops::crop_imm(&self.0, x as u32, y as u32, width as u32, height as u32);
        Photo(view.to_image())
    }

    /// The middle part of at most `width` x `height` pixels.
    pub(in crate::data) fn crop_middle(&self, width: usize, height: usize) -> Photo {
        let (width, height) = (width.min(self.width()), height.min(self.height()));
        self.crop((self.width() - width) / 2, (self.height() - height) / 2, width, height)
    }

    /// Scaled to exactly `width` x `height` with a Lanczos filter of radius 3, widened when it shrinks.
    pub(in crate::data) fn scale(self, width: usize, height: usize) -> Photo {
        if (self.width(), self.height()) == (width, height) {
            return self;
        }
        Photo(image::imageops::resize(&self.0, width as u32, height as u32, FilterType::Lanczos3))
    }

    /// Scaled down, its aspect kept, until it fits inside `width` x `height`; a smaller picture stays as it is.
    pub(in crate::data) fn fit_inside(self, width: usize, height: usize) -> Photo {
        let factor = (width as f64 / self.width() as f64).min(height as f64 / self.height() as f64);
        if factor >= 1.0 {
            return self;
        }
        let side = |pixels: usize| ((pixels as f64 * factor).round() as usize).max(1);
        let (width, height) = (side(self.width()), side(self.height()));
        self.scale(width, height)
    }

    /// Writes the picture into `out` `(3, height, width)`, values in [0, 1].
    pub(in crate::data) fn write_planes(&self, out: &mut [f32]) {
        write_planes(self.rgb(), out);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use image::{GrayImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgba, RgbaImage};

    fn png(picture: &DynamicImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).expect("encodes");
        bytes
    }

    #[test]
    fn every_mode_becomes_rgb() {
        let grey = DynamicImage::from(GrayImage::from_pixel(3, 2, Luma([100])));
        let deep = DynamicImage::from(ImageBuffer::from_pixel(3, 2, Luma([100u16 * 257])));
        let half = DynamicImage::from(RgbaImage::from_pixel(3, 2, Rgba([200, 200, 200, 128])));
        let grey_alpha = DynamicImage::from(ImageBuffer::from_pixel(3, 2, LumaA([100u8, 255])));
        for picture in [grey, deep, half, grey_alpha] {
            let photo =
                bytes(&png(&picture), Path::new("a.png"), Turn::Upright, Background::BLACK).expect("decodes");
            assert_eq!((photo.width(), photo.height()), (3, 2));
            assert!(photo.rgb().iter().all(|&value| value == 100), "{:?}", photo.rgb());
        }
    }

    #[test]
    fn the_background_shows_through_what_is_transparent() {
        let picture = RgbaImage::from_fn(2, 1, |x, _| Rgba([200, 100, 0, if x == 0 { 128 } else { 0 }]));
        let png = png(&picture.into());
        for (background, expected) in [
            ("black", [100, 50, 0, 0, 0, 0]),
            ("white", [227, 177, 127, 255, 255, 255]),
            ("#0000ff", [100, 50, 127, 0, 0, 255]),
        ] {
            let behind = background.parse().expect("a colour");
            let photo = bytes(&png, Path::new("a.png"), Turn::Upright, behind).expect("decodes");
            assert_eq!(photo.rgb(), expected, "{background}");
        }
    }

    #[test]
    fn crops_are_cut_from_the_middle() {
        let mut picture = RgbImage::new(5, 4);
        picture.put_pixel(2, 1, image::Rgb([255, 0, 0]));
        let photo = Photo(picture).crop_middle(1, 2);
        assert_eq!((photo.width(), photo.height()), (1, 2));
        assert_eq!(photo.rgb(), [255, 0, 0, 0, 0, 0]);
        assert_eq!(Photo(RgbImage::new(3, 3)).crop_middle(9, 2).width(), 3);
    }

    #[test]
    fn fitting_keeps_the_aspect_and_never_enlarges() {
        let photo = Photo(RgbImage::new(700, 100)).fit_inside(350, 274);
        assert_eq!((photo.width(), photo.height()), (350, 50));
        let photo = Photo(RgbImage::new(100, 90)).fit_inside(350, 274);
        assert_eq!((photo.width(), photo.height()), (100, 90));
    }
}
