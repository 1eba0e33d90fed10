//! From a map to transformed patches.

use std::ops::Range;

use super::super::super::element::Element;
use super::super::super::isa::Kernel;
use super::super::super::lanes::Lanes;
use super::super::super::shared::Shared;
use super::super::map::BLOCK;
use super::super::transforms::{F2, F4, Halve4, MOST, Transform, Up2};
use super::layer::WinogradConv;
use super::tile::Tile;
use super::variant::Variant;

/// Transforms patches: `[plane][phase][input block][tile][16]`.
pub(super) struct Gather<'a, E> {
    pub(super) conv: &'a WinogradConv<E>,
    pub(super) input: &'a [E],
    pub(super) tiles: Range<usize>,
    pub(super) blocks: Range<usize>,
    pub(super) patches: Shared<'a, E>,
}

impl<E: Element> Kernel for Gather<'_, E> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        // SAFETY: the caller's promise; the transform is the variant's.
        unsafe {
            match self.conv.variant {
                Variant::F2 => self.transform::<L, F2>(),
                Variant::F4 => self.transform::<L, F4>(),
                Variant::Up2 => self.transform::<L, Up2>(),
                Variant::Halve4 => self.transform::<L, Halve4>(),
            }
        }
    }
}

impl<E: Element> Gather<'_, E> {
    /// # Safety
    /// The processor has the instructions of `L`; `T` is the variant's transform.
    #[inline(always)]
    unsafe fn transform<L: Lanes, T: Transform>(&self) {
        // SAFETY: the caller's promise.
        unsafe {
            match self.conv.input_slope {
                Some(slope) => self.patches::<L, T, true>(slope),
                None => self.patches::<L, T, false>(0.0),
            }
        }
    }

    /// # Safety
    /// As for `transform`.
    #[inline(always)]
    unsafe fn patches<L: Lanes, T: Transform, const RECTIFY: bool>(&self, slope: f32) {
        let conv = self.conv;
        let row_len = conv.input.row_len();
        let stride = conv.plane_stride();
        assert!(self.patches.len() >= conv.patches_len());
        for (block, phase) in
            self.blocks.clone().flat_map(|b| (0..T::PHASES * T::PHASES).map(move |p| (b, p)))
        {
            let mut tile = Tile::new(conv, self.tiles.start);
            let (py, px) = (phase / T::PHASES, phase % T::PHASES);
            let place = phase * conv.input.blocks() + block;
            for slot in 0..self.tiles.len() {
                // SAFETY: `run` checked the input's length; patches begin one pixel before the tile, in the
                // border at the edges, and end at most in the border. `slot` < batch, so every plane's entry
                // lies within the patches; no other piece writes entries of this block and these tiles.
                unsafe {
                    let slope = L::splat(slope);
                    let first = conv.input.at(block, tile.y * T::ADVANCE + py, tile.x * T::ADVANCE + px);
                    let first = tile.picture * conv.input.len() + first - row_len - BLOCK;
                    let from = self.input.as_ptr().add(first);
                    let mut rows = [[L::splat(0.0); MOST]; MOST];
                    for x in 0..T::PATCH {
                        let mut column = [L::splat(0.0); MOST];
                        for y in 0..T::PATCH {
                            let value: L = E::load(from.add(T::PHASES * (y * row_len + x * BLOCK)));
                            column[y] = if RECTIFY { value.leaky(slope) } else { value };
                        }
                        let column = T::input(column);
                        for y in 0..T::POINTS {
                            rows[y][x] = column[y];
                        }
                    }
                    let to = self.patches.start().add((place * conv.batch + slot) * BLOCK);
                    for y in 0..T::POINTS {
                        let row = T::input(rows[y]);
                        for x in 0..T::POINTS {
                            E::store(row[x], to.add((y * T::POINTS + x) * stride));
                        }
                    }
                }
                tile.advance(conv);
            }
        }
    }
}
