//! Lanes in AVX-512 registers.

use std::arch::x86_64::*;

use half::bf16;

use super::lanes::Lanes;

/// One 512-bit register; needs AVX-512F, and AVX512-BF16 where `BF16` says so, which then rounds and multiplies bf16.
#[derive(Clone, Copy)]
pub(crate) struct Avx512<const BF16: bool>(__m512);

// SAFETY: kernels use this type only inside functions compiled for AVX-512F (and AVX512-BF16 for the second), which
// isa.rs calls only after detecting it; pointers are the caller's promise. The same holds for every block below.
unsafe impl<const BF16: bool> Lanes for Avx512<BF16> {
    const TALL: usize = 16;

    type Pairs = __m512i;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see the impl.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm512_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn choose(self, positive: Self, other: Self) -> Self {
        // SAFETY: see the impl.
        unsafe {
            let above = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, _mm512_setzero_ps());
            Self(_mm512_mask_blend_ps(above, other.0, positive.0))
        }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, addend.0) })
    }

    #[inline(always)]
    unsafe fn sums(values: &[Self; 16]) -> Self {
        // Each round halves the number of registers: interleave two and add. Two rounds within the quarters of
        // a register, two between them, in the order that brings the sum of value i to lane i.
        // SAFETY: see the impl.
        unsafe {
            let mut quads = [values[0].0; 4];
            for (j, quad) in quads.iter_mut().enumerate() {
                let even = pair(values[4 * j].0, values[4 * j + 2].0);
                let odd = pair(values[4 * j + 1].0, values[4 * j + 3].0);
                *quad = pair(even, odd);
            }
            Self(fold(fold(quads[0], quads[1]), fold(quads[2], quads[3])))
        }
    }

    #[inline(always)]
    unsafe fn half_sums(values: &[Self; 8]) -> Self {
        // Two values make a register of four quarters to add up each; then the quarters as in `sums`, after which lane
        // j of quarter q is the sum of quarter q of register j.
        // SAFETY: see the impl.
        unsafe {
            let quarters = |j: usize| fold(values[2 * j].0, values[2 * j + 1].0);
            let even = pair(quarters(0), quarters(2));
            let odd = pair(quarters(1), quarters(3));
            let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            Self(_mm512_permutexvar_ps(order, pair(even, odd)))
        }
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const bf16) -> Self {
        // SAFETY: see the impl.
        Self(unsafe { first_of_pairs(_mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast()))) })
    }

    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut bf16) {
        // SAFETY: see the impl; both types are 256 bits without a meaning of their own.
        unsafe {
            if BF16 {
                let rounded: __m256i = std::mem::transmute(_mm512_cvtneps_pbh(self.0));
                _mm256_storeu_si256(to.cast(), rounded);
            } else {
                _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(rounded(self.0)));
            }
        }
    }

    #[inline(always)]
    unsafe fn load_pairs(from: *const bf16) -> __m512i {
        // SAFETY: see the impl.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn splat_pair(from: *const bf16) -> __m512i {
        // SAFETY: see the impl.
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn dot(self, a: __m512i, b: __m512i) -> Self {
        // SAFETY: see the impl.
        Self(unsafe {
            if BF16 {
                _mm512_dpbf16_ps(self.0, bf16_of(a), bf16_of(b))
            } else {
                let first = _mm512_fmadd_ps(first_of_pairs(a), first_of_pairs(b), self.0);
                _mm512_fmadd_ps(second_of_pairs(a), second_of_pairs(b), first)
            }
        })
    }
}

/// The same bits for the instructions that multiply them.
#[inline(always)]
unsafe fn bf16_of(pairs: __m512i) -> __m512bh {
    // SAFETY: both types are 512 bits without a meaning of their own.
    unsafe { std::mem::transmute::<__m512i, __m512bh>(pairs) }
}

/// The first numbers of sixteen pairs.
#[inline(always)]
unsafe fn first_of_pairs(pairs: __m512i) -> __m512 {
    // SAFETY: called from Avx512 only.
    unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<16>(pairs)) }
}

/// The second numbers.
#[inline(always)]
unsafe fn second_of_pairs(pairs: __m512i) -> __m512 {
    // SAFETY: called from Avx512 only.
    unsafe { _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(-65_536))) }
}

/// To bf16 in the lower half of each lane: half of the last place is added, a little less where that is even, and what
/// is below it cut off. NaN stays NaN.
#[inline(always)]
unsafe fn rounded(values: __m512) -> __m512i {
    // SAFETY: called from Avx512 only.
    unsafe {
        let bits = _mm512_castps_si512(values);
        let last = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
        let up = _mm512_add_epi32(bits, _mm512_add_epi32(last, _mm512_set1_epi32(0x7fff)));
        let is_nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(values, values);
        _mm512_srli_epi32::<16>(_mm512_mask_mov_epi32(up, is_nan, _mm512_set1_epi32(0x7fc0_0000)))
    }
}

/// `a0+a2, b0+b2, a1+a3, b1+b3` in each quarter.
#[inline(always)]
unsafe fn pair(a: __m512, b: __m512) -> __m512 {
    // SAFETY: called from Avx512 only.
    unsafe { _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b)) }
}

/// Quarters `a0+a1, a2+a3, b0+b1, b2+b3`.
#[inline(always)]
unsafe fn fold(a: __m512, b: __m512) -> __m512 {
    // SAFETY: called from Avx512 only.
    unsafe { _mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b)) }
}
