//! What the operations ask of a device: memory, kernels by name, products and convolutions, all on one queue.

use candle_core::{Layout, Result, Shape, Storage, Tensor, TensorId, bail};

use super::copies::Copies;
use super::unserved::Unserved;
use crate::ops::Precision;
use crate::ops::cpu::shape::ConvShape;
use crate::ops::pass::Pass;

/// Where something lies in the device's memory; 0 is nowhere.
pub(in crate::ops) type Address = u64;

/// Threads of a block, in every kernel.
pub(super) const THREADS: usize = 256;

/// The largest size that a kernel counts.
const MOST: usize = i32::MAX as usize;

/// A kernel's argument.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) enum Argument {
    /// `float *` and its like.
    Address(Address),
    /// `float`
    Float(f32),
    /// `unsigned`: a size, which must stay below 2^31, or a flag.
    Count(usize),
}

impl Argument {
    /// As a launch wants it, in the low bytes of a word.
    pub(super) fn word(self) -> Result<u64> {
        match self {
            Self::Address(address) => Ok(address),
            Self::Float(value) => Ok(u64::from(value.to_bits())),
            Self::Count(count) if count <= MOST => Ok(count as u64),
            Self::Count(count) => bail!(
                "{count} values are more than a CUDA kernel counts (2147483647); use a smaller batch or smaller pictures"
            ),
        }
    }
}

/// A size as the libraries count it.
pub(super) fn to_int(size: usize) -> Result<i32> {
    Argument::Count(size).word().map(|word| word as i32)
}

impl From<Address> for Argument {
    fn from(address: Address) -> Self {
        Self::Address(address)
    }
}

impl From<usize> for Argument {
    fn from(count: usize) -> Self {
        Self::Count(count)
    }
}

impl From<bool> for Argument {
    fn from(flag: bool) -> Self {
        Self::Count(flag.into())
    }
}

impl From<f64> for Argument {
    fn from(value: f64) -> Self {
        Self::Float(value as f32)
    }
}

/// A queue of kernels.
pub(in crate::ops) trait Queue {
    /// Queues one of `kernels.cu`: a grid of so many blocks of [`THREADS`], with arguments of the kinds that the kernel
    /// has.
    fn launch(&self, kernel: &'static str, blocks: [usize; 3], arguments: &[Argument]) -> Result<()>;
}

/// A device that computes in f32.
pub(in crate::ops) trait Driver: Queue {
    /// A piece of its memory, given back when dropped and no longer in use.
    type Memory: Memory;

    /// In what products are computed.
    fn precision(&self) -> Precision;

    /// Memory of `length` values, to be written before it is read.
    fn allocate(&self, length: usize) -> Result<Self::Memory>;

    /// Whether it can convolve at all.
    fn convolves(&self) -> bool;

    /// Convolutions that it cannot compute all the same.
    fn unserved(&self) -> &Unserved;

    /// Queues a product.
    fn product(&self, product: &Product) -> Result<()>;

    /// Queues a convolution; false where nothing on the device can compute it in this form.
    fn convolve(&self, call: &Convolution) -> Result<bool>;

    /// Operands that have been converted.
    fn copies(&self) -> &Copies<Self::Memory>;

    /// Queues a copy of `values` to an address that has room for them.
    fn write(&self, values: &[f32], to: Address) -> Result<()>;

    /// Does `work` as it will be recorded later on: what the device is told once is kept from here on.
    fn rehearse(&self, work: &mut Work<'_>) -> Result<()>;

    /// Records what `work` queues and does none of it.
    ///
    /// All memory that `work` asks for must be given back by its end, none may be that was there before, and it may
    /// neither wait for the device nor copy from or to the host. Work that was rehearsed asks for nothing new.
    fn record(&self, work: &mut Work<'_>) -> Result<Box<dyn Recorded>>;
}

/// Something that queues kernels, products and convolutions.
pub(in crate::ops) type Work<'a> = dyn FnMut() -> Result<()> + 'a;

/// What a driver has recorded.
pub(in crate::ops) trait Recorded: Send {
    /// Queues all of it once more, on the same memory. `work` is what was recorded, for a driver that has to do it anew.
    fn replay(&self, work: &mut Work<'_>) -> Result<()>;
}

/// A piece of a device's memory, and how candle stores it.
pub(in crate::ops) trait Memory: Sized {
    /// Candle's storage on that device.
    type Storage;

    /// Where it begins.
    fn address(&self) -> Address;

    /// As candle's storage.
    fn into_storage(self) -> Result<Self::Storage>;

    /// Candle's storage of any device, of this one.
    fn into_any(storage: Self::Storage) -> Storage;

    /// The storage if it lies on this device.
    fn of(storage: &Storage) -> Option<&Self::Storage>;

    /// Where the elements of a contiguous f32 tensor begin.
    fn locate(storage: &Self::Storage, layout: &Layout) -> Result<Address>;
}

/// A contiguous f32 tensor that is read.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Operand<'a> {
    /// Where its elements begin.
    pub(in crate::ops) address: Address,
    /// Its shape.
    pub(in crate::ops) shape: &'a Shape,
    /// What tells whether it has come before, where it can: the values behind an identity never change.
    pub(in crate::ops) id: Option<TensorId>,
}

impl<'a> Operand<'a> {
    /// An argument of one of candle's operations.
    pub(super) fn stored<M: Memory>(storage: &M::Storage, layout: &'a Layout) -> Result<Self> {
        Ok(Self { address: M::locate(storage, layout)?, shape: layout.shape(), id: None })
    }

    /// A tensor, whose storage is `storage`.
    pub(super) fn tensor<M: Memory>(tensor: &'a Tensor, storage: &Storage) -> Result<Self> {
        let Some(storage) = M::of(storage) else { bail!("tensors lie on different devices") };
        let id = (!tensor.is_variable()).then(|| tensor.id());
        Ok(Self { address: M::locate(storage, tensor.layout())?, shape: tensor.shape(), id })
    }

    /// Its number of elements.
    pub(in crate::ops) fn len(&self) -> usize {
        self.shape.elem_count()
    }
}

/// What operands of a product or a convolution are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::ops) enum Element {
    /// 4 bytes.
    F32,
    /// 2 bytes.
    Bf16,
}

impl Element {
    /// How many f32 take the memory of `length` of these.
    pub(super) fn words(self, length: usize) -> usize {
        match self {
            Self::F32 => length,
            Self::Bf16 => length.div_ceil(2),
        }
    }
}

/// `out (rows, columns) = left (rows, inner) right (inner, columns)`, each row by row in memory; a transposed operand
/// lies there as its transpose.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Product {
    /// What operands and result are made of.
    pub(super) element: Element,
    /// In what f32 are multiplied.
    pub(super) precision: Precision,
    /// The first operand, and whether it is transposed.
    pub(super) left: (Address, bool),
    /// The second operand, and whether it is transposed.
    pub(super) right: (Address, bool),
    /// The result.
    pub(super) out: Address,
    /// Rows of the first operand and of the result.
    pub(super) rows: usize,
    /// What is summed over.
    pub(super) inner: usize,
    /// Columns of the second operand and of the result.
    pub(super) columns: usize,
}

/// How a convolution's operands lie in memory, and in what they are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::ops) enum Form {
    /// Plane by plane (NCHW), f32.
    Planes(Precision),
    /// Place by place (NHWC), weights too: f32 or bf16, as the precision says.
    ChannelsLast(Precision),
}

impl Form {
    /// In what operands are multiplied.
    pub(super) fn precision(self) -> Precision {
        match self {
            Self::Planes(precision) | Self::ChannelsLast(precision) => precision,
        }
    }

    /// What operands are made of: planes stay f32.
    pub(super) fn element(self) -> Element {
        match self {
            Self::ChannelsLast(Precision::Bf16) => Element::Bf16,
            _ => Element::F32,
        }
    }
}

/// A convolution, a transposed one, or the gradient of a weight, and nothing around it.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Convolution {
    /// Which, and with it what operands and result are.
    pub(super) pass: Pass,
    /// How they lie.
    pub(super) form: Form,
    /// Their sizes.
    pub(super) shape: ConvShape,
    /// The first operand.
    pub(super) a: Address,
    /// The second.
    pub(super) b: Address,
    /// The result.
    pub(super) out: Address,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_to_count_is_refused() {
        assert!(Argument::from(MOST).word().is_ok_and(|word| word == MOST as u64));
        let error = Argument::from(MOST + 1).word().map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("use a smaller batch")));
    }
}
