//! What the processor can do at most, to judge kernels by.

use std::hint::black_box;

use super::super::isa::{Isa, Kernel};
use super::super::lanes::Lanes;

/// Independent sums, enough to hide the latency of a multiply-add.
const CHAINS: usize = 12;

/// Runs `rounds` rounds of multiply-adds that touch nothing but registers; returns how many multiply-adds one round
/// is. Timed from outside, this is the peak that no kernel can exceed.
pub fn peak(rounds: usize) -> usize {
    Isa::detect().run(Rounds(rounds));
    CHAINS * 16
}

struct Rounds(usize);

impl Kernel for Rounds {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let mut sums = [0.0f32; 16];
        // SAFETY: the caller's promise; `sums` holds sixteen values.
        unsafe {
            let (factor, addend) = (L::splat(black_box(0.999)), L::splat(black_box(0.001)));
            let mut chains = [L::splat(black_box(1.0)); CHAINS];
            for _ in 0..self.0 {
                for chain in &mut chains {
                    *chain = chain.mul_add(factor, addend);
                }
            }
            for chain in chains {
                chain.add(L::load(sums.as_ptr())).store(sums.as_mut_ptr());
            }
        }
        black_box(sums);
    }
}
