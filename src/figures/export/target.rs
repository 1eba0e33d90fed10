use std::path::{Path, PathBuf};

use crate::base::{FileError, TEMPORARY_PREFIX, check_writable, folder_of, target_of};

use super::ExportError;

/// Where something is exported to, as told by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FigureTarget {
    /// The file or folder.
    pub path: PathBuf,
    /// What it will be.
    pub kind: TargetKind,
}

/// What an export becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// One picture.
    Png,
    /// Shapes and text, for the web.
    Svg,
    /// Shapes and text, for print.
    Pdf,
    /// One animation of at most 256 colours.
    Gif,
    /// One animation, every pixel as it is.
    Apng,
    /// One animation, made by ffmpeg.
    Mp4,
    /// Arrays for NumPy.
    Npz,
    /// A folder of PNGs.
    Folder,
}

impl TargetKind {
    /// Those that play.
    pub const ANIMATIONS: [Self; 3] = [Self::Gif, Self::Apng, Self::Mp4];
}

impl FigureTarget {
    /// Tells the kind from the ending: `.png`, `.svg`, `.pdf`, `.gif`, `.apng`, `.mp4`, `.npz`, or a folder when there is none.
    ///
    /// # Errors
    /// A sentence when the ending is another one or not among `allowed`.
    pub fn parse(path: &Path, allowed: &[TargetKind]) -> Result<Self, String> {
        let extension =
            path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        let kind = match extension.as_deref() {
            _ if path.is_dir() => Some(TargetKind::Folder),
            Some("png") => Some(TargetKind::Png),
            Some("svg") => Some(TargetKind::Svg),
            Some("pdf") => Some(TargetKind::Pdf),
            Some("gif") => Some(TargetKind::Gif),
            Some("apng") => Some(TargetKind::Apng),
            Some("mp4") => Some(TargetKind::Mp4),
            Some("npz") => Some(TargetKind::Npz),
            None => Some(TargetKind::Folder),
            Some(_) => None,
        };
        match kind.filter(|kind| allowed.contains(kind)) {
            Some(kind) => Ok(Self { path: path.to_owned(), kind }),
            None => {
                let name = |kind: &TargetKind| match kind {
                    TargetKind::Png => "a .png",
                    TargetKind::Svg => "a .svg",
                    TargetKind::Pdf => "a .pdf",
                    TargetKind::Gif => "a .gif",
                    TargetKind::Apng => "an .apng",
                    TargetKind::Mp4 => "an .mp4",
                    TargetKind::Npz => "a .npz",
                    TargetKind::Folder => "a folder (no ending)",
                };
                let names = allowed.iter().map(name).collect::<Vec<_>>().join(", ");
                Err(format!("--out takes {names}; got {}", path.display()))
            }
        }
    }

    /// Looks before the work whether the output can be written, so that nobody waits for an hour to hear that the
    /// folder does not exist.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn check(&self) -> Result<(), ExportError> {
        if self.kind == TargetKind::Folder {
            check_vacant(&self.path)?;
            let target = target_of(&self.path)?;
            return temporary_folder(&target).map(drop).map_err(|e| FileError::new(e, &self.path).into());
        }
        Ok(check_writable(&self.path)?)
    }

    /// Fills a folder so that it appears complete or not at all: `fill` writes into a temporary folder beside it,
    /// which then takes its name. Where its name is a link to a folder, or to nothing yet, that is what it fills.
    ///
    /// # Errors
    /// Whatever `fill` or the system reports.
    pub fn write_folder<E: From<ExportError>>(
        &self,
        fill: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), E> {
        let fail = |error: std::io::Error| E::from(FileError::new(error, &self.path).into());
        check_vacant(&self.path)?;
        let target = target_of(&self.path).map_err(ExportError::from)?;
        let temporary = temporary_folder(&target).map_err(fail)?;
        fill(temporary.path())?;
        if target.is_dir() {
            // It is empty; where a folder cannot be renamed over an empty one this makes room.
            std::fs::remove_dir(&target).map_err(fail)?;
        }
        std::fs::rename(temporary.path(), &target).map_err(fail)?;
        // Its old name is gone, and nothing is left to clean up.
        let _ = temporary.keep();
        Ok(())
    }
}

fn check_vacant(path: &Path) -> Result<(), ExportError> {
    if path.is_dir() {
        let mut entries = std::fs::read_dir(path).map_err(|error| FileError::new(error, path))?;
        return if entries.next().is_none() { Ok(()) } else { Err(ExportError::Occupied(path.into())) };
    }
    if path.exists() { Err(ExportError::NotAFolder(path.into())) } else { Ok(()) }
}

/// A folder beside `path` that goes away when it is dropped.
fn temporary_folder(path: &Path) -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix(TEMPORARY_PREFIX).tempdir_in(folder_of(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use TargetKind::{Folder, Gif, Npz, Png};

    #[test]
    fn the_ending_tells_the_kind() {
        let kind = |name: &str| {
            FigureTarget::parse(Path::new(name), &[Png, Gif, Npz, Folder]).map(|target| target.kind)
        };
        assert_eq!(kind("a.png"), Ok(Png));
        assert_eq!(kind("x/a.GIF"), Ok(Gif));
        assert_eq!(kind("a.npz"), Ok(Npz));
        assert_eq!(kind("pictures"), Ok(Folder));
        assert!(kind("a.jpg").is_err());
        let error = FigureTarget::parse(Path::new("a.gif"), &[Npz, Folder]).expect_err("not allowed");
        assert_eq!(error, "--out takes a .npz, a folder (no ending); got a.gif");
    }

    #[test]
    fn a_folder_appears_complete_or_not_at_all() {
        let root = tempfile::tempdir().expect("temporary folder");
        let target = FigureTarget { path: root.path().join("out"), kind: Folder };
        let failed = target.write_folder(|folder| {
            std::fs::write(folder.join("half.png"), "x").expect("writes");
            Err(ExportError::Frames)
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read_dir(root.path()).expect("reads").count(), 0);
        std::fs::create_dir(&target.path).expect("creates");
        let fill = |folder: &Path| {
            std::fs::write(folder.join("whole.png"), "x").expect("writes");
            Ok::<(), ExportError>(())
        };
        target.write_folder(fill).expect("an empty folder may be filled");
        assert!(target.path.join("whole.png").exists());
        assert_eq!(std::fs::read_dir(root.path()).expect("reads").count(), 1);
        assert!(matches!(target.write_folder(fill), Err(ExportError::Occupied(_))));
        assert!(matches!(target.check(), Err(ExportError::Occupied(_))));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_stays_and_the_folder_is_filled() {
        let root = tempfile::tempdir().expect("temporary folder");
        let fill = |folder: &Path| {
            std::fs::write(folder.join("whole.png"), "x").expect("writes");
            Ok::<(), ExportError>(())
        };
        for (link, there) in [("to-empty", "empty"), ("to-nothing", "new")] {
            if there == "empty" {
                std::fs::create_dir(root.path().join(there)).expect("creates");
            }
            std::os::unix::fs::symlink(there, root.path().join(link)).expect("links");
            let target = FigureTarget { path: root.path().join(link), kind: Folder };
            target.check().expect("can be filled");
            target.write_folder(fill).expect("fills");
            assert!(
                target.path.is_symlink() && root.path().join(there).join("whole.png").is_file(),
                "{link}"
            );
            assert!(matches!(target.check(), Err(ExportError::Occupied(_))));
        }
    }

    #[test]
    fn what_stands_in_the_way_is_found_before_the_work() {
        let root = tempfile::tempdir().expect("temporary folder");
        let target = FigureTarget { path: root.path().join("no/such/a.png"), kind: Png };
        let error = target.check().expect_err("no folder").to_string();
        assert!(error.contains("does not exist; create it first") && error.ends_with("a.png"), "{error}");
        std::fs::write(root.path().join("file"), "x").expect("writes");
        let target = FigureTarget { path: root.path().join("file"), kind: Folder };
        assert!(matches!(target.check(), Err(ExportError::NotAFolder(_))));
        assert!(FigureTarget { path: root.path().join("a.png"), kind: Png }.check().is_ok());
        assert_eq!(std::fs::read_dir(root.path()).expect("reads").count(), 1);
    }
}
