//! The one inner loop behind every matrix product and convolution here.
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

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

/// Scalars a tile reads per step.
pub const ROWS: usize = 8;

/// Values of a vector.
pub const LANES: usize = 32;

/// Values of a tile.
pub const TILE: usize = ROWS * LANES;

/// One accumulation into a tile.
#[derive(Clone, Copy, Debug)]
pub struct Product<'a> {
    /// Where the scalars lie.
    pub scalars: &'a [f32],
    /// The position of each row.
    pub rows: [u32; ROWS],
    /// What each step adds to every row's position.
    pub offsets: Offsets<'a>,
    /// Where the vectors lie, the one of step `k` at `k * step`.
    pub vectors: &'a [f32],
    /// Distance between two vectors.
    pub step: usize,
}

/// A table of positions that knows its largest, so that a product need not look through it.
#[derive(Clone, Copy, Debug)]
pub struct Offsets<'a> {
    table: &'a [u32],
    largest: u32,
}

impl<'a> Offsets<'a> {
    /// Looks through the table once.
    pub fn new(table: &'a [u32]) -> Self {
        Self { table, largest: table.iter().copied().max().unwrap_or(0) }
    }
}

#[cfg(test)]
thread_local! {
    /// What tests want instead of the fastest.
    static PREFERRED: std::cell::Cell<Option<Kernel>> = const { std::cell::Cell::new(None) };
}

/// A CPU's way of doing a [`Product`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// 512-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 256-bit vectors with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Whatever the compiler makes of it.
    Portable,
}

impl Kernel {
    /// The fastest this CPU has. Kernels ask once, on the thread that they are called on.
    pub fn best() -> Self {
        #[cfg(test)]
        if let Some(preferred) = PREFERRED.get() {
            return preferred;
        }
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        Self::Portable
    }

    /// Runs `work` with this one as the best, on this thread.
    #[cfg(test)]
    pub(crate) fn preferred<R>(self, work: impl FnOnce() -> R) -> R {
        let outer = PREFERRED.replace(Some(self));
        let result = work();
        PREFERRED.set(outer);
        result
    }

    /// All that this CPU can run, for tests.
    pub fn available() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                all.push(Self::Avx2);
            }
            if std::arch::is_x86_feature_detected!("avx512f") {
                all.push(Self::Avx512);
            }
        }
        all
    }

    /// Adds the product to `tile`, or with `fresh` overwrites the tile with it; only the first `lanes` (at most
    /// [`LANES`]) of every row are sure to be computed, in units of 16.
    ///
    /// # Panics
    /// When a position lies outside `scalars`, or a vector outside `vectors`.
    pub fn accumulate(self, product: &Product<'_>, lanes: usize, fresh: bool, tile: &mut [f32; TILE]) {
        product.check();
        match self {
            // SAFETY: `best` and `available` give this variant only on CPUs with AVX-512F, and `check` has
            // compared every position that is read with the slices.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe {
                if lanes <= 16 {
                    avx512::accumulate::<1>(product, fresh, tile);
                } else {
                    avx512::accumulate::<2>(product, fresh, tile);
                }
            },
            // SAFETY: as above, for AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { avx2::accumulate(product, lanes.div_ceil(16), fresh, tile) },
            Self::Portable => portable::accumulate(product, lanes.div_ceil(8), fresh, tile),
        }
    }
}

impl Product<'_> {
    /// Panics unless every scalar and vector that the product reads lies inside its slice.
    fn check(&self) {
        let Some(last) = self.offsets.table.len().checked_sub(1) else {
            return;
        };
        let row = self.rows.iter().max().copied().unwrap_or(0);
        let end = row as usize + self.offsets.largest as usize;
        assert!(end < self.scalars.len(), "a scalar lies outside its slice");
        let end = last * self.step + LANES;
        assert!(end <= self.vectors.len(), "a vector lies outside its slice");
    }
}
