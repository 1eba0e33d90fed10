use half::{bf16, f16};

/// The type of stored numbers, always little endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// One byte, 0 or 1.
    Bool,
    /// Unsigned, 8 bits.
    U8,
    /// Signed, 8 bits.
    I8,
    /// Unsigned, 16 bits.
    U16,
    /// Signed, 16 bits.
    I16,
    /// Unsigned, 32 bits.
    U32,
    /// Signed, 32 bits.
    I32,
    /// Unsigned, 64 bits.
    U64,
    /// Signed, 64 bits.
    I64,
    /// IEEE half precision.
    F16,
    /// The upper half of an f32.
    BF16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
}

impl DType {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 | Self::BF16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F16 => "f16",
            Self::BF16 => "bf16",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// Appends the numbers in `bytes` to `values`, rounded to the nearest f32 (an f32 keeps its bits). Bytes
    /// that do not fill a number are left out.
    pub(crate) fn decode(self, bytes: &[u8], values: &mut Vec<f32>) {
        /// Reads numbers of `N` bytes.
        fn each<const N: usize>(bytes: &[u8], values: &mut Vec<f32>, number: impl Fn([u8; N]) -> f32) {
            values.extend(bytes.as_chunks::<N>().0.iter().map(|&chunk| number(chunk)));
        }
        match self {
            Self::Bool => each(bytes, values, |[b]| f32::from(u8::from(b != 0))),
            Self::U8 => each(bytes, values, |[b]| f32::from(b)),
            Self::I8 => each(bytes, values, |b| f32::from(i8::from_le_bytes(b))),
            Self::U16 => each(bytes, values, |b| f32::from(u16::from_le_bytes(b))),
            Self::I16 => each(bytes, values, |b| f32::from(i16::from_le_bytes(b))),
            Self::U32 => each(bytes, values, |b| u32::from_le_bytes(b) as f32),
            Self::I32 => each(bytes, values, |b| i32::from_le_bytes(b) as f32),
            Self::U64 => each(bytes, values, |b| u64::from_le_bytes(b) as f32),
            Self::I64 => each(bytes, values, |b| i64::from_le_bytes(b) as f32),
            Self::F16 => each(bytes, values, |b| f16::from_le_bytes(b).to_f32()),
            Self::BF16 => each(bytes, values, |b| bf16::from_le_bytes(b).to_f32()),
            Self::F32 => each(bytes, values, f32::from_le_bytes),
            Self::F64 => each(bytes, values, |b| f64::from_le_bytes(b) as f32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_read_as_f32() {
        let half = f16::from_f32(-1.5).to_le_bytes();
        let brain = bf16::from_f32(-1.5).to_le_bytes();
        let cases: [(DType, &[u8], f32); 13] = [
            (DType::Bool, &[7], 1.0),
            (DType::U8, &[200], 200.0),
            (DType::I8, &[200], -56.0),
            (DType::U16, &[0, 128], 32768.0),
            (DType::I16, &[0, 128], -32768.0),
            (DType::U32, &[0, 0, 0, 128], 2147483648.0),
            (DType::I32, &[0, 0, 0, 128], -2147483648.0),
            (DType::U64, &[1, 0, 0, 0, 0, 0, 0, 0], 1.0),
            (DType::I64, &[255; 8], -1.0),
            (DType::F16, &half, -1.5),
            (DType::BF16, &brain, -1.5),
            (DType::F32, &[0, 0, 128, 63], 1.0),
            (DType::F64, &[0, 0, 0, 0, 0, 0, 240, 63], 1.0),
        ];
        for (dtype, bytes, expected) in cases {
            assert_eq!(bytes.len(), dtype.size(), "{}", dtype.name());
            let mut values = Vec::new();
            dtype.decode(bytes, &mut values);
            assert_eq!(values, [expected], "{}", dtype.name());
        }
    }
}
