//! How wide OOGAN's layers are at each size of pictures.

/// Feature maps at one size of pictures, in multiples of the width.
pub(super) struct Widths {
    /// Height and width of the pictures.
    pub(super) size: usize,
    /// Of the generator's maps of 4x4 and 8x8.
    pub(super) first: [usize; 2],
    /// Behind each doubling from there on.
    pub(super) doubled: &'static [usize],
    /// Of the discriminator's pointwise convolution, and behind each halving down to maps of 16x16.
    pub(super) trunk: &'static [usize],
    /// Of its maps of 8x8 and 4x4; the reader has the first as well.
    pub(super) last: [usize; 2],
}

/// The sizes that are published.
pub(super) static WIDTHS: [Widths; 4] = [
    Widths { size: 32, first: [4, 4], doubled: &[2, 1], trunk: &[1, 2], last: [4, 4] },
    Widths { size: 64, first: [8, 4], doubled: &[4, 2, 1], trunk: &[1, 2, 4], last: [4, 8] },
    Widths { size: 128, first: [8, 8], doubled: &[8, 4, 4, 2], trunk: &[1, 2, 4, 8], last: [8, 16] },
    Widths { size: 256, first: [16, 8], doubled: &[8, 8, 4, 4, 2], trunk: &[1, 2, 4, 8, 8], last: [16, 16] },
];

impl Widths {
    /// Those of pictures of this height and width.
    pub(super) fn of(size: usize) -> Option<&'static Self> {
        WIDTHS.iter().find(|widths| widths.size == size)
    }
}
