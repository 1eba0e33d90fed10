//! The one listing of pictures that every command uses: the same files in the same order, with the same warning.
//!
//! A folder, a zip or tar archive, or a single picture. Content decides what is a picture; links are followed and what
//! they lead to is read once; hidden things and what cannot be read are passed over and counted; names are bytes.

mod archive;
mod folder;
mod hidden;
mod passed;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{DataError, fingerprint};
use crate::base::{FileError, FileErrorKind, Pool};
use crate::formats::ByteSource;
use crate::formats::picture::{HEAD, Looks, looks_of, read_picture, what_instead};
use crate::formats::zip::{Archive, Member};

pub use self::passed::PassedOver;
pub(super) use self::passed::warn_once;

/// A folder, a zip or tar archive, or a picture: files, each readable from any thread.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    contents: Contents,
    entries: Vec<Entry>,
    passed_over: PassedOver,
    fingerprint: String,
}

#[derive(Debug)]
enum Contents {
    Folder,
    /// One picture.
    File,
    Zip(Archive),
    Tar(ByteSource),
}

/// One file of a store.
#[derive(Clone, Debug)]
pub struct Entry {
    name: OsString,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    /// A file of its own.
    File,
    /// A member of a zip archive.
    Zip(Member),
    /// Bytes of a tar archive.
    Tar { offset: u64, len: u64 },
}

impl Entry {
    /// Its path inside the store, with `/` between folders.
    pub fn name(&self) -> &Path {
        Path::new(&self.name)
    }
}

impl Store {
    /// Lists the files of a folder or an archive, in the order of the bytes of their names; a picture is a store of one.
    ///
    /// # Errors
    /// When it cannot be read, or is neither.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let metadata = std::fs::metadata(path).map_err(|error| not_there(error, path))?;
        if metadata.is_dir() {
            let (files, passed_over) = folder::list(path)?;
            let parts = files.iter().map(|file| (file.name.as_encoded_bytes(), file.stamp.as_slice()));
            let fingerprint = fingerprint::of_parts(parts);
            let entries =
                files.into_iter().map(|file| Entry { name: file.name, place: Place::File }).collect();
            let contents = Contents::Folder;
            return Ok(Self { path: path.to_owned(), contents, entries, passed_over, fingerprint });
        }
        if !metadata.is_file() {
            let what = "this is a pipe or a device; name a folder, an archive or a picture";
            return Err(DataError::Content { what: what.into(), path: path.to_owned() });
        }
        let mut head = Vec::new();
        let file = File::open(path).map_err(|error| FileError::new(error, path))?;
        file.take(HEAD as u64).read_to_end(&mut head).map_err(|error| FileError::new(error, path))?;
        archive::check_kind(&head, path)?;
        if let Some(what) = what_instead(&head) {
            return Err(DataError::Content { what: what.into(), path: path.to_owned() });
        }
        let mut passed_over = PassedOver::default();
        let (contents, mut entries) = if archive::is_zip(&head) {
            archive::list_zip(path, &mut passed_over)?
        } else if !archive::is_tar(&head) && looks_of(&head, path) != Looks::Other {
            let name = path.file_name().unwrap_or_default().to_owned();
            (Contents::File, vec![Entry { name, place: Place::File }])
        } else {
            let entries = archive::list_tar(path, &mut passed_over)?;
            (Contents::Tar(ByteSource::open(path)?), entries)
        };
        entries.sort_by(|a, b| a.name.as_encoded_bytes().cmp(b.name.as_encoded_bytes()));
        let fingerprint = fingerprint::of_file(path)?;
        Ok(Self { path: path.to_owned(), contents, entries, passed_over, fingerprint })
    }

    /// The folder, the archive, or the picture.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All files, pictures or not.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What was passed over while listing, before any file was looked into.
    pub fn passed_over(&self) -> &PassedOver {
        &self.passed_over
    }

    /// Changes when a file is added, removed, renamed or rewritten.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Where a file lies, for messages.
    pub fn path_of(&self, entry: &Entry) -> PathBuf {
        match self.contents {
            Contents::File => self.path.clone(),
            _ => self.path.join(&entry.name),
        }
    }

    /// Looks into every file on `pool`'s threads: the places of the pictures among [`Store::entries`], and what is to be
    /// passed over for its content (besides [`Store::passed_over`]).
    ///
    /// # Errors
    /// When the store cannot be read any more.
    pub fn pictures(&self, pool: &Pool) -> Result<(Vec<u32>, PassedOver), DataError> {
        let seen: Vec<Seen> =
            pool.run(|| self.entries.par_iter().map(|entry| self.look(entry)).collect::<Result<_, _>>())?;
        let mut passed = PassedOver::default();
        let mut pictures = Vec::with_capacity(seen.len());
        for ((entry, seen), place) in self.entries.iter().zip(seen).zip(0u32..) {
            match seen {
                Seen::Looks(Looks::Picture) => pictures.push(place),
                Seen::Looks(Looks::Foreign(name)) => *passed.foreign.entry(name.to_owned()).or_default() += 1,
                Seen::Looks(Looks::Other) => passed.others += 1,
                Seen::Denied => passed.deny(entry.name()),
            }
        }
        Ok((pictures, passed))
    }

    /// What the start of a file says.
    fn look(&self, entry: &Entry) -> Result<Seen, DataError> {
        let mut head = Vec::with_capacity(HEAD);
        let read = self.reader(entry).and_then(|reader| reader.take(HEAD as u64).read_to_end(&mut head));
        match read {
            // Its name says whether it is missed.
            Err(error) if is_of_one_file(&error) => {}
            Err(_) if matches!(self.contents, Contents::Folder) => return Ok(Seen::Denied),
            Err(error) => return Err(FileError::new(error, self.path_of(entry)).into()),
            Ok(_) => {}
        }
        Ok(Seen::Looks(looks_of(&head, entry.name())))
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// [`DataError::Content`] for what is a matter of this file alone.
    pub fn read(&self, entry: &Entry) -> Result<Vec<u8>, DataError> {
        let path = self.path_of(entry);
        let mut bytes = Vec::new();
        let read = self.reader(entry).and_then(|reader| read_picture(reader, &mut bytes));
        match read {
            Ok(()) => Ok(bytes),
            Err(error) if matches!(entry.place, Place::File) => Err(vanished(error, &path)),
            Err(error) => Err(DataError::io(error, &path)),
        }
    }

    /// Reads a file from its front.
    pub(super) fn reader<'a>(&'a self, entry: &'a Entry) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match (&self.contents, &entry.place) {
            (Contents::Zip(archive), Place::Zip(member)) => Box::new(archive.reader(member)?),
            (Contents::Tar(archive), &Place::Tar { offset, len }) => Box::new(archive.section(offset, len)),
            _ => Box::new(File::open(self.path_of(entry))?),
        })
    }
}

/// The error for a path where there is nothing.
fn not_there(error: io::Error, path: &Path) -> DataError {
    if error.kind() == io::ErrorKind::NotFound && path.as_os_str().as_encoded_bytes().starts_with(b"~") {
        let what = "no such file; only ~/ alone stands for a user's folder here, so write the whole path";
        return DataError::Content { what: what.into(), path: path.to_owned() };
    }
    FileError::new(error, path).into()
}

/// What a look into a file showed.
enum Seen {
    Looks(Looks),
    /// It cannot be opened or read.
    Denied,
}

/// Whether a failed read tells of a file's content, or that it has gone.
fn is_of_one_file(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, InvalidData, InvalidInput, NotFound, UnexpectedEof, Unsupported};
    matches!(error.kind(), FileTooLarge | InvalidData | InvalidInput | NotFound | UnexpectedEof | Unsupported)
}

/// The error for one file that was there when the store was listed: no matter of the store.
fn vanished(error: io::Error, path: &Path) -> DataError {
    if error.kind() == io::ErrorKind::FileTooLarge {
        return DataError::Content { what: error.to_string(), path: path.to_owned() };
    }
    let error = FileError::new(error, path);
    let what = match error.kind {
        FileErrorKind::Denied => error.kind.to_string(),
        FileErrorKind::Missing => {
            "the file has vanished since the data set was opened; restore it or open the set again".into()
        }
        _ => return error.into(),
    };
    DataError::Content { what, path: path.to_owned() }
}

#[cfg(test)]
mod tests;
