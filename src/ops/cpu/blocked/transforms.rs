//! The linear maps of Winograd's minimal filtering (Lavin and Gray 2015, "Fast Algorithms for Convolutional
//! Neural Networks"), in one dimension.
//!
//! A tile of outputs is `A ((G g) * (B d))` for the filter `g` and the patch `d` of the input, with one
//! multiplication for each entry. In two dimensions all three are applied to columns and then to rows.
//!
//! After nearest x2 upsampling the patch repeats its pixels. The entry of the point -1 then vanishes, because an
//! upsampled signal has the factor (1 + z), and what is left reads the small map: `Up2` is `F2` with that entry
//! removed, which is exact and takes 9 multiplications for 2x2 outputs, where four 2x2 convolutions of the small
//! map would take 16.
//!
//! A convolution of stride 2 is a sum over the even and the odd pixels, each with two of the kernel's four entries:
//! `Halve4` is F(4, 2) of each.

use super::super::lanes::Lanes;

/// The most entries of a one-dimensional patch or tile.
pub(crate) const MOST: usize = 6;

/// One member of the family.
pub(crate) trait Transform {
    /// Input pixels that a tile sees.
    const PATCH: usize;
    /// Entries of the transformed patch, and products.
    const POINTS: usize;
    /// Output pixels.
    const TILE: usize;
    /// Input pixels from one tile to the next; the patch begins one pixel before.
    const ADVANCE: usize;
    /// `G`: points from the filter's entries.
    const FILTER: &'static [[f64; 3]];
    /// Entries of the filter: those of the kernel, or every `PHASES`th of them.
    const TAPS: usize = 3;
    /// Interleaved parts of the input, each with its own part of the kernel, whose products are summed: the
    /// stride of the convolution.
    const PHASES: usize = 1;

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
    const POINTS: usize = 4;
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
    const POINTS: usize = 6;
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
    const POINTS: usize = 3;
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

/// F(4, 2) of the even and of the odd pixels, for a 4x4 kernel of stride 2: 100 products for 4x4 outputs, where
/// direct computation takes 256. Its points are 0, 1, -1, 2 and infinity.
pub(crate) struct Halve4;

impl Transform for Halve4 {
    const PATCH: usize = 5;
    const POINTS: usize = 5;
    const TILE: usize = 4;
    const ADVANCE: usize = 8;
    const FILTER: &'static [[f64; 3]] = &[
        [0.5, 0.0, 0.0],
        [-0.5, -0.5, 0.0],
        [-1.0 / 6.0, 1.0 / 6.0, 0.0],
        [1.0 / 6.0, 1.0 / 3.0, 0.0],
        [0.0, 1.0, 0.0],
    ];
    const TAPS: usize = 2;
    const PHASES: usize = 2;

    #[inline(always)]
    unsafe fn input<L: Lanes>(d: [L; MOST]) -> [L; MOST] {
        // SAFETY: the caller's promise.
        unsafe {
            let odd = d[3].sub(d[1]);
            let near = d[1].sub(d[2]);
            [
                d[0].sub(d[2]).mul_add(L::splat(2.0), odd),
                odd.sub(d[1].add(d[2])),
                near.mul_add(L::splat(3.0), odd),
                odd,
                odd.mul_add(L::splat(-2.0), d[4].sub(d[2])),
                odd,
            ]
        }
    }

    #[inline(always)]
    unsafe fn output<L: Lanes>(m: [L; MOST]) -> [L; MOST] {
        // SAFETY: the caller's promise.
        unsafe {
            let (sum, difference) = (m[1].add(m[2]), m[1].sub(m[2]));
            [
                m[0].add(sum).add(m[3]),
                m[3].mul_add(L::splat(2.0), difference),
                m[3].mul_add(L::splat(4.0), sum),
                m[3].mul_add(L::splat(8.0), difference).add(m[4]),
                sum,
                sum,
            ]
        }
    }
}
