//! Lists of texts, as NumPy keeps them: every text padded with zeros to the length of the longest.

use std::io::Read as _;

use super::super::CheckpointError;
use super::{NpzFile, Opened};
use crate::formats::shorten;

impl NpzFile {
    /// Reads the array called `name` as a list of texts: of Unicode characters (`<U8`) or of bytes (`|S8`), one dimension.
    ///
    /// # Errors
    /// When there is none, it holds something else, or it would take far more memory than the file has bytes.
    pub fn texts(&mut self, name: &str) -> Result<Vec<String>, CheckpointError> {
        let Opened { header, mut reader, .. } = self.header(name)?;
        let path = self.path.clone();
        let wrong = |what: &str| CheckpointError::content(format!("array `{}` {what}", shorten(name)), &path);
        let kind = header.descr.trim_start_matches(['<', '>', '|', '=']);
        let is_big_endian = header.descr.starts_with('>');
        let (unit, width) = match kind.split_at_checked(1) {
            Some(("U", width)) => (4, width),
            Some(("S", width)) => (1, width),
            _ => return Err(wrong("is no list of texts")),
        };
        let width: u64 = width.parse().map_err(|_| wrong("is no list of texts"))?;
        let &[count] = header.shape.as_slice() else { return Err(wrong("is no list of texts")) };
        let bytes = (count as u64).checked_mul(width).and_then(|units| units.checked_mul(unit));
        let bytes = bytes.ok_or_else(|| wrong("is larger than any file"))?;
        self.budget.take(bytes).map_err(|what| wrong(&what))?;
        let mut data = Vec::new();
        let read = reader.by_ref().take(bytes).read_to_end(&mut data);
        read.map_err(|error| CheckpointError::io(error, &path))?;
        if data.len() as u64 != bytes {
            return Err(wrong("does not have the bytes it needs; the file is damaged"));
        }
        if width == 0 {
            return Ok(vec![String::new(); count]);
        }
        let character = |bytes: &[u8]| match bytes {
            &[a, b, c, d] if is_big_endian => u32::from_be_bytes([a, b, c, d]),
            &[a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
            bytes => bytes.iter().copied().map(u32::from).sum(),
        };
        let text = |bytes: &[u8]| {
            let characters = bytes.chunks_exact(unit as usize).map(character);
            let characters =
                characters.map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            characters.collect::<String>().trim_end_matches('\0').to_owned()
        };
        Ok(data.chunks_exact((width * unit) as usize).map(text).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::npz::NpzWriter;
    use std::ffi::OsString;

    #[test]
    fn lists_come_back_and_numbers_are_none() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("names.npz");
        let names = ["shape", "größe", ""].map(OsString::from);
        let written = || {
            let mut npz = NpzWriter::new(std::io::Cursor::new(Vec::new()));
            npz.names("names", &names)?;
            npz.integers("numbers", &[2], &[1, 2])?;
            npz.text("one", "text")?;
            std::fs::write(&path, npz.finish()?.into_inner())
        };
        written().expect("writes");
        let mut file = NpzFile::open(&path).expect("opens");
        assert_eq!(file.texts("names").expect("reads"), ["shape", "größe", ""]);
        for name in ["numbers", "one", "none"] {
            let error = file.texts(name).expect_err(name).to_string();
            assert!(error.ends_with("names.npz"), "{error}");
        }
    }
}
