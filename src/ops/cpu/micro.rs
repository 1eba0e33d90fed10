//! The one inner loop behind every matrix product and convolution of training.
//!
//! A *tile* is [`ROWS`] x [`LANES`] sums of products of scalars, read one by one from wherever they lie, with
//! vectors of [`LANES`] values:
//!
//! ```text
//! tile[r][l] += sum over k of  scalars[rows[r] + offsets[k]] * vectors[k * step + l]
//! ```
//!
//! Two tables of positions instead of a packed matrix: for a convolution `rows` are eight pixels and `offsets` the
//! taps of the kernel in every channel; for its weight gradient it is the other way round; for a plain matrix
//! product they are rows and columns. So no picture is ever unfolded into a matrix of patches.

use super::isa::{Isa, Kernel};
use super::lanes::Lanes;
use super::sizes::fits;

/// Scalars a tile reads per step.
pub(crate) const ROWS: usize = 8;

/// Values of a vector: two registers of the widest kind.
pub(crate) const LANES: usize = 2 * REGISTER;

/// Values of a tile.
pub(crate) const TILE: usize = ROWS * LANES;

/// Values of [`Lanes`].
const REGISTER: usize = 16;

/// One accumulation into a tile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product<'a> {
    /// Where the scalars lie.
    pub(crate) scalars: &'a [f32],
    /// The position of each row.
    pub(crate) rows: [u32; ROWS],
    /// What each step adds to every row's position.
    pub(crate) offsets: Offsets<'a>,
    /// Where the vectors lie, the one of step `k` at `k * step`.
    pub(crate) vectors: &'a [f32],
    /// Distance between two vectors.
    pub(crate) step: usize,
}

/// A table of positions that knows its largest, so that a product need not look through it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offsets<'a> {
    table: &'a [u32],
    largest: u32,
}

impl<'a> Offsets<'a> {
    /// Looks through the table once.
    pub(crate) fn new(table: &'a [u32]) -> Self {
        Self { table, largest: table.iter().copied().max().unwrap_or(0) }
    }
}

/// A position as tables hold it.
///
/// # Panics
/// When it is beyond 32 bits, that is 16 GiB away.
#[inline]
pub(crate) fn position(place: usize) -> u32 {
    let position = u32::try_from(place);
    assert!(position.is_ok(), "a value lies beyond the 2^32 that one product can reach");
    position.unwrap_or_default()
}

/// The positions of `count` rows, `place(row)`, tile by tile; the last one repeats to fill its tile.
///
/// # Panics
/// As [`position`].
pub(crate) fn positions(count: usize, place: impl Fn(usize) -> usize) -> Vec<[u32; ROWS]> {
    let tiles = 0..count.div_ceil(ROWS);
    tiles.map(|tile| std::array::from_fn(|r| position(place((tile * ROWS + r).min(count - 1))))).collect()
}

/// Adds the product to `tile`, or with `fresh` overwrites the tile with it; only the first `lanes` (at most
/// [`LANES`]) of every row are computed, in units of 16.
///
/// # Panics
/// When a position lies outside `scalars`, or a vector outside `vectors`.
#[inline]
pub(crate) fn accumulate(isa: Isa, product: &Product<'_>, lanes: usize, fresh: bool, tile: &mut [f32; TILE]) {
    accumulate_apart(isa, product, lanes, fresh, (tile, LANES));
}

/// The same into a tile whose rows lie so far apart.
///
/// # Panics
/// Likewise, and when a row lies outside the tile.
#[inline]
pub(crate) fn accumulate_apart(
    isa: Isa,
    product: &Product<'_>,
    lanes: usize,
    fresh: bool,
    (tile, between): (&mut [f32], usize),
) {
    let width = registers(lanes) * REGISTER;
    product.check(width);
    assert!(fits(ROWS, between, width, tile.len()), "a row lies outside its tile");
    isa.run(Accumulate { product, lanes, fresh, tile, between });
}

/// How many registers of the widest kind so many lanes take, one or two.
fn registers(lanes: usize) -> usize {
    if lanes <= REGISTER { 1 } else { 2 }
}

/// How many lanes to give `channels`: no more registers than they fill.
pub(crate) fn lanes_for(channels: usize) -> usize {
    registers(channels) * REGISTER
}

impl Product<'_> {
    /// Panics unless every scalar, and every vector of `width` values, that the product reads lies inside its slice.
    fn check(&self, width: usize) {
        let steps = self.offsets.table.len();
        if steps == 0 {
            return;
        }
        let row = self.rows.iter().max().copied().unwrap_or(0);
        // Compared in 64 bits, where the sum of two numbers of 32 fits.
        let last = u64::from(row) + u64::from(self.offsets.largest);
        assert!(last < self.scalars.len() as u64, "a scalar lies outside its slice");
        assert!(fits(steps, self.step, width, self.vectors.len()), "a vector lies outside its slice");
    }
}

/// A product that was checked.
struct Accumulate<'a> {
    product: &'a Product<'a>,
    lanes: usize,
    fresh: bool,
    tile: &'a mut [f32],
    between: usize,
}

impl Kernel for Accumulate<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(mut self) {
        // SAFETY: the caller's promise; every piece lies inside the tile.
        unsafe {
            if L::TALL == 16 {
                // Per step two vector loads, eight broadcasts, sixteen multiply-adds.
                match registers(self.lanes) {
                    1 => self.piece::<L, ROWS, 1>(0, 0),
                    _ => self.piece::<L, ROWS, 2>(0, 0),
                }
            } else {
                for first in (0..ROWS).step_by(4) {
                    for register in 0..registers(self.lanes) {
                        self.piece::<L, 4, 1>(first, register * REGISTER);
                    }
                }
            }
        }
    }
}

impl Accumulate<'_> {
    /// Computes `COUNT` rows from `first` on, of `VECTORS` registers from `lane` on; that many sums stay in registers.
    ///
    /// # Safety
    /// The processor has the instructions of `L`; the piece lies inside the tile.
    #[inline(always)]
    unsafe fn piece<L: Lanes, const COUNT: usize, const VECTORS: usize>(
        &mut self,
        first: usize,
        lane: usize,
    ) {
        let Product { scalars, rows, offsets, vectors, step } = *self.product;
        let between = self.between;
        // SAFETY: the caller's promise; `accumulate_apart` has compared the position of every scalar and vector that is read,
        // and of every row of the tile, with the slices. Without a step nothing is read, and only then a row's position may lie outside.
        unsafe {
            let tile = self.tile.as_mut_ptr().add(first * between + lane);
            let mut sums = [[L::splat(0.0); VECTORS]; COUNT];
            if !self.fresh {
                for (row, sums) in sums.iter_mut().enumerate() {
                    for (v, sum) in sums.iter_mut().enumerate() {
                        *sum = L::load(tile.add(row * between + v * REGISTER));
                    }
                }
            }
            let rows: [*const f32; COUNT] =
                std::array::from_fn(|r| scalars.as_ptr().wrapping_add(rows[first + r] as usize));
            let mut vectors = vectors.as_ptr().wrapping_add(lane);
            for &offset in offsets.table {
                let mut vector = [L::splat(0.0); VECTORS];
                for (v, vector) in vector.iter_mut().enumerate() {
                    *vector = L::load(vectors.add(v * REGISTER));
                }
                for (row, sums) in rows.iter().zip(&mut sums) {
                    let scalar = L::splat(*row.add(offset as usize));
                    for (sum, &vector) in sums.iter_mut().zip(&vector) {
                        *sum = scalar.mul_add(vector, *sum);
                    }
                }
                vectors = vectors.wrapping_add(step);
            }
            for (row, sums) in sums.iter().enumerate() {
                for (v, sum) in sums.iter().enumerate() {
                    sum.store(tile.add(row * between + v * REGISTER));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_follows_the_definition() {
        let number = |i: usize| ((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0;
        let scalars: Vec<f32> = (0..3000).map(number).collect();
        let vectors: Vec<f32> = (5000..5000 + 200 * 48).map(number).collect();
        for (steps, step) in [(0, 32), (1, 32), (7, 40), (200, 48)] {
            let rows = std::array::from_fn(|r| (r * 37 % 300) as u32);
            let offsets: Vec<u32> = (0..steps).map(|k| (k * 13 % 2700) as u32).collect();
            let product =
                Product { scalars: &scalars, rows, offsets: Offsets::new(&offsets), vectors: &vectors, step };
            for (lanes, fresh) in [(1, true), (16, false), (17, true), (32, false)] {
                for isa in Isa::available() {
                    let mut tile = [if fresh { f32::NAN } else { 0.5 }; TILE];
                    accumulate(isa, &product, lanes, fresh, &mut tile);
                    for (row, lane) in (0..ROWS).flat_map(|r| (0..lanes).map(move |l| (r, l))) {
                        let mut expected = if fresh { 0.0 } else { 0.5 };
                        for (k, offset) in offsets.iter().enumerate() {
                            let scalar = f64::from(scalars[(rows[row] + offset) as usize]);
                            expected += scalar * f64::from(vectors[k * step + lane]);
                        }
                        let got = f64::from(tile[row * LANES + lane]);
                        assert!((got - expected).abs() < 1e-5, "{isa:?} {steps} {got} {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn rows_that_lie_apart_leave_what_is_between() {
        let (scalars, vectors) = ([2.0; 1], [3.0; LANES]);
        let offsets = Offsets::new(&[0]);
        let product = Product { scalars: &scalars, rows: [0; ROWS], offsets, vectors: &vectors, step: LANES };
        for (lanes, width) in [(16, 16), (17, 32)] {
            for isa in Isa::available() {
                let between = width + 16;
                let mut tile = vec![1.0; (ROWS - 1) * between + width];
                accumulate_apart(isa, &product, lanes, false, (&mut tile, between));
                for (at, &value) in tile.iter().enumerate() {
                    assert_eq!(value, if at % between < width { 7.0 } else { 1.0 }, "{isa:?} {lanes} {at}");
                }
                let run = || {
                    accumulate_apart(isa, &product, lanes, true, (&mut vec![0.0; tile.len() - 1], between));
                };
                assert!(std::panic::catch_unwind(run).is_err(), "{isa:?} {lanes}");
            }
        }
    }

    /// Whether the product of a single step is refused.
    fn is_refused(row: u32, offsets: &[u32], step: usize) -> bool {
        let values = [1.0; 2 * LANES];
        let product = Product {
            scalars: &values,
            rows: [row; ROWS],
            offsets: Offsets::new(offsets),
            vectors: &values,
            step,
        };
        std::panic::catch_unwind(|| accumulate(Isa::detect(), &product, LANES, true, &mut [0.0; TILE]))
            .is_err()
    }

    #[test]
    fn what_lies_outside_is_not_read() {
        assert!(!is_refused(31, &[0, 32], LANES));
        assert!(is_refused(32, &[0, 32], LANES), "a scalar");
        assert!(is_refused(u32::MAX, &[1, 0], LANES), "a scalar whose position wraps around in 32 bits");
        assert!(is_refused(0, &[0, 0], LANES + 1), "a vector");
        assert!(is_refused(0, &[0, 0, 0], 1 << (usize::BITS - 1)), "a vector whose position wraps around");
        assert!(!is_refused(u32::MAX, &[], usize::MAX), "nothing is read");
    }

    #[test]
    fn positions_repeat_the_last_and_fit_32_bits() {
        assert_eq!(positions(3, |row| row * 10), [[0, 10, 20, 20, 20, 20, 20, 20]]);
        assert_eq!(positions(9, |row| row).last(), Some(&[8; ROWS]));
        assert!(positions(0, |row| row).is_empty());
        assert_eq!(position(u32::MAX as usize), u32::MAX);
        #[cfg(target_pointer_width = "64")]
        assert!(std::panic::catch_unwind(|| positions(2, |row| row << 32)).is_err());
    }
}
