use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

use gif::{AnyExtension, Encoder, EncodingError, Extension, Frame, Repeat};

use crate::base::{FileError, Picture, write_atomic};

use super::frames::{Frames, rgb};
use super::{ExportError, Provenance};

/// Pixels that a palette is chosen from.
const PALETTE_SAMPLE: usize = 1 << 16;
/// Red, green, blue of each colour.
type Palette = Vec<u8>;

/// Hundredths of a second that the frame at place `at` of the file is shown: what a frame lacks the next ones get, so that the
/// animation lasts as long as all frames together.
fn delay(frame_ms: u16, at: usize) -> u16 {
    let until = |frames: usize| (frames as u64 * u64::from(frame_ms) + 5) / 10;
    (until(at + 1) - until(at)) as u16
}

/// Writes frames as a GIF that loops for ever, with its provenance as the file's comment.
///
/// All frames share one palette, so that what stands still does not flicker: exact up to 256 colours, otherwise
/// chosen by a neural quantiser from all frames together. Each frame is asked for twice: for its colours and for its pixels.
///
/// # Errors
/// When the frames are too large, the file cannot be written, or a frame cannot be had.
pub(super) fn write_gif(
    path: &Path,
    frames: &Frames<'_, '_>,
    provenance: &Provenance,
) -> Result<(), ExportError> {
    let [width, height] = frames.size();
    let (Ok(wide), Ok(high)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(ExportError::GifSize { width, height });
    };
    let mut colours = Colours::new(frames.count() * width * height);
    for at in 0..frames.count() {
        colours.see(&*frames.get(at)?);
    }
    let (palette, mut index) = colours.palette();
    let fail = |error: EncodingError| {
        let error = match error {
            EncodingError::Io(error) => error,
            other => io::Error::other(other),
        };
        ExportError::from(FileError::new(error, path))
    };
    write_atomic(path, |writer| {
        let mut encoder = started(writer, [wide, high], &palette, provenance).map_err(fail)?;
        for (place, at) in frames.order().enumerate() {
            let frame = frames.get(at)?;
            let pixels = rgb(&frame).map(|c| *index.entry(c).or_insert_with(|| nearest(&palette, c)));
            let frame = Frame {
                width: wide,
                height: high,
                delay: delay(frames.animation().frame_ms, place),
                buffer: pixels.collect::<Vec<u8>>().into(),
                ..Frame::default()
            };
            encoder.write_frame(&frame).map_err(fail)?;
        }
        Ok(())
    })
}

/// A GIF up to its first frame.
fn started<W: Write>(
    writer: W,
    [width, height]: [u16; 2],
    palette: &[u8],
    provenance: &Provenance,
) -> Result<Encoder<W>, EncodingError> {
    let mut encoder = Encoder::new(writer, width, height, palette)?;
    encoder.set_repeat(Repeat::Infinite)?;
    let comment = provenance.document().to_string();
    encoder.write_raw_extension(AnyExtension(Extension::Comment as u8), &[comment.as_bytes()])?;
    Ok(encoder)
}

/// The colours of all frames together.
struct Colours {
    /// Each with its place, as long as there are no more than 256.
    exact: Option<HashMap<[u8; 3], u8>>,
    /// The same in their order.
    in_order: Palette,
    /// Some pixels, evenly over all frames.
    sample: Vec<u8>,
    /// Pixels from one of the sample to the next.
    stride: usize,
    /// Pixels seen.
    seen: usize,
}

impl Colours {
    /// Nothing seen yet of `pixels` in all.
    fn new(pixels: usize) -> Self {
        // An odd stride does not fall into step with the columns of an even width.
        let stride = pixels.div_ceil(PALETTE_SAMPLE - 1).max(1) | 1;
        Self { exact: Some(HashMap::new()), in_order: Vec::new(), sample: Vec::new(), stride, seen: 0 }
    }

    fn see(&mut self, frame: &Picture) {
        let first = (self.stride - self.seen % self.stride) % self.stride;
        self.sample.extend(rgb(frame).skip(first).step_by(self.stride).flatten());
        self.seen += frame.rgba().len() / 4;
        let Some(exact) = &mut self.exact else { return };
        for colour in rgb(frame) {
            if exact.contains_key(&colour) {
                continue;
            }
            let Ok(next) = u8::try_from(exact.len()) else {
                self.exact = None;
                return;
            };
            exact.insert(colour, next);
            self.in_order.extend(colour);
        }
    }

    /// At most 256 colours, and the index of those that are exact.
    fn palette(self) -> (Palette, HashMap<[u8; 3], u8>) {
        match self.exact {
            Some(exact) => (self.in_order, exact),
            None => {
                let count = (self.sample.len() / 3).min(usize::from(u16::MAX));
                let frame = Frame::from_rgb_speed(count as u16, 1, &self.sample[..count * 3], 1);
                (frame.palette.unwrap_or_default(), HashMap::new())
            }
        }
    }
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
    use crate::base::Cancel;
    use crate::figures::export::{Animation, FigureTarget, TargetKind, write_animation};

    fn write(path: &Path, frames: &[Picture], provenance: &Provenance) -> Result<(), ExportError> {
        let target = FigureTarget { path: path.to_owned(), kind: TargetKind::Gif };
        write_animation(&target, frames, PLAY, provenance, &Cancel::new())
    }

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

    const PLAY: Animation = Animation { frame_ms: 80, back_and_forth: true };

    #[test]
    fn few_colours_are_kept_exactly_and_play_back_and_forth() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.gif");
        let frames: Vec<Picture> = (0..4).map(|k| Picture::filled(5, 3, [k * 20, 7, 9, 255])).collect();
        let provenance = Provenance { model: "toy".into(), ..Provenance::default() };
        write(&path, &frames, &provenance).expect("writes");
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
    fn frames_last_as_long_as_asked_on_average() {
        for frame_ms in [20, 25, 33, 60, 333, 335, 999, 10_000] {
            let delays: Vec<u16> = (0..300).map(|at| delay(frame_ms, at)).collect();
            let exact = frame_ms / 10;
            assert!(
                delays.iter().all(|&delay| delay == exact || delay == exact + 1),
                "{frame_ms}: {delays:?}"
            );
            let all: u64 = delays.iter().map(|&delay| u64::from(delay) * 10).sum();
            assert!(all.abs_diff(300 * u64::from(frame_ms)) <= 5, "{frame_ms}: {all}");
        }
        assert_eq!([0, 1, 2, 3].map(|at| delay(333, at)), [33, 34, 33, 33]);
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
        let frames = std::slice::from_ref(&frame);
        write(&path, frames, &Provenance::default()).expect("writes");
        let read = read(&path);
        let error: i64 =
            read[0].iter().zip(frame.rgba()).map(|(&a, &b)| (i64::from(a) - i64::from(b)).abs()).sum();
        assert!(error as f64 / (64.0 * 64.0 * 3.0) < 6.0, "{error}");
    }

    #[test]
    fn sides_that_the_format_cannot_say_are_refused() {
        let wide = [Picture::filled(70_000, 1, [0; 4])];
        let refused = write(Path::new("/nonexistent/a.gif"), &wide, &Provenance::default());
        assert!(matches!(refused, Err(ExportError::GifSize { .. })));
    }
}
