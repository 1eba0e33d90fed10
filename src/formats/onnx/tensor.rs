//! Constants in an ONNX file, in any of the ways in which they may be stored.

use half::{bf16, f16};

use crate::formats::shorten;

/// A constant.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tensor<'a> {
    /// Its name; empty in a node's setting.
    pub(crate) name: &'a str,
    /// Its sides, outermost first; none of a single number. The product is known not to overflow.
    pub(crate) shape: Vec<usize>,
    /// What its elements are.
    pub(crate) element: Element,
    /// Where its elements are.
    pub(crate) values: Values<'a>,
}

/// Types of elements, by the numbers of `TensorProto.DataType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Element {
    #[default]
    F32,
    U8,
    I8,
    U16,
    I16,
    I32,
    I64,
    Bool,
    F16,
    F64,
    U32,
    U64,
    Bf16,
    /// Another number, whose elements cannot be read here.
    Other(i64),
}

/// The ways to store elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values<'a> {
    /// As they lie in memory, the least significant byte first.
    Bytes(&'a [u8]),
    /// Numbers of single precision.
    Floats(Vec<f32>),
    /// Numbers of double precision.
    Doubles(Vec<f64>),
    /// Whole numbers; f16 and bf16 as their bits.
    Integers(Vec<i64>),
    /// In another file beside this one.
    Elsewhere {
        /// Its name as the file says it: to be distrusted.
        file: &'a str,
        /// Where they begin there.
        offset: u64,
        /// How many bytes they are; to the end of the file where that is not said.
        length: Option<u64>,
    },
}

impl Default for Values<'_> {
    fn default() -> Self {
        Self::Bytes(&[])
    }
}

impl Element {
    /// The type with this number.
    pub(crate) fn from_number(number: i64) -> Self {
        match number {
            1 => Self::F32,
            2 => Self::U8,
            3 => Self::I8,
            4 => Self::U16,
            5 => Self::I16,
            6 => Self::I32,
            7 => Self::I64,
            9 => Self::Bool,
            10 => Self::F16,
            11 => Self::F64,
            12 => Self::U32,
            13 => Self::U64,
            16 => Self::Bf16,
            other => Self::Other(other),
        }
    }

    /// Its number.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::F32 => 1,
            Self::U8 => 2,
            Self::I8 => 3,
            Self::U16 => 4,
            Self::I16 => 5,
            Self::I32 => 6,
            Self::I64 => 7,
            Self::Bool => 9,
            Self::F16 => 10,
            Self::F64 => 11,
            Self::U32 => 12,
            Self::U64 => 13,
            Self::Bf16 => 16,
            Self::Other(number) => number,
        }
    }

    /// Bytes of one.
    fn bytes(self) -> Option<usize> {
        match self {
            Self::U8 | Self::I8 | Self::Bool => Some(1),
            Self::U16 | Self::I16 | Self::F16 | Self::Bf16 => Some(2),
            Self::F32 | Self::I32 | Self::U32 => Some(4),
            Self::F64 | Self::I64 | Self::U64 => Some(8),
            Self::Other(_) => None,
        }
    }
}

impl<'a> Tensor<'a> {
    /// How many elements it has.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Bytes that its elements take in memory as they are, where its type is known.
    pub(crate) fn stored_len(&self) -> Option<u64> {
        (self.len() as u64).checked_mul(self.element.bytes()? as u64)
    }

    /// The same with its elements in `bytes`, which were read from where they are.
    pub(crate) fn with_bytes<'b>(&self, bytes: &'b [u8]) -> Tensor<'b>
    where
        'a: 'b,
    {
        Tensor {
            name: self.name,
            shape: self.shape.clone(),
            element: self.element,
            values: Values::Bytes(bytes),
        }
    }

    /// Its elements in single precision.
    ///
    /// # Errors
    /// When they are of another type, not as many as its sides say, or in another file.
    pub(crate) fn floats(&self) -> Result<Vec<f32>, String> {
        let numbers = match (&self.values, self.element) {
            (Values::Bytes(bytes), Element::F32) => decode(bytes, f32::from_le_bytes),
            (Values::Bytes(bytes), Element::F64) => decode(bytes, |b| f64::from_le_bytes(b) as f32),
            (Values::Bytes(bytes), Element::F16) => decode(bytes, |b| f16::from_le_bytes(b).to_f32()),
            (Values::Bytes(bytes), Element::Bf16) => decode(bytes, |b| bf16::from_le_bytes(b).to_f32()),
            (Values::Floats(floats), Element::F32) => Some(floats.clone()),
            (Values::Doubles(doubles), Element::F64) => {
                Some(doubles.iter().map(|&value| value as f32).collect())
            }
            (Values::Integers(bits), Element::F16) => {
                Some(bits.iter().map(|&bits| f16::from_bits(bits as u16).to_f32()).collect())
            }
            (Values::Integers(bits), Element::Bf16) => {
                Some(bits.iter().map(|&bits| bf16::from_bits(bits as u16).to_f32()).collect())
            }
            (Values::Elsewhere { .. }, _) => return Err(self.elsewhere()),
            (_, element) => {
                return Err(format!("{} holds {element:?}, not numbers of 16 to 64 bits", self.called()));
            }
        };
        self.counted(numbers)
    }

    /// Its elements as whole numbers.
    ///
    /// # Errors
    /// As [`Tensor::floats`].
    pub(crate) fn integers(&self) -> Result<Vec<i64>, String> {
        let numbers = match (&self.values, self.element) {
            (Values::Bytes(bytes), Element::I64) => decode(bytes, i64::from_le_bytes),
            (Values::Bytes(bytes), Element::I32) => decode(bytes, |b| i32::from_le_bytes(b).into()),
            (Values::Bytes(bytes), Element::U8 | Element::Bool) => {
                decode(bytes, |b| u8::from_le_bytes(b).into())
            }
            (Values::Integers(integers), Element::I64 | Element::I32 | Element::U8 | Element::Bool) => {
                Some(integers.clone())
            }
            (Values::Elsewhere { .. }, _) => return Err(self.elsewhere()),
            (_, element) => return Err(format!("{} holds {element:?}, not whole numbers", self.called())),
        };
        self.counted(numbers)
    }

    /// Whether its elements are whole numbers: sizes and places rather than weights.
    pub(crate) fn is_of_integers(&self) -> bool {
        matches!(self.element, Element::I64 | Element::I32 | Element::U8 | Element::Bool)
    }

    /// `numbers`, if they were whole ones and as many as the sides say.
    fn counted<T>(&self, numbers: Option<Vec<T>>) -> Result<Vec<T>, String> {
        match numbers {
            Some(numbers) if numbers.len() == self.len() => Ok(numbers),
            Some(numbers) => {
                let (shape, count) = (&self.shape, numbers.len());
                Err(format!("{} has sides {shape:?}, but {count} elements", self.called()))
            }
            None => Err(format!("the last element of {} is cut short", self.called())),
        }
    }

    fn elsewhere(&self) -> String {
        format!("the elements of {} are in another file", self.called())
    }

    fn called(&self) -> String {
        if self.name.is_empty() { "a constant".into() } else { format!("tensor `{}`", shorten(self.name)) }
    }
}

/// The numbers in `bytes`, if they are whole ones.
fn decode<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
    let (chunks, rest) = bytes.as_chunks();
    rest.is_empty().then(|| chunks.iter().copied().map(number).collect())
}
