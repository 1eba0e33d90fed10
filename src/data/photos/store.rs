use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::base::{FileError, FileErrorKind};
use crate::data::cache::PositionalFile;
use crate::data::{DataError, fingerprint};
use crate::formats::Source;
use crate::formats::zip::{Archive, Fault, Member};

/// The largest single file that is read.
const MAX_FILE: u64 = 512 << 20;
/// How deep folders are followed, against links that lead in circles.
const MAX_DEPTH: usize = 24;

/// A folder, a zip or a tar archive full of files, each readable from any thread.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    contents: Contents,
    entries: Vec<Entry>,
    /// Changes when a file is added, removed, renamed or rewritten.
    fingerprint: String,
}

#[derive(Debug)]
enum Contents {
    Folder,
    Zip(Archive),
    Tar(PositionalFile),
}

/// One file of a store.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its path inside the store, with `/` between folders.
    pub(super) name: String,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    /// A file of its own in a folder.
    File,
    /// A member of a zip archive.
    Zip(Member),
    /// Bytes of a tar archive.
    Tar { offset: u64, len: u64 },
}

impl Store {
    /// Lists a folder or an archive, its files in name order. Names that begin with a dot are left out.
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let metadata = std::fs::metadata(path).map_err(|error| FileError::new(error, path))?;
        if metadata.is_dir() {
            let mut files = Vec::new();
            list_folder(path, "", 0, &mut files)?;
            files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
            let stamps = files.iter().map(|file| file.stamp.as_slice());
            let fingerprint =
                fingerprint::of_parts(files.iter().map(|file| file.name.as_bytes()).zip(stamps));
            let entries =
                files.into_iter().map(|file| Entry { name: file.name, place: Place::File }).collect();
            return Ok(Self { path: path.to_owned(), contents: Contents::Folder, entries, fingerprint });
        }
        let archive = PositionalFile::open(path)?;
        let mut start = [0; 4];
        archive.read_at(&mut start, 0)?;
        let (contents, mut entries) = match start {
            [b'P', b'K', ..] => {
                let archive = Source::open(path)?;
                let archive = Archive::open(archive).map_err(|error| DataError::io(error, path))?;
                let entries = list_zip(&archive, path)?;
                (Contents::Zip(archive), entries)
            }
            [0x1f, 0x8b, ..] => {
                let what = "a compressed tar cannot be read at random; unpack it and name the folder";
                return Err(DataError::Content { what: what.into(), path: path.to_owned() });
            }
            _ => (Contents::Tar(archive), list_tar(path)?),
        };
        entries.retain(|entry| !entry.name.split('/').any(|part| part.starts_with('.')));
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let fingerprint = fingerprint::of_file(path)?;
        Ok(Self { path: path.to_owned(), contents, entries, fingerprint })
    }

    /// The folder or the archive.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// All files in name order.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Changes when a file is added, removed, renamed or rewritten.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Where a file lies, for messages.
    pub(super) fn path_of(&self, entry: &Entry) -> PathBuf {
        self.path.join(&entry.name)
    }

    /// Reads a whole file.
    pub(super) fn read(&self, entry: &Entry) -> Result<Vec<u8>, DataError> {
        let path = self.path_of(entry);
        let too_large = || DataError::Content {
            what: format!("larger than {} MiB, too large for a picture", MAX_FILE >> 20),
            path: path.clone(),
        };
        let mut bytes = Vec::new();
        match (&self.contents, &entry.place) {
            (Contents::Zip(archive), Place::Zip(member)) => {
                let reader = archive.reader(member).map_err(|error| DataError::io(error, &path))?;
                let read = reader.take(MAX_FILE + 1).read_to_end(&mut bytes);
                read.map_err(|error| DataError::io(error, &path))?;
            }
            (Contents::Tar(archive), &Place::Tar { offset, len }) => {
                // The length is what the archive claims, so it is checked against the file before memory is taken.
                if offset.saturating_add(len) > archive.len()? {
                    let what = "the archive ends in the middle of this file; copy or download it again";
                    return Err(DataError::Content { what: what.into(), path });
                }
                if len > MAX_FILE {
                    return Err(too_large());
                }
                bytes.resize(len as usize, 0);
                archive.read_at(&mut bytes, offset)?;
            }
            _ => {
                let file = File::open(&path).map_err(|error| vanished(error, &path))?;
                let read = file.take(MAX_FILE + 1).read_to_end(&mut bytes);
                read.map_err(|error| FileError::new(error, &path))?;
            }
        }
        if bytes.len() as u64 > MAX_FILE { Err(too_large()) } else { Ok(bytes) }
    }
}

/// The error for one file that was there when the store was listed: no matter of the store.
fn vanished(error: std::io::Error, path: &Path) -> DataError {
    let error = FileError::new(error, path);
    if matches!(error.kind, FileErrorKind::Denied) {
        return DataError::Content { what: error.kind.to_string(), path: path.to_owned() };
    }
    if matches!(error.kind, FileErrorKind::Missing) {
        let what = "the file has vanished since the data set was opened; restore it or open the set again";
        return DataError::Content { what: what.into(), path: path.to_owned() };
    }
    error.into()
}

/// A file met while listing a folder; `stamp` is its length and time of writing.
struct Listed {
    name: String,
    stamp: [u8; 24],
}

fn list_folder(folder: &Path, prefix: &str, depth: usize, files: &mut Vec<Listed>) -> Result<(), DataError> {
    if depth > MAX_DEPTH {
        let what = "folders lie deeper than 24 levels here; is a link leading in circles?";
        return Err(DataError::Content { what: what.into(), path: folder.to_owned() });
    }
    let entries = std::fs::read_dir(folder).map_err(|error| FileError::new(error, folder))?;
    for entry in entries {
        let entry = entry.map_err(|error| FileError::new(error, folder))?;
        // A name that is not Unicode cannot be shown or stored; such files are rare and left out.
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') {
            continue;
        }
        let path = entry.path();
        // Links are followed; one that leads nowhere is left out.
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if metadata.is_dir() {
            list_folder(&path, &name, depth + 1, files)?;
        } else if metadata.is_file() {
            // (reading a pipe would never end)
            let written = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let mut stamp = [0; 24];
            stamp[..8].copy_from_slice(&metadata.len().to_le_bytes());
            stamp[8..].copy_from_slice(&written.map_or(0, |since| since.as_nanos()).to_le_bytes());
            files.push(Listed { name, stamp });
        }
    }
    Ok(())
}

fn list_zip(archive: &Archive, path: &Path) -> Result<Vec<Entry>, DataError> {
    let files = || archive.members().filter(|(name, _)| !name.ends_with(b"/"));
    if files().all(|(_, member)| member.fault() == Some(Fault::Encrypted)) {
        let what =
            "this zip archive is encrypted with a password; unpack it with its password and name the folder";
        return Err(DataError::Content { what: what.into(), path: path.to_owned() });
    }
    let entry = |(name, member): (&[u8], &Member)| Entry {
        name: String::from_utf8_lossy(name).replace('\\', "/"),
        place: Place::Zip(member.clone()),
    };
    Ok(files().map(entry).collect())
}

fn list_tar(path: &Path) -> Result<Vec<Entry>, DataError> {
    let broken = |error: std::io::Error| DataError::Content {
        what: format!("neither a zip nor a tar archive that can be read ({error})"),
        path: path.to_owned(),
    };
    let file = File::open(path).map_err(|error| FileError::new(error, path))?;
    let mut archive = tar::Archive::new(file);
    let mut entries = Vec::new();
    for entry in archive.entries_with_seek().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        if entry.header().entry_type().is_file() {
            let name = entry.path().map_err(broken)?.to_string_lossy().replace('\\', "/");
            let name = name.trim_start_matches("./").to_owned();
            let place = Place::Tar { offset: entry.raw_file_position(), len: entry.size() };
            entries.push(Entry { name, place });
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn names(store: &Store) -> Vec<&str> {
        store.entries().iter().map(|entry| entry.name.as_str()).collect()
    }

    const FILES: [(&str, &[u8]); 3] =
        [("a/one.txt", b"first"), ("a/two.txt", &[7; 1000]), ("b.txt", b"third")];

    fn make_folder(root: &Path) {
        std::fs::create_dir_all(root.join("a")).expect("makes");
        for (name, content) in FILES {
            std::fs::write(root.join(name), content).expect("writes");
        }
        std::fs::write(root.join(".hidden"), b"no").expect("writes");
    }

    #[test]
    fn folders_zips_and_tars_hold_the_same_files() {
        let root = tempfile::tempdir().expect("temporary folder");
        let folder = root.path().join("folder");
        make_folder(&folder);
        let mut tar = tar::Builder::new(File::create(root.path().join("files.tar")).expect("creates"));
        tar.append_dir_all(".", &folder).expect("appends");
        tar.finish().expect("finishes");
        let mut zip = zip::ZipWriter::new(File::create(root.path().join("files.zip")).expect("creates"));
        for (i, (name, content)) in FILES.into_iter().enumerate() {
            let method = [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated][i % 2];
            let options = zip::write::SimpleFileOptions::default().compression_method(method);
            zip.start_file(name, options).expect("starts");
            zip.write_all(content).expect("writes");
        }
        zip.finish().expect("finishes");
        for path in [folder, root.path().join("files.tar"), root.path().join("files.zip")] {
            let store = Store::open(&path).expect("lists");
            assert_eq!(names(&store), FILES.map(|(name, _)| name), "{}", path.display());
            for (entry, (_, content)) in store.entries().iter().zip(FILES) {
                assert_eq!(store.read(entry).expect("reads"), content, "{}", path.display());
            }
        }
    }

    #[test]
    fn the_fingerprint_changes_with_any_file() {
        let root = tempfile::tempdir().expect("temporary folder");
        make_folder(root.path());
        let fingerprint = || Store::open(root.path()).expect("lists").fingerprint().to_owned();
        let before = fingerprint();
        assert_eq!(before, fingerprint());
        std::fs::write(root.path().join("b.txt"), b"changed").expect("writes");
        assert_ne!(before, fingerprint());
    }

    #[test]
    fn a_file_that_vanished_is_named() {
        let root = tempfile::tempdir().expect("temporary folder");
        make_folder(root.path());
        let store = Store::open(root.path()).expect("lists");
        std::fs::remove_dir_all(root.path().join("a")).expect("removes");
        let error = store.read(&store.entries()[0]).expect_err("gone").to_string();
        assert!(error.contains("vanished") && error.ends_with("one.txt"), "{error}");
    }

    #[test]
    fn archives_that_lie_or_are_cut_short_are_errors() {
        let root = tempfile::tempdir().expect("temporary folder");
        let path = root.path().join("bad.tar");
        let mut header = tar::Header::new_gnu();
        header.set_path("huge.png").expect("short name");
        header.set_size(1 << 40);
        header.set_cksum();
        std::fs::write(&path, header.as_bytes()).expect("writes");
        if let Ok(store) = Store::open(&path) {
            assert!(store.entries().iter().all(|entry| store.read(entry).is_err()));
        }
        std::fs::write(&path, b"PK\x05\x06 not really").expect("writes");
        assert!(Store::open(&path).is_err());
        std::fs::write(&path, [0x1f, 0x8b, 8, 0]).expect("writes");
        assert!(Store::open(&path).expect_err("refused").to_string().contains("unpack"));
    }
}
