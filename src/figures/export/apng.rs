use std::io;
use std::path::Path;

use crate::base::{FileError, write_atomic};

use super::frames::{Frames, rgb};
use super::picture::described;
use super::{ExportError, Provenance};

/// Writes frames as an animated PNG that loops for ever, every pixel as it is, with its provenance in text chunks as that of any PNG.
/// A program that does not know animations shows the first frame.
///
/// # Errors
/// When the file cannot be written or a frame cannot be had.
pub(super) fn write_apng(
    path: &Path,
    frames: &Frames<'_, '_>,
    provenance: &Provenance,
) -> Result<(), ExportError> {
    let fail = |error: io::Error| ExportError::from(FileError::new(error, path));
    let order = frames.order();
    let [width, height] =
        frames.size().map(|side| u32::try_from(side).map_err(io::Error::other).map_err(fail));
    let (width, height) = (width?, height?);
    write_atomic(path, |writer| {
        let mut encoder = png::Encoder::new(writer, width, height);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_color(png::ColorType::Rgb);
        let fail = |error: png::EncodingError| fail(error.into());
        described(&mut encoder, provenance).map_err(fail)?;
        encoder.set_animated(order.len() as u32, 0).map_err(fail)?;
        encoder.set_frame_delay(frames.animation().frame_ms, 1000).map_err(fail)?;
        let mut writer = encoder.write_header().map_err(fail)?;
        for at in order {
            let pixels: Vec<u8> = rgb(&*frames.get(at)?).flatten().collect();
            writer.write_image_data(&pixels).map_err(fail)?;
        }
        writer.finish().map_err(fail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Cancel, Picture};
    use crate::figures::export::{Animation, FigureTarget, TargetKind, write_animation};

    #[test]
    fn every_pixel_is_kept_and_frames_play_back_and_forth() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.apng");
        let mut frames: Vec<Picture> = (0..3).map(|k| Picture::filled(20, 20, [k * 20, 7, 9, 255])).collect();
        for x in 0..20 {
            (0..20).for_each(|y| frames[1].set_pixel(x, y, [x as u8 * 12, y as u8 * 12, (x * y) as u8, 255]));
        }
        let target = FigureTarget { path: path.clone(), kind: TargetKind::Apng };
        let animation = Animation { frame_ms: 120, back_and_forth: true };
        let provenance =
            Provenance { command: vec!["idgan".into(), "animate".into()], ..Provenance::default() };
        write_animation(&target, &frames, animation, &provenance, &Cancel::new()).expect("writes");
        let bytes = std::fs::read(&path).expect("reads");
        let mut reader = png::Decoder::new(io::Cursor::new(&bytes)).read_info().expect("a PNG");
        let control = reader.info().animation_control.expect("is animated");
        assert_eq!((control.num_frames, control.num_plays), (4, 0));
        let mut pixels = vec![0; reader.output_buffer_size().expect("small")];
        for expected in [0, 1, 2, 1] {
            reader.next_frame(&mut pixels).expect("decodes");
            let wanted: Vec<u8> = rgb(&frames[expected]).flatten().collect();
            assert_eq!(pixels, wanted);
            let shown = reader.info().frame_control.expect("a frame");
            assert_eq!((shown.delay_num, shown.delay_den), (120, 1000));
        }
        assert!(
            reader
                .info()
                .utf8_text
                .iter()
                .any(|chunk| chunk.get_text().is_ok_and(|text| text == "idgan animate"))
        );
        write_animation(&target, &frames, animation, &provenance, &Cancel::new()).expect("writes again");
        assert_eq!(std::fs::read(&path).expect("reads"), bytes, "the same again");
    }
}
