use std::io::{self, Read};

/// The longest header that is read; NumPy's own for any array of numbers is far below.
const MAX_HEADER: usize = 1 << 16;

/// The most dimensions NumPy gives an array.
const MAX_DIMS: usize = 64;

/// The header of a `.npy` array: what the bytes after it mean. Reading it allocates at most 64 KiB, whatever
/// the file claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpyHeader {
    /// The element type in NumPy's notation, for instance `|u1` or `<f8`; `|O` is Python objects, `[('x', '<f4')]` a
    /// structure of named fields.
    pub descr: String,
    /// Whether the first dimension varies fastest.
    pub fortran_order: bool,
    /// The size of each dimension; the product is known not to overflow.
    pub shape: Vec<usize>,
}

impl NpyHeader {
    /// Reads the header and leaves `reader` at the first element.
    ///
    /// # Errors
    /// What is wrong with the header, as an [`io::ErrorKind::InvalidData`] with a plain message, or the
    /// reader's own error.
    pub fn read(reader: &mut impl Read) -> io::Result<Self> {
        let mut start = [0; 8];
        reader.read_exact(&mut start)?;
        if &start[..6] != b"\x93NUMPY" {
            return Err(invalid("not a NumPy array (its first bytes are not NumPy's)"));
        }
        let len = match start[6] {
            1 => {
                let mut len = [0; 2];
                reader.read_exact(&mut len)?;
                usize::from(u16::from_le_bytes(len))
            }
            2 | 3 => {
                let mut len = [0; 4];
                reader.read_exact(&mut len)?;
                u32::from_le_bytes(len) as usize
            }
            version => {
                return Err(invalid(format!("NumPy array version {version} is not known (1 to 3 are)")));
            }
        };
        if len > MAX_HEADER {
            return Err(invalid(format!("the NumPy header claims {len} bytes, more than any array needs")));
        }
        let mut text = vec![0; len];
        reader.read_exact(&mut text)?;
        let text = std::str::from_utf8(&text).map_err(|_| invalid("the NumPy header is not text"))?;
        Self::parse(text).ok_or_else(|| invalid("the NumPy header cannot be understood"))
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Parses the Python dictionary literal `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`.
    fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim().strip_prefix('{')?;
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('}') {
                rest = after;
                break;
            }
            let (key, after) = quoted(rest)?;
            rest = after.trim_start().strip_prefix(':')?.trim_start();
            match key {
                "descr" => {
                    let (value, after) = quoted(rest).or_else(|| bracketed(rest))?;
                    descr = Some(value.to_owned());
                    rest = after;
                }
                "fortran_order" => {
                    let value = rest.starts_with("True");
                    rest = rest.strip_prefix(if value { "True" } else { "False" })?;
                    fortran_order = Some(value);
                }
                "shape" => {
                    let (inside, after) = rest.strip_prefix('(')?.split_once(')')?;
                    shape = Some(parse_shape(inside)?);
                    rest = after;
                }
                _ => return None,
            }
            rest = rest.trim_start();
            rest = match rest.strip_prefix(',') {
                Some(after) => after,
                None if rest.starts_with('}') => rest,
                None => return None,
            };
        }
        let header = Self { descr: descr?, fortran_order: fortran_order?, shape: shape? };
        rest.trim().is_empty().then_some(header)
    }
}

/// Splits a leading `'word'` or `"word"` (without escapes) from what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote)
}

/// Splits what stands in brackets, whatever lies within them, from what follows it.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let (mut depth, mut quote) = (0usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '[' | '(' | '{') => depth += 1,
            (None, ']' | ')' | '}') => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return (at > 0).then(|| text.split_at(at + c.len_utf8()));
        }
    }
    None
}

/// The sizes in `3, 4` or `3,`, also as Python 2 wrote them (`3L, 4L`); `None` when their product overflows.
fn parse_shape(text: &str) -> Option<Vec<usize>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Vec::new());
    }
    let sizes = text.strip_suffix(',').unwrap_or(text).split(',').take(MAX_DIMS + 1);
    let number = |size: &str| size.trim().trim_end_matches('L').parse().ok();
    let shape: Vec<usize> = sizes.map(number).collect::<Option<_>>()?;
    let product = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    (shape.len() <= MAX_DIMS && product.is_some()).then_some(shape)
}

fn invalid(message: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_header(version: u8, text: &str) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY".to_vec();
        bytes.extend([version, 0]);
        match version {
            1 => bytes.extend((text.len() as u16).to_le_bytes()),
            _ => bytes.extend((text.len() as u32).to_le_bytes()),
        }
        bytes.extend(text.as_bytes());
        bytes
    }

    #[test]
    fn headers_as_numpy_writes_them() {
        let cases = [
            (
                "{'descr': '|u1', 'fortran_order': False, 'shape': (737280, 64, 64), }",
                "|u1",
                vec![737_280, 64, 64],
            ),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (5,), }   \n", "<f8", vec![5]),
            ("{\"descr\": \"|O\", 'fortran_order': False, 'shape': ()}", "|O", vec![]),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (4L, 10L), }", "<f4", vec![4, 10]),
            ("{'descr': '<f4', 'fortran_order': True, 'shape': (7L,), }", "<f4", vec![7]),
            (
                "{'descr': [('x]', '<f4'), ('y', '<i2', (2,))], 'fortran_order': False, 'shape': (4, 2), }",
                "[('x]', '<f4'), ('y', '<i2', (2,))]",
                vec![4, 2],
            ),
        ];
        for (text, descr, shape) in cases {
            for version in [1, 2] {
                let mut bytes = with_header(version, text);
                bytes.push(42);
                let mut reader = bytes.as_slice();
                let header = NpyHeader::read(&mut reader).expect(text);
                assert_eq!((header.descr.as_str(), &header.shape), (descr, &shape));
                assert_eq!(reader, [42], "the reader stands at the first element");
            }
        }
    }

    #[test]
    fn hostile_headers_are_refused() {
        for text in [
            "",
            "{",
            "{'descr': '<f8'",
            "{'descr': '<f8', 'fortran_order': False}",
            "{'descr': [('a', '<f8'), 'fortran_order': False, 'shape': (1,)}",
            "{'descr': ], 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (L,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f8', 'fortran_order': Maybe, 'shape': (1,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'x': 1}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} trailing",
        ] {
            assert!(NpyHeader::read(&mut with_header(1, text).as_slice()).is_err(), "{text}");
        }
        let mut huge = b"\x93NUMPY\x02\x00".to_vec();
        huge.extend(u32::MAX.to_le_bytes());
        assert!(NpyHeader::read(&mut huge.as_slice()).is_err());
        assert!(NpyHeader::read(&mut b"PK".as_slice()).is_err());
    }
}
