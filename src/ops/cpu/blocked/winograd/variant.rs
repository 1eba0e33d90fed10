//! The equivalent forms, and their sizes.

use super::super::transforms::{F2, F4, Halve4, Transform, Up2};

/// Which of the equivalent forms is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// F(2x2, 3x3): the map's height and width must be even.
    F2,
    /// F(4x4, 3x3): they must be multiples of four.
    F4,
    /// F(2x2, 3x3) of the map after nearest x2 upsampling, which is never made.
    Up2,
    /// F(4x4, 2x2) of the even and the odd pixels for a 4x4 kernel of stride 2; the map's height and width must be
    /// multiples of eight.
    Halve4,
}

/// The sizes of a [`Transform`].
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub(super) points: usize,
    pub(super) phases: usize,
    pub(super) taps: usize,
    pub(super) tile: usize,
    pub(super) advance: usize,
    pub(super) filter: &'static [[f64; 3]],
}

fn sizes<T: Transform>() -> Sizes {
    Sizes {
        points: T::POINTS * T::POINTS,
        phases: T::PHASES * T::PHASES,
        taps: T::TAPS,
        tile: T::TILE,
        advance: T::ADVANCE,
        filter: T::FILTER,
    }
}

impl Variant {
    pub(super) fn sizes(self) -> Sizes {
        match self {
            Self::F2 => sizes::<F2>(),
            Self::F4 => sizes::<F4>(),
            Self::Up2 => sizes::<Up2>(),
            Self::Halve4 => sizes::<Halve4>(),
        }
    }

    /// Whether a map of `height` times `width` can be cut into this variant's tiles.
    pub(crate) fn fits(self, height: usize, width: usize) -> bool {
        let advance = self.sizes().advance;
        height > 0 && width > 0 && height.is_multiple_of(advance) && width.is_multiple_of(advance)
    }
}
