//! The numbers that maps and weights of inference kernels are kept in: f32 or bf16.
//!
//! Sums are f32 for both.

use bytemuck::Pod;
use half::bf16;

use super::isa::{Isa, Kernel};
use super::lanes::Lanes;

/// A number that maps and weights are kept in.
pub(crate) trait Element: Pod + Send + Sync {
    /// Neighbouring channels that one step of a product takes together.
    const STEP: usize;

    /// Whether rounding to it loses so much that it must not be magnified.
    const IS_COARSE: bool;

    /// Sixteen times `STEP` numbers to multiply.
    type Operand<L: Lanes>: Copy;

    /// Runs `kernel`, which has to do with this number, compiled for `isa`.
    fn run<K: Kernel>(isa: Isa, kernel: K);

    /// The number next to `value`.
    fn of(value: f32) -> Self;

    /// The number as f32, which has all of them.
    fn value(self) -> f32;

    /// Sixteen numbers.
    ///
    /// # Safety
    /// The processor has the instructions of `L`; sixteen numbers are readable.
    unsafe fn load<L: Lanes>(from: *const Self) -> L;

    /// Stores sixteen numbers.
    ///
    /// # Safety
    /// The processor has the instructions of `L`; sixteen numbers are writable.
    unsafe fn store<L: Lanes>(value: L, to: *mut Self);

    /// Sixteen times `STEP` numbers.
    ///
    /// # Safety
    /// The processor has the instructions of `L`; so many numbers are readable.
    unsafe fn operands<L: Lanes>(from: *const Self) -> Self::Operand<L>;

    /// The same `STEP` numbers sixteen times.
    ///
    /// # Safety
    /// The processor has the instructions of `L`; `STEP` numbers are readable.
    unsafe fn splat<L: Lanes>(from: *const Self) -> Self::Operand<L>;

    /// `sums` plus, in each lane, the products of its `STEP` numbers.
    ///
    /// # Safety
    /// The processor has the instructions of `L`.
    unsafe fn multiply_add<L: Lanes>(sums: L, a: Self::Operand<L>, b: Self::Operand<L>) -> L;

    /// The sums of sixteen pixels, which the first `16 / STEP` values hold `STEP` to a value side by side.
    ///
    /// # Safety
    /// The processor has the instructions of `L`.
    unsafe fn pixel_sums<L: Lanes>(values: &[L; 16]) -> L;

    /// How many f32 take as much memory as `count` of these; `count` is even.
    fn words(count: usize) -> usize {
        count * size_of::<Self>() / size_of::<f32>()
    }
}

impl Element for f32 {
    const STEP: usize = 1;
    const IS_COARSE: bool = false;

    type Operand<L: Lanes> = L;

    fn run<K: Kernel>(isa: Isa, kernel: K) {
        isa.run(kernel);
    }

    fn of(value: f32) -> Self {
        value
    }

    fn value(self) -> f32 {
        self
    }

    #[inline(always)]
    unsafe fn load<L: Lanes>(from: *const Self) -> L {
        // SAFETY: the caller's promise.
        unsafe { L::load(from) }
    }

    #[inline(always)]
    unsafe fn store<L: Lanes>(value: L, to: *mut Self) {
        // SAFETY: the caller's promise.
        unsafe { value.store(to) }
    }

    #[inline(always)]
    unsafe fn operands<L: Lanes>(from: *const Self) -> L {
        // SAFETY: the caller's promise.
        unsafe { L::load(from) }
    }

    #[inline(always)]
    unsafe fn splat<L: Lanes>(from: *const Self) -> L {
        // SAFETY: the caller's promise.
        unsafe { L::splat(*from) }
    }

    #[inline(always)]
    unsafe fn multiply_add<L: Lanes>(sums: L, a: L, b: L) -> L {
        // SAFETY: the caller's promise.
        unsafe { a.mul_add(b, sums) }
    }

    #[inline(always)]
    unsafe fn pixel_sums<L: Lanes>(values: &[L; 16]) -> L {
        // SAFETY: the caller's promise.
        unsafe { L::sums(values) }
    }
}

impl Element for bf16 {
    const STEP: usize = 2;
    const IS_COARSE: bool = true;

    type Operand<L: Lanes> = L::Pairs;

    fn run<K: Kernel>(isa: Isa, kernel: K) {
        isa.run_bf16(kernel);
    }

    fn of(value: f32) -> Self {
        Self::from_f32(value)
    }

    fn value(self) -> f32 {
        self.to_f32()
    }

    #[inline(always)]
    unsafe fn load<L: Lanes>(from: *const Self) -> L {
        // SAFETY: the caller's promise.
        unsafe { L::load_bf16(from) }
    }

    #[inline(always)]
    unsafe fn store<L: Lanes>(value: L, to: *mut Self) {
        // SAFETY: the caller's promise.
        unsafe { value.store_bf16(to) }
    }

    #[inline(always)]
    unsafe fn operands<L: Lanes>(from: *const Self) -> L::Pairs {
        // SAFETY: the caller's promise.
        unsafe { L::load_pairs(from) }
    }

    #[inline(always)]
    unsafe fn splat<L: Lanes>(from: *const Self) -> L::Pairs {
        // SAFETY: the caller's promise.
        unsafe { L::splat_pair(from) }
    }

    #[inline(always)]
    unsafe fn multiply_add<L: Lanes>(sums: L, a: L::Pairs, b: L::Pairs) -> L {
        // SAFETY: the caller's promise.
        unsafe { sums.dot(a, b) }
    }

    #[inline(always)]
    unsafe fn pixel_sums<L: Lanes>(values: &[L; 16]) -> L {
        // SAFETY: the caller's promise.
        unsafe { L::half_sums(&std::array::from_fn(|i| values[i])) }
    }
}
