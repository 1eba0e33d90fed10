//! What figures are written as: pictures, animations, arrays and folders, each with its provenance, each complete or
//! not there at all.

mod animation;
mod apng;
mod frames;
mod gif;
mod length;
mod mp4;
mod page;
mod pdf;
mod picture;
mod provenance;
mod svg;
mod target;

pub use animation::{write_animation, write_animation_of};
pub use frames::Animation;
pub use length::{Length, Points, points_per_pixel};
pub use page::{write_pdf, write_svg};
pub(crate) use picture::encode_png;
pub use picture::{Colour, write_png, write_png_for};
pub use provenance::{Provenance, numbers};
pub use target::{FigureTarget, TargetKind};

use std::path::PathBuf;

use crate::base::FileError;

/// The largest picture that is drawn without being asked twice, in pixels.
pub const MAX_PIXELS: usize = 100_000_000;

/// Something that could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file itself.
    #[error(transparent)]
    File(#[from] FileError),
    /// A picture that a frame is made of.
    #[error(transparent)]
    Picture(#[from] crate::explore::PictureError),
    /// A folder to write that holds something already.
    #[error("this folder is not empty, and nothing in it will be overwritten; name a new one: {}", .0.display())]
    Occupied(PathBuf),
    /// A folder to write where a file lies.
    #[error("a file lies where the output folder should be; name another: {}", .0.display())]
    NotAFolder(PathBuf),
    /// A picture beyond [`MAX_PIXELS`].
    #[error(
        "the picture would have {width}x{height} = {megapixels} megapixels, more than {}; choose smaller cells with \
         --cell PX, or insist with --force", MAX_PIXELS / 1_000_000
    )]
    TooLarge {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Their product in millions, rounded.
        megapixels: usize,
    },
    /// A GIF wider or higher than the format can say.
    #[error(
        "a GIF has at most 65,535 pixels a side, and this one would have {width}x{height}; choose smaller cells"
    )]
    GifSize {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// An animation without frames, or of frames that differ in size.
    #[error("an animation needs frames, all of one size")]
    Frames,
    /// An MP4 where there is no ffmpeg.
    #[error("an .mp4 is made by the program ffmpeg, and ffmpeg is not on the PATH; install it, or write a .gif or an .apng: {}", .0.display())]
    NoFfmpeg(PathBuf),
    /// What ffmpeg says.
    #[error("ffmpeg made no .mp4 ({said}); write a .gif or an .apng instead: {}", path.display())]
    Ffmpeg {
        /// The last line of it.
        said: String,
        /// Where the animation was to go.
        path: PathBuf,
    },
    /// A page of no width or height.
    #[error("a page needs a width and a height")]
    NoSize,
    /// The built-in typeface.
    #[error("the built-in typeface cannot be read")]
    Typeface(#[from] ab_glyph::InvalidFont),
    /// What the writer of PDFs reports.
    #[error("this figure cannot become a PDF: {0}; write a .svg or a .png instead")]
    Pdf(String),
    /// Somebody stopped it.
    #[error("it was stopped")]
    Stopped,
}

/// Refuses a picture of more than [`MAX_PIXELS`].
///
/// # Errors
/// [`ExportError::TooLarge`], which says the size.
pub fn check_size([width, height]: [usize; 2]) -> Result<(), ExportError> {
    let pixels = width.saturating_mul(height);
    if pixels <= MAX_PIXELS {
        return Ok(());
    }
    Err(ExportError::TooLarge { width, height, megapixels: (pixels + 500_000) / 1_000_000 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_over_a_hundred_megapixels_says_its_size() {
        assert!(check_size([10_000, 10_000]).is_ok());
        let error = check_size([10_000, 10_100]).expect_err("too large").to_string();
        assert!(error.contains("10000x10100 = 101 megapixels") && error.contains("--force"), "{error}");
        assert!(check_size([usize::MAX, 2]).is_err());
    }
}
