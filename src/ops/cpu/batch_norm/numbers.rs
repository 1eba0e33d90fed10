//! Sixteen numbers that are computed with together, of either precision.

use std::mem::MaybeUninit;

use crate::ops::cpu::elementwise::{Real, gate};
use crate::ops::cpu::lanes::Lanes;

/// How many.
pub(super) const WIDTH: usize = 16;

/// Sixteen numbers. Every method is to be inlined into a kernel, and a formula of them is a type rather than a
/// closure, since a closure is compiled for the instruction set that every processor has.
///
/// # Safety
/// The processor has the instructions of an implementation wherever its methods are called: within a kernel alone.
pub(in crate::ops) unsafe trait Numbers: Copy {
    /// One of them.
    type Number: Real;

    unsafe fn splat(number: Self::Number) -> Self;
    unsafe fn load(numbers: &[Self::Number; WIDTH]) -> Self;
    unsafe fn numbers(self) -> [Self::Number; WIDTH];
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    /// The derivative of a leaky ReLU at these numbers.
    unsafe fn gate(self, slope: Self) -> Self;

    /// At most sixteen numbers, and zeros.
    #[inline(always)]
    unsafe fn load_some(numbers: &[Self::Number]) -> Self {
        let mut all = [Self::Number::ZERO; WIDTH];
        all[..numbers.len()].copy_from_slice(numbers);
        // SAFETY: as the caller promises.
        unsafe { Self::load(&all) }
    }

    /// Writes them into as many places.
    #[inline(always)]
    unsafe fn store(self, room: &mut [MaybeUninit<Self::Number>; WIDTH]) {
        // SAFETY: as the caller promises.
        *room = unsafe { self.numbers() }.map(MaybeUninit::new);
    }
}

/// A float with what its kernels compute with.
pub(in crate::ops) trait Float: Real {
    /// Sixteen of them on a processor with the instructions of `L`.
    type Numbers<L: Lanes>: Numbers<Number = Self>;
}

impl Float for f32 {
    type Numbers<L: Lanes> = Single<L>;
}

impl Float for f64 {
    type Numbers<L: Lanes> = Double;
}

/// Sixteen f32 in registers.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Single<L>(L);

/// Sixteen f64, for tests of derivatives: no particular registers.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Double([f64; WIDTH]);

// SAFETY: those of `L` are what it needs.
unsafe impl<L: Lanes> Numbers for Single<L> {
    type Number = f32;

    #[inline(always)]
    unsafe fn splat(number: f32) -> Self {
        // SAFETY: as the caller promises.
        Self(unsafe { L::splat(number) })
    }

    #[inline(always)]
    unsafe fn load(numbers: &[f32; WIDTH]) -> Self {
        // SAFETY: as the caller promises; there are sixteen.
        Self(unsafe { L::load(numbers.as_ptr()) })
    }

    #[inline(always)]
    unsafe fn numbers(self) -> [f32; WIDTH] {
        let mut numbers = [0.0; WIDTH];
        // SAFETY: as the caller promises; there are sixteen places.
        unsafe { self.0.store(numbers.as_mut_ptr()) };
        numbers
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as the caller promises.
        Self(unsafe { self.0.add(other.0) })
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as the caller promises.
        Self(unsafe { self.0.sub(other.0) })
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: as the caller promises.
        Self(unsafe { self.0.mul(other.0) })
    }

    #[inline(always)]
    unsafe fn gate(self, slope: Self) -> Self {
        // SAFETY: as the caller promises.
        Self(unsafe { self.0.choose(L::splat(1.0), slope.0) })
    }

    #[inline(always)]
    unsafe fn store(self, room: &mut [MaybeUninit<f32>; WIDTH]) {
        // SAFETY: as the caller promises; there are sixteen places, of which none is read.
        unsafe { self.0.store(room.as_mut_ptr().cast()) };
    }
}

// SAFETY: needs no particular instructions.
unsafe impl Numbers for Double {
    type Number = f64;

    #[inline(always)]
    unsafe fn splat(number: f64) -> Self {
        Self([number; WIDTH])
    }

    #[inline(always)]
    unsafe fn load(numbers: &[f64; WIDTH]) -> Self {
        Self(*numbers)
    }

    #[inline(always)]
    unsafe fn numbers(self) -> [f64; WIDTH] {
        self.0
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] + other.0[at]))
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] - other.0[at]))
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] * other.0[at]))
    }

    #[inline(always)]
    unsafe fn gate(self, slope: Self) -> Self {
        Self(std::array::from_fn(|at| gate(self.0[at], slope.0[at])))
    }
}
