use std::borrow::Cow;

use crate::base::{Cancel, Picture};

use super::apng::write_apng;
use super::frames::{Animation, Frames};
use super::gif::write_gif;
use super::mp4::write_mp4;
use super::{ExportError, FigureTarget, Provenance, TargetKind};

/// Writes frames of one size as the animation that `target` names, with its provenance inside: a GIF or an animated PNG, which loop
/// for ever, or an MP4, which needs the program `ffmpeg`.
///
/// # Errors
/// When frames are missing, differ in size or are too large, the file cannot be written, `ffmpeg` is missing or fails, or `cancel` was
/// raised meanwhile. Nothing is left behind then.
pub fn write_animation(
    target: &FigureTarget,
    frames: &[Picture],
    animation: Animation,
    provenance: &Provenance,
    cancel: &Cancel,
) -> Result<(), ExportError> {
    let frame = |at: usize| match cancel.is_cancelled() {
        true => Err(ExportError::Stopped),
        false => Ok(Cow::Borrowed(&frames[at])),
    };
    write_animation_of(target, frames.len(), frame, animation, provenance)
}

/// The same for frames that are made when they are wanted, one in memory at a time. `frame` is asked once more for the first, and of
/// a GIF twice for each.
///
/// # Errors
/// As [`write_animation`], and whatever `frame` returns.
pub fn write_animation_of<'p>(
    target: &FigureTarget,
    count: usize,
    frame: impl Fn(usize) -> Result<Cow<'p, Picture>, ExportError>,
    animation: Animation,
    provenance: &Provenance,
) -> Result<(), ExportError> {
    if count == 0 {
        return Err(ExportError::Frames);
    }
    let first = frame(0)?;
    let size = [first.width(), first.height()];
    drop(first);
    if size.contains(&0) {
        return Err(ExportError::Frames);
    }
    let frames = Frames::new(count, size, animation, &frame);
    match target.kind {
        TargetKind::Apng => write_apng(&target.path, &frames, provenance),
        TargetKind::Mp4 => write_mp4("ffmpeg", &target.path, &frames, provenance),
        _ => write_gif(&target.path, &frames, provenance),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAY: Animation = Animation { frame_ms: 80, back_and_forth: true };

    fn target(folder: &std::path::Path, kind: TargetKind) -> FigureTarget {
        FigureTarget { path: folder.join("a"), kind }
    }

    #[test]
    fn frames_must_agree() {
        let folder = tempfile::tempdir().expect("temporary folder");
        for kind in [TargetKind::Gif, TargetKind::Apng, TargetKind::Mp4] {
            let target = target(folder.path(), kind);
            let write = |frames: &[Picture]| {
                write_animation(&target, frames, PLAY, &Provenance::default(), &Cancel::new())
            };
            let two = [Picture::filled(2, 2, [0; 4]), Picture::filled(3, 2, [0; 4])];
            // Without ffmpeg that is what is said of an MP4.
            let is_told = |error| matches!(error, Err(ExportError::Frames | ExportError::NoFfmpeg(_)));
            assert!(is_told(write(&two)), "{kind:?}");
            assert!(matches!(write(&[]), Err(ExportError::Frames)));
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 0, "nothing is left");
    }

    #[test]
    fn one_that_is_stopped_leaves_nothing() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let frames = [Picture::filled(2, 2, [0; 4])];
        let cancel = Cancel::new();
        cancel.cancel();
        for kind in [TargetKind::Gif, TargetKind::Apng, TargetKind::Mp4] {
            let target = target(folder.path(), kind);
            let stopped = write_animation(&target, &frames, PLAY, &Provenance::default(), &cancel);
            assert!(matches!(stopped, Err(ExportError::Stopped)));
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 0);
    }
}
