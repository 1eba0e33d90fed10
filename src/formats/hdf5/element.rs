use std::io;

use super::fault::unsupported;
use super::fields::Fields;

/// What the elements of a data set are: numbers of up to 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    /// Whole numbers of so many bytes, 1, 2, 4 or 8.
    Whole { bytes: usize, is_signed: bool, is_big_endian: bool },
    /// Floating-point numbers of IEEE 754 of so many bytes, 4 or 8.
    Float { bytes: usize, is_big_endian: bool },
}

impl Element {
    /// Unsigned bytes.
    pub(crate) const BYTE: Self = Self::Whole { bytes: 1, is_signed: false, is_big_endian: false };

    /// Reads a message of a type [IV.A.2.d].
    pub(super) fn read(fields: &mut Fields<'_>) -> io::Result<Self> {
        let start = fields.u32()?;
        let (class, bits, bytes) = (start & 15, start >> 8, fields.u32()? as usize);
        let (offset, precision) = (fields.u16()?, usize::from(fields.u16()?));
        let is_whole = offset == 0 && precision == bytes * 8;
        let is_big_endian = bits & 1 != 0;
        match class {
            0 if is_whole && [1, 2, 4, 8].contains(&bytes) => Ok(Self::Whole {
                bytes,
                is_signed: bits & 8 != 0,
                // of single bytes it means nothing
                is_big_endian: is_big_endian && bytes > 1,
            }),
            1 if is_whole && bits & 0x40 == 0 => {
                let fractions = [fields.u8()?, fields.u8()?, fields.u8()?, fields.u8()?];
                match (bytes, fractions) {
                    (4, [23, 8, 0, 23]) | (8, [52, 11, 0, 52]) => Ok(Self::Float { bytes, is_big_endian }),
                    _ => Err(not_read("floating-point numbers of a form of their own")),
                }
            }
            0 => Err(not_read("whole numbers of a width of their own")),
            1 => Err(not_read("floating-point numbers of a form of their own")),
            3 | 9 => Err(not_read("texts or lists of varying length")),
            6 => Err(not_read("records of several fields")),
            _ => Err(not_read("elements that are no numbers")),
        }
    }

    /// Bytes of an element.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Whole { bytes, .. } | Self::Float { bytes, .. } => bytes,
        }
    }

    /// The numbers that `data` holds; those beyond 2^53 are rounded.
    pub(crate) fn numbers(self, data: &[u8]) -> Vec<f64> {
        data.chunks_exact(self.bytes()).map(|bytes| self.number(bytes)).collect()
    }

    fn number(self, stored: &[u8]) -> f64 {
        let mut bytes = [0; 8];
        bytes[..stored.len()].copy_from_slice(stored);
        let (Self::Whole { is_big_endian, .. } | Self::Float { is_big_endian, .. }) = self;
        if is_big_endian {
            bytes[..stored.len()].reverse();
        }
        let word = u64::from_le_bytes(bytes);
        match self {
            Self::Whole { bytes, is_signed: true, .. } => {
                let spare = 64 - 8 * bytes as u32;
                (((word << spare) as i64) >> spare) as f64
            }
            Self::Whole { .. } => word as f64,
            Self::Float { bytes: 4, .. } => f64::from(f32::from_bits(word as u32)),
            Self::Float { .. } => f64::from_bits(word),
        }
    }
}

impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole { bytes, is_signed: true, .. } => write!(f, "int{}", bytes * 8),
            Self::Whole { bytes, .. } => write!(f, "uint{}", bytes * 8),
            Self::Float { bytes, .. } => write!(f, "float{}", bytes * 8),
        }
    }
}

fn not_read(what: &str) -> io::Error {
    unsupported(format!("it holds {what}, where numbers are read; write it again with h5py as numbers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_width_and_order() {
        let whole = |bytes, is_signed, is_big_endian| Element::Whole { bytes, is_signed, is_big_endian };
        assert_eq!(whole(2, true, false).numbers(&[0xfe, 0xff, 1, 0]), [-2.0, 1.0]);
        assert_eq!(whole(2, false, true).numbers(&[0xff, 0xfe]), [65534.0]);
        assert_eq!(Element::BYTE.numbers(&[200]), [200.0]);
        let float = |bytes, is_big_endian| Element::Float { bytes, is_big_endian };
        assert_eq!(float(4, true).numbers(&0.75f32.to_be_bytes()), [0.75]);
        assert_eq!(float(8, false).numbers(&(-30.0f64).to_le_bytes()), [-30.0]);
    }
}
