//! Protocol buffers' wire format, as far as ONNX files need it: a message is fields one behind the other, each a number
//! and a value whose meaning only the reader of the message knows.
//!
//! Nothing is copied and no length is believed beyond the bytes that are there, so reading costs no memory; what a reader
//! builds from the fields it counts itself.

/// The fields of a message, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Field<'a> {
    /// A whole number or an enumeration.
    Varint(u64),
    /// Eight bytes, least significant first.
    Fixed64([u8; 8]),
    /// Text, bytes, a message, or many numbers.
    Bytes(&'a [u8]),
    /// Four bytes, least significant first.
    Fixed32([u8; 4]),
}

impl<'a> Fields<'a> {
    /// The fields of the message in `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next field and its number; `None` at the end.
    ///
    /// # Errors
    /// When the bytes are no message.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Field<'a>)>, String> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = varint(&mut self.rest)?;
        let value = match key & 7 {
            0 => Field::Varint(varint(&mut self.rest)?),
            1 => Field::Fixed64(self.array()?),
            2 => {
                let length = usize::try_from(varint(&mut self.rest)?).map_err(|_| cut_short())?;
                Field::Bytes(self.bytes(length)?)
            }
            5 => Field::Fixed32(self.array()?),
            kind => return Err(format!("a field of kind {kind}, which ONNX files do not have")),
        };
        Ok(Some((key >> 3, value)))
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(cut_short)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or_else(cut_short)?;
        self.rest = rest;
        Ok(*bytes)
    }
}

impl<'a> Field<'a> {
    /// Bytes, of which messages are made too.
    pub(crate) fn bytes(self) -> Result<&'a [u8], String> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err("a number where a message belongs".into()),
        }
    }

    /// Text.
    pub(crate) fn text(self) -> Result<&'a str, String> {
        std::str::from_utf8(self.bytes()?).map_err(|_| "a name that is no text".into())
    }

    /// A whole number; negative ones are stored as their complement.
    pub(crate) fn integer(self) -> Result<i64, String> {
        match self {
            Self::Varint(value) => Ok(value.cast_signed()),
            _ => Err("bytes where a whole number belongs".into()),
        }
    }

    /// A number of single precision.
    pub(crate) fn float(self) -> Result<f32, String> {
        match self {
            Self::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err("something else where a number of single precision belongs".into()),
        }
    }

    /// Adds one whole number, or many that were packed together, after `before` was told how many more there are.
    pub(crate) fn integers(
        self,
        numbers: &mut Vec<i64>,
        mut before: impl FnMut(usize) -> Result<(), String>,
    ) -> Result<(), String> {
        let Self::Bytes(mut rest) = self else {
            before(1)?;
            numbers.push(self.integer()?);
            return Ok(());
        };
        before(rest.iter().filter(|byte| **byte < 0x80).count())?;
        while !rest.is_empty() {
            numbers.push(varint(&mut rest)?.cast_signed());
        }
        Ok(())
    }

    /// The same of numbers of single precision.
    pub(crate) fn floats(
        self,
        numbers: &mut Vec<f32>,
        mut before: impl FnMut(usize) -> Result<(), String>,
    ) -> Result<(), String> {
        let Self::Bytes(bytes) = self else {
            before(1)?;
            numbers.push(self.float()?);
            return Ok(());
        };
        let (chunks, rest) = bytes.as_chunks();
        before(chunks.len())?;
        numbers.extend(chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)));
        if rest.is_empty() { Ok(()) } else { Err(cut_short()) }
    }

    /// The same of numbers of double precision.
    pub(crate) fn doubles(
        self,
        numbers: &mut Vec<f64>,
        mut before: impl FnMut(usize) -> Result<(), String>,
    ) -> Result<(), String> {
        let bytes = match &self {
            Self::Bytes(bytes) => bytes,
            Self::Fixed64(bytes) => bytes.as_slice(),
            _ => return Err("something else where a number of double precision belongs".into()),
        };
        let (chunks, rest) = bytes.as_chunks();
        before(chunks.len())?;
        numbers.extend(chunks.iter().map(|chunk| f64::from_le_bytes(*chunk)));
        if rest.is_empty() { Ok(()) } else { Err(cut_short()) }
    }
}

/// Takes a number of seven bits a byte, the least significant first, off the front.
fn varint(rest: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or_else(cut_short)?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("a whole number without an end".into())
}

fn cut_short() -> String {
    "a field that is longer than what holds it".into()
}

/// A message that is being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// Adds a whole number.
    pub(crate) fn integer(&mut self, number: u64, value: i64) -> &mut Self {
        self.varint(number << 3);
        self.varint(value.cast_unsigned());
        self
    }

    /// Adds a number of single precision.
    pub(crate) fn float(&mut self, number: u64, value: f32) -> &mut Self {
        self.varint(number << 3 | 5);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// Adds bytes, or text.
    pub(crate) fn bytes(&mut self, number: u64, value: impl AsRef<[u8]>) -> &mut Self {
        let value = value.as_ref();
        self.varint(number << 3 | 2);
        self.varint(value.len() as u64);
        self.bytes.extend(value);
        self
    }

    /// Adds a message.
    pub(crate) fn message(&mut self, number: u64, value: &Self) -> &mut Self {
        self.bytes(number, &value.bytes)
    }

    /// Adds whole numbers, packed together.
    pub(crate) fn integers(&mut self, number: u64, values: &[i64]) -> &mut Self {
        let mut packed = Self::default();
        values.iter().for_each(|value| packed.varint(value.cast_unsigned()));
        self.message(number, &packed)
    }

    /// Adds numbers of single precision, packed together.
    pub(crate) fn floats(&mut self, number: u64, values: &[f32]) -> &mut Self {
        let packed: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.bytes(number, packed)
    }

    /// What was written.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<(u64, Field<'_>)>, String> {
        let mut fields = Fields::new(bytes);
        std::iter::from_fn(|| fields.next().transpose()).collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut inner = Message::default();
        inner.bytes(2, "name").float(3, -1.5);
        let mut message = Message::default();
        message
            .integer(1, -3)
            .integer(20, 300)
            .message(4, &inner)
            .integers(5, &[1, -1, 128])
            .floats(7, &[0.5, 2.0]);
        let bytes = message.into_bytes();
        let fields = all(&bytes).expect("a message");
        assert_eq!(fields.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 20, 4, 5, 7]);
        assert_eq!(fields[0].1.integer(), Ok(-3));
        assert_eq!(fields[1].1.integer(), Ok(300));
        let inner = all(fields[2].1.bytes().expect("bytes")).expect("a message");
        assert_eq!((inner[0].1.text(), inner[1].1.float()), (Ok("name"), Ok(-1.5)));

        let (mut integers, mut floats, mut told) = (Vec::new(), Vec::new(), 0);
        let mut tell = |count: usize| {
            told += count;
            Ok(())
        };
        fields[3].1.integers(&mut integers, &mut tell).expect("packed");
        fields[0].1.integers(&mut integers, &mut tell).expect("one by one");
        fields[4].1.floats(&mut floats, &mut tell).expect("packed");
        assert_eq!((integers, floats, told), (vec![1, -1, 128, -3], vec![0.5, 2.0], 6));
    }

    /// From the description of the format: field 1 with the number 150, and field 2 with "testing".
    #[test]
    fn the_bytes_are_those_of_the_format() {
        assert_eq!(all(&[0x08, 0x96, 0x01]), Ok(vec![(1, Field::Varint(150))]));
        let text = [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67];
        assert_eq!(all(&text), Ok(vec![(2, Field::Bytes(b"testing"))]));
        let mut message = Message::default();
        message.integer(1, 150).bytes(2, "testing");
        assert_eq!(message.into_bytes(), [[0x08, 0x96, 0x01].as_slice(), &text].concat());
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bytes in [
            [0x08].as_slice(),
            &[0x80; 11],
            &[0x12, 0x07, 0x74],
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            &[0x0d, 0, 0],
            &[0x09, 0, 0, 0, 0],
            &[0x0b],
            &[0x0f],
        ] {
            assert!(all(bytes).is_err(), "{bytes:?}");
        }
        assert!(Field::Bytes(&[0, 0, 0]).floats(&mut Vec::new(), |_| Ok(())).is_err());
        assert!(Field::Bytes(&[0x80]).integers(&mut Vec::new(), |_| Ok(())).is_err());
        assert!(Field::Varint(1).text().is_err() && Field::Bytes(&[0xff]).text().is_err());
    }
}
