//! The instruction set that kernels run with: found at run time, and handed out as a token.

use std::cell::Cell;
use std::fmt;

#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use super::avx512::Avx512;
use super::lanes::{Lanes, Portable};

/// An instruction set that this processor has.
///
/// Only detection makes one, so whoever holds it holds the proof, and every kernel that needs certain instructions
/// asks for it. It cannot be made by hand:
///
/// ```
/// use idgan::ops::kernels::Isa;
/// let isa: Isa = Isa::detect();
/// ```
///
/// ```compile_fail,E0423
/// use idgan::ops::kernels::Isa;
/// let isa: Isa = Isa(());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Set);

/// What an [`Isa`] stands for; private, so that nobody can name a set that the processor does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// Whatever the build targets.
    Portable,
    /// AVX2 with FMA (most x86-64 since 2013).
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512F (servers, Zen 4 and later).
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX-512F with products of bf16 pairs (Cooper Lake, Sapphire Rapids, Zen 4 and later).
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16,
}

/// The proof that this processor has AVX-512F, for functions written for it by hand.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct HasAvx512(());

thread_local! {
    /// What is wanted instead of the best.
    static PREFERRED: Cell<Option<Isa>> = const { Cell::new(None) };
}

impl Isa {
    /// Whatever the build targets: every processor that runs the program has it.
    pub(crate) const PORTABLE: Self = Self(Set::Portable);

    /// The best set that this processor has. Operations ask once, on the thread that they are called on.
    pub fn detect() -> Self {
        if let Some(preferred) = PREFERRED.get() {
            return preferred;
        }
        Self::available().last().copied().unwrap_or(Self::PORTABLE)
    }

    /// Every set that this processor has, from slow to fast.
    pub(crate) fn available() -> Vec<Self> {
        #[allow(unused_mut)] // elsewhere than on x86-64
        let mut sets = vec![Self::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                sets.push(Self(Set::Avx2));
            }
            if is_x86_feature_detected!("avx512f") {
                sets.push(Self(Set::Avx512));
                if is_x86_feature_detected!("avx512bf16") {
                    sets.push(Self(Set::Avx512Bf16));
                }
            }
        }
        sets
    }

    /// Runs `work` with this one as the best, on this thread: how each set is tested and examined.
    pub(crate) fn preferred<R>(self, work: impl FnOnce() -> R) -> R {
        /// Puts back what was preferred before, also when `work` panics.
        struct Outer(Option<Isa>);
        impl Drop for Outer {
            fn drop(&mut self) {
                PREFERRED.set(self.0);
            }
        }
        let _outer = Outer(PREFERRED.replace(Some(self)));
        work()
    }

    /// Output blocks that one call of the blocked micro-kernel computes together, for a layer of `blocks` output
    /// blocks; weights are packed for it.
    pub(crate) fn columns(self, blocks: usize) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 | Set::Avx512Bf16 if blocks.is_multiple_of(2) => 2,
            _ => 1,
        }
    }

    /// Whether it multiplies bf16 numbers, which the others widen to f32 first.
    pub(crate) fn multiplies_bf16(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return self.0 == Set::Avx512Bf16;
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// The proof of AVX-512F, where the set has it.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    pub(crate) fn avx512(self) -> Option<HasAvx512> {
        matches!(self.0, Set::Avx512 | Set::Avx512Bf16).then_some(HasAvx512(()))
    }

    /// Runs `kernel` compiled for this set.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) {
        match self.0 {
            // SAFETY: needs no particular instructions.
            Set::Portable => unsafe { kernel.run::<Portable>() },
            // SAFETY: a token of this set is made only where AVX2 and FMA were detected.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { run_avx2(kernel) },
            // SAFETY: tokens of these sets are made only where AVX-512F was detected.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 | Set::Avx512Bf16 => unsafe { run_avx512(kernel) },
        }
    }

    /// Runs `kernel`, which multiplies bf16 numbers, compiled for this set: the same where the set has no instructions for
    /// them, which are widened then.
    #[inline]
    pub(crate) fn run_bf16<K: Kernel>(self, kernel: K) {
        match self.0 {
            // SAFETY: a token of this set is made only where AVX-512F and AVX512-BF16 were detected.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512Bf16 => unsafe { run_avx512_bf16(kernel) },
            _ => self.run(kernel),
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Set::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512Bf16 => "AVX-512 bf16",
        })
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
    unsafe { kernel.run::<Avx512<false>>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bf16")]
fn run_avx512_bf16<K: Kernel>(kernel: K) {
    // SAFETY: this function is compiled for, and only callable with, the instructions of Avx512 with bf16.
    unsafe { kernel.run::<Avx512<true>>() }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Width<'a>(&'a mut usize);

    impl Kernel for Width<'_> {
        #[inline(always)]
        unsafe fn run<L: Lanes>(self) {
            *self.0 = L::TALL;
        }
    }

    #[test]
    fn a_kernel_runs_with_the_set_that_was_asked_for() {
        assert!(Isa::available().contains(&Isa::detect()));
        for isa in Isa::available() {
            let mut tall = 0;
            isa.run(Width(&mut tall));
            #[cfg(target_arch = "x86_64")]
            assert_eq!(isa.avx512().is_some(), tall == 16, "{isa:?}");
            assert_eq!(isa.columns(4), if tall == 16 { 2 } else { 1 });
            let mut tall_bf16 = 0;
            isa.run_bf16(Width(&mut tall_bf16));
            assert_eq!(tall_bf16, tall, "{isa}");
            assert_eq!(isa.columns(3), 1);
            assert_eq!(isa.preferred(Isa::detect), isa);
        }
    }
}
