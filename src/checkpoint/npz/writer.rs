use std::ffi::{OsStr, OsString};
use std::io::{self, Seek, Write};

use zip::write::{SimpleFileOptions, ZipWriter};

use super::number::CHUNK;

/// Writes NumPy's `.npz`, array by array and value by value, so that a file larger than memory can be written.
///
/// Members are stored as they are: floats hardly shrink.
pub struct NpzWriter<W: Write + Seek> {
    zip: ZipWriter<W>,
    /// The array being written and the values still missing.
    open: Option<(String, usize)>,
}

impl<W: Write + Seek> NpzWriter<W> {
    /// Starts a file.
    pub fn new(writer: W) -> Self {
        Self { zip: ZipWriter::new(writer), open: None }
    }

    /// Starts an array of 32-bit floats; [`NpzWriter::push`] gives it its values in row-major order.
    ///
    /// # Errors
    /// When the writer fails, or the array before is not complete.
    pub fn start(&mut self, name: &str, shape: &[usize]) -> io::Result<()> {
        self.member(name, "<f4", shape, 4)?;
        self.open = Some((name.to_owned(), shape.iter().product()));
        Ok(())
    }

    /// Adds values to the array that was started.
    ///
    /// # Errors
    /// When the writer fails, no array was started, or it takes fewer values.
    pub fn push(&mut self, values: &[f32]) -> io::Result<()> {
        let Some((name, missing)) = &mut self.open else {
            return Err(io::Error::other("no array was started"));
        };
        let Some(left) = missing.checked_sub(values.len()) else {
            return Err(io::Error::other(format!("array {name} was given too many values")));
        };
        *missing = left;
        values.chunks(CHUNK).try_for_each(|values| {
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            self.zip.write_all(&bytes)
        })
    }

    /// Writes a whole array of bytes.
    ///
    /// # Errors
    /// As [`NpzWriter::integers`].
    pub fn bytes(&mut self, name: &str, shape: &[usize], values: &[u8]) -> io::Result<()> {
        self.whole(name, "|u1", shape, values.iter().map(|&value| [value]))
    }

    /// Writes a whole array of 32-bit floats.
    ///
    /// # Errors
    /// As [`NpzWriter::push`], and when the values do not fill the shape.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> io::Result<()> {
        self.start(name, shape)?;
        self.push(values)?;
        self.complete()
    }

    /// Writes a whole array of 64-bit integers.
    ///
    /// # Errors
    /// When the writer fails, the array before is not complete, or the values do not fill the shape.
    pub fn integers(&mut self, name: &str, shape: &[usize], values: &[i64]) -> io::Result<()> {
        self.whole(name, "<i8", shape, values.iter().map(|value| value.to_le_bytes()))
    }

    /// Writes a whole array of 64-bit floats.
    ///
    /// # Errors
    /// As [`NpzWriter::integers`].
    pub fn doubles(&mut self, name: &str, shape: &[usize], values: &[f64]) -> io::Result<()> {
        self.whole(name, "<f8", shape, values.iter().map(|value| value.to_le_bytes()))
    }

    /// Writes a text as an array of no dimensions: `str(file[name])` in Python.
    ///
    /// # Errors
    /// As [`NpzWriter::integers`].
    pub fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.strings(name, &[], &[characters(text)])
    }

    /// Writes a list of file names as an array of one dimension. Bytes that are no UTF-8 become what Python makes of
    /// them (`surrogateescape`), so that `os.fsencode` gives the name back.
    ///
    /// # Errors
    /// As [`NpzWriter::integers`].
    pub fn names(&mut self, name: &str, names: &[OsString]) -> io::Result<()> {
        let names: Vec<Vec<u32>> = names.iter().map(|name| name_characters(name)).collect();
        self.strings(name, &[names.len()], &names)
    }

    /// Completes the file.
    ///
    /// # Errors
    /// When the writer fails, or the last array is not complete.
    pub fn finish(mut self) -> io::Result<W> {
        self.complete()?;
        Ok(self.zip.finish()?)
    }

    /// Fixed-width UCS-4, NumPy's only text type that needs no pickle.
    fn strings(&mut self, name: &str, shape: &[usize], texts: &[Vec<u32>]) -> io::Result<()> {
        let width = texts.iter().map(Vec::len).max().unwrap_or(0).max(1);
        self.member(name, &format!("<U{width}"), shape, width * 4)?;
        let mut bytes = Vec::with_capacity(texts.len() * width * 4);
        for text in texts {
            let end = bytes.len() + width * 4;
            bytes.extend(text.iter().flat_map(|character| character.to_le_bytes()));
            bytes.resize(end, 0);
        }
        self.zip.write_all(&bytes)
    }

    fn whole<const N: usize>(
        &mut self,
        name: &str,
        kind: &str,
        shape: &[usize],
        values: impl ExactSizeIterator<Item = [u8; N]>,
    ) -> io::Result<()> {
        if shape.iter().product::<usize>() != values.len() {
            return Err(io::Error::other(format!("array {name} has {} values for {shape:?}", values.len())));
        }
        self.member(name, kind, shape, N)?;
        self.zip.write_all(&values.flatten().collect::<Vec<u8>>())
    }

    fn member(&mut self, name: &str, kind: &str, shape: &[usize], width: usize) -> io::Result<()> {
        self.complete()?;
        let header = header(kind, shape)?;
        let values = shape.iter().try_fold(width, |size, &dim| size.checked_mul(dim));
        let size = values.and_then(|size| size.checked_add(header.len()));
        let size = size.ok_or_else(|| io::Error::other("an array larger than memory can address"))?;
        // Zip's older fields hold 32 bits; a margin because sizes are compared before all are known.
        let large = size as u64 > u64::from(u32::MAX) - (1 << 20);
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .unix_permissions(0o644)
            .large_file(large);
        self.zip.start_file(format!("{name}.npy"), options)?;
        self.zip.write_all(&header)
    }

    fn complete(&mut self) -> io::Result<()> {
        match self.open.take() {
            Some((name, missing)) if missing > 0 => {
                Err(io::Error::other(format!("array {name} lacks {missing} values")))
            }
            _ => Ok(()),
        }
    }
}

fn characters(text: &str) -> Vec<u32> {
    text.chars().map(u32::from).collect()
}

fn name_characters(name: &OsStr) -> Vec<u32> {
    let mut all = Vec::new();
    for part in name.as_encoded_bytes().utf8_chunks() {
        all.extend(characters(part.valid()));
        all.extend(part.invalid().iter().map(|&byte| 0xdc00 + u32::from(byte)));
    }
    all
}

/// The header of a `.npy` array: magic, version 1.0, a Python dictionary padded so that values start at a multiple
/// of 64 bytes (numpy.lib.format).
fn header(kind: &str, shape: &[usize]) -> io::Result<Vec<u8>> {
    let mut dims: String = shape.iter().map(|dim| format!("{dim}, ")).collect();
    if shape.len() > 1 {
        dims.truncate(dims.len() - 2);
    }
    let dims = dims.trim_end();
    let mut text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({dims}), }}");
    let unpadded = 10 + text.len() + 1;
    text.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64) - unpadded));
    text.push('\n');
    let len = u16::try_from(text.len()).map_err(io::Error::other)?;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(len.to_le_bytes());
    bytes.extend(text.bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Read};

    fn member(file: &[u8], name: &str) -> Vec<u8> {
        let mut archive = zip::ZipArchive::new(Cursor::new(file)).expect("a zip file");
        let mut bytes = Vec::new();
        archive.by_name(name).expect("is in the file").read_to_end(&mut bytes).expect("reads");
        bytes
    }

    #[test]
    fn headers_are_as_numpy_writes_them() {
        for (shape, text) in
            [(&[][..], "()"), (&[3], "(3,)"), (&[3, 4], "(3, 4)"), (&[1000, 3, 64, 64], "(1000, 3, 64, 64)")]
        {
            let header = header("<f4", shape).expect("short");
            assert_eq!(header.len() % 64, 0);
            assert_eq!(header[..8], *b"\x93NUMPY\x01\x00");
            assert_eq!(usize::from(u16::from_le_bytes([header[8], header[9]])), header.len() - 10);
            let dictionary = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {text}, }}");
            assert_eq!(String::from_utf8_lossy(&header[10..]).trim_end(), dictionary);
            assert_eq!(header.last(), Some(&b'\n'));
        }
    }

    #[test]
    fn arrays_texts_and_integers_are_stored() {
        let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
        npz.start("gan", &[2, 3]).expect("starts");
        npz.push(&[1.0, 2.0]).expect("pushes");
        npz.push(&[3.0, 4.0, 5.0, -0.5]).expect("pushes");
        npz.integers("dims", &[2], &[3, -1]).expect("writes");
        npz.doubles("factors", &[1, 2], &[0.1, -2.0]).expect("writes");
        assert!(npz.doubles("short", &[2, 2], &[0.5; 3]).is_err());
        npz.text("provenance", "ä\u{1f600}").expect("writes");
        npz.names("files", &["a".into(), "bcd".into()]).expect("writes");
        let file = npz.finish().expect("finishes").into_inner();
        let gan = member(&file, "gan.npy");
        let values: Vec<f32> = gan[gan.len() - 24..]
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
            .collect();
        assert_eq!(values, [1.0, 2.0, 3.0, 4.0, 5.0, -0.5]);
        let factors = member(&file, "factors.npy");
        assert!(String::from_utf8_lossy(&factors).contains("'<f8', 'fortran_order': False, 'shape': (1, 2)"));
        assert_eq!(factors[factors.len() - 16..], [0.1f64.to_le_bytes(), (-2.0f64).to_le_bytes()].concat());
        let text = member(&file, "provenance.npy");
        assert!(
            String::from_utf8_lossy(&text).contains("'<U2'") && text.ends_with(&[0x00, 0xf6, 0x01, 0x00])
        );
        let files = member(&file, "files.npy");
        assert!(String::from_utf8_lossy(&files).contains("'<U3', 'fortran_order': False, 'shape': (2,)"));
        assert_eq!(files.len() % 64, 24);
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_survive_in_names() {
        use std::os::unix::ffi::OsStringExt;
        let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
        npz.names("files", &[OsString::from_vec(b"b\xe4\xc3\xa4".to_vec())]).expect("writes");
        let file = npz.finish().expect("finishes").into_inner();
        let characters: Vec<u8> =
            [0x62u32, 0xdce4, 0xe4].iter().flat_map(|character| character.to_le_bytes()).collect();
        assert!(member(&file, "files.npy").ends_with(&characters));
    }

    #[test]
    fn an_array_must_be_filled_exactly() {
        let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
        assert!(npz.push(&[1.0]).is_err());
        npz.start("x", &[2]).expect("starts");
        assert!(npz.push(&[1.0, 2.0, 3.0]).is_err());
        npz.push(&[1.0]).expect("pushes");
        assert!(npz.finish().expect_err("incomplete").to_string().contains("array x lacks 1 values"));
    }
}
