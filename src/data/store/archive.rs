//! The files of zip and tar archives.

#[cfg(unix)]
use std::ffi::OsStr;
use std::ffi::OsString;
use std::fs::File;
use std::path::Path;

use super::hidden::is_hidden;
use super::passed::PassedOver;
use super::{Contents, Entry, Place};
use crate::base::FileError;
use crate::data::DataError;
use crate::formats::ByteSource;
use crate::formats::zip::{Archive, Fault};

/// First bytes of files that hold many pictures and are not read at any place in them, and what they are.
const PACKED: [(&[u8], &str); 6] = [
    (b"\x1f\x8b", "a gzip file (a compressed tar?)"),
    (b"BZh", "a bzip2 file (a compressed tar?)"),
    (b"\xfd7zXZ\0", "an xz file (a compressed tar?)"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file (a compressed tar?)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
];

/// Refuses kinds of archives that are known and not read, by their first bytes.
pub(super) fn check_kind(head: &[u8], path: &Path) -> Result<(), DataError> {
    let kind = PACKED.iter().find(|(mark, _)| head.starts_with(mark)).map(|(_, kind)| kind);
    let what = match kind {
        Some(kind) => format!("this is {kind}, which is not read here; unpack it and name the folder"),
        None if head.starts_with(b"\x89HDF\r\n\x1a\n") => {
            "this is an HDF5 file; name 3dshapes.h5 as shapes3d:FILE, and write other pictures into a folder"
                .into()
        }
        None => return Ok(()),
    };
    Err(DataError::Content { what, path: path.to_owned() })
}

/// Whether a file begins like a zip archive, or a part of one.
pub(super) fn is_zip(head: &[u8]) -> bool {
    [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"].iter().any(|&mark| head.starts_with(mark))
}

/// Whether a file begins like a tar archive of this century.
pub(super) fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

/// The files of a zip archive, in no order.
pub(super) fn list_zip(path: &Path, passed: &mut PassedOver) -> Result<(Contents, Vec<Entry>), DataError> {
    let fail = |error| DataError::io(error, path);
    let archive = Archive::open(ByteSource::open(path)?).map_err(fail)?;
    let files = || archive.members().filter(|(name, _)| !name.ends_with(b"/"));
    if files().all(|(_, member)| member.fault() == Some(Fault::Encrypted)) {
        let what =
            "this zip archive is encrypted with a password; unpack it with its password and name the folder";
        return Err(DataError::Content { what: what.into(), path: path.to_owned() });
    }
    let mut entries = Vec::new();
    for (name, member) in files() {
        if member.is_link() {
            passed.nowhere += 1;
        } else if let Some(name) = visible(name, passed) {
            entries.push(Entry { name, place: Place::Zip(member.clone()) });
        }
    }
    Ok((Contents::Zip(archive), entries))
}

/// The files of a tar archive, in no order.
pub(super) fn list_tar(path: &Path, passed: &mut PassedOver) -> Result<Vec<Entry>, DataError> {
    let content = |what: String| DataError::Content { what, path: path.to_owned() };
    let broken = |error: std::io::Error| {
        content(format!("neither a folder, a picture, nor a zip or tar archive that can be read ({error})"))
    };
    let file = File::open(path).map_err(|error| FileError::new(error, path))?;
    let whole = file.metadata().map_err(|error| FileError::new(error, path))?.len();
    let mut archive = tar::Archive::new(file);
    let mut entries = Vec::new();
    for entry in archive.entries_with_seek().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        let (offset, len) = (entry.raw_file_position(), entry.size());
        if offset.saturating_add(len) > whole {
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            return Err(content(format!(
                "the archive ends in the middle of {name}; it was cut short, copy or download it again"
            )));
        }
        let kind = entry.header().entry_type();
        if kind.is_file() {
            let Some(name) = visible(&entry.path_bytes(), passed) else { continue };
            entries.push(Entry { name, place: Place::Tar { offset, len } });
        } else if kind.is_symlink() || kind.is_hard_link() {
            passed.twice += 1; // what they lead to is in the archive itself, or nowhere
        } else if !kind.is_dir() {
            passed.special += 1;
        }
    }
    Ok(entries)
}

/// A name from an archive with `/` between its folders, unless it is hidden.
fn visible(name: &[u8], passed: &mut PassedOver) -> Option<OsString> {
    // Some programs write `\`. In names of other scripts than Unicode the byte may be half a character.
    let is_text = std::str::from_utf8(name).is_ok();
    let slash = |&byte: &u8| if byte == b'\\' && is_text { b'/' } else { byte };
    let slashed: Vec<u8> = name.iter().map(slash).collect();
    let mut rest = slashed.as_slice();
    while let Some(after) = rest.strip_prefix(b"./") {
        rest = after;
    }
    let name = os_string(rest);
    let is_hidden = rest.split(|&byte| byte == b'/').any(|part| is_hidden(&os_string(part)));
    passed.hidden += usize::from(is_hidden);
    (!is_hidden).then_some(name)
}

/// Bytes as a name of this system.
#[cfg(unix)]
fn os_string(bytes: &[u8]) -> OsString {
    <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes).to_owned()
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}
