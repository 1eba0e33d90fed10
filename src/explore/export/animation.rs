use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

use gif::{AnyExtension, Encoder, EncodingError, Extension, Frame, Repeat};

use crate::base::{FileError, Picture, write_atomic};

use super::{ExportError, Provenance};

/// Pixels that a palette is chosen from.
const PALETTE_SAMPLE: usize = 1 << 16;
/// Red, green, blue of each colour.
type Palette = Vec<u8>;

/// How an animation plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Animation {
    /// Time that each frame is shown, in hundredths of a second.
    pub delay_centiseconds: u16,
    /// Whether it runs back to the first frame instead of jumping there.
    pub back_and_forth: bool,
}

/// Writes frames of one size as a GIF that loops for ever, with its provenance as the file's comment.
///
/// All frames share one palette, so that what stands still does not flicker: exact up to 256 colours, otherwise
/// chosen by a neural quantiser from all frames together.
///
/// # Errors
/// When frames are missing, differ in size or are too large, or the file cannot be written.
pub fn write_gif(
    path: &Path,
    frames: &[Picture],
    animation: Animation,
    provenance: &Provenance,
) -> Result<(), ExportError> {
    let Some(first) = frames.first() else { return Err(ExportError::Frames) };
    let (width, height) = (first.width(), first.height());
    let same = |frame: &Picture| frame.width() == width && frame.height() == height;
    if !frames.iter().all(same) || width * height == 0 {
        return Err(ExportError::Frames);
    }
    let (Ok(wide), Ok(high)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(ExportError::GifSize { width, height });
    };
    let (palette, mut index) = palette(frames);
    write_atomic(path, |writer| {
        encode(writer, frames, [wide, high], &palette, &mut index, animation, provenance).map_err(|error| {
            let error = match error {
                EncodingError::Io(error) => error,
                other => io::Error::other(other),
            };
            FileError::new(error, path).into()
        })
    })
}

fn encode(
    writer: impl Write,
    frames: &[Picture],
    [width, height]: [u16; 2],
    palette: &[u8],
    index: &mut HashMap<[u8; 3], u8>,
    animation: Animation,
    provenance: &Provenance,
) -> Result<(), EncodingError> {
    let mut encoder = Encoder::new(writer, width, height, palette)?;
    encoder.set_repeat(Repeat::Infinite)?;
    let comment = provenance.document().to_string();
    encoder.write_raw_extension(AnyExtension(Extension::Comment as u8), &[comment.as_bytes()])?;
    let mut play = |frame: &Picture| {
        let pixels = frame.rgba().chunks_exact(4).map(|p| {
            let colour = [p[0], p[1], p[2]];
            *index.entry(colour).or_insert_with(|| nearest(palette, colour))
        });
        encoder.write_frame(&Frame {
            width,
            height,
            delay: animation.delay_centiseconds,
            buffer: pixels.collect::<Vec<u8>>().into(),
            ..Frame::default()
        })
    };
    frames.iter().try_for_each(&mut play)?;
    if animation.back_and_forth && frames.len() > 2 {
        frames[1..frames.len() - 1].iter().rev().try_for_each(&mut play)?;
    }
    Ok(())
}

/// At most 256 colours for all frames together, and the index of those that are exact.
fn palette(frames: &[Picture]) -> (Palette, HashMap<[u8; 3], u8>) {
    let mut exact = HashMap::new();
    let pixels = || frames.iter().flat_map(|frame| frame.rgba().chunks_exact(4)).map(|p| [p[0], p[1], p[2]]);
    let mut palette = Vec::new();
    for colour in pixels() {
        if exact.contains_key(&colour) {
            continue;
        }
        let Ok(next) = u8::try_from(exact.len()) else {
            return (chosen(pixels()), HashMap::new());
        };
        exact.insert(colour, next);
        palette.extend(colour);
    }
    (palette, exact)
}

/// 256 colours that stand for many.
fn chosen(pixels: impl Iterator<Item = [u8; 3]> + Clone) -> Palette {
    let stride = pixels.clone().count().div_ceil(PALETTE_SAMPLE - 1).max(1);
    // An odd stride does not fall into step with the columns of an even width.
    let sample: Vec<u8> = pixels.step_by(stride | 1).flatten().collect();
    let count = (sample.len() / 3).min(usize::from(u16::MAX));
    let frame = Frame::from_rgb_speed(count as u16, 1, &sample[..count * 3], 1);
    frame.palette.unwrap_or_default()
}

fn nearest(palette: &[u8], colour: [u8; 3]) -> u8 {
    let distance = |entry: &[u8]| {
        entry.iter().zip(colour).map(|(&a, b)| (i32::from(a) - i32::from(b)).pow(2)).sum::<i32>()
    };
    let best = palette.chunks_exact(3).enumerate().min_by_key(|(_, entry)| distance(entry));
    best.map_or(0, |(index, _)| index as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> Vec<Vec<u8>> {
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(std::fs::File::open(path).expect("opens")).expect("a GIF");
        assert_eq!(decoder.repeat(), Repeat::Infinite);
        let mut frames = Vec::new();
        while let Some(frame) = decoder.read_next_frame().expect("decodes") {
            assert_eq!(frame.delay, 8);
            frames.push(frame.buffer.to_vec());
        }
        frames
    }

    const PLAY: Animation = Animation { delay_centiseconds: 8, back_and_forth: true };

    #[test]
    fn few_colours_are_kept_exactly_and_play_back_and_forth() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.gif");
        let frames: Vec<Picture> = (0..4).map(|k| Picture::filled(5, 3, [k * 20, 7, 9, 255])).collect();
        let provenance = Provenance { model: "toy".into(), ..Provenance::default() };
        write_gif(&path, &frames, PLAY, &provenance).expect("writes");
        let read = read(&path);
        let order = [0, 1, 2, 3, 2, 1];
        assert_eq!(read.len(), order.len());
        for (frame, expected) in read.iter().zip(order) {
            assert_eq!(frame, frames[expected].rgba());
        }
        let bytes = std::fs::read(&path).expect("reads");
        assert!(String::from_utf8_lossy(&bytes).contains("\"model\":\"toy\""));
    }

    #[test]
    fn many_colours_come_close() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.gif");
        let mut frame = Picture::filled(64, 64, [255; 4]);
        for y in 0..64 {
            for x in 0..64 {
                frame.set_pixel(x, y, [(x * 4) as u8, (y * 4) as u8, 128, 255]);
            }
        }
        write_gif(&path, std::slice::from_ref(&frame), PLAY, &Provenance::default()).expect("writes");
        let read = read(&path);
        let error: i64 =
            read[0].iter().zip(frame.rgba()).map(|(&a, &b)| (i64::from(a) - i64::from(b)).abs()).sum();
        assert!(error as f64 / (64.0 * 64.0 * 3.0) < 6.0, "{error}");
    }

    #[test]
    fn frames_must_agree() {
        let path = Path::new("/nonexistent/a.gif");
        let two = [Picture::filled(2, 2, [0; 4]), Picture::filled(3, 2, [0; 4])];
        assert!(matches!(write_gif(path, &two, PLAY, &Provenance::default()), Err(ExportError::Frames)));
        assert!(matches!(write_gif(path, &[], PLAY, &Provenance::default()), Err(ExportError::Frames)));
        let wide = [Picture::filled(70_000, 1, [0; 4])];
        assert!(matches!(
            write_gif(path, &wide, PLAY, &Provenance::default()),
            Err(ExportError::GifSize { .. })
        ));
    }
}
