use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::base::{FileError, write_atomic};

use super::frames::{Frames, rgb};
use super::{ExportError, Provenance};

/// Writes frames as an MP4 by `ffmpeg`, the program of this name or at this path: its usual encoder for that, colours at half
/// resolution as players want them, a line of the last pixels more where a side is odd. The command is its comment, and it carries no
/// dates; another version of ffmpeg may write other bytes.
///
/// # Errors
/// When there is no such program or it fails, the file cannot be written, or a frame cannot be had.
pub(super) fn write_mp4(
    ffmpeg: &str,
    path: &Path,
    frames: &Frames<'_, '_>,
    provenance: &Provenance,
) -> Result<(), ExportError> {
    let folder = tempfile::tempdir().map_err(|error| FileError::new(error, path))?;
    let made = folder.path().join("animation.mp4");
    let [width, height] = frames.size();
    let [size, rate] = [format!("{width}x{height}"), format!("1000/{}", frames.animation().frame_ms)];
    let comment = format!("comment={}", provenance.command_line());
    let mut child = Command::new(ffmpeg)
        .args(["-hide_banner", "-loglevel", "error", "-y", "-f", "rawvideo", "-pixel_format", "rgb24"])
        .args(["-video_size", &size, "-framerate", &rate, "-i", "pipe:0"])
        .args(["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", "-movflags", "+faststart"])
        .args(["-fflags", "+bitexact", "-flags:v", "+bitexact", "-metadata", &comment])
        .arg(&made)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ExportError::NoFfmpeg(path.into()),
            _ => FileError::new(error, path).into(),
        })?;
    let fed = match child.stdin.take() {
        Some(mut input) => feed(&mut input, frames),
        None => Ok(()),
    };
    if let Err(Feeding::Frame(error)) = fed {
        let _ = child.kill(); // It may have ended by itself.
        let _ = child.wait();
        return Err(error);
    }
    let output = child.wait_with_output().map_err(|error| FileError::new(error, path))?;
    if fed.is_err() || !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().last().unwrap_or("it gave no reason").trim().to_owned();
        return Err(ExportError::Ffmpeg { said, path: path.into() });
    }
    write_atomic(path, |writer| {
        let copied = std::fs::File::open(&made).and_then(|mut made| io::copy(&mut made, writer));
        copied.map(drop).map_err(|error| FileError::new(error, path).into())
    })
}

/// Why not all frames were passed on.
enum Feeding {
    /// A frame could not be had.
    Frame(ExportError),
    /// The program listens no more, and says itself why.
    Pipe,
}

fn feed(input: &mut impl Write, frames: &Frames<'_, '_>) -> Result<(), Feeding> {
    for at in frames.order() {
        let frame = frames.get(at).map_err(Feeding::Frame)?;
        let pixels: Vec<u8> = rgb(&frame).flatten().collect();
        input.write_all(&pixels).map_err(|_| Feeding::Pipe)?;
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::base::Picture;
    use crate::figures::export::Animation;
    use crate::figures::export::frames::frames_of;

    /// A program in the place of ffmpeg.
    fn program(folder: &Path, script: &str) -> String {
        let path = folder.join("ffmpeg");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("writes");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("may be run");
        path.display().to_string()
    }

    #[test]
    fn ffmpeg_is_given_every_pixel_in_the_order_of_the_frames() {
        let folder = tempfile::tempdir().expect("temporary folder");
        // What it is told, and then what it is given.
        let script = "for last; do :; done; echo \"$@\" > \"$last\"; cat >> \"$last\"";
        let program = program(folder.path(), script);
        let path = folder.path().join("a.mp4");
        let pictures: Vec<Picture> = (1..4).map(|k| Picture::filled(3, 1, [k, 0, 9, 255])).collect();
        let provenance = Provenance { command: vec!["idgan".into(), "x".into()], ..Provenance::default() };
        let animation = Animation { frame_ms: 125, back_and_forth: true };
        frames_of(&pictures, animation, |frames| write_mp4(&program, &path, frames, &provenance))
            .expect("writes");
        let bytes = std::fs::read(&path).expect("reads");
        let end = bytes.iter().position(|&byte| byte == b'\n').expect("a line") + 1;
        let told = String::from_utf8_lossy(&bytes[..end]);
        for word in ["-video_size 3x1", "-framerate 1000/125", "comment=idgan x"] {
            assert!(told.contains(word), "{told}");
        }
        let expected: Vec<u8> = [1, 2, 3, 2].iter().flat_map(|&k| [k, 0, 9].repeat(3)).collect();
        assert_eq!(bytes[end..], expected);
    }

    #[test]
    fn what_stands_in_the_way_is_said_and_nothing_is_left() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.mp4");
        let pictures = [Picture::filled(300, 300, [0; 4])];
        let animation = Animation { frame_ms: 125, back_and_forth: false };
        let write = |program: &str| {
            let said = frames_of(&pictures, animation, |frames| {
                write_mp4(program, &path, frames, &Provenance::default())
            });
            said.expect_err("is told").to_string()
        };
        assert!(write("/nonexistent/ffmpeg").contains("ffmpeg is not on the PATH"));
        let failing = program(folder.path(), "echo 'no encoder found' >&2; exit 3");
        let said = write(&failing);
        assert!(said.contains("no encoder found") && said.ends_with("a.mp4"), "{said}");
        assert!(!path.exists());
    }
}
