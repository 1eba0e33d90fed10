//! Where a pixel lies in memory, and what happens to a value before it is stored there.

use super::super::element::Element;
use super::super::lanes::Lanes;
use super::super::shared::Shared;
use super::super::sizes::product;

/// Channels that lie side by side.
pub(crate) const BLOCK: usize = 16;

/// Pixels behind a map that kernels may read (and ignore) past its last row.
const SLACK: usize = 16;

/// The size of a map, small enough that no place in it wraps around when it is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MapShape {
    channels: usize,
    height: usize,
    width: usize,
}

impl MapShape {
    /// A map of `channels` (not rounded up to whole blocks) times `height` times `width` (without the border).
    ///
    /// # Panics
    /// When its values would be more than memory has addresses.
    pub(crate) const fn new(channels: usize, height: usize, width: usize) -> Self {
        const MOST: u128 = isize::MAX.unsigned_abs() as u128 / size_of::<f32>() as u128;
        const EDGE: usize = u32::MAX as usize;
        // Within these limits the product of all three fits 128 bits.
        assert!(channels <= EDGE && height <= EDGE && width <= EDGE, "a map is too large");
        let values = (channels as u128 + BLOCK as u128) * (height as u128 + 2) * (width as u128 + 2);
        assert!(values + (SLACK * BLOCK) as u128 <= MOST, "a map is too large");
        Self { channels, height, width }
    }

    /// Feature maps, not rounded up to whole blocks.
    #[inline(always)]
    pub(crate) const fn channels(&self) -> usize {
        self.channels
    }

    /// Rows without the border.
    #[inline(always)]
    pub(crate) const fn height(&self) -> usize {
        self.height
    }

    /// Columns without the border.
    #[inline(always)]
    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    /// The same size with other feature maps.
    pub(crate) const fn with_channels(self, channels: usize) -> Self {
        Self::new(channels, self.height, self.width)
    }

    /// The sizes of a layer from this to `output`, for people.
    pub(super) fn describe_to(&self, output: &Self) -> String {
        format!("{}x{} {} -> {}", output.height, output.width, self.channels, output.channels)
    }

    /// Blocks of sixteen channels, the last one padded.
    #[inline(always)]
    pub(crate) const fn blocks(&self) -> usize {
        self.channels.div_ceil(BLOCK)
    }

    /// Values from one row to the next.
    #[inline(always)]
    pub(crate) const fn row_len(&self) -> usize {
        (self.width + 2) * BLOCK
    }

    /// Values from one block of channels to the next.
    #[inline(always)]
    pub(crate) const fn plane_len(&self) -> usize {
        (self.height + 2) * self.row_len()
    }

    /// Values in all, border and slack included.
    pub(crate) const fn len(&self) -> usize {
        self.blocks() * self.plane_len() + SLACK * BLOCK
    }

    /// The first channel of pixel (`y`, `x`) in `block`; the border has coordinates -1.
    #[inline(always)]
    pub(crate) const fn at(&self, block: usize, y: usize, x: usize) -> usize {
        block * self.plane_len() + (y + 1) * self.row_len() + (x + 1) * BLOCK
    }
}

/// A map that is added to a convolution's result.
#[derive(Clone, Copy)]
pub(crate) struct Residual<'a, E> {
    /// Its values.
    pub(crate) map: &'a [E],
    /// Its size: the output's, or half of it when `upsampled`.
    pub(crate) shape: MapShape,
    /// Whether each of its pixels stands for 2x2 of the output (nearest upsampling).
    pub(crate) upsampled: bool,
}

/// What is done with each value of a layer before it is stored.
///
/// Result = convolution + bias + residual; it goes to `raw` as it is and to `active` through the leaky
/// ReLU, to either or both.
///
/// The maps are borrowed exclusively and there is no copy, so whoever may call a layer with an epilogue is the only one
/// who writes to its maps.
pub(crate) struct Epilogue<'a, E> {
    /// A map to add.
    pub(crate) residual: Option<Residual<'a, E>>,
    /// The result.
    pub(crate) raw: Option<&'a mut [E]>,
    /// The result after the leaky ReLU.
    pub(crate) active: Option<&'a mut [E]>,
    /// The leaky ReLU's slope below zero: 0 to 1.
    pub(crate) slope: f32,
}

impl<E: Element> Epilogue<'_, E> {
    /// Hands the maps out to the pieces of a layer whose output is `count` pictures of `shape`, one after the other;
    /// the residual's map holds as many.
    ///
    /// # Panics
    /// When a map does not hold that many, or the residual is smaller than the output.
    pub(crate) fn stores(&mut self, shape: &MapShape, count: usize) -> Stores<'_, E> {
        for map in [&self.raw, &self.active].into_iter().flatten() {
            assert!(map.len() >= product([count, shape.len()]), "a map is too short for the output");
        }
        if let Some(residual) = &self.residual {
            let scale = if residual.upsampled { 2 } else { 1 };
            let values = product([count, residual.shape.len()]);
            assert!(residual.map.len() >= values, "the residual's map is too short");
            assert!(residual.shape.blocks() >= shape.blocks(), "the residual has too few channels");
            assert!(residual.shape.height * scale >= shape.height, "the residual has too few rows");
            assert!(residual.shape.width * scale >= shape.width, "the residual has too few columns");
        }
        Stores {
            shape: *shape,
            residual: self.residual,
            raw: self.raw.as_deref_mut().map(Shared::new),
            active: self.active.as_deref_mut().map(Shared::new),
            slope: self.slope,
        }
    }
}

/// The maps of an [`Epilogue`] while the pieces of one layer store into them; made by [`Epilogue::stores`] alone, which
/// has compared their lengths with the shapes.
pub(crate) struct Stores<'a, E> {
    /// Of one picture.
    shape: MapShape,
    residual: Option<Residual<'a, E>>,
    raw: Option<Shared<'a, E>>,
    active: Option<Shared<'a, E>>,
    slope: f32,
}

impl<E: Element> Stores<'_, E> {
    /// The part for picture number `picture`.
    ///
    /// # Panics
    /// When the maps do not hold that many.
    #[inline(always)]
    pub(crate) fn of_picture(&self, picture: usize) -> Self {
        let of = |len: usize| picture * len..(picture + 1) * len;
        Self {
            shape: self.shape,
            residual: self
                .residual
                .as_ref()
                .map(|residual| Residual { map: &residual.map[of(residual.shape.len())], ..*residual }),
            raw: self.raw.as_ref().map(|map| map.narrow(of(self.shape.len()))),
            active: self.active.as_ref().map(|map| map.narrow(of(self.shape.len()))),
            slope: self.slope,
        }
    }

    /// Finishes and stores sixteen channels of one pixel of the first picture.
    ///
    /// # Safety
    /// The processor has the instructions of `L`; the block and the pixel lie in the output's shape; no other thread
    /// touches this pixel.
    #[inline(always)]
    pub(crate) unsafe fn store<L: Lanes>(&self, block: usize, y: usize, x: usize, value: L) {
        // SAFETY: the caller's promise; `Epilogue::stores`, and `of_picture` after it, compared the lengths of all maps
        // with the shapes that `at` computes with.
        unsafe {
            let mut value = value;
            if let Some(residual) = &self.residual {
                let shift = u32::from(residual.upsampled);
                let at = residual.shape.at(block, y >> shift, x >> shift);
                value = value.add(E::load(residual.map.as_ptr().add(at)));
            }
            let at = self.shape.at(block, y, x);
            if let Some(raw) = &self.raw {
                E::store(value, raw.start().add(at));
            }
            if let Some(active) = &self.active {
                E::store(value.leaky(L::splat(self.slope)), active.start().add(at));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::lanes::Portable;
    use super::*;

    const SHAPE: MapShape = MapShape::new(20, 3, 2);

    #[test]
    fn maps_have_a_border_and_slack() {
        assert_eq!((SHAPE.blocks(), SHAPE.row_len(), SHAPE.plane_len()), (2, 64, 320));
        assert_eq!(SHAPE.len(), 2 * 320 + 256);
        assert_eq!(SHAPE.at(1, 0, 0), 320 + 64 + 16);
        assert_eq!(SHAPE.with_channels(3), MapShape::new(3, 3, 2));
    }

    #[test]
    fn sizes_that_wrap_around_are_refused() {
        let edge = u32::MAX as usize;
        for [channels, height, width] in
            [[usize::MAX, 1, 1], [1, usize::MAX - 1, 1], [1, 1, usize::MAX / BLOCK], [edge, edge, edge]]
        {
            assert!(std::panic::catch_unwind(|| MapShape::new(channels, height, width)).is_err());
        }
    }

    /// Stores -1 everywhere in two pictures, a thread each; the epilogue's maps have `lens` values.
    fn stored(residual: Option<Residual<'_, f32>>, lens: [usize; 2]) -> [Vec<f32>; 2] {
        let mut maps = lens.map(|len| vec![0.0; len]);
        let [raw, active] = &mut maps;
        let mut epilogue = Epilogue { residual, raw: Some(raw), active: Some(active), slope: 0.5 };
        let stores = &epilogue.stores(&SHAPE, 2);
        std::thread::scope(|scope| {
            for picture in 0..2 {
                scope.spawn(move || {
                    let stores = stores.of_picture(picture);
                    for (block, y, x) in (0..12).map(|i| (i / 6, i / 2 % 3, i % 2)) {
                        // SAFETY: the portable lanes need no instructions; the pixels are the shape's, and each
                        // thread has a picture of its own.
                        unsafe { stores.store(block, y, x, Portable::splat(-1.0)) };
                    }
                });
            }
        });
        maps
    }

    #[test]
    fn results_go_where_they_belong() {
        let len = SHAPE.len();
        // A quarter of the pixels, each of which stands for four; the first picture's are 1, the second's 3.
        let half = MapShape::new(20, 2, 1);
        let mut map = vec![1.0; 2 * half.len()];
        map[half.len()..].fill(3.0);
        let residual = Residual { map: &map, shape: half, upsampled: true };
        let [raw, active] = stored(Some(residual), [2 * len, 2 * len]);
        for (map, first, second) in [(&raw, 0.0, 2.0), (&active, 0.0, 2.0)] {
            let at = SHAPE.at(1, 2, 1);
            assert_eq!(map[at..at + BLOCK], [first; BLOCK]);
            assert_eq!(map[len + at..len + at + BLOCK], [second; BLOCK]);
            assert!(map[..SHAPE.row_len()].iter().all(|&v| v == 0.0), "the border stays zero");
        }
        let [raw, active] = stored(None, [2 * len, 2 * len]);
        assert_eq!((raw[SHAPE.at(0, 1, 1)], active[SHAPE.at(0, 1, 1)]), (-1.0, -0.5));
    }

    #[test]
    fn maps_that_are_too_small_are_refused() {
        let len = SHAPE.len();
        let refused = |residual: Option<(usize, MapShape)>, lens: [usize; 2]| {
            let map = vec![0.0; residual.map_or(0, |(len, _)| len)];
            let residual = residual.map(|(_, shape)| Residual { map: &map, shape, upsampled: false });
            std::panic::catch_unwind(|| stored(residual, lens)).is_err()
        };
        assert!(!refused(Some((2 * len, SHAPE)), [2 * len; 2]));
        assert!(refused(None, [2 * len - 1, 2 * len]), "raw");
        assert!(refused(None, [2 * len, 2 * len - 1]), "active");
        assert!(refused(Some((2 * len - 1, SHAPE)), [2 * len; 2]), "the residual");
        for small in [MapShape::new(16, 3, 2), MapShape::new(20, 2, 2), MapShape::new(20, 3, 1)] {
            assert!(refused(Some((2 * small.len(), small)), [2 * len; 2]), "{small:?}");
        }
    }

    /// Does not compile when an epilogue can be copied: `_` could then stand for either of two types.
    #[test]
    fn an_epilogue_is_the_only_one() {
        trait Both<Which> {
            fn holds() {}
        }
        impl<T> Both<()> for T {}
        impl<T: Clone> Both<u8> for T {}
        <Epilogue<'static, f32> as Both<_>>::holds();
    }
}
