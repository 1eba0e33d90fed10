//! Sixteen numbers at a time, whatever registers the processor has.

use half::bf16;

/// Sixteen f32 values that kernels compute with.
///
/// Every method is `#[inline(always)]`, so that it takes on the instruction set of the kernel it is used in
/// (see [`super::isa`]); on its own it must never be called outside one.
///
/// # Safety
/// An implementation may use instructions that not every processor has: its methods may be called only after
/// the processor was found to have them. Pointers must be valid for what is read or written there (sixteen values or pairs,
/// one pair), of any alignment.
pub(crate) unsafe trait Lanes: Copy {
    /// Pixels times output blocks that the registers hold as accumulators in the tall tile (one output block).
    const TALL: usize;

    /// Sixteen pairs of bf16 numbers.
    type Pairs: Copy;

    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn max(self, other: Self) -> Self;
    /// `positive` where `self` is above zero, else `other`.
    unsafe fn choose(self, positive: Self, other: Self) -> Self;
    /// `self * factor + addend`, with one rounding where the processor can.
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// The sums over the lanes of sixteen values, one in each lane.
    unsafe fn sums(values: &[Self; 16]) -> Self;
    /// The sums over the lower and the upper eight lanes of eight values, side by side.
    unsafe fn half_sums(values: &[Self; 8]) -> Self;

    /// Sixteen bf16 numbers; f32 has all of them.
    unsafe fn load_bf16(from: *const bf16) -> Self;
    /// As bf16, rounded to nearest, ties to even.
    unsafe fn store_bf16(self, to: *mut bf16);
    /// Sixteen pairs of neighbours.
    unsafe fn load_pairs(from: *const bf16) -> Self::Pairs;
    /// The same pair of neighbours sixteen times.
    unsafe fn splat_pair(from: *const bf16) -> Self::Pairs;
    /// `self` plus both products of each lane's pairs.
    unsafe fn dot(self, a: Self::Pairs, b: Self::Pairs) -> Self;

    /// Leaky ReLU for a slope between 0 and 1.
    #[inline(always)]
    unsafe fn leaky(self, slope: Self) -> Self {
        // SAFETY: the caller vouches for the instruction set.
        unsafe { self.max(self.mul(slope)) }
    }
}

/// Lanes for every processor: arrays in loops that the compiler turns into whatever registers there are.
#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; 16]);

/// The same value in 32 bits. `half` looks for NaN first, which keeps compilers from widening many at once.
#[inline(always)]
fn widened(value: bf16) -> f32 {
    f32::from_bits(u32::from(value.to_bits()) << 16)
}

// SAFETY: the arithmetic needs no particular processor; pointers are the caller's promise.
unsafe impl Lanes for Portable {
    const TALL: usize = 4;

    type Pairs = [[bf16; 2]; 16];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 16])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises sixteen readable values.
        Self(unsafe { from.cast::<[f32; 16]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises sixteen writable values.
        unsafe { to.cast::<[f32; 16]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] - other.0[i]))
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * other.0[i]))
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| if self.0[i] > other.0[i] { self.0[i] } else { other.0[i] }))
    }

    #[inline(always)]
    unsafe fn choose(self, positive: Self, other: Self) -> Self {
        Self(std::array::from_fn(|i| if self.0[i] > 0.0 { positive.0[i] } else { other.0[i] }))
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        // Not f32::mul_add, which is a library call where the processor has no fused instruction.
        Self(std::array::from_fn(|i| self.0[i] * factor.0[i] + addend.0[i]))
    }

    #[inline(always)]
    unsafe fn sums(values: &[Self; 16]) -> Self {
        Self(std::array::from_fn(|i| values[i].0.iter().sum()))
    }

    #[inline(always)]
    unsafe fn half_sums(values: &[Self; 8]) -> Self {
        Self(std::array::from_fn(|i| values[i / 2].0[i % 2 * 8..][..8].iter().sum()))
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const bf16) -> Self {
        // SAFETY: the caller promises sixteen readable values.
        Self(unsafe { from.cast::<[bf16; 16]>().read_unaligned() }.map(widened))
    }

    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut bf16) {
        // SAFETY: the caller promises sixteen writable values.
        unsafe { to.cast::<[bf16; 16]>().write_unaligned(self.0.map(bf16::from_f32)) }
    }

    #[inline(always)]
    unsafe fn load_pairs(from: *const bf16) -> Self::Pairs {
        // SAFETY: the caller promises sixteen readable pairs.
        unsafe { from.cast::<Self::Pairs>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn splat_pair(from: *const bf16) -> Self::Pairs {
        // SAFETY: the caller promises a readable pair.
        [unsafe { from.cast::<[bf16; 2]>().read_unaligned() }; 16]
    }

    #[inline(always)]
    unsafe fn dot(self, a: Self::Pairs, b: Self::Pairs) -> Self {
        let product = |i: usize, k: usize| widened(a[i][k]) * widened(b[i][k]);
        Self(std::array::from_fn(|i| self.0[i] + product(i, 0) + product(i, 1)))
    }
}
