//! Named tensors in a safetensors file: the bundle, training states, and files of other tools.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Write};
use std::path::Path;

use half::f16;
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use crate::base::{Array, Arrays, FileError, write_atomic};
use crate::formats::{Budget, ByteSource};

use super::CheckpointError;
use super::dtype::DType;

/// Longest header that is read, in bytes: room for some 100,000 tensors. A parsed header takes up to 32 times its
/// size in memory.
const HEADER_LIMIT: u64 = 16 << 20;
/// Numbers that are converted at a time.
const CHUNK: usize = 1 << 14;

/// An open safetensors file: its header, and its tensors to be read when they are wanted.
///
/// Read by ordinary positional reads, never memory-mapped.
#[derive(Debug)]
pub struct TensorFile {
    source: ByteSource,
    /// Where the tensors' bytes begin.
    data: u64,
    tensors: BTreeMap<String, TensorInfo>,
    metadata: BTreeMap<String, String>,
    budget: Budget,
}

/// How numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Precision {
    /// Bit by bit as they are.
    #[default]
    F32,
    /// Half the size, rounded to 11 bits.
    F16,
}

impl TensorFile {
    /// Opens the file at `path` and checks its header: every tensor has its own bytes, all of them inside the file.
    ///
    /// # Errors
    /// When the file cannot be read or its header is not sound.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        Self::from_source(ByteSource::open(path)?)
    }

    pub(crate) fn from_source(source: ByteSource) -> Result<Self, CheckpointError> {
        let path = source.path().to_owned();
        let wrong = |what: String| CheckpointError::content(what, &path);
        let mut len = [0; 8];
        source.read_exact_at(&mut len, 0).map_err(|error| CheckpointError::io(error, &path))?;
        let len = u64::from_le_bytes(len);
        if len > source.len() - 8 {
            return Err(wrong(format!(
                "its header claims {len} bytes, more than the file has; it was cut short or is no safetensors file"
            )));
        }
        if len > HEADER_LIMIT {
            return Err(wrong(format!("its header takes {len} bytes, far more than a model needs")));
        }
        let mut header = vec![0; len as usize];
        source.read_exact_at(&mut header, 8).map_err(|error| CheckpointError::io(error, &path))?;
        // Parsing checks that the tensors follow one another without gap or overlap and that each shape fits.
        let header: Metadata = serde_json::from_slice(&header)
            .map_err(|error| wrong(format!("its safetensors header is not sound ({error})")))?;
        let (have, need) = (source.len() - 8 - len, header.data_len() as u64);
        if have != need {
            return Err(wrong(format!(
                "its tensors need {need} bytes and the file has {have}; it was cut short or damaged"
            )));
        }
        let tensors = header.tensors().into_iter().map(|(name, info)| (name, info.clone())).collect();
        let metadata = header.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
        let budget = Budget::for_file(source.len());
        Ok(Self { source, data: 8 + len, tensors, metadata, budget })
    }

    /// The texts in its metadata.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// Names and shapes in name order.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.tensors.iter().map(|(name, info)| (name.as_str(), info.shape.as_slice()))
    }

    /// The stored type of the tensor called `name`, if there is one of a type that can be read.
    pub fn dtype(&self, name: &str) -> Option<DType> {
        self.tensors.get(name).and_then(|info| dtype(info.dtype))
    }

    /// Reads the tensor called `name` as f32.
    ///
    /// # Errors
    /// When there is none, its type cannot be read, or the file cannot.
    pub fn array(&mut self, name: &str) -> Result<Array, CheckpointError> {
        let path = self.source.path().to_owned();
        let wrong = |what: String| CheckpointError::content(what, &path);
        let info = self.tensors.get(name).ok_or_else(|| wrong(format!("tensor `{name}` is missing")))?;
        let dtype = dtype(info.dtype).ok_or_else(|| {
            wrong(format!("tensor `{name}` is of type {}, which is not supported", info.dtype))
        })?;
        let (start, end) = info.data_offsets;
        let len = (end - start) / dtype.size();
        self.budget.take(len as u64 * 4).map_err(wrong)?;
        let mut reader = self.source.section(self.data + start as u64, (end - start) as u64);
        let mut values = Vec::with_capacity(len);
        let mut buffer = vec![0; CHUNK.min(len) * dtype.size()];
        while values.len() < len {
            let bytes = (len - values.len()).min(CHUNK) * dtype.size();
            reader.read_exact(&mut buffer[..bytes]).map_err(|error| CheckpointError::io(error, &path))?;
            dtype.decode(&buffer[..bytes], &mut values);
        }
        Array::new(info.shape.clone(), values)
            .ok_or_else(|| wrong(format!("tensor `{name}` does not have the size of its shape")))
    }

    /// Reads every tensor whose name starts with `prefix`, named without it.
    ///
    /// # Errors
    /// As [`TensorFile::array`].
    pub fn group(&mut self, prefix: &str) -> Result<Arrays, CheckpointError> {
        let names: Vec<String> =
            self.tensors.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
        names.into_iter().map(|name| Ok((name[prefix.len()..].to_owned(), self.array(&name)?))).collect()
    }
}

/// Writes `tensors` with one text of metadata at `path`, all of it or nothing. The same input gives the same bytes.
///
/// # Errors
/// When the file cannot be written, or a number is too large for the precision asked of it.
pub fn write_tensors(
    path: &Path,
    tensors: &[(String, &Array, Precision)],
    metadata: (&str, &str),
) -> Result<(), CheckpointError> {
    // f32 before f16, so that every tensor starts at a multiple of its numbers' size; by name within each.
    let mut tensors: Vec<_> = tensors.iter().collect();
    tensors.sort_by(|a, b| (a.2 == Precision::F16, &a.0).cmp(&(b.2 == Precision::F16, &b.0)));
    let mut offset = 0;
    let mut infos = Vec::with_capacity(tensors.len());
    for (name, array, precision) in &tensors {
        let (dtype, size) = match precision {
            Precision::F32 => (Dtype::F32, 4),
            Precision::F16 => (Dtype::F16, 2),
        };
        if *precision == Precision::F16
            && let Some(value) =
                array.data().iter().find(|v| v.is_finite() && !f16::from_f32(**v).is_finite())
        {
            return Err(CheckpointError::content(
                format!("`{name}` holds {value}, too large for f16; store it as f32"),
                path,
            ));
        }
        let end = offset + array.len() * size;
        let info = TensorInfo { dtype, shape: array.shape().to_vec(), data_offsets: (offset, end) };
        infos.push((name.clone(), info));
        offset = end;
    }
    let texts = HashMap::from([(metadata.0.to_owned(), metadata.1.to_owned())]);
    let mut header = Metadata::new(Some(texts), infos)
        .map_err(|error| error.to_string())
        .and_then(|header| serde_json::to_vec(&header).map_err(|error| error.to_string()))
        .map_err(|error| CheckpointError::content(error, path))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    write_atomic(path, |writer| {
        let mut fill = || -> io::Result<()> {
            writer.write_all(&(header.len() as u64).to_le_bytes())?;
            writer.write_all(&header)?;
            for (_, array, precision) in &tensors {
                for chunk in array.data().chunks(CHUNK) {
                    let bytes: Vec<u8> = match precision {
                        Precision::F32 => chunk.iter().flat_map(|v| v.to_le_bytes()).collect(),
                        Precision::F16 => {
                            chunk.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect()
                        }
                    };
                    writer.write_all(&bytes)?;
                }
            }
            Ok(())
        };
        fill().map_err(|error| FileError::new(error, path).into())
    })
}

fn dtype(dtype: Dtype) -> Option<DType> {
    Some(match dtype {
        Dtype::BOOL => DType::Bool,
        Dtype::U8 => DType::U8,
        Dtype::I8 => DType::I8,
        Dtype::U16 => DType::U16,
        Dtype::I16 => DType::I16,
        Dtype::U32 => DType::U32,
        Dtype::I32 => DType::I32,
        Dtype::U64 => DType::U64,
        Dtype::I64 => DType::I64,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::F32 => DType::F32,
        Dtype::F64 => DType::F64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(values: &[f32]) -> Array {
        Array::new([values.len()], values.to_vec()).expect("fits")
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("x.safetensors");
        let odd = f32::from_bits(0x7fc0_1234);
        let (exact, half) = (array(&[1.0, -0.0, odd, f32::MIN_POSITIVE / 2.0]), array(&[0.1, 1.0, 2.0]));
        let tensors =
            [("b.half".to_owned(), &half, Precision::F16), ("a.exact".to_owned(), &exact, Precision::F32)];
        write_tensors(&path, &tensors, ("note", "{\"x\":1}")).expect("writes");
        let first = std::fs::read(&path).expect("reads");
        write_tensors(&path, &tensors, ("note", "{\"x\":1}")).expect("writes");
        assert_eq!(first, std::fs::read(&path).expect("reads"), "the same bytes again");
        let mut file = TensorFile::open(&path).expect("opens");
        assert_eq!(file.metadata()["note"], "{\"x\":1}");
        let bits = |array: &Array| array.data().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&file.group("a.").expect("reads")["exact"]), bits(&exact));
        assert_eq!(file.array("b.half").expect("reads").data(), [0.099975586, 1.0, 2.0]);
        let peer = safetensors::SafeTensors::deserialize(&first).expect("the safetensors crate reads it");
        assert_eq!(peer.len(), 2);
    }

    #[test]
    fn too_large_for_f16_is_an_error_and_writes_nothing() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("x.safetensors");
        let large = array(&[1e6]);
        let error =
            write_tensors(&path, &[("w".into(), &large, Precision::F16)], ("a", "b")).expect_err("refused");
        assert!(error.to_string().contains("too large for f16"), "{error}");
        assert!(!path.exists());
    }

    #[test]
    fn unsound_headers_are_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("x.safetensors");
        let cases = [
            (u64::MAX, ""),
            (100_000_000, ""),
            (2, "{}x"),
            (0, r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}1234"#),
            (0, r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}12345678"#),
            (
                0,
                r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}1234"#,
            ),
            (0, r#"{"a":{"dtype":"F32","shape":[18446744073709551615,2],"data_offsets":[0,4]}}1234"#),
            (0, r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#),
            (0, r#"{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}1234"#),
        ];
        for (len, text) in cases {
            let header_len = if len == 0 { text.rfind('}').map_or(0, |at| at as u64 + 1) } else { len };
            let mut bytes = header_len.to_le_bytes().to_vec();
            bytes.extend(text.as_bytes());
            std::fs::write(&path, &bytes).expect("writes");
            assert!(TensorFile::open(&path).is_err(), "{text}");
        }
    }
}
