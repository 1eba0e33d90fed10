use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::base::{FileError, FileErrorKind};

/// A file opened once and read at explicit positions, so that several readers share it.
///
/// Nothing is memory-mapped: a file that is cut short underneath gives an error instead of a signal, and one
/// that is replaced by rename keeps its old content here.
#[derive(Clone, Debug)]
pub(crate) struct ByteSource {
    file: Arc<File>,
    len: u64,
    path: PathBuf,
}

impl ByteSource {
    /// Opens an ordinary file. Pipes and devices are refused, since they could block or never end.
    pub(crate) fn open(path: &Path) -> Result<Self, FileError> {
        let fail = |error| FileError::new(error, path);
        let metadata = std::fs::metadata(path).map_err(fail)?;
        if metadata.is_dir() {
            return Err(FileError { kind: FileErrorKind::IsFolder, path: path.into() });
        }
        if !metadata.is_file() {
            return Err(fail(io::Error::other("not an ordinary file (a device or a pipe?)")));
        }
        let file = File::open(path).map_err(fail)?;
        let len = file.metadata().map_err(fail)?.len();
        Ok(Self { file: Arc::new(file), len, path: path.into() })
    }

    /// Bytes in the file when it was opened.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Where it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Fills `bytes` from `position`.
    pub(crate) fn read_exact_at(&self, bytes: &mut [u8], position: u64) -> io::Result<()> {
        self.section(position, bytes.len() as u64).read_exact(bytes)
    }

    /// A reader of `len` bytes from `position`, or fewer when the file ends before.
    pub(crate) fn section(&self, position: u64, len: u64) -> Section {
        let end = position.saturating_add(len).min(self.len);
        Section { file: Arc::clone(&self.file), position: position.min(end), end }
    }

    /// Feeds the whole content to `hasher`.
    pub(crate) fn digest(&self, hasher: &mut Sha256) -> io::Result<()> {
        let mut section = self.section(0, self.len);
        let mut buffer = vec![0; 1 << 16];
        loop {
            match section.read(&mut buffer)? {
                0 => return Ok(()),
                count => hasher.update(&buffer[..count]),
            }
        }
    }
}

/// A stretch of a [`ByteSource`], read from front to back.
#[derive(Debug)]
pub(crate) struct Section {
    file: Arc<File>,
    position: u64,
    end: u64,
}

impl Section {
    /// Moves `bytes` ahead without reading, at most to the end.
    pub(crate) fn skip(&mut self, bytes: u64) {
        self.position = self.position.saturating_add(bytes).min(self.end);
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        let want = buffer.len().min(left);
        let count = read_at(&self.file, &mut buffer[..want], self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, position)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, position)
}

/// A finished SHA-256 in hexadecimal.
pub(crate) fn hexadecimal(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_end_with_the_file() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("digits");
        std::fs::write(&path, b"0123456789").expect("writes");
        let source = ByteSource::open(&path).expect("opens");
        let mut text = String::new();
        source.section(7, u64::MAX).read_to_string(&mut text).expect("reads");
        assert_eq!(text, "789");
        let mut section = source.section(2, 5);
        section.skip(3);
        text.clear();
        section.read_to_string(&mut text).expect("reads");
        assert_eq!(text, "56");
        assert!(source.read_exact_at(&mut [0; 4], 8).is_err());
        let mut hasher = Sha256::new();
        source.digest(&mut hasher).expect("reads");
        assert_eq!(hexadecimal(hasher), "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882");
    }
}
