use std::io::Read;

/// The most bytes one compressed variable may unpack to.
const MAX_BYTES: u64 = 256 << 20;

/// Element types of the MAT-file format, version 5 (its table 1-1).
const INT8: u32 = 1;
const UINT8: u32 = 2;
const INT16: u32 = 3;
const UINT16: u32 = 4;
const INT32: u32 = 5;
const UINT32: u32 = 6;
const SINGLE: u32 = 7;
const DOUBLE: u32 = 9;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
const UTF8: u32 = 16;

/// Array classes (table 1-3).
const STRUCT: u8 = 2;
const CHAR: u8 = 4;
/// The first and the last class of numbers: double and unsigned 32 bits; 64 bits are not read.
const DOUBLE_CLASS: u8 = 6;
const LAST_CLASS: u8 = 13;

/// What a field of a struct holds; anything but a text or a number is left out.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Text(String),
    Other,
}

/// A struct array: the names of its fields and one row of values for each element.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Table {
    pub(super) fields: Vec<String>,
    pub(super) rows: Vec<Vec<Value>>,
}

impl Table {
    /// The place of a field.
    pub(super) fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field == name)
    }
}

/// An array of numbers: its shape, the first side changing fastest, and its values as the file holds them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Values {
    pub(super) shape: Vec<usize>,
    kind: u32,
    data: Vec<u8>,
}

impl Values {
    /// All values.
    pub(super) fn numbers(&self) -> Result<Vec<f64>, String> {
        let width = width(self.kind).ok_or("an array of the MAT-file holds no numbers")?;
        Ok(self.data.chunks_exact(width).filter_map(|value| number(self.kind, value)).collect())
    }

    /// All values of an array of unsigned bytes.
    pub(super) fn into_bytes(self) -> Result<Vec<u8>, String> {
        match self.kind {
            UINT8 => Ok(self.data),
            _ => Err("an array of the MAT-file does not hold bytes".into()),
        }
    }
}

/// Finds the struct array called `name` in a MAT-file of version 5 (what MATLAB saves with `-v6` and `-v7`).
///
/// Memory stays in proportion to the bytes given, at most 256 MiB unpacked, whatever they claim.
pub(super) fn read_table(bytes: &[u8], name: &str) -> Result<Table, String> {
    let mut found = None;
    each_array(bytes, |array| {
        if array.class == STRUCT && array.name == name.as_bytes() {
            found = Some(array.table()?);
        }
        Ok(found.is_none())
    })?;
    found.ok_or_else(|| format!("there is no struct array called {name} in the MAT-file"))
}

/// Finds the arrays of numbers called `names` in such a file, where they are there; memory is bounded as that of
/// [`read_table`].
pub(super) fn read_values<const N: usize>(
    bytes: &[u8],
    names: [&str; N],
) -> Result<[Option<Values>; N], String> {
    let mut found = [const { None }; N];
    each_array(bytes, |array| {
        if let Some(place) = names.iter().position(|name| array.name == name.as_bytes()) {
            found[place] = Some(array.values()?);
        }
        Ok(found.iter().any(Option::is_none))
    })?;
    Ok(found)
}

/// Hands the arrays of a file to `look`, one after another, while it returns true.
fn each_array(bytes: &[u8], mut look: impl FnMut(Array<'_>) -> Result<bool, String>) -> Result<(), String> {
    if bytes.len() < 128 || &bytes[126..128] != b"IM" {
        return Err("not a little-endian MAT-file of version 5".into());
    }
    let mut file = Elements(&bytes[128..]);
    while let Some((kind, data)) = file.next()? {
        let unpacked;
        let matrix = match kind {
            MATRIX => data,
            COMPRESSED => {
                unpacked = inflate(data)?;
                match Elements(&unpacked).next()? {
                    Some((MATRIX, matrix)) => matrix,
                    _ => continue,
                }
            }
            _ => continue,
        };
        if !look(Array::parse(matrix)?)? {
            break;
        }
    }
    Ok(())
}

fn inflate(data: &[u8]) -> Result<Vec<u8>, String> {
    let mut unpacked = Vec::new();
    let decoder = flate2::read::ZlibDecoder::new(data);
    decoder
        .take(MAX_BYTES + 1)
        .read_to_end(&mut unpacked)
        .map_err(|error| format!("broken data ({error})"))?;
    match unpacked.len() as u64 > MAX_BYTES {
        true => Err("a variable of the MAT-file unpacks to more than the 256 MiB that are read".into()),
        false => Ok(unpacked),
    }
}

/// The tagged elements that follow each other in some bytes.
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// The next element's type and data; `None` at the end.
    fn next(&mut self) -> Result<Option<(u32, &'a [u8])>, String> {
        let cut_short = || "the MAT-file ends in the middle of a value".to_owned();
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.0.get(..8).ok_or_else(cut_short)?;
        let word = |at: usize| u32::from_le_bytes([tag[at], tag[at + 1], tag[at + 2], tag[at + 3]]);
        // Up to four bytes are packed into the tag itself, their number in its upper half.
        let small = (word(0) >> 16) as usize;
        if small > 0 {
            let data = self.0.get(4..4 + small).filter(|_| small <= 4).ok_or_else(cut_short)?;
            self.0 = &self.0[8..];
            return Ok(Some((word(0) & 0xffff, data)));
        }
        let (kind, len) = (word(0), word(4) as usize);
        let data = self.0.get(8..).and_then(|rest| rest.get(..len)).ok_or_else(cut_short)?;
        // Everything but compressed data is padded to eight bytes.
        let padded = if kind == COMPRESSED { len } else { len.next_multiple_of(8) };
        self.0 = &self.0[(8 + padded).min(self.0.len())..];
        Ok(Some((kind, data)))
    }

    /// The next element, which must be there.
    fn expect(&mut self) -> Result<(u32, &'a [u8]), String> {
        self.next()?.ok_or_else(|| "a value of the MAT-file is incomplete".to_owned())
    }
}

/// The parts every array begins with.
struct Array<'a> {
    class: u8,
    shape: Vec<usize>,
    len: usize,
    name: &'a [u8],
    content: Elements<'a>,
}

impl<'a> Array<'a> {
    fn parse(matrix: &'a [u8]) -> Result<Self, String> {
        let mut content = Elements(matrix);
        let (_, flags) = content.expect()?;
        let (_, dims) = content.expect()?;
        let (_, name) = content.expect()?;
        let side = |dim: &[u8]| u32::from_le_bytes([dim[0], dim[1], dim[2], dim[3]]) as usize;
        let shape: Vec<usize> = dims.chunks_exact(4).map(side).collect();
        let len = shape.iter().try_fold(1usize, |len, &side| len.checked_mul(side));
        let len = len.ok_or("an array of the MAT-file claims to be too large")?;
        Ok(Self { class: flags.first().copied().unwrap_or(0), shape, len, name, content })
    }

    /// Reads an array of numbers.
    fn values(mut self) -> Result<Values, String> {
        let (kind, data) = self.content.expect()?;
        if !matches!(self.class, DOUBLE_CLASS..=LAST_CLASS)
            || width(kind).is_none_or(|width| data.len() / width != self.len)
        {
            return Err(format!(
                "the array {} of the MAT-file does not hold the numbers that its shape says",
                String::from_utf8_lossy(self.name)
            ));
        }
        Ok(Values { shape: self.shape, kind, data: data.to_vec() })
    }

    /// Reads a struct array.
    fn table(mut self) -> Result<Table, String> {
        let (_, width) = self.content.expect()?;
        let width = width.first().copied().unwrap_or(0) as usize;
        let (_, names) = self.content.expect()?;
        if width == 0 || names.is_empty() {
            return Err("a struct of the MAT-file has no field names".into());
        }
        let text = |bytes: &[u8]| {
            let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
            String::from_utf8_lossy(&bytes[..end]).into_owned()
        };
        let fields: Vec<String> = names.chunks(width).map(text).collect();
        let mut rows = Vec::new();
        for _ in 0..self.len {
            let row = fields.iter().map(|_| match self.content.expect()? {
                (MATRIX, matrix) if !matrix.is_empty() => Array::parse(matrix)?.value(),
                _ => Ok(Value::Other),
            });
            rows.push(row.collect::<Result<Vec<_>, String>>()?);
        }
        Ok(Table { fields, rows })
    }

    /// Reads one number or one text.
    fn value(mut self) -> Result<Value, String> {
        let Some((kind, data)) = self.content.next()? else { return Ok(Value::Other) };
        if self.class == CHAR {
            let units: Vec<u16> = match kind {
                INT8 | UINT8 => data.iter().copied().map(u16::from).collect(),
                UTF8 => return Ok(Value::Text(String::from_utf8_lossy(data).into_owned())),
                _ => data.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect(),
            };
            return Ok(Value::Text(String::from_utf16_lossy(&units)));
        }
        Ok(if self.len == 1 { number(kind, data).map_or(Value::Other, Value::Number) } else { Value::Other })
    }
}

/// Bytes of a number of this type; `None` where it is none that is read.
fn width(kind: u32) -> Option<usize> {
    match kind {
        INT8 | UINT8 => Some(1),
        INT16 | UINT16 => Some(2),
        INT32 | UINT32 | SINGLE => Some(4),
        DOUBLE => Some(8),
        _ => None,
    }
}

/// The first number of some data; MATLAB stores doubles in whatever smaller type holds them exactly.
fn number(kind: u32, data: &[u8]) -> Option<f64> {
    Some(match kind {
        INT8 => f64::from(i8::from_le_bytes(data.first_chunk().copied()?)),
        UINT8 => f64::from(*data.first()?),
        INT16 => f64::from(i16::from_le_bytes(data.first_chunk().copied()?)),
        UINT16 => f64::from(u16::from_le_bytes(data.first_chunk().copied()?)),
        INT32 => f64::from(i32::from_le_bytes(data.first_chunk().copied()?)),
        UINT32 => f64::from(u32::from_le_bytes(data.first_chunk().copied()?)),
        SINGLE => f64::from(f32::from_le_bytes(data.first_chunk().copied()?)),
        DOUBLE => f64::from_le_bytes(data.first_chunk().copied()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by SciPy's `savemat` with `do_compression=True` and `False`: `annotations`, a 1x2 struct array
    /// with the fields of the Cars devkit.
    const SAMPLES: [&[u8]; 2] = [
        include_bytes!("../../tests/files/annotations_compressed.mat"),
        include_bytes!("../../tests/files/annotations_plain.mat"),
    ];

    #[test]
    fn struct_arrays_as_scipy_writes_them() {
        for bytes in SAMPLES {
            let table = read_table(bytes, "annotations").expect("reads");
            assert_eq!(table.fields, ["bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "fname"]);
            assert_eq!(table.rows.len(), 2);
            let numbers = [30.0, 52.0, 246.0, 147.0, 181.0];
            let expected: Vec<Value> = numbers.into_iter().map(Value::Number).collect();
            assert_eq!(table.rows[0][..5], expected);
            assert_eq!(table.rows[0][5], Value::Text("00001.jpg".into()));
            assert_eq!(table.rows[1][2], Value::Number(70_000.0));
            assert_eq!(table.field("fname"), Some(5));
            assert!(read_table(bytes, "other").expect_err("absent").contains("other"));
        }
    }

    #[test]
    fn damaged_files_are_errors_and_never_panic() {
        for bytes in SAMPLES {
            for end in 0..bytes.len() {
                let _ = read_table(&bytes[..end], "annotations");
            }
            for at in 128..bytes.len() {
                for value in [0, 0x7f, 0xff] {
                    let mut damaged = bytes.to_vec();
                    damaged[at] = value;
                    let _ = read_table(&damaged, "annotations");
                }
            }
        }
        assert!(read_table(b"", "annotations").is_err());
    }
}
