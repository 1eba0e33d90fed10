//! The linear maps of Winograd's minimal filtering (Lavin and Gray 2015, "Fast Algorithms for Convolutional
//! Neural Networks"), in one dimension.
//!
//! A tile of outputs is `A ((G g) * (B d))` for the filter `g` and the patch `d` of the input, with one
//! multiplication for each entry. In two dimensions all three are applied to columns and then to rows.
//!
//! After nearest x2 upsampling the patch repeats its pixels. The entry of the point -1 then vanishes, because an
//! upsampled signal has the factor (1 + z), and what is left reads the small map: `Up2` and `Up4` are `F2` and
//! `F4` with that entry removed, which is exact and takes the same number of multiplications for four times
//! the outputs (`Up2`: 9 for 2x2, where four 2x2 convolutions of the small map would take 16).

use super::lanes::Lanes;

/// The most entries of a one-dimensional patch or tile.
pub(crate) const MOST: usize = 6;

/// One member of the family.
pub(crate) trait Transform {
    /// Input pixels that a tile sees.
    const PATCH: usize;
    /// Entries of the transformed patch.
    const PLANES: usize;
    /// Products; `PLANE_OF` says which entry of the transformed patch each takes.
    const PRODUCTS: usize;
    /// Entry of the transformed patch for each product.
    const PLANE_OF: [usize; MOST];
    /// Output pixels.
    const TILE: usize;
    /// Input pixels from one tile to the next; the patch begins one pixel before.
    const ADVANCE: usize;
    /// `G`: products from the filter's three entries.
    const FILTER: &'static [[f64; 3]];

    /// `B d`.
    ///
    /// # Safety
    /// The processor has the instructions of `L`.
    unsafe fn input<L: Lanes>(d: [L; MOST]) -> [L; MOST];

    /// `A m`.
    ///
    /// # Safety
    /// The processor has the instructions of `L`.
    unsafe fn output<L: Lanes>(m: [L; MOST]) -> [L; MOST];
}

/// F(2, 3): 16 products for 2x2 outputs, where direct computation takes 36.
pub(crate) struct F2;

impl Transform for F2 {
    const PATCH: usize = 4;
    const PLANES: usize = 4;
    const PRODUCTS: usize = 4;
    const PLANE_OF: [usize; MOST] = [0, 1, 2, 3, 0, 0];
    const TILE: usize = 2;
    const ADVANCE: usize = 2;
    const FILTER: &'static [[f64; 3]] =
        &[[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];

    #[inline(always)]
    unsafe fn input<L: Lanes>(d: [L; MOST]) -> [L; MOST] {
        // SAFETY: the caller's promise.
        unsafe { [d[0].sub(d[2]), d[1].add(d[2]), d[2].sub(d[1]), d[1].sub(d[3]), d[0], d[0]] }
    }

    #[inline(always)]
    unsafe fn output<L: Lanes>(m: [L; MOST]) -> [L; MOST] {
        // SAFETY: the caller's promise.
        unsafe {
            let (sum, difference) = (m[1].add(m[2]), m[1].sub(m[2]));
            [m[0].add(sum), difference.sub(m[3]), sum, sum, sum, sum]
        }
    }
}

/// F(4, 3): 36 products for 4x4 outputs, where direct computation takes 144.
pub(crate) struct F4;

impl Transform for F4 {
    const PATCH: usize = 6;
    const PLANES: usize = 6;
    const PRODUCTS: usize = 6;
    const PLANE_OF: [usize; MOST] = [0, 1, 2, 3, 4, 5];
    const TILE: usize = 4;
    const ADVANCE: usize = 4;
    const FILTER: &'static [[f64; 3]] = &[
        [0.25, 0.0, 0.0],
        [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
        [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
        [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
        [0.0, 0.0, 1.0],
    ];

    #[inline(always)]
    unsafe fn input<L: Lanes>(d: [L; MOST]) -> [L; MOST] {
        // SAFETY: the caller's promise.
        unsafe {
            let (two, four, minus_four, minus_five) =
                (L::splat(2.0), L::splat(4.0), L::splat(-4.0), L::splat(-5.0));
            let even = d[2].mul_add(minus_four, d[4]);
            let odd = d[1].mul_add(minus_four, d[3]);
            let even_half = d[4].sub(d[2]);
            let odd_half = d[3].sub(d[1]);
            [
                d[0].mul_add(four, d[2].mul_add(minus_five, d[4])),
                even.add(odd),
                even.sub(odd),
                odd_half.mul_add(two, even_half),
                odd_half.mul_add(L::splat(-2.0), even_half),
                d[1].mul_add(four, d[3].mul_add(minus_five, d[5])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn output<L: Lanes>(m: [L; MOST]) -> [L; MOST] {
        // SAFETY: the caller's promise.
        unsafe {
            let (near, near_odd) = (m[1].add(m[2]), m[1].sub(m[2]));
            let (far, far_odd) = (m[3].add(m[4]), m[3].sub(m[4]));
            [
                m[0].add(near).add(far),
                far_odd.mul_add(L::splat(2.0), near_odd),
                far.mul_add(L::splat(4.0), near),
                far_odd.mul_add(L::splat(8.0), near_odd).add(m[5]),
                near,
                near,
            ]
        }
    }
}

/// F(2, 3) after nearest x2: 9 products for 2x2 outputs.
pub(crate) struct Up2;

impl Transform for Up2 {
    const PATCH: usize = 3;
    const PLANES: usize = 3;
    const PRODUCTS: usize = 3;
    const PLANE_OF: [usize; MOST] = [0, 1, 2, 0, 0, 0];
    const TILE: usize = 2;
    const ADVANCE: usize = 1;
    const FILTER: &'static [[f64; 3]] = &[[1.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 1.0]];

    #[inline(always)]
    unsafe fn input<L: Lanes>(d: [L; MOST]) -> [L; MOST] {
        // The patch a b c stands for a b b c.
        // SAFETY: the caller's promise.
        unsafe { [d[0].sub(d[1]), d[1], d[1].sub(d[2]), d[1], d[1], d[1]] }
    }

    #[inline(always)]
    unsafe fn output<L: Lanes>(m: [L; MOST]) -> [L; MOST] {
        // SAFETY: the caller's promise.
        unsafe { [m[0].add(m[1]), m[1].sub(m[2]), m[1], m[1], m[1], m[1]] }
    }
}

/// F(4, 3) after nearest x2: 25 products for 4x4 outputs, two of each row of five sharing their input.
pub(crate) struct Up4;

impl Transform for Up4 {
    const PATCH: usize = 4;
    const PLANES: usize = 4;
    const PRODUCTS: usize = 5;
    const PLANE_OF: [usize; MOST] = [0, 1, 2, 2, 3, 0];
    const TILE: usize = 4;
    const ADVANCE: usize = 2;
    const FILTER: &'static [[f64; 3]] = &[
        [0.25, 0.0, 0.0],
        [-1.0 / 3.0, -1.0 / 3.0, -1.0 / 3.0],
        [1.0 / 8.0, 1.0 / 4.0, 1.0 / 2.0],
        [-1.0 / 24.0, 1.0 / 12.0, -1.0 / 6.0],
        [0.0, 0.0, 1.0],
    ];

    #[inline(always)]
    unsafe fn input<L: Lanes>(d: [L; MOST]) -> [L; MOST] {
        // The patch a b c d stands for a b b c c d. In F4's terms the entries are 0, half of 1, a third of 3
        // (which is also minus entry 4), and 5; the factors are in FILTER.
        // SAFETY: the caller's promise.
        unsafe {
            let (four, minus_four, minus_five) = (L::splat(4.0), L::splat(-4.0), L::splat(-5.0));
            [
                d[0].mul_add(four, d[1].mul_add(minus_five, d[2])),
                d[1].mul_add(minus_four, d[2]),
                d[2].sub(d[1]),
                d[1].mul_add(four, d[2].mul_add(minus_five, d[3])),
                d[0],
                d[0],
            ]
        }
    }

    #[inline(always)]
    unsafe fn output<L: Lanes>(m: [L; MOST]) -> [L; MOST] {
        // SAFETY: the caller's promise.
        unsafe {
            let (far, far_odd) = (m[2].add(m[3]), m[2].sub(m[3]));
            [
                m[0].add(m[1]).add(far),
                far_odd.mul_add(L::splat(2.0), m[1]),
                far.mul_add(L::splat(4.0), m[1]),
                far_odd.mul_add(L::splat(8.0), m[1]).add(m[4]),
                far,
                far,
            ]
        }
    }
}
