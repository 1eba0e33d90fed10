//! Lanes in pairs of AVX2 registers.

use std::arch::x86_64::*;

use half::bf16;

use super::lanes::Lanes;

/// Two 256-bit registers; needs AVX2 and FMA.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256, __m256);

// SAFETY: kernels use this type only inside functions compiled for AVX2 and FMA, which isa.rs calls only after
// detecting them; pointers are the caller's promise. The same holds for every block below.
unsafe impl Lanes for Avx2 {
    const TALL: usize = 4;

    type Pairs = (__m256i, __m256i);

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: see the impl.
        unsafe { Self(_mm256_set1_ps(value), _mm256_set1_ps(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see the impl; the caller promises sixteen values, so the upper eight are in bounds.
        unsafe { Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as for `load`.
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: see the impl.
        unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: see the impl.
        unsafe { Self(_mm256_sub_ps(self.0, other.0), _mm256_sub_ps(self.1, other.1)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: see the impl.
        unsafe { Self(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: see the impl.
        unsafe { Self(_mm256_max_ps(self.0, other.0), _mm256_max_ps(self.1, other.1)) }
    }

    #[inline(always)]
    unsafe fn choose(self, positive: Self, other: Self) -> Self {
        // SAFETY: see the impl.
        unsafe {
            let zero = _mm256_setzero_ps();
            let first = _mm256_cmp_ps::<_CMP_GT_OQ>(self.0, zero);
            let second = _mm256_cmp_ps::<_CMP_GT_OQ>(self.1, zero);
            Self(_mm256_blendv_ps(other.0, positive.0, first), _mm256_blendv_ps(other.1, positive.1, second))
        }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: see the impl.
        unsafe {
            Self(_mm256_fmadd_ps(self.0, factor.0, addend.0), _mm256_fmadd_ps(self.1, factor.1, addend.1))
        }
    }

    #[inline(always)]
    unsafe fn sums(values: &[Self; 16]) -> Self {
        let mut sums = [0.0; 16];
        for (sum, value) in sums.iter_mut().zip(values) {
            let mut lanes = [0.0f32; 16];
            // SAFETY: `lanes` holds sixteen values.
            unsafe { value.store(lanes.as_mut_ptr()) };
            *sum = lanes.iter().sum();
        }
        // SAFETY: `sums` holds sixteen values.
        unsafe { Self::load(sums.as_ptr()) }
    }

    #[inline(always)]
    unsafe fn half_sums(values: &[Self; 8]) -> Self {
        let mut sums = [0.0; 16];
        for (sums, value) in sums.chunks_exact_mut(2).zip(values) {
            let mut lanes = [0.0f32; 16];
            // SAFETY: `lanes` holds sixteen values.
            unsafe { value.store(lanes.as_mut_ptr()) };
            sums[0] = lanes[..8].iter().sum();
            sums[1] = lanes[8..].iter().sum();
        }
        // SAFETY: `sums` holds sixteen values.
        unsafe { Self::load(sums.as_ptr()) }
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const bf16) -> Self {
        // SAFETY: as for `load`.
        unsafe {
            let half =
                |at: usize| first_of_pairs(_mm256_cvtepu16_epi32(_mm_loadu_si128(from.add(at).cast())));
            Self(half(0), half(8))
        }
    }

    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut bf16) {
        // SAFETY: see the impl. Packing goes quarter by quarter, so the quarters are put in order behind it.
        unsafe {
            let packed = _mm256_packus_epi32(rounded(self.0), rounded(self.1));
            _mm256_storeu_si256(to.cast(), _mm256_permute4x64_epi64::<0b11_01_10_00>(packed));
        }
    }

    #[inline(always)]
    unsafe fn load_pairs(from: *const bf16) -> Self::Pairs {
        // SAFETY: as for `load`.
        unsafe { (_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(16).cast())) }
    }

    #[inline(always)]
    unsafe fn splat_pair(from: *const bf16) -> Self::Pairs {
        // SAFETY: see the impl.
        let pair = unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) };
        (pair, pair)
    }

    #[inline(always)]
    unsafe fn dot(self, a: Self::Pairs, b: Self::Pairs) -> Self {
        // SAFETY: see the impl.
        unsafe {
            let half = |sums, a, b| {
                let first = _mm256_fmadd_ps(first_of_pairs(a), first_of_pairs(b), sums);
                _mm256_fmadd_ps(second_of_pairs(a), second_of_pairs(b), first)
            };
            Self(half(self.0, a.0, b.0), half(self.1, a.1, b.1))
        }
    }
}

/// The first numbers of eight pairs.
#[inline(always)]
unsafe fn first_of_pairs(pairs: __m256i) -> __m256 {
    // SAFETY: called from Avx2 only.
    unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<16>(pairs)) }
}

/// The second numbers.
#[inline(always)]
unsafe fn second_of_pairs(pairs: __m256i) -> __m256 {
    // SAFETY: called from Avx2 only.
    unsafe { _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(-65_536))) }
}

/// To bf16 in the lower half of each lane, as for AVX-512.
#[inline(always)]
unsafe fn rounded(values: __m256) -> __m256i {
    // SAFETY: called from Avx2 only.
    unsafe {
        let bits = _mm256_castps_si256(values);
        let last = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
        let up = _mm256_add_epi32(bits, _mm256_add_epi32(last, _mm256_set1_epi32(0x7fff)));
        let is_nan = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(values, values));
        _mm256_srli_epi32::<16>(_mm256_blendv_epi8(up, _mm256_set1_epi32(0x7fc0_0000), is_nan))
    }
}
