use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};

/// A buffered file that is being written, and the first error that writing it met.
///
/// After that error everything else seems to succeed and goes nowhere: the file will not be kept, and a library that
/// completes its format when it is dropped (a zip's directory, a GIF's trailer) has nothing left to complain of. The
/// error itself is the system's, however a library wraps the one that it was given.
pub struct Output<'a> {
    file: BufWriter<&'a mut File>,
    /// Where the next byte goes and where the file ends, as the writer believes.
    position: u64,
    end: u64,
    failure: Option<io::Error>,
}

impl<'a> Output<'a> {
    /// Writes from the start of `file`.
    pub(super) fn new(file: &'a mut File) -> Self {
        Self { file: BufWriter::with_capacity(1 << 18, file), position: 0, end: 0, failure: None }
    }

    /// Writes what is buffered. The first error that there was, if any.
    pub(super) fn complete(mut self) -> io::Result<()> {
        let flushed = self.flush();
        self.failure.map_or(flushed, Err)
    }

    /// Keeps the first failure, and hands out one of its kind.
    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Interrupted
        {
            let kept = match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(error.kind(), error.to_string()),
            };
            self.failure.get_or_insert(kept);
        }
        result
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match self.failure {
            Some(_) => bytes.len(),
            None => {
                let written = self.file.write(bytes);
                self.note(written)?
            }
        };
        self.position += written as u64;
        self.end = self.end.max(self.position);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.failure.is_some() {
            return Ok(());
        }
        let flushed = self.file.flush();
        self.note(flushed)
    }
}

impl Seek for Output<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if self.failure.is_none() {
            let at = self.file.seek(to);
            self.position = self.note(at)?;
            return Ok(self.position);
        }
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
        };
        self.position = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_in_the_file() {
        let mut file = tempfile::tempfile().expect("temporary file");
        let mut output = Output::new(&mut file);
        output.write_all(b"abcdef").expect("writes");
        assert_eq!(output.seek(SeekFrom::Start(1)).expect("seeks"), 1);
        output.write_all(b"X").expect("writes");
        assert_eq!(output.seek(SeekFrom::End(0)).expect("seeks"), 6);
        output.complete().expect("flushes");
        file.rewind().expect("rewinds");
        assert_eq!(io::read_to_string(file).expect("reads"), "aXcdef");
    }

    /// Every write to this device fails as on a full disk.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_first_error_is_kept_and_later_ones_are_not_met() {
        let mut file = File::options().write(true).open("/dev/full").expect("opens");
        let mut output = Output::new(&mut file);
        output.write_all(b"abc").expect("is buffered");
        assert_eq!(output.flush().expect_err("is full").kind(), io::ErrorKind::StorageFull);
        output.write_all(&[0; 1 << 20]).expect("goes nowhere");
        assert_eq!(output.seek(SeekFrom::Current(-1)).expect("seeks"), 2 + (1 << 20));
        assert_eq!(output.seek(SeekFrom::End(0)).expect("seeks"), 3 + (1 << 20));
        assert_eq!(output.seek(SeekFrom::Start(1)).expect("seeks"), 1);
        output.flush().expect("nothing to do");
        assert_eq!(output.complete().expect_err("is full").kind(), io::ErrorKind::StorageFull);
    }
}
