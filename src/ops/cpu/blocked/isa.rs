//! The choice of instruction set, made once at run time.

use super::lanes::{Lanes, Portable};
#[cfg(target_arch = "x86_64")]
use super::x86::{Avx2, Avx512};

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Whatever the build targets.
    Portable,
    /// AVX2 with FMA (most x86-64 since 2013).
    Avx2,
    /// AVX-512F (servers, Zen 4 and later).
    Avx512,
}

impl Isa {
    /// The best set that this processor has.
    pub fn detect() -> Self {
        Self::available().last().copied().unwrap_or(Self::Portable)
    }

    /// Every set that this processor has, from slow to fast.
    pub fn available() -> Vec<Self> {
        let mut sets = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                sets.push(Self::Avx2);
            }
            if is_x86_feature_detected!("avx512f") {
                sets.push(Self::Avx512);
            }
        }
        sets
    }

    /// Output blocks that one micro-kernel call computes together, for a layer of `blocks` output blocks;
    /// weights are packed for it.
    pub(crate) fn columns(self, blocks: usize) -> usize {
        if self == Self::Avx512 && blocks.is_multiple_of(2) { 2 } else { 1 }
    }

    /// Runs `kernel` compiled for this set.
    ///
    /// # Panics
    /// When the processor does not have the set (only a value made by hand can ask for that).
    pub(crate) fn run<K: Kernel>(self, kernel: K) {
        match self {
            // SAFETY: needs no particular instructions.
            Self::Portable => unsafe { kernel.run::<Portable>() },
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                assert!(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"));
                // SAFETY: just detected.
                unsafe { run_avx2(kernel) }
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                assert!(is_x86_feature_detected!("avx512f"));
                // SAFETY: just detected.
                unsafe { run_avx512(kernel) }
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => unreachable!("{self:?} exists on x86-64 only"),
        }
    }
}

/// A computation that can be compiled for any instruction set: `run` and all that it calls with lanes must be
/// `#[inline(always)]`.
pub(crate) trait Kernel {
    /// Computes.
    ///
    /// # Safety
    /// The processor has the instructions of `L`.
    unsafe fn run<L: Lanes>(self);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) {
    // SAFETY: this function is compiled for, and only callable with, the instructions of Avx2.
    unsafe { kernel.run::<Avx2>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn run_avx512<K: Kernel>(kernel: K) {
    // SAFETY: this function is compiled for, and only callable with, the instructions of Avx512.
    unsafe { kernel.run::<Avx512>() }
}
