//! The files of a folder and of the folders in it.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::hidden::is_hidden;
use super::passed::PassedOver;
use crate::base::FileError;
use crate::data::DataError;

/// A file met while listing.
pub(super) struct Listed {
    /// Its path inside the folder, with `/` between folders.
    pub(super) name: OsString,
    /// Changes when the file is rewritten, or may be read by others than before.
    pub(super) stamp: [u8; 25],
    /// What tells it from other files where it may have several names: device and number.
    file_id: Option<(u64, u64)>,
}

/// Lists the files in `root` at any depth, in the order of the bytes of their names.
///
/// Links are followed, and what they lead to is read once: by its own name where it lies in the folder, else by that of
/// the first link. A link to a folder around it is passed over.
pub(super) fn list(root: &Path) -> Result<(Vec<Listed>, PassedOver), DataError> {
    let real = std::fs::canonicalize(root).map_err(|error| FileError::new(error, root))?;
    // Of folders in it that cannot be read the others are no worse.
    std::fs::read_dir(root).map_err(|error| FileError::new(error, root))?;
    let mut walk = Walk::new(real.clone());
    walk.folder(Folder { path: root.to_owned(), name: OsString::new(), real })?;
    walk.follow_links()?;
    let Walk { mut files, mut passed, .. } = walk;
    files.sort_unstable_by(|a, b| a.name.as_encoded_bytes().cmp(b.name.as_encoded_bytes()));
    let mut ids = HashSet::new();
    files.retain(|file| {
        let is_first = file.file_id.is_none_or(|id| ids.insert(id));
        passed.twice += usize::from(!is_first);
        is_first
    });
    Ok((files, passed))
}

/// A folder to be read.
struct Folder {
    path: PathBuf,
    /// Its path inside the listing.
    name: OsString,
    /// Its path without links.
    real: PathBuf,
}

/// A link met, and the folder that it lies in.
struct Link {
    name: OsString,
    path: PathBuf,
    real_folder: PathBuf,
}

struct Walk {
    real_root: PathBuf,
    /// Folders that were read, without links.
    read: HashSet<PathBuf>,
    links: Vec<Link>,
    files: Vec<Listed>,
    passed: PassedOver,
}

impl Walk {
    fn new(real_root: PathBuf) -> Self {
        Self {
            real_root,
            read: HashSet::new(),
            links: Vec::new(),
            files: Vec::new(),
            passed: PassedOver::default(),
        }
    }

    /// Reads a folder and all in it; links are kept for later.
    fn folder(&mut self, first: Folder) -> Result<(), DataError> {
        let mut folders = vec![first];
        while let Some(folder) = folders.pop() {
            if self.read.contains(&folder.real) {
                self.passed.twice += 1;
                continue;
            }
            let Ok(entries) = std::fs::read_dir(&folder.path) else {
                self.passed.deny(Path::new(&folder.name));
                continue;
            };
            for entry in entries {
                let entry = entry.map_err(|error| FileError::new(error, &folder.path))?;
                let own = entry.file_name();
                if is_hidden(&own) {
                    self.passed.hidden += 1;
                    continue;
                }
                let name = inside(&folder.name, &own);
                let Ok(kind) = entry.file_type() else {
                    self.passed.deny(Path::new(&name));
                    continue;
                };
                if kind.is_symlink() {
                    self.links.push(Link { name, path: entry.path(), real_folder: folder.real.clone() });
                } else if kind.is_dir() {
                    folders.push(Folder { path: entry.path(), name, real: folder.real.join(own) });
                } else if kind.is_file() {
                    match entry.metadata() {
                        Ok(metadata) => self.files.push(Listed::new(name, &metadata)),
                        // gone since a moment ago
                        Err(error) if error.kind() == ErrorKind::NotFound => {}
                        Err(_) => self.passed.deny(Path::new(&name)),
                    }
                } else {
                    self.passed.special += 1; // reading a pipe would never end
                }
            }
            self.read.insert(folder.real);
        }
        Ok(())
    }

    /// Follows the links that were met and those behind them: folders first, since a file may lie in one.
    fn follow_links(&mut self) -> Result<(), DataError> {
        let mut to_files = Vec::new();
        while !self.links.is_empty() {
            let mut links = std::mem::take(&mut self.links);
            links.sort_unstable_by(|a, b| a.name.cmp(&b.name));
            for link in links {
                let target = std::fs::canonicalize(&link.path);
                let found = target.and_then(|real| Ok((std::fs::metadata(&real)?, real)));
                match found {
                    Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                        self.passed.deny(Path::new(&link.name));
                    }
                    Err(_) => self.passed.nowhere += 1,
                    Ok((metadata, real)) if metadata.is_dir() => {
                        let leads_back =
                            self.real_root.starts_with(&real) || link.real_folder.starts_with(&real);
                        if leads_back {
                            self.passed.twice += 1;
                        } else {
                            self.folder(Folder { path: link.path, name: link.name, real })?;
                        }
                    }
                    Ok((metadata, real)) if metadata.is_file() => to_files.push((link.name, metadata, real)),
                    Ok(_) => self.passed.special += 1,
                }
            }
        }
        to_files.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut linked = HashSet::new();
        for (name, metadata, real) in to_files {
            let is_visible = real.file_name().is_some_and(|own| !is_hidden(own));
            let is_listed = is_visible && real.parent().is_some_and(|folder| self.read.contains(folder));
            if is_listed || !linked.insert(real) {
                self.passed.twice += 1;
            } else {
                self.files.push(Listed::new(name, &metadata));
            }
        }
        Ok(())
    }
}

impl Listed {
    fn new(name: OsString, metadata: &Metadata) -> Self {
        let written = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let mut stamp = [0; 25];
        stamp[..8].copy_from_slice(&metadata.len().to_le_bytes());
        stamp[8..24].copy_from_slice(&written.map_or(0, |since| since.as_nanos()).to_le_bytes());
        stamp[24] = readers(metadata);
        Self { name, stamp, file_id: file_id(metadata) }
    }
}

/// `name` in the folder called `folder`.
fn inside(folder: &OsStr, name: &OsStr) -> OsString {
    if folder.is_empty() {
        return name.to_owned();
    }
    let mut whole = OsString::with_capacity(folder.len() + 1 + name.len());
    whole.push(folder);
    whole.push("/");
    whole.push(name);
    whole
}

/// Who may read a file: owner, group and all, a bit each.
#[cfg(unix)]
fn readers(metadata: &Metadata) -> u8 {
    use std::os::unix::fs::MetadataExt;
    let bit = |mode: u32, to: u8| if metadata.mode() & mode == 0 { 0 } else { to };
    bit(0o400, 4) | bit(0o040, 2) | bit(0o004, 1)
}

#[cfg(not(unix))]
fn readers(_metadata: &Metadata) -> u8 {
    0
}

/// Tells a file with several names from others; `None` where it has one. Some network file systems count badly, so the
/// number of names is asked first.
#[cfg(unix)]
fn file_id(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    (metadata.nlink() > 1).then(|| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn file_id(_metadata: &Metadata) -> Option<(u64, u64)> {
    None
}
